//! The whole part A of the course as one page: its figures, each from a recipe that lies beside it.

pub mod config;
pub mod figures;
mod sketch;

use super::page::{self, Block, Row, Shown, caption};
use super::{Progress, Summary, check_known, model_name, page_name, published};
use crate::atomic::{make_folder, write_atomic};
use crate::experiment::{self, Models, Outcome};
use crate::gallery::{self, Gallery};
use crate::input::Inputs;
use crate::model::EMBEDDED;
use crate::recipe::{Ask, Image, Recipe, RunId};
use crate::words::sentence;
use anyhow::{Context, Result, bail};
use config::Config;
use figures::{Figure, Part};
use image::RgbImage;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::fs;
use std::ops::ControlFlow;
use std::path::Path;

/// The most numbered pictures in one row.
const ROW: usize = 7;

/// Makes the page in `out`, or a single one of its figures, and returns what was done. The user's `gallery` keeps the
/// pictures that go in, and has the runs that `report.toml` names.
///
/// # Errors
/// When there is no such figure, `report.toml` is not understood, or the folder cannot be written.
pub fn report(out: &Path, only: Option<&str>, (gallery, models): (&Gallery, Models), tell: &mut dyn FnMut(Progress)) -> Result<Summary> {
    make_folder(out)?;
    let config: Config = super::config::read(out, config::HEAD)?;
    let figures = chosen(&config, only)?;
    let mut studio = Studio { out, config: &config, gallery, models, hash: None, made: HashMap::new(), summary: Summary::default() };
    let total = figures.iter().map(|figure| figure.parts.len()).sum();
    let mut begun = 0;
    let mut shown = Vec::new();
    for figure in &figures {
        shown.push(studio.show(figure, &mut |progress| match progress {
            Progress::Begins(name, ..) => {
                begun += 1;
                tell(Progress::Begins(name, begun, total));
            }
            step => tell(step),
        }));
    }
    let page = page::page("The power of diffusion models", &intro(&config), page::MODEL, &shown);
    write_atomic(&out.join(page_name(only)), page.as_bytes())?;
    Ok(studio.summary)
}

/// The figures of the page, or the single one that is asked for.
fn chosen(config: &Config, only: Option<&str>) -> Result<Vec<Figure>> {
    check_known(&figures::ids(), config.figures.keys(), only)?;
    Ok(figures::figures(config).into_iter().filter(|figure| only.is_none_or(|only| figure.words.id == only)).collect())
}

/// What stands below the page's title.
fn intro(config: &Config) -> String {
    let small = match config.model == EMBEDDED {
        true => {
            " The model is a small one that knows handwritten digits and clothes in colours, at 32x32 pixels; on photos it shows how \
             the methods work, not what a large model can do."
        }
        false => "",
    };
    let (seed, model) = (config.seed, model_name(&config.model));
    format!("CS180, project 5, part A: the power of diffusion models. Seed {seed}, model {model}.{small}")
}

/// What the figures are made with.
struct Studio<'a> {
    out: &'a Path,
    config: &'a Config,
    gallery: &'a Gallery,
    models: Models,
    /// The model's hash, once it was needed.
    hash: Option<String>,
    /// The pictures of `report.toml` as the workspace keeps them.
    made: HashMap<String, Image>,
    summary: Summary,
}

