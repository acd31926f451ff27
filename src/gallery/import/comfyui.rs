//! ComfyUI: the sampler's links lead through the graph to the prompts and numbers.

use super::graph::{Graph, Node};
use super::told::{Told, json};
use super::workflow;
use std::borrow::Cow;

/// The most passes behind the first that are told.
const MAX_PASSES: usize = 8;

/// The ways from a sampler to a fact: an input of it, and what that is called on the node that it comes from.
type Ways<'a> = &'a [(&'a str, &'a [&'a str])];

const SEED: Ways = &[("seed", &["seed", "noise_seed", "value", "int"]), ("noise_seed", &["noise_seed", "seed", "value", "int"])];
const NOISE: Ways = &[("noise", &["noise_seed", "seed"])];
const STEPS: Ways = &[("steps", &["steps", "value", "int"]), ("sigmas", &["steps"])];
const GUIDANCE: Ways = &[("cfg", &["cfg", "value", "float"]), ("guider", &["cfg"])];
const DENOISE: Ways = &[("denoise", &["denoise", "value", "float"]), ("sigmas", &["denoise"])];
const SAMPLER: Ways = &[("sampler_name", &["sampler_name", "value"]), ("sampler", &["sampler_name"])];
const SCHEDULER: Ways = &[("scheduler", &["scheduler", "value"]), ("sigmas", &["scheduler"])];
const MODEL: Ways = &[("model", &["ckpt_name", "unet_name", "model_name"]), ("guider", &["ckpt_name", "unet_name", "model_name"])];

/// What every picture goes through, and is told elsewhere or not worth it.
const PLAIN: &[&str] = &[
    "BasicGuider",
    "BasicScheduler",
    "CFGGuider",
    "CLIPLoader",
    "CLIPTextEncode",
    "CheckpointLoaderSimple",
    "DualCLIPLoader",
    "EmptyLatentImage",
    "EmptySD3LatentImage",
    "KSampler",
    "KSamplerAdvanced",
    "KSamplerSelect",
    "PreviewImage",
    "PrimitiveNode",
    "RandomNoise",
    "SamplerCustom",
    "SamplerCustomAdvanced",
    "SaveImage",
    "UNETLoader",
    "VAEDecode",
    "VAELoader",
];

/// What the graph that was executed tells, or else the one that was drawn; none where there is no sampler in them.
pub(super) fn read(executed: Option<&str>, drawn: Option<&str>) -> Option<Told> {
    let told = executed.and_then(json).and_then(|graph| tell(&Graph::of(&graph)?));
    told.or_else(|| tell(&workflow::graph(&drawn.and_then(json)?)))
}

fn tell(graph: &Graph) -> Option<Told> {
    let samplers = graph.samplers();
    // Of several passes the first makes the picture, and the others work on it.
    let (first, others) = samplers.split_first()?;
    let mut told = Told {
        prompt: Some(graph.text(first, "positive")).filter(|text| !text.is_empty()),
        seed: find(graph, first, SEED).or_else(|| find(graph, first, NOISE)),
        steps: find(graph, first, STEPS),
        guidance: find(graph, first, GUIDANCE),
        model: find(graph, first, MODEL),
        ..Told::by("ComfyUI")
    };
    told.add("negative prompt", graph.text(first, "negative"));
    told.add("sampler", find(graph, first, SAMPLER).unwrap_or_default());
    told.add("scheduler", find(graph, first, SCHEDULER).unwrap_or_default());
    let denoise = find(graph, first, DENOISE).filter(|denoise| denoise.parse() != Ok(1.0));
    told.add("denoise", denoise.unwrap_or_default());
    for (pass, sampler) in (2..).zip(others.iter().take(MAX_PASSES)) {
        told.add(format!("pass {pass}"), pass_words(graph, sampler));
    }
    for (name, field) in [("lora", "lora_name"), ("control net", "control_net_name"), ("guidance of the model", "guidance")] {
        graph.literals(field).into_iter().for_each(|value| told.add(name, value));
    }
    told.add("other nodes", others_of(graph).join(", "));
    Some(told)
}

fn find(graph: &Graph, sampler: &Node, ways: Ways) -> Option<String> {
    ways.iter().find_map(|(door, names)| graph.find(sampler, door, names)).map(Cow::into_owned)
}

/// A pass behind the first in a few words.
fn pass_words(graph: &Graph, sampler: &Node) -> String {
    let facts = [("steps", STEPS), ("cfg", GUIDANCE), ("denoise", DENOISE)];
    let words = facts.into_iter().filter_map(|(name, ways)| Some(format!("{name} {}", find(graph, sampler, ways)?)));
    format!("{} {}", sampler.class, words.collect::<Vec<_>>().join(", "))
}

/// The kinds of nodes that may have done anything.
fn others_of<'a>(graph: &Graph<'a>) -> Vec<&'a str> {
    let mut classes: Vec<_> = graph.nodes().map(|node| node.class).filter(|class| !PLAIN.contains(class)).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}
