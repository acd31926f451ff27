//! The `parameters` text that A1111's tools read: the prompt, then one line of `Name: value` pairs.

use crate::recipe::{Made, Recipe, Sampler};

/// The program and its version, as pictures name it.
pub(super) const VERSION: &str = concat!("darkroom ", env!("CARGO_PKG_VERSION"));

/// The text for one picture. Its last line is ours, whatever the prompt's last line looks like.
pub(super) fn parameters(recipe: &Recipe, made: &Made) -> String {
    let mut pairs = Vec::new();
    if let Some((walk, steps)) = recipe.walk() {
        pairs.push(("Steps", made.timesteps.len().to_string()));
        let sampler = match walk.sampler {
            Sampler::Ddpm => "DDPM",
            Sampler::Ddim => "DDIM",
        };
        pairs.push(("Sampler", sampler.to_owned()));
        pairs.push(("Schedule type", walk.timesteps(steps).to_string()));
    }
    pairs.extend(recipe.guidance().map(|guidance| ("CFG scale", guidance.to_string())));
    pairs.push(("Seed", recipe.seed().to_string()));
    if let Some((walk, _)) = recipe.walk().filter(|(walk, _)| walk.sampler == Sampler::Ddim && walk.eta > 0.0) {
        pairs.push(("Eta", walk.eta.to_string()));
    }
    pairs.push(("Size", format!("{}x{}", made.size.0, made.size.1)));
    pairs.push(("Model hash", made.model_hash.chars().take(10).collect()));
    pairs.push(("Model", made.model.clone()));
    pairs.push(("RNG", made.rng.clone()));
    pairs.push(("Version", VERSION.to_owned()));
    let line: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}: {}", quoted(value))).collect();
    let prompt = printable(&recipe.prompt());
    let prompt = prompt.trim();
    let gap = if prompt.is_empty() { "" } else { "\n" };
    format!("{prompt}{gap}{}", line.join(", "))
}

/// As A1111 does: a value that could be taken for the next pair is a JSON string.
fn quoted(value: &str) -> String {
    match value.contains([',', ':', '\n']) || value.starts_with('"') {
        true => serde_json::Value::from(value).to_string(),
        false => value.to_owned(),
    }
}

/// PNG allows no control character in a text but the line feed.
fn printable(text: &str) -> String {
    text.replace("\r\n", "\n").chars().map(|c| if c.is_control() && c != '\n' { ' ' } else { c }).collect()
}
