//! A graph of ComfyUI's nodes, whose links may lead in circles, or nowhere.

use super::told::text;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::{BTreeMap, HashSet, VecDeque};

/// The most nodes that are read.
pub(super) const MAX_NODES: usize = 10_000;
/// The most nodes that one search for a value or a text walks.
const MAX_WALK: usize = 1000;
/// The most links and inputs that all searches look at together: a search may begin at every node of another.
const MAX_LOOKS: usize = 1 << 20;
/// So many bytes of a text are compared as soon as one link is followed.
const LOOK: usize = 64;
/// The most values that are listed of one field.
const MAX_LITERALS: usize = 16;

/// What a text is called on the nodes that hold one.
pub(super) const TEXTS: &[&str] = &["text", "text_g", "text_l", "clip_l", "t5xxl", "prompt", "string", "value", "populated_text"];

/// A node's name, or a text in a node: most are borrowed from the JSON.
type Text<'a> = Cow<'a, str>;

/// A node: what it is, and its inputs. A link is a list of the other node's name and its slot.
#[derive(Debug)]
pub(super) struct Node<'a> {
    pub class: &'a str,
    pub inputs: Cow<'a, Map<String, Value>>,
}

impl Node<'_> {
    fn link(&self, input: &str) -> Option<Text<'_>> {
        self.inputs.get(input).and_then(target)
    }

    fn links(&self) -> impl Iterator<Item = Text<'_>> {
        self.inputs.values().filter_map(target)
    }

    /// A text or number that is written into the node itself.
    fn literal(&self, input: &str) -> Option<Text<'_>> {
        self.inputs.get(input).and_then(text)
    }

    fn is_sampler(&self) -> bool {
        let has = |input: &str| self.inputs.contains_key(input);
        (has("steps") || has("sigmas")) && (has("positive") || has("guider") || self.class.contains("Sampler"))
    }
}

/// The name of the node that a link comes from.
fn target(input: &Value) -> Option<Text<'_>> {
    let link = input.as_array().filter(|link| link.len() == 2)?;
    text(link.first()?)
}

/// The nodes by their names.
#[derive(Debug)]
pub(super) struct Graph<'a> {
    nodes: BTreeMap<Text<'a>, Node<'a>>,
    /// How many links and inputs may still be looked at.
    left: Cell<usize>,
}

impl<'a> FromIterator<(Text<'a>, Node<'a>)> for Graph<'a> {
    fn from_iter<T: IntoIterator<Item = (Text<'a>, Node<'a>)>>(nodes: T) -> Self {
        Graph { nodes: nodes.into_iter().take(MAX_NODES).collect(), left: Cell::new(MAX_LOOKS) }
    }
}

impl<'a> Graph<'a> {
    /// The graph that was executed, as ComfyUI's API takes it.
    pub fn of(prompt: &'a Value) -> Option<Graph<'a>> {
        let node = |(id, node): (&'a String, &'a Value)| {
            let class = node.get("class_type")?.as_str()?;
            let inputs = node.get("inputs").and_then(Value::as_object).map(Cow::Borrowed).unwrap_or_default();
            Some((Cow::Borrowed(id.as_str()), Node { class, inputs }))
        };
        Some(prompt.as_object()?.iter().filter_map(node).collect())
    }

    pub fn nodes(&self) -> impl Iterator<Item = &Node<'a>> {
        self.nodes.values()
    }

