//! `darkroom run`: a recipe in this very process, without screen and engine.

use super::compute::Compute;
use super::signals::Signals;
use crate::engine::lock;
use crate::experiment::{self, LEARNS_ON, Lesson, Models, Next, Outcome, Step, TrainingStep};
use crate::gallery::{self, Gallery, KeptSteps};
use crate::model::{OnLoading, Phase, Place};
use crate::recipe::{Grid, Point, Run, RunId, State};
use crate::record::Record;
use crate::words::sentence;
use anyhow::{Context, Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use std::{
    fs,
    io::{self, Write},
    ops::ControlFlow,
    path::{Path, PathBuf},
    time::Instant,
};

/// The largest picture on a sheet, in pixels a side.
const SHEET_SIDE: u32 = 512;

/// Where the results go besides the gallery, and how they are told.
#[derive(Debug)]
pub struct Options {
    /// A file for a single picture, otherwise a folder.
    pub out: Option<PathBuf>,
    /// One JSON object a line instead of words.
    pub json: bool,
    /// Where networks compute.
    pub compute: Compute,
}

/// Runs every recipe of a grid, keeps the results in the workspace's gallery, and prints where they are.
///
/// # Errors
/// When a run fails or a picture cannot be kept; the runs before it are kept, those after it are cancelled.
pub fn run(workspace: &Path, grid: &Grid, options: &Options, out: &mut dyn Write) -> Result<()> {
    let target = Target::new(options.out.as_deref(), grid)?;
    let (gallery, told) = Gallery::open(workspace)?;
    let mut teller = Teller::new(options.json, grid, out);
    told.iter().try_for_each(|sentence| teller.note(sentence))?;

    let mut models = options.compute.models(gallery.inputs())?;
    models.on_loading(teller.loading());
    announce(&gallery, grid, &mut teller)?;
    let runs = gallery.adopt(grid)?;
    for (cell, run) in runs.iter().enumerate() {
        let developed =
            develop(&gallery, run, &mut models, &mut teller).and_then(|()| teller.done(run, &target.keep(&gallery, (grid, cell), run)?));
        if let Err(error) = developed {
            if error.is::<Interrupted>() {
                return Err(error);
            }
            // What cannot be noted on top of it must not hide the reason. A run that is done stays so.
            gallery.set_state(run.id, State::Failed, Some(&sentence(&error))).ok();
            for rest in &runs[cell + 1..] {
                gallery.set_state(rest.id, State::Cancelled, None).ok();
            }
            return Err(error.context(format!("run {} failed", run.id)));
        }
    }
    if let Some(first) = runs.first().filter(|run| run.grid.is_some()) {
        let sheet = gallery.sheet(first.id)?.context("the sheet cannot be made: a run of the grid is missing")?;
        teller.sheet(&target.keep_sheet(sheet)?)?;
    }
    Ok(())
}

/// A training was told by the system to end.
#[derive(Debug, thiserror::Error)]
#[error("run {run} is broken off and kept; `darkroom run --resume {run}` goes on with it")]
pub struct Interrupted {
    run: RunId,
    /// By which signal.
    pub signal: i32,
}

/// Goes on with an unfinished run in this process, from its last checkpoint, and prints where its results are.
///
/// # Errors
/// When the run is not there, is done or somebody else's, or fails.
pub fn resume(workspace: &Path, id: RunId, options: &Options, out: &mut dyn Write) -> Result<()> {
    let (gallery, told) = Gallery::open(workspace)?;
    let grid = Grid::one(gallery.run(id)?.with_context(|| format!("there is no run {id}"))?.recipe);
    let target = Target::new(options.out.as_deref(), &grid)?;
    let run = gallery.take_over(id, || lock::holder(workspace).is_some())?;
    let mut teller = Teller::new(options.json, &grid, out);
    told.iter().try_for_each(|sentence| teller.note(sentence))?;
    let mut models = options.compute.models(gallery.inputs())?;
    models.on_loading(teller.loading());
    let developed = develop(&gallery, &run, &mut models, &mut teller);
    let told = developed.and_then(|()| teller.done(&run, &target.keep(&gallery, (&grid, 0), &run)?));
    told.inspect_err(|error| {
        if !error.is::<Interrupted>() {
            gallery.set_state(id, State::Failed, Some(&sentence(error))).ok();
        }
    })
}

/// Says what a resampled walk will cost before it begins: it is many times what its timesteps suggest.
fn announce(gallery: &Gallery, grid: &Grid, teller: &mut Teller) -> Result<()> {
    for recipe in &grid.recipes {
        let Some(calls) = recipe.resampled() else { continue };
        let pace = gallery.pace_ms(recipe.model()).unwrap_or_default();
        let time = pace.map(|ms| format!(", about {:.0} s", ms * recipe.model_calls() as f64 / 1e3)).unwrap_or_default();
        teller.note(&format!("{calls} model calls{time}"))?;
    }
    Ok(())
}

/// Trains and keeps one run.
fn teach(gallery: &Gallery, run: &Run, teller: &mut Teller) -> Result<()> {
    ensure!(gallery.claim(run.id)?.is_some(), "it was cancelled by another process");
    let (mut record, kept) = Record::open(gallery, run);
    let signals = Signals::listen()?;
    let end = experiment::train(&run.recipe, kept, &mut |lesson| {
        let next = if signals.heard().is_some() { Next::Stop } else { Next::GoOn };
        record.write(lesson, next)?;
        match lesson {
            Lesson::Spoiled(why) => teller.note(why)?,
            Lesson::Step(step) => {
                gallery.set_step(run.id, step.point.step, step.of as u32)?;
                teller.taught(run, step)?;
            }
            Lesson::Samples { index, .. } => teller.sampled(run, *index, &gallery.picture_path(run.id, *index))?,
            Lesson::Epoch { .. } | Lesson::Drawing => {}
        }
        Ok(next)
    });
    if record.close(end)?.is_none() {
        gallery.set_state(run.id, State::Paused, None)?;
        return Err(Interrupted { run: run.id, signal: signals.heard().unwrap_or_default() }.into());
    }
    Ok(())
}

/// Computes and keeps one run.
fn develop(gallery: &Gallery, run: &Run, models: &mut Models, teller: &mut Teller) -> Result<()> {
    if run.recipe.training().is_some() {
        if models.place().title() != Place::cpu().title() {
            teller.note(LEARNS_ON)?;
        }
        return teach(gallery, run, teller);
    }
    ensure!(gallery.claim(run.id)?.is_some(), "it was cancelled by another process");
    let begun = Instant::now();
    let mut steps = Steps { run, last: begun, kept: gallery.kept_steps(run.id), any: false };
    let checkpoint = Some(gallery.checkpoint_path(run.id)).filter(|path| path.is_file());
    let mut outcome = experiment::run(&run.recipe, models, checkpoint.as_deref(), &mut |step| steps.step(step, teller));
    if let (Err(why), true, false) = (&outcome, checkpoint.is_some(), steps.any) {
        // As in the engine: a checkpoint that is spoiled must not keep its run from ever going on.
        let again = format!("{}: its kept step cannot be used ({why:#}); it begins again", run.id);
        outcome = experiment::run(&run.recipe, models, None, &mut |step| {
            if !steps.any {
                teller.note(&again)?;
            }
            steps.step(step, teller)
        });
    }
    let Outcome::Done(pictures, made) = outcome? else { bail!("the run was broken off") };
    gallery.save(run.id, &made, &pictures, begun.elapsed().as_millis() as u64)?;
    steps.kept.trim().map_or(Ok(()), |why| teller.note(&why))
}

/// A run on its way.
struct Steps<'a> {
    run: &'a Run,
    /// When the last step ended.
    last: Instant,
    kept: KeptSteps<'a>,
    /// Whether a step was made.
    any: bool,
}

