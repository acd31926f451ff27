//! The page: one HTML file with everything in it.

use super::math::formula;
use crate::recipe::Recipe;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::fmt::Write;
use std::io::Cursor;

/// A figure as it is shown.
#[derive(Default)]
pub struct Shown {
    /// Its number.
    pub id: String,
    /// Its heading.
    pub title: String,
    /// What is done.
    pub text: String,
    /// The names of its formulas.
    pub math: Vec<&'static str>,
    /// Why it shows something else than the course.
    pub instead: Option<String>,
    /// What there is to see, in its order.
    pub blocks: Vec<Block>,
    /// What was observed.
    pub observations: Vec<String>,
}

/// A part of a figure.
pub enum Block {
    /// The pictures of one recipe.
    Pictures(Row),
    /// Large pictures of many small ones, one below the other.
    Sheets(Sheets),
    /// Curves.
    Plot {
        /// The drawing.
        svg: String,
        /// What it shows, for those who cannot see it.
        alt: String,
        /// What its curves are.
        caption: String,
        /// The names of the files with their recipes.
        recipe: String,
    },
    /// What is not there yet, and the command that makes it.
    Missing(String, String),
}

/// The pictures of one recipe.
#[derive(Default)]
pub struct Row {
    /// Label and PNG file of each, in order.
    pub pictures: Vec<(String, Vec<u8>)>,
    /// How many stand side by side.
    pub columns: usize,
    /// Prompt, seed, steps and the like.
    pub caption: String,
    /// The name of the file with the recipe.
    pub recipe: String,
}

/// Pictures of many small ones that one recipe has made.
#[derive(Default)]
pub struct Sheets {
    /// Label and PNG file of each, in order.
    pub sheets: Vec<(String, Vec<u8>)>,
    /// What stands above its columns, where that is to be read.
    pub heads: Vec<String>,
    /// What its lines are, and what made it.
    pub caption: String,
    /// The name of the file with the recipe.
    pub recipe: String,
}

impl Sheets {
    /// How wide they are shown, in pixels of the page: a whole number of them for each of theirs.
    fn width(&self) -> u32 {
        let width = |png: &[u8]| {
            image::ImageReader::with_format(Cursor::new(png), image::ImageFormat::Png).into_dimensions().map(|(width, _)| width)
        };
        let widest = self.sheets.iter().filter_map(|(_, png)| width(png).ok()).max().unwrap_or(1).max(1);
        widest * (600 / widest).clamp(2, 4)
    }
}

const STYLE: &str = include_str!("page.css");
/// A recipe names its inputs by their hash: elsewhere it says what was done, and cannot be run.
const FOOTER: &str = "Made by darkroom. Every picture lies beside this page as a PNG that holds its recipe. <code>darkroom run \
    FILE.toml</code> makes it again in the workspace that keeps the pictures that go in (<code>…@sha256:…</code>), with ";
/// What a recipe needs to be run elsewhere.
pub const MODEL: &str = "a model of that name";
/// The same of recipes whose data is a folder.
pub const MODEL_AND_DATA: &str = "a model of that name and data of that name";

/// The whole page; `needs` is [`MODEL`] or [`MODEL_AND_DATA`].
pub fn page(title: &str, intro: &str, needs: &str, figures: &[Shown]) -> String {
    let mut html = String::new();
    let head = "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n";
    let _ = write!(
        html,
        "{head}<title>{0}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{0}</h1>\n<p>{1}</p>\n",
        escape(title),
        escape(intro)
    );
    let links = figures.iter().map(|figure| format!("<a href=\"#f{0}\">{0}</a>", escape(&figure.id)));
    let _ = write!(html, "<nav>{}</nav>\n</header>\n<main>\n", links.collect::<Vec<_>>().join(" "));
    for figure in figures {
        section(&mut html, figure);
    }
    let _ = write!(html, "</main>\n<footer><p>{FOOTER}{needs}.</p></footer>\n</body>\n</html>\n");
    html
}

