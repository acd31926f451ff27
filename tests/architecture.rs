//! The arrows of ARCHITECTURE.md: what each module may never see, held against the code.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    path::{Path, PathBuf},
};

/// A module, and the paths that may not stand in it.
const NEVER: &[(&str, &[&str])] = &[
    ("recipe", &["candle", "tokio::", "thread::", "fs::", "ratatui", "crossterm", "crate::"]),
    ("diffusion", &["crate::", "tokio::", "thread::", "fs::", "time::", "sync::"]),
    ("network", &["crate::", "fs::", "tokio::"]),
    (
        "training",
        &["crate::recipe", "crate::engine", "crate::link", "crate::app", "crate::ui", "crate::gallery", "crate::experiment", "tokio::"],
    ),
    ("model", &["crate::recipe", "crate::engine", "crate::ui", "crate::app", "crate::gallery", "crate::experiment", "tokio::"]),
    (
        "input",
        &[
            "candle",
            "tokio::",
            "crate::engine",
            "crate::link",
            "crate::app",
            "crate::ui",
            "crate::gallery",
            "crate::experiment",
            "crate::model",
        ],
    ),
    ("report", &["candle", "tokio::", "crate::engine", "crate::link", "crate::app", "crate::ui"]),
    ("export", &["tokio::", "crate::engine", "crate::link", "crate::app", "crate::ui"]),
    ("experiment", &["crate::engine", "crate::ui", "crate::app", "crate::link", "crate::gallery", "tokio::"]),
    ("gallery", &["candle", "tokio::", "crate::ui", "crate::app", "crate::engine", "crate::link", "crate::experiment", "crate::model"]),
    ("engine", &["ratatui", "crossterm", "candle", "crate::ui", "crate::app", "crate::diffusion", "crate::network"]),
    ("link", &["crate::engine", "crate::ui", "crate::app", "crate::gallery", "crate::experiment", "candle", "ratatui"]),
    ("app", &["tokio::", "candle", "fs::", "crate::engine", "crate::gallery", "crate::experiment", "crate::model", "crate::ui"]),
    ("ui", &["crate::engine", "crate::experiment", "crate::gallery", "tokio::", "candle"]),
    ("preview", &["crate::engine", "crate::experiment", "crate::gallery", "tokio::", "candle"]),
    ("theme", &["crate::engine", "crate::experiment", "tokio::", "candle"]),
    ("terminal", &["crate::experiment", "crate::diffusion", "crate::network", "crate::engine", "crate::gallery", "candle"]),
];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let mut files: Vec<_> = fs::read_dir(path).unwrap().flat_map(|entry| sources(&entry.unwrap().path())).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "rs"));
    files.sort();
    files
}

/// The code of a file without comments, and without the tests that stand at its end.
fn code(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let lines = text.lines().take_while(|line| !(line.starts_with("mod ") && line.ends_with("tests {")));
    lines.map(|line| line.split("//").next().unwrap_or_default().to_owned() + "\n").collect()
}

fn is_test(file: &Path) -> bool {
    file.components().any(|part| part.as_os_str() == "tests") || file.file_stem().unwrap().to_string_lossy().ends_with("tests")
}

#[test]
fn no_module_sees_what_it_must_never_see() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (module, never) in NEVER {
        let places = [src.join(module), src.join(format!("{module}.rs"))];
        let files: Vec<_> = places.iter().filter(|place| place.exists()).flat_map(|place| sources(place)).collect();
        assert!(!files.is_empty(), "{module} is gone: mend this table and ARCHITECTURE.md");
        for file in files.iter().filter(|file| !is_test(file)) {
            for (number, line) in code(file).lines().enumerate() {
                // A module may name itself.
                let line = line.replace(&format!("crate::{module}"), "self");
                assert!(
                    !line.contains("use crate::{"),
                    "{}:{}: one line a module, so that this test can read it",
                    file.display(),
                    number + 1
                );
                let seen = never.iter().find(|path| line.contains(*path));
                assert!(seen.is_none(), "{}:{}: {module} must never see {}", file.display(), number + 1, seen.unwrap());
            }
        }
    }
}

#[test]
fn files_stay_small_enough_to_read() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for file in sources(&src).iter().filter(|file| !is_test(file)) {
        let lines = fs::read_to_string(file).unwrap().lines().count();
        assert!(lines <= 400, "{} has {lines} lines: two ideas?", file.display());
    }
}