impl Steps<'_> {
    fn step(&mut self, step: &Step, teller: &mut Teller) -> Result<ControlFlow<()>> {
        let ms = self.last.elapsed().as_secs_f64() * 1e3;
        (self.last, self.any) = (Instant::now(), true);
        self.kept.keep((step.index, step.of), || step.trace()).map_or(Ok(()), |why| teller.note(&why))?;
        teller.step(self.run, step, ms)?;
        Ok(ControlFlow::Continue(()))
    }
}

/// Where `--out` puts pictures.
enum Target {
    /// Nowhere: they stay in the gallery.
    Gallery,
    File(PathBuf),
    Folder(PathBuf),
}

impl Target {
    fn new(out: Option<&Path>, grid: &Grid) -> Result<Target> {
        let Some(out) = out else { return Ok(Target::Gallery) };
        let single = grid.recipes.len() == 1;
        let png = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
        ensure!(single || !png || out.is_dir(), "{} is a file's name, and there are several runs; name a folder", out.display());
        let file = single && (png || grid.recipes[0].pictures() == 1);
        if !file || out.is_dir() || out.as_os_str().to_string_lossy().ends_with('/') {
            fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
            return Ok(Target::Folder(out.to_owned()));
        }
        ensure!(png, "pictures are PNG files; name it {}", out.with_extension("png").display());
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        ensure!(parent.is_dir(), "there is no folder {} to put the picture in", parent.display());
        Ok(Target::File(out.to_owned()))
    }