impl Studio<'_> {
    /// A figure with its pictures; what cannot be made is told in its place.
    fn show(&mut self, figure: &Figure, tell: &mut dyn FnMut(Progress)) -> Shown {
        let extra = self.config.figures.get(figure.words.id).cloned().unwrap_or_default();
        let mut shown = Shown {
            id: figure.words.id.to_owned(),
            title: figure.words.title.to_owned(),
            text: figure.words.text.to_owned(),
            math: vec![figure.words.math],
            instead: figure.words.course.filter(|_| self.config.model == EMBEDDED && extra.run.is_empty()).map(|course| {
                format!("{course} The built-in model knows digits and clothes only, so that this figure uses prompts that it can follow.")
            }),
            blocks: Vec::new(),
            observations: vec![extra.observations],
        };
        let note = |studio: &mut Self, shown: &mut Shown, name: &str, made: Result<Row>| match made {
            Ok(row) => shown.blocks.push(Block::Pictures(row)),
            Err(error) => {
                let words = format!("{name} cannot be made: {}", sentence(&error));
                shown.observations.push(words.clone());
                studio.summary.failed.push(words);
            }
        };
        for run in &extra.run {
            let name = format!("{}-run{run}", figure.words.id);
            let made = self.kept_run(RunId(*run), &name, &mut shown.observations);
            note(self, &mut shown, &name, made);
        }
        if extra.run.is_empty() {
            for (index, part) in figure.parts.iter().enumerate() {
                let name = format!("{}-{}", figure.words.id, char::from(b'a' + index as u8));
                tell(Progress::Begins(&name, 0, 0));
                let made = self.develop(part, &name, tell);
                note(self, &mut shown, &name, made);
            }
        }
        shown
    }

    /// The pictures of a part, computed or as they lie there.
    fn develop(&mut self, part: &Part, name: &str, tell: &mut dyn FnMut(Progress)) -> Result<Row> {
        let recipe = self.recipe(part, tell)?;
        let steps = self.make(&recipe, name, tell)?;
        let mut pictures = self.companions(&recipe, name)?;
        for (index, label) in recipe.labels().into_iter().enumerate() {
            pictures.push((label, fs::read(self.out.join(format!("{name}-{}.png", index + 1)))?));
        }
        if let Recipe::Hybrid(_) = recipe {
            pictures.insert(1, ("half size".to_owned(), pictures[0].1.clone()));
        }
        // Pictures that only have numbers stand in one row; a lone one needs no name beside its caption.
        let numbered = recipe.labels().iter().all(|label| label.parse::<usize>().is_ok());
        let beside = pictures.len() - recipe.pictures();
        let columns = if numbered { pictures.len().min(ROW) } else { recipe.columns() + beside };
        if numbered && recipe.pictures() == 1 {
            pictures.iter_mut().skip(beside).for_each(|(label, _)| *label = "result".to_owned());
        }
        Ok(Row { pictures, columns, caption: caption(&recipe, &model_name(recipe.model()), steps), recipe: format!("{name}.toml") })
    }

    /// Computes a recipe unless its pictures lie there; returns how many timesteps it has.
    fn make(&mut self, recipe: &Recipe, name: &str, tell: &mut dyn FnMut(Progress)) -> Result<usize> {
        let path = |index: usize| self.out.join(format!("{name}-{}.png", index + 1));
        let hash = match &self.hash {
            Some(hash) => hash.clone(),
            None => self.hash.insert(self.models.hash(&self.config.model)?).clone(),
        };
        let wanted = published(recipe).nameless();
        let lies_there = |index| {
            gallery::read_png_recipe(&path(index))
                .ok()
                .filter(|(kept, made, at)| *kept == wanted && made.model_hash == hash && *at == index)
        };
        write_atomic(&self.out.join(format!("{name}.toml")), published(recipe).to_toml().as_bytes())?;
        if let Some((_, made, _)) = lies_there(0)
            && (1..recipe.pictures()).all(|index| lies_there(index).is_some())
        {
            self.summary.kept += 1;
            return Ok(made.timesteps.len());
        }
        let outcome = experiment::run(recipe, &mut self.models, None, &mut |step| {
            tell(Progress::Step(step.index + 1, step.of));
            Ok(ControlFlow::Continue(()))
        })?;
        let Outcome::Done(pictures, made) = outcome else { bail!("it was broken off") };
        for (index, picture) in pictures.iter().enumerate() {
            write_atomic(&path(index), &gallery::encode_png(picture, recipe, &made, index)?)?;
        }
        self.summary.computed += 1;
        Ok(made.timesteps.len())
    }

    /// The recipe of a part, with the pictures that the workspace keeps.
    fn recipe(&mut self, part: &Part, tell: &mut dyn FnMut(Progress)) -> Result<Recipe> {
        let mut fields = Vec::new();
        for (name, value) in &part.fields {
            let value = if matches!(*name, "image" | "mask") { self.picture(value, tell)?.to_string() } else { value.clone() };
            fields.push(((*name).to_owned(), value));
        }
        fields.push(("seed".into(), self.config.seed.to_string()));
        fields.push(("model".into(), self.config.model.clone()));
        let recipes = Ask { experiment: part.experiment.to_owned(), fields }.expand()?.recipes;
        recipes.into_iter().next().context("the figure has no recipe")
    }

    /// A picture of `report.toml` as the workspace keeps it.
    fn picture(&mut self, named: &str, tell: &mut dyn FnMut(Progress)) -> Result<Image> {
        if let Some(known) = self.made.get(named) {
            return Ok(known.clone());
        }
        let inputs = self.gallery.inputs();
        let image = if let Some(prompt) = named.strip_prefix("sample:") {
            self.sampled(prompt.trim(), &inputs, tell)?
        } else if let Some(name) = named.strip_prefix("sketch:") {
            let sketch =
                sketch::sketch(name).with_context(|| format!("there is no sketch '{}'; there are house and face", name.escape_debug()))?;
            inputs.keep_pixels("sketch that ships with darkroom", &sketch)?
        } else {
            inputs.keep(&named.parse::<Image>().map_err(|why| anyhow::anyhow!("the picture {why}"))?)?
        };
        self.made.insert(named.to_owned(), image.clone());
        Ok(image)
    }

    /// A picture that the report develops first, for those who have brought none.
    fn sampled(&mut self, prompt: &str, inputs: &Inputs, tell: &mut dyn FnMut(Progress)) -> Result<Image> {
        let name = sample_name(prompt);
        let fields = [("prompt", prompt), ("seed", &self.config.seed.to_string()), ("model", &self.config.model)];
        let recipe = Recipe::parse("sample", &fields.map(|(field, value)| (field.to_owned(), value.to_owned())))?;
        self.make(&recipe, &name, tell)?;
        let picture: RgbImage = gallery::load(&self.out.join(format!("{name}-1.png")), u32::MAX)?;
        inputs.keep_pixels(&format!("a sample of {prompt}"), &picture)
    }

    /// What an inpainting began with: the original and the mask.
    fn companions(&self, recipe: &Recipe, name: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let Recipe::Inpaint(inpaint) = recipe else { return Ok(Vec::new()) };
        let inputs = self.gallery.inputs();
        let side = crate::model::sample_size(recipe.model())? as u32;
        let mask = image::DynamicImage::from(inputs.mask(&inpaint.mask, inpaint.photo.fit, side)?).into_rgb8();
        let mut pictures = Vec::new();
        for (label, picture) in [("original", inputs.photo(&inpaint.photo, side)?), ("mask", mask)] {
            let png = gallery::encode(&picture, &[])?;
            write_atomic(&self.out.join(format!("{name}-{label}.png")), &png)?;
            pictures.push((label.to_owned(), png));
        }
        Ok(pictures)
    }

    /// The pictures of a run of the gallery in a figure's place, its note among the observations.
    fn kept_run(&mut self, id: RunId, name: &str, observations: &mut Vec<String>) -> Result<Row> {
        let run = self.gallery.run(id)?.with_context(|| format!("there is no run {id} in this workspace"))?;
        let mut pictures = Vec::new();
        for (index, label) in run.recipe.labels().into_iter().enumerate() {
            let png = fs::read(self.gallery.picture_path(id, index)).with_context(|| format!("run {id} has no picture {}", index + 1))?;
            write_atomic(&self.out.join(format!("{name}-{}.png", index + 1)), &png)?;
            pictures.push((label, png));
        }
        write_atomic(&self.out.join(format!("{name}.toml")), published(&run.recipe).to_toml().as_bytes())?;
        observations.extend(run.note.clone());
        let caption = caption(&run.recipe, &model_name(run.recipe.model()), run.of as usize);
        Ok(Row { pictures, columns: run.recipe.columns(), caption, recipe: format!("{name}.toml") })
    }
}

/// How the file of a developed picture begins: a prompt's first words for people, and its hash, as other prompts may begin alike.
fn sample_name(prompt: &str) -> String {
    let words = prompt.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let words: String = words.flat_map(|word| [word, "-"]).flat_map(str::chars).take(40).collect();
    let hash: String = Sha256::digest(prompt).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    ["own", words.trim_end_matches('-'), &hash].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_prompt_has_a_file_name_of_its_own_that_is_short() {
        let prompts = ["a red three", "a red, three", "a red  three", "赤い三", "青い三", "", &"very ".repeat(100), &"very ".repeat(99)];
        let names = prompts.map(sample_name);
        assert!(names[0].starts_with("own-a-red-three-") && names[3].starts_with("own-"), "{names:?}");
        assert!(names.iter().all(|name| name.len() <= 53 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')));
        let different: std::collections::HashSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len(), "{names:?}");
    }
}
