//! `darkroom history`: finished runs, found by their words.

use crate::gallery::{self, Gallery};
use crate::recipe::Run;
use crate::words::duration;
use anyhow::{Context, Result};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};
use unicode_width::UnicodeWidthChar;

/// List finished runs, newest first.
#[derive(Clone, Debug, clap::Args)]
pub struct History {
    /// Only runs whose prompt or note holds these words, or words that begin with them.
    #[arg(long, value_name = "WORDS", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub search: String,

    /// At most so many runs.
    #[arg(long, value_name = "N", default_value = "20")]
    pub limit: u32,

    /// One JSON object a run and line, for programs.
    #[arg(long)]
    pub json: bool,

    /// First make the index again from the files.
    #[arg(long)]
    pub rebuild: bool,
}

/// Lists finished runs on `out`; what was mended is told on `notes`.
///
/// # Errors
/// When the workspace cannot be read or `out` not be written.
pub fn history_command(workspace: &Path, options: &History, out: &mut dyn Write, notes: &mut dyn Write) -> Result<()> {
    let (gallery, told) = Gallery::open(workspace)?;
    for sentence in told {
        writeln!(notes, "{sentence}")?;
    }
    if options.rebuild {
        writeln!(notes, "{}", gallery::rebuild(workspace)?)?;
    }
    let page = gallery.history(&options.search, None, options.limit)?;
    if options.json {
        for run in &page.runs {
            writeln!(out, "{}", as_json(&gallery, run))?;
        }
    } else if page.total == 0 && options.search.is_empty() {
        writeln!(out, "Nothing is finished yet; darkroom run sample makes a picture.")?;
    } else if page.total == 0 {
        writeln!(out, "No finished run has these words in its prompt or note.")?;
    } else {
        let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_millis() as i64;
        write!(out, "{}", table(&page.runs, now_ms, width()))?;
        if (page.runs.len() as u64) < page.total {
            writeln!(out, "{} of {} runs; --limit {} shows all", page.runs.len(), page.total, page.total)?;
        }
    }
    Ok(())
}

fn as_json(gallery: &Gallery, run: &Run) -> serde_json::Value {
    let files: Vec<PathBuf> = (0..run.recipe.pictures()).map(|index| gallery.picture_path(run.id, index)).collect();
    json!({
        "id": run.id,
        "state": run.state,
        "created_ms": run.created_ms,
        "took_ms": run.took_ms,
        "recipe": run.recipe,
        "note": run.note,
        "files": files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>(),
    })
}

