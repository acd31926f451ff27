//! `darkroom history`: finished runs, found by what they are.

mod export;
mod table;

use crate::gallery::{self, Gallery};
use crate::model::hub::amount;
use crate::recipe::{Filter, Run, Today};
use anyhow::{Context, Error, Result};
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// So many runs are listed where nothing else is said.
const LIMIT: u32 = 20;

/// List finished runs, newest first.
#[derive(Clone, Debug, clap::Args)]
pub struct History {
    /// Only runs that this lets through, as in the workbench's gallery: words, guidance:>5, steps:20..50, rating:>=3,
    /// since:yesterday, #tag, is:starred; a - before it means not.
    #[arg(long, value_name = "FILTER", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub filter: String,

    /// Only runs whose prompt, note or tags hold these words, or words that begin with them.
    #[arg(long, value_name = "WORDS", default_value = "", hide_default_value = true, allow_hyphen_values = true)]
    pub search: String,

    /// At most so many runs [default: 20; all for --export].
    #[arg(long, value_name = "N")]
    pub limit: Option<u32>,

    /// One JSON object a run and line, for programs.
    #[arg(long)]
    pub json: bool,

    /// Copy their pictures and recipes into this folder, under names that can be read; what is there is not overwritten.
    #[arg(long, value_name = "DIR", conflicts_with = "json")]
    pub export: Option<PathBuf>,

    /// First make the index again from the files.
    #[arg(long)]
    pub rebuild: bool,

    /// Take these pictures into the gallery, with the recipes in them, and list nothing: PNG files of darkroom, A1111,
    /// stable-diffusion.cpp, ComfyUI and InvokeAI. The files are kept as they are.
    #[arg(long, value_name = "FILE", num_args = 1.., conflicts_with_all = ["filter", "search", "limit", "export", "purge"])]
    pub import: Vec<PathBuf>,

    /// Delete for good what is in the trash, and list nothing.
    #[arg(long, conflicts_with_all = ["filter", "search", "limit", "json", "export"])]
    pub purge: bool,
}

/// Lists finished runs on `out`; what was mended is told on `notes`.
///
/// # Errors
/// When the filter cannot be understood, the workspace cannot be read, or `out` not be written.
pub fn history_command(workspace: &Path, options: &History, out: &mut dyn Write, notes: &mut dyn Write) -> Result<()> {
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_millis() as i64;
    let utc_offset_s = time::UtcOffset::current_local_offset().map_or(0, time::UtcOffset::whole_seconds);
    let filter = Filter::parse(&options.filter, Today { now_ms, utc_offset_s }).map_err(Error::msg)?;
    let filter = filter.and(Filter::words(&options.search));
    let (gallery, told) = Gallery::open(workspace)?;
    told.iter().try_for_each(|sentence| writeln!(notes, "{sentence}"))?;
    if options.rebuild {
        writeln!(notes, "{}", gallery::rebuild(workspace)?)?;
    }
    if !options.import.is_empty() {
        return super::import::import(&gallery, &options.import, options.json, (out, notes));
    }
    if options.purge {
        let purged = gallery.purge()?;
        writeln!(out, "The trash is empty: {} and {} are gone.", counted(purged.runs, "run"), amount(purged.bytes))?;
        return Ok(());
    }
    if let Some(folder) = &options.export {
        let copied = export::export(&gallery, &filter, options.limit, folder)?;
        let [pictures, runs] = [(copied.pictures, "picture"), (copied.runs, "run")].map(|(count, what)| counted(count, what));
        writeln!(out, "{} has {pictures} of {runs}.", folder.display())?;
        return Ok(());
    }
    list(&gallery, &filter, (options, now_ms), out)
}

