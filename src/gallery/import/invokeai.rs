//! InvokeAI's `invokeai_metadata`, and what its earlier versions wrote: `sd-metadata` and `Dream`.

use super::told::{Told, json, word, words};
use serde_json::{Map, Value};

/// What the newest of the texts tells that can be read.
pub(super) fn read(metadata: Option<&str>, earlier: Option<&str>, dream: Option<&str>) -> Option<Told> {
    let object = |text: Option<&str>| match json(text?) {
        Some(Value::Object(fields)) => Some(fields),
        _ => None,
    };
    let newest = object(metadata).map(newest).filter(|told| !told.is_empty());
    newest.or_else(|| object(earlier).and_then(|fields| sd_metadata(&fields))).or_else(|| dream.map(dreamt))
}

fn newest(mut fields: Map<String, Value>) -> Told {
    let mut take = |name: &str| fields.shift_remove(name);
    let mut told = Told::by("InvokeAI");
    let mut text = |name: &str| take(name).as_ref().and_then(word);
    told.prompt = text("positive_prompt");
    told.seed = text("seed");
    told.steps = text("steps");
    told.guidance = text("cfg_scale");
    told.add("negative prompt", text("negative_prompt").unwrap_or_default());
    told.model = take("model").as_ref().and_then(model);
    told.size = take("width").and_then(|width| width.as_u64()).zip(take("height").and_then(|height| height.as_u64()));
    fields.iter().for_each(|(name, value)| told.add(name, words(value)));
    told
}

/// The model's name, which stands in a table under one name or another.
fn model(model: &Value) -> Option<String> {
    let named = ["name", "model_name", "key"].into_iter().find_map(|name| model.get(name));
    word(named.unwrap_or(model))
}

/// What version 2 wrote.
fn sd_metadata(fields: &Map<String, Value>) -> Option<Told> {
    let image = fields.get("image").or_else(|| fields.get("images")?.get(0))?;
    let text = |name: &str| image.get(name).and_then(word);
    let mut told = Told {
        seed: text("seed"),
        steps: text("steps"),
        guidance: text("cfg_scale"),
        model: ["model_weights", "model_id", "model"].into_iter().find_map(|name| fields.get(name).and_then(word)),
        size: image.get("width").and_then(Value::as_u64).zip(image.get("height").and_then(Value::as_u64)),
        ..Told::by("InvokeAI")
    };
    take_prompt(&mut told, &weighted(image.get("prompt")?));
    let mapped = ["prompt", "seed", "steps", "cfg_scale", "width", "height"];
    let rest = image.as_object()?.iter().filter(|(name, _)| !mapped.contains(&name.as_str()));
    rest.for_each(|(name, value)| told.add(name, words(value)));
    ["model_hash", "app_version"].into_iter().for_each(|name| told.add(name, fields.get(name).map(words).unwrap_or_default()));
    Some(told)
}

/// A prompt, or several with a weight each, which is told where it is none.
fn weighted(prompt: &Value) -> String {
    let parts = prompt.as_array().map_or(std::slice::from_ref(prompt), Vec::as_slice);
    let part = |part: &Value| {
        let text = part.get("prompt").and_then(word).or_else(|| word(part))?;
        let weight = part.get("weight").and_then(Value::as_f64).filter(|weight| *weight != 1.0);
        Some(weight.map_or(text.clone(), |weight| format!("{text}:{weight}")))
    };
    parts.iter().filter_map(part).collect::<Vec<_>>().join(" ")
}

/// What stands in square brackets is the negative prompt.
fn take_prompt(told: &mut Told, text: &str) {
    let (mut prompt, mut negative, mut rest) = (String::new(), Vec::new(), text);
    while let Some((before, (inside, behind))) = rest.split_once('[').and_then(|(before, behind)| Some((before, behind.split_once(']')?))) {
        prompt.push_str(before);
        negative.push(inside.trim());
        rest = behind;
    }
    prompt.push_str(rest);
    told.prompt = Some(prompt.trim().to_owned());
    told.add("negative prompt", negative.join(" "));
}

/// What version 1 wrote: the prompt as it was typed, with switches behind it.
fn dreamt(text: &str) -> Told {
    let (prompt, switches) = prompt_of(text.trim());
    let mut told = Told::by("InvokeAI");
    take_prompt(&mut told, &prompt);
    let (mut width, mut height) = (None, None);
    let mut words = switches.split_whitespace().peekable();
    while let Some(word) = words.next() {
        // `-s50` or `-s 50`, `--name value` or nothing behind it.
        let is_long = word.starts_with("--");
        let at = if is_long { word.len() } else { word.char_indices().nth(2).map_or(word.len(), |(at, _)| at) };
        let (switch, inside) = word.split_at(at);
        let mut value = inside.to_owned();
        while let Some(more) = words.next_if(|next| !is_switch(next)) {
            value.push_str(if value.is_empty() { "" } else { " " });
            value.push_str(more);
        }
        match switch {
            "-s" => told.steps = Some(value),
            "-S" => told.seed = Some(value),
            "-C" => told.guidance = Some(value),
            "-W" => width = value.parse().ok(),
            "-H" => height = value.parse().ok(),
            "-A" => told.add("sampler", value),
            _ if value.is_empty() => told.add(switch, "on"),
            _ => told.add(switch, value),
        }
    }
    told.size = width.zip(height);
    told
}

fn is_switch(word: &str) -> bool {
    word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_alphabetic()) && word.starts_with('-')
}

/// The prompt, in quotes or up to the first switch, and the switches.
fn prompt_of(text: &str) -> (String, &str) {
    if let Some((prompt, switches)) = text.strip_prefix('"').and_then(|text| text.split_once('"')) {
        return (prompt.to_owned(), switches);
    }
    let begins = |(at, _): &(usize, &str)| is_switch(&text[at + 1..]);
    let at = text.match_indices(' ').find(begins).map_or(text.len(), |(at, _)| at);
    (text[..at].to_owned(), &text[at..])
}