    /// Copies a run's kept pictures to where they were asked for, and tells where they are. A file takes the picture, or
    /// all of them on a labelled sheet.
    fn keep(&self, gallery: &Gallery, (grid, cell): (&Grid, usize), run: &Run) -> Result<Vec<PathBuf>> {
        let labels = run.recipe.labels();
        let kept = (0..labels.len()).map(|index| gallery.picture_path(run.id, index));
        match self {
            Target::Gallery => Ok(kept.collect()),
            Target::File(path) if labels.len() == 1 => Ok(kept.map(|kept| copy(&kept, path.clone())).collect::<Result<_>>()?),
            Target::File(path) => Ok(vec![sheet(gallery, run, path.clone())?]),
            Target::Folder(folder) => {
                let names = (0..labels.len()).map(|index| folder.join(name(grid, (cell, index), &labels)));
                let mut files = kept.zip(names).map(|(kept, name)| copy(&kept, name)).collect::<Result<Vec<_>>>()?;
                if is_labelled(&labels) && grid.recipes.len() == 1 {
                    files.push(sheet(gallery, run, folder.join("sheet.png"))?);
                }
                Ok(files)
            }
        }
    }

    fn keep_sheet(&self, kept: PathBuf) -> Result<PathBuf> {
        match self {
            Target::Folder(folder) => copy(&kept, folder.join("sheet.png")),
            _ => Ok(kept),
        }
    }
}

fn copy(kept: &Path, path: PathBuf) -> Result<PathBuf> {
    gallery::write_atomic(&path, &fs::read(kept).with_context(|| format!("{} cannot be read", kept.display()))?)?;
    Ok(path)
}

/// A run's pictures on a labelled sheet.
fn sheet(gallery: &Gallery, run: &Run, path: PathBuf) -> Result<PathBuf> {
    let page = gallery::contact_sheet(&run.recipe, run.recipe.columns(), &gallery.labelled(run, SHEET_SIDE)?);
    gallery::write_atomic(&path, &gallery::encode(&page, &[])?)?;
    Ok(path)
}

/// Whether the pictures have names that say more than their numbers.
fn is_labelled(labels: &[String]) -> bool {
    labels.iter().any(|label| label.parse::<usize>().is_err())
}

/// `guidance-3_seed-1.png` for a cell, `2.png` for the second picture of a single run, `guidance-3-2.png` for both, and
/// `2-noisy-t-250.png` where a picture has a name.
fn name(grid: &Grid, (cell, index): (usize, usize), labels: &[String]) -> String {
    let parts: Vec<String> = grid.labels(cell).iter().map(|(field, value)| format!("{field}-{value}")).collect();
    let words = match is_labelled(labels) {
        true => format!("{}-{}", index + 1, plain(&labels[index])),
        false => (index + 1).to_string(),
    };
    match (parts.is_empty(), labels.len()) {
        (true, _) => format!("{words}.png"),
        (false, 1) => format!("{}.png", parts.join("_")),
        (false, _) => format!("{}-{words}.png", parts.join("_")),
    }
}

