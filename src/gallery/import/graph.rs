//! A graph of ComfyUI's nodes, whose links may lead in circles, or nowhere.

use super::told::word;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashSet, VecDeque};

/// The most nodes that are read.
pub(super) const MAX_NODES: usize = 10_000;
/// The most nodes that one search for a value or a text walks.
const MAX_WALK: usize = 1000;
/// The most values that are listed of one field.
const MAX_LITERALS: usize = 16;

/// What a text is called on the nodes that hold one.
const TEXTS: &[&str] = &["text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string", "value", "populated_text"];

/// A node: what it is, and its inputs. A link is a list of the other node's name and its slot.
#[derive(Debug)]
pub(super) struct Node {
    pub class: String,
    pub inputs: Map<String, Value>,
}

impl Node {
    fn link(&self, input: &str) -> Option<String> {
        self.inputs.get(input).and_then(target)
    }

    fn links(&self) -> impl Iterator<Item = String> {
        self.inputs.values().filter_map(target)
    }

    /// A text or number that is written into the node itself.
    fn literal(&self, input: &str) -> Option<String> {
        self.inputs.get(input).and_then(word)
    }

    fn is_sampler(&self) -> bool {
        let has = |input: &str| self.inputs.contains_key(input);
        (has("steps") || has("sigmas")) && (has("positive") || has("guider") || self.class.contains("Sampler"))
    }
}

/// The name of the node that a link comes from.
fn target(input: &Value) -> Option<String> {
    let link = input.as_array().filter(|link| link.len() == 2)?;
    word(link.first()?)
}

/// The nodes by their names.
#[derive(Debug, Default)]
pub(super) struct Graph(BTreeMap<String, Node>);

impl FromIterator<(String, Node)> for Graph {
    fn from_iter<T: IntoIterator<Item = (String, Node)>>(nodes: T) -> Self {
        Graph(nodes.into_iter().take(MAX_NODES).collect())
    }
}

impl Graph {
    /// The graph that was executed, as ComfyUI's API takes it.
    pub fn of(prompt: &Value) -> Option<Graph> {
        let node = |(id, node): (&String, &Value)| {
            let class = node.get("class_type")?.as_str()?.to_owned();
            let inputs = node.get("inputs").and_then(Value::as_object).cloned().unwrap_or_default();
            Some((id.clone(), Node { class, inputs }))
        };
        Some(prompt.as_object()?.iter().filter_map(node).collect())
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.0.values()
    }

    /// Every sampler, the one that is farthest from the picture first.
    pub fn samplers(&self) -> Vec<&Node> {
        let used: HashSet<String> = self.nodes().flat_map(Node::links).collect();
        let ends = self.0.keys().filter(|id| !used.contains(*id)).cloned();
        let mut found: Vec<_> = self.walk(ends, |node| node.links().collect()).filter(|node| node.is_sampler()).collect();
        if found.is_empty() {
            // In a circle there is no end.
            found = self.nodes().filter(|node| node.is_sampler()).collect();
        }
        found.reverse();
        found
    }

    /// What an input holds, or the first thing of these names on the way that its link leads.
    pub fn find(&self, node: &Node, input: &str, names: &[&str]) -> Option<String> {
        if let Some(literal) = node.literal(input) {
            return Some(literal);
        }
        let on = |node: &Node| node.links().collect();
        self.walk(node.link(input), on).take(MAX_WALK).find_map(|node| names.iter().find_map(|name| node.literal(name)))
    }

    /// The texts behind a sampler's conditioning, `positive` or `negative`, a line each.
    pub fn text(&self, sampler: &Node, role: &str) -> String {
        let on = |node: &Node| -> Vec<String> {
            // Nothing is left of what it is given.
            if node.class == "ConditioningZeroOut" || !self.texts(node, role).is_empty() {
                return Vec::new();
            }
            // Some nodes take both, and give both.
            node.link(role).map_or_else(|| conditionings(node, role), |link| vec![link])
        };
        let begin = sampler.link(role).or_else(|| sampler.link("guider"));
        let mut texts: Vec<String> = Vec::new();
        for text in
            self.walk(begin, on).take(MAX_WALK).filter(|node| node.class != "ConditioningZeroOut").flat_map(|node| self.texts(node, role))
        {
            if !texts.contains(&text) && texts.len() < MAX_LITERALS {
                texts.push(text);
            }
        }
        texts.join("\n")
    }

    /// The texts that a node encodes, its own or those that are linked to it.
    fn texts(&self, node: &Node, role: &str) -> Vec<String> {
        let own = TEXTS.iter().chain([&role]).filter(|input| node.inputs.contains_key(**input));
        let text = |input: &&str| match node.link(input) {
            // A conditioning leads on to other texts.
            Some(_) if **input == *role => None,
            _ => self.find(node, input, TEXTS),
        };
        own.filter_map(text).filter(|text| !text.trim().is_empty()).collect()
    }

    /// What is written into an input of this name anywhere, each once.
    pub fn literals(&self, input: &str) -> Vec<String> {
        let mut all: Vec<_> = self.nodes().filter_map(|node| node.literal(input)).collect();
        all.sort();
        all.dedup();
        all.truncate(MAX_LITERALS);
        all
    }

    /// The nodes that links lead to, the nearest first, each once.
    fn walk<'a>(
        &'a self,
        begin: impl IntoIterator<Item = String>,
        on: impl Fn(&Node) -> Vec<String> + 'a,
    ) -> impl Iterator<Item = &'a Node> {
        let mut next: VecDeque<String> = begin.into_iter().collect();
        let mut seen = HashSet::new();
        std::iter::from_fn(move || {
            loop {
                let id = next.pop_front()?;
                if let Some(node) = self.0.get(&id).filter(|_| seen.insert(id)) {
                    next.extend(on(node));
                    return Some(node);
                }
            }
        })
    }
}

/// The ways on from a node that changes a conditioning.
fn conditionings(node: &Node, role: &str) -> Vec<String> {
    // A guider without a role has nothing to turn away from.
    let named = node.inputs.keys().filter(|input| input.starts_with("cond") && !(role == "negative" && node.class == "BasicGuider"));
    let named: Vec<String> = named.filter_map(|input| node.link(input)).collect();
    let links: Vec<String> = node.links().collect();
    if named.is_empty() && links.len() == 1 { links } else { named }
}
