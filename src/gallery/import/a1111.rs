//! A1111's `parameters`, which many programs write: the prompt, then the negative prompt, then one line of `Name: value` pairs.
//! stable-diffusion.cpp writes the same, and all of it again as JSON behind it.

use super::told::{Told, json, word, words};
use serde_json::Value;

/// So many pairs make a last line that is no prompt.
const ENOUGH: usize = 3;
const NEGATIVE: &str = "Negative prompt:";
const SDCPP: &str = ", SDCPP: {";
/// How often that is tried.
const MARKS: usize = 8;

/// What the text tells; none where it is another program's JSON.
pub(super) fn read(text: &str) -> Option<Told> {
    let text = text.trim();
    if text.starts_with('{') && json(text).is_some() {
        return None;
    }
    // A prompt may hold the mark too, before and inside the JSON: that is what is JSON to the end of the text.
    let tail = text.match_indices(SDCPP).take(MARKS).find_map(|(at, _)| Some((at, json(&text[at + SDCPP.len() - 1..])?)));
    let Some((at, tail)) = tail else { return Some(plain(text)) };
    Some(sdcpp(&tail, plain(&text[..at])))
}

fn plain(text: &str) -> Told {
    let (above, last) = text.rsplit_once('\n').unwrap_or(("", text));
    let pairs = pairs(last);
    let (lines, pairs) = if pairs.len() < ENOUGH { (text, Vec::new()) } else { (above, pairs) };
    let (mut prompt, mut negative, mut is_negative) = (Vec::new(), Vec::new(), false);
    for line in lines.lines().map(str::trim) {
        let (begins, line) = line.strip_prefix(NEGATIVE).map_or((false, line), |rest| (true, rest.trim()));
        is_negative |= begins;
        if is_negative { negative.push(line) } else { prompt.push(line) }
    }
    let mut told = Told { prompt: Some(prompt.join("\n").trim().to_owned()), ..Told::by("A1111") };
    told.add("negative prompt", negative.join("\n"));
    pairs.into_iter().for_each(|(name, value)| take(&mut told, name, value));
    told
}

/// One pair finds its place.
fn take(told: &mut Told, name: &str, value: String) {
    match name {
        "Seed" => told.seed = Some(value),
        "Steps" => told.steps = Some(value),
        "CFG scale" => told.guidance = Some(value),
        "Model" => told.model = Some(value),
        "Size" if size(&value).is_some() => told.size = size(&value),
        "Version" => {
            told.program = match value.as_str() {
                "ComfyUI" => "ComfyUI",
                "stable-diffusion.cpp" => "stable-diffusion.cpp",
                _ => told.program,
            };
            told.add(name, value);
        }
        _ => told.add(name, value),
    }
}

fn size(value: &str) -> Option<(u64, u64)> {
    let (width, height) = value.split_once('x')?;
    Some((width.parse().ok()?, height.parse().ok()?))
}

/// The pairs of a line. A value with a comma is a JSON string.
fn pairs(line: &str) -> Vec<(&str, String)> {
    let (mut pairs, mut rest) = (Vec::new(), line);
    while !rest.is_empty() {
        // Of this length at the most, or a text of nothing but commas would be read over and over.
        let (part, behind) = rest.split_once(',').unwrap_or((rest, ""));
        let Some((name, _)) = part.split_once(':').filter(|(name, _)| is_name(name.trim())) else {
            rest = behind;
            continue;
        };
        let value = rest[name.len() + 1..].trim_start();
        let (value, behind) = quoted(value).unwrap_or_else(|| (part[name.len() + 1..].trim().to_owned(), behind));
        pairs.push((name.trim(), value));
        rest = behind;
    }
    pairs
}

fn is_name(name: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | ' ' | '-' | '/');
    name.chars().count() > 1 && name.chars().all(inner) && name.starts_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// The JSON string that a value begins with, where it is one up to the next comma, and what is behind that.
fn quoted(value: &str) -> Option<(String, &str)> {
    if !value.starts_with('"') {
        return None;
    }
    let mut escaped = false;
    let end = value.char_indices().skip(1).find_map(|(at, c)| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends.then_some(at + 1)
    })?;
    let behind = value[end..].trim_start();
    let behind = if behind.is_empty() { behind } else { behind.strip_prefix(',')? };
    Some((serde_json::from_str(&value[..end]).ok()?, behind))
}

/// What the JSON of stable-diffusion.cpp tells, and the rest of the pairs.
fn sdcpp(tail: &Value, plain: Told) -> Told {
    let text = |path: &str| tail.pointer(path).and_then(word);
    let mut told = Told {
        program: "stable-diffusion.cpp",
        prompt: text("/prompt/positive").or(plain.prompt),
        seed: text("/seed").or(plain.seed),
        steps: text("/sampling/steps").or(plain.steps),
        guidance: text("/sampling/guidance/txt_cfg").or(plain.guidance),
        model: text("/models/model").filter(|model| !model.is_empty()).or(plain.model),
        size: plain.size,
        rest: Vec::new(),
    };
    told.add("negative prompt", text("/prompt/negative").unwrap_or_default());
    for (name, path) in [("sampler", "/sampling/method"), ("scheduler", "/sampling/scheduler"), ("mode", "/mode")] {
        told.add(name, text(path).unwrap_or_default());
    }
    for (name, path) in [("distilled guidance", "/sampling/guidance/distilled_guidance"), ("strength", "/strength"), ("loras", "/loras")] {
        told.add(name, tail.pointer(path).map(words).unwrap_or_default());
    }
    let known = ["negative prompt", "Sampler", "Schedule type", "Guidance"];
    told.rest.extend(plain.rest.into_iter().filter(|(name, _)| !known.contains(&name.as_str())));
    told
}