    /// Every sampler, the one that is farthest from the picture first.
    pub fn samplers(&self) -> Vec<&Node<'a>> {
        let used: HashSet<Text> = self.nodes().flat_map(Node::links).collect();
        let ends = self.nodes.keys().filter(|id| !used.contains(*id)).map(|id| Cow::Borrowed(&**id));
        let mut found: Vec<_> = self.walk(ends, |node| node.links().collect()).filter(|node| node.is_sampler()).collect();
        if found.is_empty() {
            // In a circle there is no end.
            found = self.nodes().filter(|node| node.is_sampler()).collect();
        }
        found.reverse();
        found
    }

    /// What an input holds, or the first thing of these names on the way that its link leads.
    pub fn find<'g>(&'g self, node: &'g Node<'a>, input: &str, names: &[&str]) -> Option<Text<'g>> {
        if let Some(literal) = node.literal(input) {
            return Some(literal);
        }
        let mut ways = self.walk(node.link(input), |node| node.links().collect()).take(MAX_WALK);
        ways.find_map(|node| names.iter().find_map(|name| node.literal(name)))
    }

    /// The texts behind a sampler's conditioning, `positive` or `negative`, a line each.
    pub fn text(&self, sampler: &Node<'a>, role: &str) -> String {
        let begin = sampler.link(role).or_else(|| sampler.link("guider"));
        let mut texts: Vec<Text> = Vec::new();
        self.walk(begin, |node| {
            if node.class == "ConditioningZeroOut" {
                // Nothing is left of what it is given.
                return Vec::new();
            }
            let own = self.texts(node, role);
            if own.is_empty() {
                // Some nodes take both, and give both.
                return node.link(role).map_or_else(|| conditionings(node, role), |link| vec![link]);
            }
            for text in own {
                let fits = self.look(1 + text.len() / LOOK).is_some() && texts.len() < MAX_LITERALS;
                if fits && !texts.contains(&text) {
                    texts.push(text);
                }
            }
            Vec::new()
        })
        .take(MAX_WALK)
        .for_each(drop);
        texts.join("\n")
    }

    /// The texts that a node encodes, its own or those that are linked to it.
    fn texts<'g>(&'g self, node: &'g Node<'a>, role: &str) -> Vec<Text<'g>> {
        let own = TEXTS.iter().chain([&role]).filter(|input| node.inputs.contains_key(**input));
        let text = |input: &&str| match node.link(input) {
            // A conditioning leads on to other texts.
            Some(_) if **input == *role => None,
            _ => self.find(node, input, TEXTS),
        };
        own.filter_map(text).filter(|text| !text.trim().is_empty()).collect()
    }

    /// What is written into an input of this name anywhere, each once.
    pub fn literals(&self, input: &str) -> Vec<Text<'_>> {
        let mut all: Vec<_> = self.nodes().filter_map(|node| node.literal(input)).collect();
        all.sort();
        all.dedup();
        all.truncate(MAX_LITERALS);
        all
    }

    /// The nodes that links lead to, the nearest first, each once.
    fn walk<'g>(
        &'g self,
        begin: impl IntoIterator<Item = Text<'g>>,
        mut on: impl FnMut(&'g Node<'a>) -> Vec<Text<'g>>,
    ) -> impl Iterator<Item = &'g Node<'a>> {
        let mut next: VecDeque<Text> = begin.into_iter().collect();
        let mut seen = HashSet::new();
        std::iter::from_fn(move || {
            loop {
                let id = next.pop_front()?;
                self.look(1)?;
                if let Some(node) = self.nodes.get(&id).filter(|_| seen.insert(id)) {
                    self.look(node.inputs.len())?;
                    next.extend(on(node));
                    return Some(node);
                }
            }
        })
    }

    /// None once all searches together have looked at too much.
    fn look(&self, cost: usize) -> Option<()> {
        let left = self.left.get();
        self.left.set(left.saturating_sub(cost));
        (left >= cost).then_some(())
    }
}

/// The ways on from a node that changes a conditioning.
fn conditionings<'g>(node: &'g Node, role: &str) -> Vec<Text<'g>> {
    // A guider without a role has nothing to turn away from.
    let named = node.inputs.keys().filter(|input| input.starts_with("cond") && !(role == "negative" && node.class == "BasicGuider"));
    let named: Vec<Text> = named.filter_map(|input| node.link(input)).collect();
    let links: Vec<Text> = node.links().collect();
    if named.is_empty() && links.len() == 1 { links } else { named }
}