fn section(html: &mut String, figure: &Shown) {
    let id = escape(&figure.id);
    let _ = write!(html, "<section id=\"f{id}\">\n<h2><span>{id}</span> {}</h2>\n<p>{}</p>\n", escape(&figure.title), escape(&figure.text));
    for formula in figure.math.iter().map(|name| formula(name)).filter(|formula| !formula.is_empty()) {
        let _ = writeln!(html, "{formula}");
    }
    if let Some(instead) = &figure.instead {
        let _ = writeln!(html, "<p class=\"instead\">{}</p>", escape(instead));
    }
    html.push_str("<div class=\"rows\">\n");
    for block in &figure.blocks {
        match block {
            Block::Pictures(row) => pictures(html, row),
            Block::Sheets(shown) => sheets(html, shown),
            Block::Plot { svg, alt, caption, recipe } => {
                let caption = figcaption(caption, recipe);
                let _ = writeln!(
                    html,
                    "<figure class=\"plot\">\n<div role=\"img\" aria-label=\"{}\">{svg}</div>\n{caption}\n</figure>",
                    escape(alt)
                );
            }
            Block::Missing(why, command) => {
                let _ = writeln!(html, "<p class=\"missing\">{} <code>{}</code></p>", escape(why), escape(command));
            }
        }
    }
    html.push_str("</div>\n");
    for paragraph in figure.observations.iter().flat_map(|text| text.split("\n\n")).filter(|text| !text.trim().is_empty()) {
        let _ = writeln!(html, "<p class=\"observation\">{}</p>", escape(paragraph.trim()));
    }
    html.push_str("</section>\n");
}

fn pictures(html: &mut String, row: &Row) {
    let _ = writeln!(html, "<figure>\n<div class=\"grid\" style=\"--columns: {}\">", row.columns.max(1));
    for picture in &row.pictures {
        labelled(html, picture);
    }
    let _ = writeln!(html, "</div>\n{}\n</figure>", figcaption(&row.caption, &row.recipe));
}

fn sheets(html: &mut String, shown: &Sheets) {
    let _ = writeln!(html, "<figure class=\"sheets\" style=\"--width: {}px\">", shown.width());
    for sheet in &shown.sheets {
        if !shown.heads.is_empty() {
            let heads = shown.heads.iter().map(|head| format!("<span>{}</span>", escape(head)));
            let _ = writeln!(html, "<div class=\"heads\" style=\"--columns: {}\">{}</div>", shown.heads.len(), heads.collect::<String>());
        }
        labelled(html, sheet);
    }
    let _ = writeln!(html, "{}\n</figure>", figcaption(&shown.caption, &shown.recipe));
}

fn labelled(html: &mut String, (label, png): &(String, Vec<u8>)) {
    let (label, data) = (escape(label), BASE64_STANDARD.encode(png));
    let _ = writeln!(html, "<div><img alt=\"{label}\" src=\"data:image/png;base64,{data}\"><span>{label}</span></div>");
}

fn figcaption(caption: &str, recipe: &str) -> String {
    format!("<figcaption>{} <code>{}</code></figcaption>", escape(caption), escape(recipe))
}

/// Prompt, seed, steps, guidance and model of a recipe.
pub fn caption(recipe: &Recipe, model: &str, steps: usize) -> String {
    let mut words: Vec<String> =
        recipe.prompts().iter().map(|prompt| if prompt.is_empty() { "no prompt".to_owned() } else { format!("“{prompt}”") }).collect();
    words.extend(recipe.photo().map(|photo| photo.image.name().to_owned()));
    words.push(format!("seed {}", recipe.seed()));
    if recipe.walk().is_some() {
        words.push(format!("{steps} steps"));
    }
    words.extend(recipe.guidance().map(|guidance| format!("guidance {guidance}")));
    words.push(model.to_owned());
    words.join(" · ")
}

/// Text as HTML shows it, in elements and attributes alike.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c if c.is_control() && c != '\n' => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
