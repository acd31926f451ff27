//! `darkroom model pull`.

use crate::model::hub::{self, Ask, Hub, Id, Progress, amount};
use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{self, IsTerminal, Write};

/// What to download.
#[derive(Debug, clap::Args)]
pub struct Pull {
    /// The repository: owner/name, such as DeepFloyd/IF-I-XL-v1.0.
    #[arg(value_name = "OWNER/NAME")]
    id: Id,
    /// Its branch, tag or commit.
    #[arg(long, value_name = "REVISION", default_value = "main")]
    revision: String,
    /// Leave out text encoder and tokenizer, where another model's read the prompts.
    #[arg(long)]
    no_text_encoder: bool,
}

/// Pulls it, with a bar for each file where somebody watches, otherwise a line.
pub(super) fn pull(pull: &Pull, out: &mut dyn Write) -> Result<()> {
    let hub = Hub::of_user()?;
    let ask = Ask { id: pull.id.clone(), revision: pull.revision.clone(), text_encoder: !pull.no_text_encoder };
    let mut told = Ok(());
    let pulled = match io::stderr().is_terminal() {
        true => {
            let mut bar = ProgressBar::hidden();
            let mut tell = |progress: Progress| {
                show(&mut bar, progress);
                Ok(())
            };
            hub::pull(&hub, &ask, &mut tell)?
        }
        false => {
            let mut file = String::new();
            let mut tell = |progress: Progress| {
                if told.is_ok() {
                    told = write(&mut file, progress, out)
                }
                Ok(())
            };
            hub::pull(&hub, &ask, &mut tell)?
        }
    };
    told?;
    writeln!(out, "{}", pulled.sentence(&ask.id))?;
    Ok(())
}

/// On a terminal; indicatif draws on stderr.
fn show(bar: &mut ProgressBar, progress: Progress) {
    match progress {
        Progress::Chosen(..) => {}
        Progress::Begins(path, size) => {
            *bar = ProgressBar::new(size);
            let columns = "{prefix} {bar:24} {decimal_bytes}/{decimal_total_bytes} {decimal_bytes_per_sec} {msg}";
            let style = ProgressStyle::with_template(columns).unwrap_or_else(|_| ProgressStyle::default_bar());
            bar.set_style(style.progress_chars("━━─"));
            bar.set_prefix(path.to_owned());
        }
        Progress::At(at) => {
            if at < bar.position() || bar.position() == 0 {
                // What was there before, or is fetched anew, came at no speed.
                bar.reset_eta();
            }
            bar.set_position(at);
            bar.set_message("");
        }
        Progress::BrokeOff(why) => bar.set_message(format!("({}; again)", why.escape_debug())),
        Progress::Checks => bar.set_message("(is checked)"),
        Progress::Ends => {
            bar.set_message("");
            bar.finish();
        }
        Progress::WasThere(path, size) => bar.suspend(|| {
            let _ = writeln!(io::stderr(), "{path} {}, was there", amount(size));
        }),
    }
}

/// Where nobody watches.
fn write(file: &mut String, progress: Progress, out: &mut dyn Write) -> io::Result<()> {
    match progress {
        Progress::Begins(path, size) => *file = format!("{path}  {}", amount(size)),
        Progress::BrokeOff(why) => writeln!(out, "{file}: {}; again", why.escape_debug())?,
        Progress::Ends => writeln!(out, "{file}")?,
        Progress::WasThere(path, size) => writeln!(out, "{path}  {}, was there", amount(size))?,
        Progress::Chosen(..) | Progress::At(_) | Progress::Checks => {}
    }
    Ok(())
}
