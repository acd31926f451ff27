//! `darkroom run`: a recipe in this very process, without screen and engine.

use crate::experiment::{self, Models, Outcome, Step};
use crate::gallery::{self, Gallery};
use crate::recipe::{Grid, Run, State};
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

/// Where the results go besides the gallery, and how they are told.
#[derive(Debug)]
pub struct Options {
    /// A file for a single picture, otherwise a folder.
    pub out: Option<PathBuf>,
    /// One JSON object a line instead of words.
    pub json: bool,
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

    let mut models = Models::default();
    let runs = gallery.adopt(grid)?;
    for (cell, run) in runs.iter().enumerate() {
        let developed = develop(&gallery, run, &mut models, &mut teller).and_then(|pictures| {
            let kept = (0..pictures).map(|i| target.keep(&gallery, (grid, cell), (run, i)));
            teller.done(run, &kept.collect::<Result<Vec<_>>>()?)
        });
        if let Err(error) = developed {
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

/// Computes and keeps one run; how many pictures it made.
fn develop(gallery: &Gallery, run: &Run, models: &mut Models, teller: &mut Teller) -> Result<usize> {
    ensure!(gallery.claim(run.id)?.is_some(), "it was cancelled by another process");
    let begun = Instant::now();
    let mut last = begun;
    let outcome = experiment::run(&run.recipe, models, None, &mut |step| {
        let ms = last.elapsed().as_secs_f64() * 1e3;
        last = Instant::now();
        teller.step(run, step, ms)?;
        Ok(ControlFlow::Continue(()))
    })?;
    let Outcome::Done(pictures, made) = outcome else { bail!("the run was broken off") };
    gallery.save(run.id, &made, &pictures, begun.elapsed().as_millis() as u64)?;
    Ok(pictures.len())
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
        let single = matches!(grid.recipes.as_slice(), [recipe] if recipe.pictures() == 1);
        let png = out.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("png"));
        ensure!(single || !png || out.is_dir(), "{} is a file's name, and there are several pictures; name a folder", out.display());
        if !single || out.is_dir() || out.as_os_str().to_string_lossy().ends_with('/') {
            fs::create_dir_all(out).with_context(|| format!("cannot make the folder {}", out.display()))?;
            return Ok(Target::Folder(out.to_owned()));
        }
        ensure!(png, "pictures are PNG files; name it {}", out.with_extension("png").display());
        let parent = out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        ensure!(parent.is_dir(), "there is no folder {} to put the picture in", parent.display());
        Ok(Target::File(out.to_owned()))
    }

    /// Copies a kept picture to where it was asked for, and tells where it is.
    fn keep(&self, gallery: &Gallery, (grid, cell): (&Grid, usize), (run, index): (&Run, usize)) -> Result<PathBuf> {
        let kept = gallery.picture_path(run.id, index);
        match self {
            Target::Gallery => Ok(kept),
            Target::File(path) => copy(&kept, path.clone()),
            Target::Folder(folder) => copy(&kept, folder.join(name(grid, cell, index))),
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

/// `guidance-3_seed-1.png` for a cell, `2.png` for the second picture of a single run, `guidance-3-2.png` for both.
fn name(grid: &Grid, cell: usize, index: usize) -> String {
    let labels: Vec<String> = grid.labels(cell).iter().map(|(field, value)| format!("{field}-{value}")).collect();
    let many = grid.recipes.get(cell).is_some_and(|recipe| recipe.pictures() > 1);
    match (labels.is_empty(), many) {
        (true, _) => format!("{}.png", index + 1),
        (false, false) => format!("{}.png", labels.join("_")),
        (false, true) => format!("{}-{}.png", labels.join("_"), index + 1),
    }
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
