//! The theme of the last time.

use super::Options;
use crate::theme::Theme;
use std::fs;
use std::path::Path;

/// The file that keeps its name, in the folder for what the user has chosen.
const FILE: &str = "theme";

/// The theme that was asked for, or the one of the last time; and what to say where there is none of that name.
pub fn first(options: &Options, themes: &[Theme]) -> (usize, Option<String>) {
    let kept = options.state_dir.as_ref().and_then(|dir| fs::read_to_string(dir.join(FILE)).ok());
    let name = options.theme.clone().or(kept.map(|name| name.trim().to_owned()));
    let at = name.and_then(|name| themes.iter().position(|theme| theme.name == name));
    let trouble = options.theme.as_ref().filter(|_| at.is_none()).map(|name| {
        let names: Vec<_> = themes.iter().map(|theme| theme.name.as_str()).collect();
        format!("There is no theme '{}'; there is {}.", name.escape_debug(), names.join(", "))
    });
    (at.unwrap_or(0), trouble)
}

/// Keeps the choice for the next time. A choice that cannot be kept is no reason to complain on leaving.
pub fn keep(dir: &Path, theme: &Theme) {
    let _ = fs::create_dir_all(dir).and_then(|()| fs::write(dir.join(FILE), &theme.name));
}