fn list(gallery: &Gallery, filter: &Filter, (options, now_ms): (&History, i64), out: &mut dyn Write) -> Result<()> {
    let page = gallery.find(filter, 0, options.limit.unwrap_or(LIMIT))?;
    if options.json {
        return page.runs.iter().try_for_each(|run| Ok(writeln!(out, "{}", as_json(gallery, run))?));
    }
    match (page.total, filter.is_empty()) {
        (0, true) => writeln!(out, "Nothing is finished yet; darkroom run sample makes a picture.")?,
        (0, false) => writeln!(out, "No finished run is like that: {}", table::plain(&filter.to_string()))?,
        (total, _) => {
            write!(out, "{}", table::table(&page.runs, now_ms, table::width()))?;
            if (page.runs.len() as u64) < total {
                writeln!(out, "{} of {total} runs; --limit {total} shows all", page.runs.len())?;
            }
        }
    }
    Ok(())
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
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
        "marks": run.marks,
        "foreign": run.foreign,
        "files": files.iter().map(|file| file.to_string_lossy()).collect::<Vec<_>>(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::table::{cut, date, table, when};
    use super::*;
    use crate::recipe::{Grid, Made, Mark, Recipe, RunId};
    use clap::Parser;
    use image::RgbImage;
    use std::fs;
    use unicode_width::UnicodeWidthChar;

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
        assert_eq!(history(folder.path(), &["--search", "green"]).0, "No finished run is like that: green\n");
        assert!(history(&folder.path().join("new"), &[]).0.starts_with("Nothing is finished yet"));
    }

    #[test]
    fn marks_have_a_column_where_there_are_any() {
        let folder = finished(&["a red three", "a blue three"]);
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        for mark in [Mark::Star(true), Mark::Rate(4), Mark::Tag("cat".into())] {
            gallery.mark(RunId(1), &mark).unwrap();
        }
        assert_eq!(
            history(folder.path(), &[]).0,
            "run  when      experiment  seed   took  marks     prompt\n  \
               2  just now  sample         0  0.8 s            a blue three\n  \
               1  just now  sample         0  0.8 s  ★ 4 #cat  a red three\n"
        );
        let (out, _) = history(folder.path(), &["--json", "--filter", "is:starred rating:>3 #CAT since:today"]);
        let run: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(run["marks"], json!({"star": true, "rating": 4, "tags": ["cat"]}));
        assert_eq!(history(folder.path(), &["--json", "--filter", "-is:starred", "--search", "red"]).0, "");
    }

    #[test]
    fn a_filter_that_cannot_be_understood_is_told() {
        let folder = finished(&[]);
        let line = Line::try_parse_from(["history", "--filter", "guidance:x"]).unwrap();
        let said = history_command(folder.path(), &line.options, &mut Vec::new(), &mut Vec::new()).unwrap_err().to_string();
        assert_eq!(said, "guidance:x is no number; write guidance:>5, guidance:7 or guidance:3..9");
        for both in [["--purge", "--json"], ["--purge", "--limit=3"]] {
            assert!(Line::try_parse_from(["history"].iter().chain(&both)).is_err());
        }
    }

    #[test]
    fn pictures_are_copied_byte_for_byte_under_names_that_can_be_read() {
        let folder = finished(&["a red three", "Ein Café/../三", "a blue four"]);
        let out = folder.path().join("new/out");
        let said = history(folder.path(), &["--export", out.to_str().unwrap(), "--filter", "-blue"]).0;
        assert_eq!(said, format!("{} has 4 pictures of 2 runs.\n", out.display()));
        let mut names: Vec<_> = fs::read_dir(&out).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        let expected = ["000001-a-red-three-1.png", "000001-a-red-three-2.png", "000001-a-red-three.toml"];
        assert_eq!(names[..3], expected);
        assert_eq!(names[3..], expected.map(|name| name.replace("000001-a-red-three", "000002-ein-café-三")));
        let (gallery, _) = Gallery::open(folder.path()).unwrap();
        assert_eq!(fs::read(out.join(&names[1])).unwrap(), fs::read(gallery.picture_path(RunId(1), 1)).unwrap());
        let recipe: Recipe = toml::from_str(&fs::read_to_string(out.join(&names[2])).unwrap()).unwrap();
        assert_eq!(recipe, gallery.run(RunId(1)).unwrap().unwrap().recipe);

        fs::write(out.join(&names[3]), "precious").unwrap();
        let line = Line::try_parse_from(["history", "--limit", "2", "--export", out.to_str().unwrap()]).unwrap();
        let said = history_command(folder.path(), &line.options, &mut Vec::new(), &mut Vec::new()).unwrap_err().to_string();
        assert!(said.ends_with("000002-ein-café-三-1.png is there already; name a new folder"), "{said}");
        assert_eq!(fs::read(out.join(&names[3])).unwrap(), b"precious");
        assert!(!out.join("000001-a-red-three-3.png").exists());
    }

    #[test]
    fn emptying_the_trash_says_what_it_freed() {
        let folder = finished(&["a red three", "a blue three"]);
        Gallery::open(folder.path()).unwrap().0.trash(&[RunId(1)]).unwrap();
        let out = history(folder.path(), &["--purge"]).0;
        assert!(out.starts_with("The trash is empty: 1 run and ") && out.ends_with(" kB are gone.\n"), "{out}");
        assert_eq!(history(folder.path(), &["--purge"]).0, "The trash is empty: 0 runs and 0 bytes are gone.\n");
        assert!(history(folder.path(), &[]).0.contains("a blue three"));
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
