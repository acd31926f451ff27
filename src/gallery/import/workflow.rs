//! ComfyUI's `workflow`: the graph as it was drawn, whose values have no names.

use super::graph::{Graph, Node};
use super::told::{text, word};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::HashMap;

/// The names of the values of the nodes that matter, in their order.
const WIDGETS: &[(&str, &[&str])] = &[
    ("KSampler", &["seed", "", "steps", "cfg", "sampler_name", "scheduler", "denoise"]),
    ("KSamplerAdvanced", &["", "noise_seed", "", "steps", "cfg", "sampler_name", "scheduler"]),
    ("SamplerCustom", &["", "noise_seed", "", "cfg"]),
    ("RandomNoise", &["noise_seed"]),
    ("BasicScheduler", &["scheduler", "steps", "denoise"]),
    ("KSamplerSelect", &["sampler_name"]),
    ("CFGGuider", &["cfg"]),
    ("FluxGuidance", &["guidance"]),
    ("CLIPTextEncode", &["text"]),
    ("CLIPTextEncodeFlux", &["clip_l", "t5xxl", "guidance"]),
    ("CLIPTextEncodeSDXL", &["", "", "", "", "", "", "text_g", "text_l"]),
    ("CheckpointLoaderSimple", &["ckpt_name"]),
    ("UNETLoader", &["unet_name"]),
    ("LoraLoader", &["lora_name"]),
    ("LoraLoaderModelOnly", &["lora_name"]),
    ("ControlNetLoader", &["control_net_name"]),
    ("PrimitiveNode", &["value"]),
];

/// A node that is switched off.
const MUTED: u64 = 2;

/// The graph that would be executed, as far as it is known what the values mean.
pub(super) fn graph(drawn: &Value) -> Graph<'_> {
    let list = |of: &str| drawn.get(of).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let links: HashMap<String, Value> = list("links").iter().filter_map(link).collect();
    let is_on = |node: &&Value| node.get("mode").and_then(Value::as_u64) != Some(MUTED);
    list("nodes").iter().filter(is_on).filter_map(|drawn| node(drawn, &links)).collect()
}

/// A link's number, and the node that it comes from; lists in most versions, tables in some.
fn link(link: &Value) -> Option<(String, Value)> {
    let part = |at: usize, name: &str| link.get(at).or_else(|| link.get(name)).and_then(word);
    Some((part(0, "id")?, json!([part(1, "origin_id")?, 0])))
}

fn node<'a>(drawn: &'a Value, links: &HashMap<String, Value>) -> Option<(Cow<'a, str>, Node<'a>)> {
    let class = drawn.get("type")?.as_str()?;
    let mut inputs = values(class, drawn.get("widgets_values").unwrap_or(&Value::Null));
    for input in drawn.get("inputs").and_then(Value::as_array).into_iter().flatten() {
        let linked = input.get("link").and_then(word).and_then(|id| links.get(&id));
        if let (Some(name), Some(link)) = (input.get("name").and_then(Value::as_str), linked) {
            inputs.insert(name.to_owned(), link.clone());
        }
    }
    Some((drawn.get("id").and_then(text)?, Node { class, inputs: Cow::Owned(inputs) }))
}

/// A node's own values by their names. Of a node that is not known, a single one is what it gives.
fn values(class: &str, values: &Value) -> Map<String, Value> {
    let values = match values {
        Value::Object(named) => return named.clone(),
        Value::Array(values) => values.as_slice(),
        _ => &[],
    };
    let known = WIDGETS.iter().find(|(known, _)| *known == class).map(|(_, names)| *names);
    let names = known.unwrap_or(if values.len() == 1 { &["value"] } else { &[] });
    names.iter().zip(values).filter(|(name, _)| !name.is_empty()).map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}