/// A label as part of a file's name: letters and digits, with dashes between.
fn plain(label: &str) -> String {
    let words = label.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").chars().take(60).collect()
}

/// Tells what happens: a bar on a terminal and paths, or JSON lines.
struct Teller<'a> {
    out: &'a mut dyn Write,
    json: bool,
    bar: ProgressBar,
}

impl<'a> Teller<'a> {
    fn new(json: bool, grid: &Grid, out: &'a mut dyn Write) -> Self {
        // indicatif draws on stderr, and nothing where that is no terminal.
        let bar = if json { ProgressBar::hidden() } else { ProgressBar::new(0) };
        let cells = if grid.recipes.len() > 1 { " {prefix}" } else { "" };
        let template = format!("{{bar:32}} {{pos}}/{{len}} {{msg}} · {{eta}} left{cells}");
        bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━━─"));
        Teller { out, json, bar }
    }

    fn line(&mut self, line: &str) -> Result<()> {
        match writeln!(self.out, "{line}").and_then(|()| self.out.flush()) {
            // Whoever read our output has seen enough; the pictures are worth more than the line.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            written => Ok(written?),
        }
    }

    fn note(&mut self, sentence: &str) -> Result<()> {
        match self.json {
            true => self.line(&json!({ "event": "note", "text": sentence }).to_string()),
            false if self.bar.is_hidden() => Ok(writeln!(io::stderr(), "{sentence}")?),
            false => {
                self.bar.println(sentence);
                Ok(())
            }
        }
    }

    /// What shows with the bar how far a model is.
    fn loading(&self) -> OnLoading {
        let bar = self.bar.clone();
        Box::new(move |loading| {
            if let Phase::TextEncoder(percent) | Phase::Network(percent) = loading.phase {
                bar.set_length(100);
                bar.set_position(percent.into());
            }
            bar.set_message(loading.to_string());
            ControlFlow::Continue(())
        })
    }

    fn step(&mut self, run: &Run, step: &Step, ms: f64) -> Result<()> {
        let (index, of, t) = (step.index, step.of, step.t);
        self.bar.set_length(of as u64);
        self.bar.set_position(index as u64 + 1);
        self.bar.set_prefix(format!("run {}", run.id));
        self.bar.set_message(format!("t {t} · {ms:.0} ms"));
        if !self.json {
            return Ok(());
        }
        let ms = (ms * 10.0).round() / 10.0;
        self.line(&json!({ "event": "step", "run": run.id, "index": index, "of": of, "t": t, "ms": ms }).to_string())
    }

    fn taught(&mut self, run: &Run, step: &TrainingStep) -> Result<()> {
        let Point { step: made, epoch, loss, rate, ms } = step.point;
        self.bar.set_length(step.of as u64);
        self.bar.set_position(u64::from(made));
        self.bar.set_prefix(format!("run {}", run.id));
        self.bar.set_message(format!("epoch {epoch} · loss {loss:.4} · {ms:.0} ms"));
        if !self.json {
            return Ok(());
        }
        let object =
            json!({ "event": "taught", "run": run.id, "step": made, "of": step.of, "epoch": epoch, "loss": loss, "rate": rate, "ms": ms });
        self.line(&object.to_string())
    }

    fn sampled(&mut self, run: &Run, index: usize, file: &Path) -> Result<()> {
        match self.json {
            true => {
                self.line(&json!({ "event": "sampled", "run": run.id, "index": index, "file": file.display().to_string() }).to_string())
            }
            false => Ok(()),
        }
    }

    fn done(&mut self, run: &Run, files: &[PathBuf]) -> Result<()> {
        self.bar.finish_and_clear();
        if self.json {
            return self.line(&json!({ "event": "done", "run": run.id, "files": files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>() }).to_string());
        }
        files.iter().try_for_each(|file| self.line(&file.display().to_string()))
    }

    fn sheet(&mut self, file: &Path) -> Result<()> {
        match self.json {
            true => self.line(&json!({ "event": "sheet", "file": file.display().to_string() }).to_string()),
            false => self.line(&file.display().to_string()),
        }
    }
}
