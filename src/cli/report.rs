//! `darkroom report`: the whole part A page of the course.

use crate::gallery::Gallery;
use crate::report::{Progress, report};
use anyhow::{Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Make the whole part A page of the course, or one figure of it.
#[derive(Clone, Debug, clap::Args)]
pub struct Report {
    /// The folder of the page; `report.toml` in it says what the figures are made of.
    #[arg(long, value_name = "DIR", default_value = "report")]
    pub out: PathBuf,

    /// Only this figure, such as 1.8.
    #[arg(long, value_name = "FIGURE")]
    pub only: Option<String>,
}

/// Makes it, and prints where the page is; what had to be mended in the index is told on `notes`.
///
/// # Errors
/// When the page cannot be made; where only some figures cannot, they are named and the others are there.
pub fn report_command(workspace: &Path, options: &Report, out: &mut dyn Write, notes: &mut dyn Write) -> Result<()> {
    let (gallery, told) = Gallery::open(workspace)?;
    told.iter().try_for_each(|sentence| writeln!(notes, "{sentence}"))?;
    // indicatif draws on stderr, and nothing where that is no terminal.
    let bar = ProgressBar::new(0);
    let style = ProgressStyle::with_template("{prefix:12} {bar:32} {pos}/{len} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
    bar.set_style(style.progress_chars("━━─"));
    let made = report(&options.out, options.only.as_deref(), &gallery, &mut |progress| match progress {
        Progress::Begins(name, at, of) => {
            bar.set_prefix(name.to_owned());
            bar.set_message(format!("{at} of {of}"));
        }
        Progress::Step(step, of) => {
            bar.set_length(of as u64);
            bar.set_position(step as u64);
        }
    });
    bar.finish_and_clear();
    let made = made?;
    let page = options.only.as_ref().map_or("index.html".to_owned(), |only| format!("{only}.html"));
    writeln!(out, "{}", options.out.join(page).display())?;
    writeln!(notes, "{} recipes computed, {} as they were", made.computed, made.kept)?;
    if !made.failed.is_empty() {
        bail!("{}", made.failed.join("; "));
    }
    Ok(())
}
