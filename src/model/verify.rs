//! Our numbers beside another implementation's: a folder with a `trace.safetensors` of inputs and expected outputs.

use super::networks::{load_text_encoder, load_unet};
use super::{Design, Folder, Pipeline, Place, Reader, SchedulerConfig};
use crate::diffusion::{Estimate, Prediction, Rule, jumps, timesteps};
use crate::network::Conditioning;
use ::safetensors::SafeTensors;
use anyhow::{Context, Result, bail, ensure};
use candle_core::{DType, Device, Tensor, safetensors};
use serde::Deserialize;
use std::{collections::HashMap, fs, path::Path};

/// How far one tensor is off, and how far it may be.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The tensor's name in the trace.
    pub name: String,
    /// max|ours - theirs| / max|theirs|.
    pub error: f64,
    /// The most that it may be.
    pub tolerance: f64,
}

impl Line {
    /// How far our tensor is from theirs.
    ///
    /// # Errors
    /// When they have different shapes.
    pub fn compare(name: &str, (ours, theirs): (&Tensor, &Tensor), tolerance: f64) -> Result<Line> {
        if ours.shape() != theirs.shape() {
            bail!("{name}: expected shape {:?}, found {:?}", theirs.shape(), ours.shape());
        }
        let ours = &ours.to_device(&Device::Cpu)?;
        let largest = |x: Tensor| -> Result<f64> { Ok(f64::from(x.abs()?.flatten_all()?.max(0)?.to_scalar::<f32>()?)) };
        // max() passes over NaN; the sum does not.
        let sum = |x: &Tensor| -> Result<f32> { Ok(x.to_dtype(DType::F32)?.sum_all()?.to_scalar::<f32>()?) };
        let finite = sum(ours)?.is_finite() && sum(theirs)?.is_finite();
        let error = if finite {
            largest((ours.to_dtype(DType::F32)? - theirs)?)? / largest(theirs.clone())?.max(f64::MIN_POSITIVE)
        } else {
            f64::NAN
        };
        Ok(Line { name: name.to_owned(), error, tolerance })
    }

    /// Whether the tensor is as near as it must be. A NaN is not.
    pub fn holds(&self) -> bool {
        self.error <= self.tolerance
    }
}

/// One evaluation in float32.
const STEP: f64 = 1e-4;
/// A whole run, whose steps feed one another.
const RUN: f64 = 1e-3;
/// How far half precision may be off, beside PyTorch's own in it.
const HALF: f64 = 1.5;

/// Compares the network, scheduler or whole model in a folder with its trace; one line a tensor. Schedulers compute in f32 on
/// the CPU, whatever the place.
///
/// # Errors
/// When the folder is of no known kind, it or its trace cannot be read, or the trace does not say how far half precision may be
/// off.
pub fn verify(dir: &Path, place: &Place) -> Result<Vec<Line>> {
    let folder = Folder::Dir(dir.to_owned());
    let trace = Trace::open(dir)?;
    if folder.has("model_index.json") {
        return verify_model(&folder, &trace, place);
    }
    if folder.has("scheduler_config.json") {
        return verify_scheduler(&folder, &trace);
    }
    let config: serde_json::Value =
        serde_json::from_str(&folder.text("config.json")?).with_context(|| format!("{} is no JSON", folder.title("config.json")))?;
    if config["_class_name"] == "UNet2DConditionModel" {
        return verify_unet(&folder, &trace, place);
    }
    if config["architectures"][0] == "T5EncoderModel" {
        return verify_text_encoder(&folder, &trace, place);
    }
    bail!(
        "{} is of no kind that can be verified: a UNet2DConditionModel, a T5EncoderModel, a scheduler or a whole model",
        folder.title("config.json")
    );
}

/// The recorded tensors, and what the recorder noted beside them.
struct Trace {
    tensors: HashMap<String, Tensor>,
    meta: Meta,
}

/// The notes of a trace that say how it was made.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Meta {
    prompt: String,
    guidance: f64,
    eta: f64,
    /// max|half - f32| / max|f32| of PyTorch itself.
    float16_error: Option<f64>,
    bfloat16_error: Option<f64>,
}