/// How many columns the terminal has; none where the table goes to a file or a pipe.
fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok()?;
    Some(usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// The runs as lines, the prompt cut so that each fits `width` columns.
fn table(runs: &[Run], now_ms: i64, width: Option<usize>) -> String {
    let head = ["run", "when", "experiment", "seed", "took", "prompt"].map(str::to_owned);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(runs.iter().map(|run| row(run, now_ms))).collect();
    let widest = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths = [0, 1, 2, 3, 4].map(widest);
    let room = width.map(|width| width.saturating_sub(widths.iter().sum::<usize>() + 2 * widths.len()).max(8));
    let line = |[id, when, experiment, seed, took, prompt]: &[String; 6]| {
        let [a, b, c, d, e] = widths;
        let prompt = room.map_or_else(|| prompt.clone(), |room| cut(prompt, room));
        format!("{id:>a$}  {when:<b$}  {experiment:<c$}  {seed:>d$}  {took:>e$}  {prompt}").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

fn row(run: &Run, now_ms: i64) -> [String; 6] {
    let seed = run.recipe.pairs().into_iter().find(|(field, _)| field == "seed").map(|(_, seed)| seed);
    [
        run.id.to_string(),
        when(run.created_ms, now_ms),
        run.recipe.experiment().to_owned(),
        seed.unwrap_or_default(),
        run.took_ms.map(|ms| duration(ms as f64)).unwrap_or_default(),
        words(run),
    ]
}

/// The prompts, or the picture where no text is read, and the note.
fn words(run: &Run) -> String {
    let prompts = run.recipe.prompts().join(" / ");
    let photo = run.recipe.photo().filter(|_| run.recipe.prompts().is_empty());
    let what = photo.map_or(prompts, |photo| photo.image.name().to_owned());
    let whole = run.note.as_ref().map_or(what.clone(), |note| format!("{what}  ✎ {note}"));
    // They may hold anything, a terminal's control sequences too.
    whole.chars().map(|c| if c.is_control() { c.escape_default().to_string() } else { c.to_string() }).collect()
}

/// How long ago, within a week; then the date, in UTC.
fn when(time_ms: i64, now_ms: i64) -> String {
    let seconds = now_ms.saturating_sub(time_ms) / 1000;
    match seconds {
        i64::MIN..60 => "just now".to_owned(),
        60..3_600 => format!("{} min ago", seconds / 60),
        3_600..86_400 => format!("{} h ago", seconds / 3_600),
        86_400..604_800 => format!("{} d ago", seconds / 86_400),
        _ => date(time_ms.div_euclid(86_400_000)),
    }
}

/// A day counted from 1970-01-01 as a date (Howard Hinnant's `civil_from_days`).
fn date(days: i64) -> String {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}

/// The text in at most `room` columns.
fn cut(text: &str, room: usize) -> String {
    let wide = |text: &str| text.chars().map(|c| c.width().unwrap_or(0)).sum::<usize>();
    if wide(text) <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(1);
    let fits = |c: &char| match left.checked_sub(c.width().unwrap_or(0)) {
        Some(rest) => {
            left = rest;
            true
        }
        None => false,
    };
    text.chars().take_while(fits).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::recipe::{Grid, Made, Recipe};
    use clap::Parser;
    use image::RgbImage;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: History,
    }

    /// What `darkroom history` with these arguments prints and notes.
    fn history(workspace: &Path, arguments: &[&str]) -> (String, String) {
        let line = Line::try_parse_from([&["history"], arguments].concat()).unwrap();
        let (mut out, mut notes) = (Vec::new(), Vec::new());
        history_command(workspace, &line.options, &mut out, &mut notes).unwrap();
        (String::from_utf8(out).unwrap(), String::from_utf8(notes).unwrap())
    }

    /// A workspace in which these prompts are finished.
    fn finished(prompts: &[&str]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        for prompt in prompts {
            let recipe = Recipe::parse("sample", &[("prompt".into(), prompt.to_string()), ("count".into(), "2".into())]).unwrap();
            let run = gallery.submit(&Grid::one(recipe)).unwrap().remove(0);
            let (model, rng, device, dtype) = ("tiny-if".into(), "ChaCha12".into(), "cpu".into(), "f32".into());
            let made = Made {
                model,
                model_hash: "00".into(),
                data_hash: None,
                size: (4, 4),
                timesteps: vec![990, 0],
                rng,
                device,
                dtype,
                stage_two: None,
            };
            gallery.save(run.id, &made, &[RgbImage::new(4, 4), RgbImage::new(4, 4)], 820).unwrap();
        }
        folder
    }

    #[test]
    fn programs_get_a_json_object_a_line() {
        let folder = finished(&["a red three", "a\nblue three"]);
        let (out, notes) = history(folder.path(), &["--search", "three", "--json"]);
        assert_eq!(notes, "");
        let runs: Vec<serde_json::Value> = out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(runs.iter().map(|run| run["id"].as_i64().unwrap()).collect::<Vec<_>>(), [2, 1]);
        assert_eq!((&runs[0]["state"], &runs[0]["took_ms"]), (&json!("done"), &json!(820)));
        assert_eq!(runs[0]["recipe"]["prompt"], "a\nblue three");
        let files: Vec<_> = runs[0]["files"].as_array().unwrap().iter().map(|file| PathBuf::from(file.as_str().unwrap())).collect();
        assert_eq!(files.len(), 2);
        assert!(files.iter().all(|file| file.is_absolute() && file.is_file()));
        assert_eq!(history(folder.path(), &["--search", "-green", "--json"]).0, "");
    }

    #[test]
    fn people_get_a_table() {
        let folder = finished(&["a red three", "a\u{1b}[31m\nblue three"]);
        let (out, _) = history(folder.path(), &[]);
        assert_eq!(
            out,
            "run  when      experiment  seed   took  prompt\n  \
               2  just now  sample         0  0.8 s  a\\u{1b}[31m\\nblue three\n  \
               1  just now  sample         0  0.8 s  a red three\n"
        );
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        gallery.set_note(crate::recipe::RunId(1), "richer\ndetail").unwrap();
        assert!(history(folder.path(), &[]).0.contains("  a red three  ✎ richer\\ndetail\n"));
        let (out, _) = history(folder.path(), &["--limit", "1"]);
        assert!(out.ends_with("\n1 of 2 runs; --limit 2 shows all\n"), "{out}");
        assert_eq!(history(folder.path(), &["--search", "green"]).0, "No finished run has these words in its prompt or note.\n");
        assert!(history(&folder.path().join("new"), &[]).0.starts_with("Nothing is finished yet"));
    }

    #[test]
    fn a_rebuild_is_told_beside_the_list() {
        let folder = finished(&["a red three"]);
        let before = history(folder.path(), &["--json"]).0;
        let (after, notes) = history(folder.path(), &["--json", "--rebuild"]);
        assert_eq!(after, before);
        assert_eq!(notes, "The index was made again from the files: 1 run.\n");
        std::fs::write(folder.path().join("darkroom.db"), "no database").unwrap();
        let (after, notes) = history(folder.path(), &["--json"]);
        assert_eq!(after, before);
        assert!(notes.starts_with("The index was damaged"), "{notes}");
    }

    #[test]
    fn a_long_prompt_is_cut_to_the_terminal() {
        let folder = finished(&["三".repeat(80).as_str()]);
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        let runs = gallery.history("", None, 1).unwrap().runs;
        let line = table(&runs, runs[0].created_ms, Some(60)).lines().last().unwrap().to_owned();
        assert!(line.ends_with("三…"));
        assert!((58..=60).contains(&line.chars().filter_map(UnicodeWidthChar::width).sum::<usize>()), "{line}");
        assert_eq!(cut("abc", 0), "…");
    }

    #[test]
    fn times_are_relative_when_recent() {
        let day = 86_400_000;
        let now = 20_000 * day;
        let words = [0, 59_000, 60_000, day / 24, 5 * day, 7 * day].map(|ago| when(now - ago, now));
        assert_eq!(words, ["just now", "just now", "1 min ago", "1 h ago", "5 d ago", "2024-09-27"]);
        assert_eq!([0, 59, 11_016, -1].map(date), ["1970-01-01", "1970-03-01", "2000-02-29", "1969-12-31"]);
        assert_eq!(when(i64::MAX, i64::MIN), "just now");
    }
}
