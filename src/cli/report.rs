//! `darkroom report`: a whole part of the course as a page.

use super::compute::Compute;
use crate::experiment::Models;
use crate::gallery::Gallery;
use crate::report::{Progress, Summary, page_name, part_a, part_b};
use anyhow::{Result, bail, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Make the page of a part of the course, or one figure of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Report {
    /// Which part: a plays with a model, b trains its own.
    #[arg(long, value_enum, default_value = "a")]
    pub part: Part,

    /// The folder of the page, report or report-b by default; `report.toml` in it says what the figures are made of.
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,

    /// Only this figure, such as 1.8.
    #[arg(long, value_name = "FIGURE")]
    pub only: Option<String>,

    /// Part b: train small networks, in minutes, where the gallery lacks those of the course.
    #[arg(long, conflicts_with = "train")]
    pub quick: bool,

    /// Part b: train what the gallery lacks as the course asks for it, which takes hours.
    #[arg(long)]
    pub train: bool,
}

/// A part of the course.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Part {
    /// The power of diffusion models.
    A,
    /// Diffusion models from scratch.
    B,
}

/// Makes it, and prints where the page is; what had to be mended in the index, and what the page waits for, is told on `notes`.
///
/// # Errors
/// When the page cannot be made; where only some figures cannot, they are named and the others are there.
pub fn report_command(workspace: &Path, (options, compute): (&Report, &Compute), out: &mut dyn Write, notes: &mut dyn Write) -> Result<()> {
    ensure!(options.part == Part::B || !(options.quick || options.train), "--quick and --train go with --part b");
    let (gallery, told) = Gallery::open(workspace)?;
    told.iter().try_for_each(|sentence| writeln!(notes, "{sentence}"))?;
    let folder = options.out.clone().unwrap_or_else(|| if options.part == Part::A { "report".into() } else { "report-b".into() });
    let made = make(&folder, options, (&gallery, compute.models(gallery.inputs())?))?;
    writeln!(out, "{}", folder.join(page_name(options.only.as_deref())).display())?;
    writeln!(notes, "{} recipes computed, {} as they were", made.computed, made.kept)?;
    if !made.missing.is_empty() {
        made.missing.iter().try_for_each(|missing| writeln!(notes, "{missing}"))?;
        if !options.train {
            writeln!(notes, "--train makes all of them, --quick small ones.")?;
        }
    }
    if !made.failed.is_empty() {
        bail!("{}", made.failed.join("; "));
    }
    Ok(())
}

/// Makes the page, with a bar that shows how far it is.
fn make(folder: &Path, options: &Report, with: (&Gallery, Models)) -> Result<Summary> {
    // indicatif draws on stderr, and nothing where that is no terminal.
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{prefix:13} {bar:32} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("━━─"));
    let mut tell = |progress: Progress| match progress {
        Progress::Begins(name, at, of) => {
            bar.set_prefix(name.to_owned());
            bar.set_message(format!("{at} of {of}"));
        }
        Progress::Step(step, of) => {
            bar.set_length(of as u64);
            bar.set_position(step as u64);
        }
    };
    let only = options.only.as_deref();
    let made = match options.part {
        Part::A => part_a::report(folder, only, with, &mut tell),
        Part::B => part_b::report(folder, &part_b::How { only, quick: options.quick, train: options.train }, with, &mut tell),
    };
    bar.finish_and_clear();
    made
}