impl Trace {
    fn open(dir: &Path) -> Result<Trace> {
        let path = dir.join("trace.safetensors");
        let bytes = fs::read(&path).with_context(|| format!("{} has no trace.safetensors to compare with", dir.display()))?;
        let broken = || format!("{} is truncated or no safetensors file", path.display());
        let (_, header) = SafeTensors::read_metadata(&bytes).with_context(broken)?;
        let note = header.metadata().as_ref().and_then(|notes| notes.get("meta"));
        let meta = note.and_then(|note| serde_json::from_str(note).ok()).unwrap_or_default();
        Ok(Trace { tensors: safetensors::load_buffer(&bytes, &Device::Cpu).with_context(broken)?, meta })
    }

    fn has(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    fn get(&self, name: &str) -> Result<&Tensor> {
        self.tensors.get(name).with_context(|| format!("the trace has no tensor '{name}'"))
    }

    fn float(&self, name: &str) -> Result<Tensor> {
        Ok(self.get(name)?.to_dtype(DType::F32)?)
    }

    fn integers(&self, name: &str) -> Result<Vec<usize>> {
        let numbers = self.get(name)?.flatten_all()?.to_dtype(DType::I64)?.to_vec1::<i64>()?;
        Ok(numbers.into_iter().map(|n| n.max(0) as usize).collect())
    }

    /// How far one evaluation in `dtype` may be off.
    fn tolerance(&self, dtype: DType) -> Result<f64> {
        let (field, error) = match dtype {
            DType::F16 => ("float16_error", self.meta.float16_error),
            DType::BF16 => ("bfloat16_error", self.meta.bfloat16_error),
            _ => return Ok(STEP),
        };
        let error = error.with_context(|| {
            format!("trace.safetensors does not say how far PyTorch is off in this precision ({field} in its metadata); verify in f32")
        })?;
        Ok(HALF * error)
    }

    fn compare(&self, name: &str, ours: &Tensor, tolerance: f64) -> Result<Line> {
        Line::compare(name, (ours, &self.float(name)?), tolerance)
    }
}

fn verify_unet(folder: &Folder, trace: &Trace, place: &Place) -> Result<Vec<Line>> {
    let tolerance = trace.tolerance(place.dtype)?;
    let noise_level = trace.has("noise_level").then(|| trace.float("noise_level")).transpose()?;
    let (unet, t) = (load_unet(folder, "", place)?, trace.float("timestep")?);
    let prompts = unet.read(&trace.float("encoder_hidden_states")?)?;
    let conditioning = Conditioning { t: &t, prompts: &prompts, noise_level: noise_level.as_ref() };
    let out = unet.forward(&trace.float("sample")?, conditioning)?;
    Ok(vec![trace.compare("out", &out, tolerance)?])
}

fn verify_text_encoder(folder: &Folder, trace: &Trace, place: &Place) -> Result<Vec<Line>> {
    let tolerance = trace.tolerance(place.dtype)?;
    let (ids, mask) = (trace.get("input_ids")?.to_dtype(DType::U32)?, trace.get("attention_mask")?);
    let states = load_text_encoder(folder, "", place)?.forward(&ids, mask)?;
    Ok(vec![trace.compare("last_hidden_state", &states, tolerance)?])
}

/// The steps of a recorded run, `NN.t` and what belongs to it, and where each leads.
fn verify_scheduler(folder: &Folder, trace: &Trace) -> Result<Vec<Line>> {
    let config = SchedulerConfig::from_json(&folder.text("scheduler_config.json")?)?;
    let process = config.process();
    let mut lines = Vec::new();
    if trace.has("alphas_cumprod") {
        let ours: Vec<f32> = (0..process.schedule.len()).map(|t| process.schedule.alpha_bar(Some(t)) as f32).collect();
        lines.push(trace.compare("alphas_cumprod", &Tensor::new(ours, &Device::Cpu)?, STEP)?);
    }
    let all = jumps(&trace.integers("timesteps")?);
    let ours: Vec<f32> = timesteps::leading(all.len(), config.num_train_timesteps).into_iter().map(|t| t as f32).collect();
    lines.push(trace.compare("timesteps", &Tensor::new(ours, &Device::Cpu)?, 0.0)?);

    let rule = if config.is_ddim() { Rule::Ddim { eta: trace.meta.eta } } else { Rule::Ddpm };
    for i in (0..).take_while(|i| trace.has(&format!("{i:02}.t"))) {
        let at = |name: &str| format!("{i:02}.{name}");
        let t = trace.integers(&at("t"))?.first().copied().context("a step has no timestep")?;
        let jump = all.iter().copied().find(|jump| jump.from == t).with_context(|| format!("timestep {t} is not in the trace's list"))?;
        let x = trace.float(&at("x"))?;
        let output = trace.float(&at(if config.is_ddim() { "eps" } else { "model_output" }))?;
        let mut prediction = Prediction::split(&output, x.dim(1)?)?;
        if !config.learned_variance() {
            prediction.variance = None;
        }
        let Estimate { x0, prev } = rule.step(&process, jump, &x, &prediction, &trace.float(&at("noise"))?)?;
        if trace.has(&at("x0")) {
            lines.push(trace.compare(&at("x0"), &x0, STEP)?);
        }
        lines.push(trace.compare(&at("prev"), &prev, STEP)?);
    }
    ensure!(trace.has("00.t"), "the trace holds no step");
    Ok(lines)
}

fn verify_model(folder: &Folder, trace: &Trace, place: &Place) -> Result<Vec<Line>> {
    let f32 = place.dtype == DType::F32;
    ensure!(f32, "a whole model is compared in f32 alone, since its steps feed one another; its networks are in half precision too");
    let meta = &trace.meta;
    let reader = Reader::load(folder, place)?;
    let prompts = ["", &meta.prompt];
    let tokens = prompts.iter().map(|prompt| reader.tokens(prompt)).collect::<Result<Vec<_>>>()?;
    let states = prompts.iter().map(|prompt| reader.read(prompt)).collect::<Result<Vec<_>>>()?;
    let stack = |rows: &[Tensor]| -> Result<Tensor> { Ok(Tensor::cat(rows, 0)?.to_dtype(DType::F32)?) };
    let (ids, mask): (Vec<Tensor>, Vec<Tensor>) = tokens.into_iter().unzip();
    let mut lines = vec![
        trace.compare("ids", &stack(&ids)?, 0.0)?,
        trace.compare("attention_mask", &stack(&mask)?, 0.0)?,
        trace.compare("states", &stack(&states)?, STEP)?,
    ];
    let mut model = Pipeline::load(folder, Design::stage_one(folder)?, String::new(), place)?;
    model.hear(prompts.iter().map(|prompt| prompt.to_string()).zip(states).collect())?;
    let text = model.encode(&prompts)?;
    let mut free = trace.float("init")?;
    for (i, jump) in jumps(&trace.integers("timesteps")?).into_iter().enumerate() {
        let at = |name: &str| format!("{i:02}.{name}");
        let noise = trace.float(&at("noise"))?;
        let predict = |x: &Tensor| model.predict_guided(x, jump.from, &text, meta.guidance);
        let step = |x: &Tensor, prediction: &Prediction| Rule::Ddpm.step(&model.design.process, jump, x, prediction, &noise);

        let x = trace.float(&at("x"))?;
        let ours = predict(&x)?;
        lines.push(trace.compare(&at("model_output"), &ours.join()?, STEP)?);
        // x̂₀ from the recorded output: 1/√ᾱ enlarges float32's rounding of the first outputs beyond any tolerance, in the
        // recording as much as here.
        let recorded = Prediction::split(&trace.float(&at("model_output"))?, x.dim(1)?)?;
        lines.push(trace.compare(&at("x0"), &step(&x, &recorded)?.x0, STEP)?);
        lines.push(trace.compare(&at("prev"), &step(&x, &ours)?.prev, STEP)?);
        free = step(&free, &predict(&free)?)?.prev;
    }
    lines.push(trace.compare("image", &free, RUN)?);
    Ok(lines)
}
