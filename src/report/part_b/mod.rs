//! The whole part B of the course as one page: both editions, each figure of trainings that the gallery keeps.

pub mod config;
mod runs;
pub mod table;
mod wanted;

use super::page::{self, Block, Row, Sheets, Shown};
use super::plot::{Curve, plot};
use super::{Progress, Summary, check_known, page_name, published};
use crate::atomic::{make_folder, write_atomic};
use crate::experiment::Models;
use crate::gallery::Gallery;
use crate::recipe::{MNIST, Recipe, Run};
use crate::words::sentence;
use anyhow::{Context, Result};
use config::Config;
use runs::{Found, Runs, Stand};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use table::{FIGURES, Figure, Show};

/// How a page of part B is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct How<'a> {
    /// A single one of its figures.
    pub only: Option<&'a str>,
    /// Small trainings stand where the gallery lacks the whole ones.
    pub quick: bool,
    /// Trainings that the gallery lacks are made, however long that takes.
    pub train: bool,
}

/// Makes the page in `out`, and returns what was done. Trainings come from the gallery and go there.
///
/// # Errors
/// When there is no such figure, `report.toml` is not understood, or the folder cannot be written.
pub fn report(out: &Path, how: &How, (gallery, models): (&Gallery, Models), tell: &mut dyn FnMut(Progress)) -> Result<Summary> {
    make_folder(out)?;
    let config: Config = super::config::read(out, config::HEAD).context("part B")?;
    check_known(&table::ids(), config.figures.keys(), how.only)?;
    let figures: Vec<&Figure> = FIGURES.iter().filter(|figure| how.only.is_none_or(|only| figure.id == only)).collect();
    let total = figures.iter().flat_map(|figure| names(figure)).collect::<BTreeSet<_>>().len();
    let mut wall = Wall { out, gallery, config: &config, runs: Runs::of((gallery, models), &config, how)?, data: BTreeSet::new() };
    // A recipe that stands whole in one figure and small in another is one all the same.
    let mut begun = BTreeSet::new();
    let mut shown = Vec::new();
    for figure in figures {
        shown.push(wall.show(figure, &mut |progress| match progress {
            Progress::Begins(name, ..) => {
                begun.insert(name.to_owned());
                tell(Progress::Begins(name, begun.len(), total));
            }
            step => tell(step),
        }));
    }
    let needs = if wall.data.iter().all(|data| data == MNIST) { page::MODEL } else { page::MODEL_AND_DATA };
    let page = page::page("Diffusion models from scratch", &intro(&wall, how), needs, &shown);
    write_atomic(&out.join(page_name(how.only)), page.as_bytes())?;
    Ok(wall.runs.summary())
}

/// What stands below the page's title.
fn intro(wall: &Wall, how: &How) -> String {
    let small = match how.quick {
        true => {
            " Where the trainings that the course asks for were not at hand, small ones stand in their place: see what is said below each."
        }
        false => "",
    };
    let data = match wall.data.is_empty() {
        true => super::last_part(&wall.config.data),
        false => wall.data.iter().map(String::as_str).collect::<Vec<_>>().join(" and "),
    };
    format!("CS180, project 5, part B, in the editions fa24 (DDPM) and fa25 (flow matching). Trained on {data}.{small}")
}

/// The recipes of a figure, each once.
fn names(figure: &Figure) -> Vec<&'static str> {
    let mut names: Vec<&'static str> = Vec::new();
    for name in figure.shows.iter().flat_map(Show::names) {
        if !names.contains(name) {
            names.push(name);
        }
    }
    names
}

/// Where the figures hang.
struct Wall<'a> {
    out: &'a Path,
    gallery: &'a Gallery,
    config: &'a Config,
    runs: Runs<'a>,
    /// What the runs that are shown have learned from.
    data: BTreeSet<String>,
}

impl Wall<'_> {
    /// A figure with what there is of it; what is missing or cannot be made is told in its place.
    fn show(&mut self, figure: &Figure, tell: &mut dyn FnMut(Progress)) -> Shown {
        let names = names(figure);
        let stands = self.runs.stand(&names, tell);
        let mut shown = Shown {
            id: figure.id.to_owned(),
            title: figure.title.to_owned(),
            text: figure.text.to_owned(),
            math: figure.math.to_vec(),
            observations: vec![self.config.figures.get(figure.id).cloned().unwrap_or_default().observations],
            ..Shown::default()
        };
        let mut found = Vec::new();
        for (name, stand) in names.into_iter().zip(stands) {
            match stand {
                Stand::Here(run) => found.push((name, *run)),
                Stand::Missing(why, command) => shown.blocks.push(Block::Missing(why, command)),
                Stand::Failed(why) => shown.observations.push(why),
            }
        }
        self.data.extend(found.iter().filter_map(|(_, found)| published(&found.run.recipe).data_mut().cloned()));
        for show in figure.shows {
            let of: Vec<&Found> = found.iter().filter(|(name, _)| show.names().contains(name)).map(|(_, found)| found).collect();
            if of.is_empty() {
                continue;
            }
            match self.block(show, &of, figure.id) {
                Ok(block) => shown.blocks.push(block),
                Err(error) => {
                    let words = format!("{} cannot be shown: {}", figure.id, sentence(&error));
                    shown.observations.push(words.clone());
                    self.runs.failed(words);
                }
            }
        }
        shown.observations.extend(found.into_iter().filter_map(|(_, found)| found.run.note));
        shown
    }

    fn block(&self, show: &Show, of: &[&Found], id: &str) -> Result<Block> {
        for found in of {
            write_atomic(&self.out.join(format!("{}.toml", found.stem)), published(&found.run.recipe).to_toml().as_bytes())?;
        }
        let found = of.first().context("there is nothing to show")?;
        match show {
            Show::Pictures(_) => self.pictures(found),
            Show::Curves(_) => self.curves(of, id),
            Show::Samples(_, epochs) => {
                let last = found.run.recipe.training().map_or(0, |training| training.last());
                self.sheets(found, &far_along(epochs, last).iter().map(|epoch| epoch.saturating_sub(1)).collect::<Vec<_>>())
            }
            Show::End(_) => self.sheets(found, &[found.run.recipe.pictures().saturating_sub(1)]),
        }
    }

    fn pictures(&self, found: &Found) -> Result<Block> {
        let recipe = &found.run.recipe;
        let pictures = (0..recipe.pictures()).map(|index| self.picture(found, index)).collect::<Result<_>>()?;
        let caption = format!("seed {}", recipe.seed());
        Ok(Block::Pictures(Row { pictures, columns: recipe.columns(), caption, recipe: format!("{}.toml", found.stem) }))
    }

    fn sheets(&self, found: &Found, indexes: &[usize]) -> Result<Block> {
        let sheets = indexes.iter().map(|index| self.picture(found, *index)).collect::<Result<Vec<_>>>()?;
        let (heads, lines) = legend(&found.run.recipe, indexes);
        let caption = [Some(lines), Some(facts(&found.run)), found.small.clone()].into_iter().flatten().collect::<Vec<_>>().join(" ");
        Ok(Block::Sheets(Sheets { sheets, heads, caption, recipe: format!("{}.toml", found.stem) }))
    }

    /// A picture of a run with its label, copied beside the page.
    fn picture(&self, found: &Found, index: usize) -> Result<(String, Vec<u8>)> {
        let id = found.run.id;
        let png = fs::read(self.gallery.picture_path(id, index)).with_context(|| format!("run {id} has no picture {}", index + 1))?;
        write_atomic(&self.out.join(format!("{}-{}.png", found.stem, index + 1)), &png)?;
        Ok((found.run.recipe.labels().get(index).cloned().unwrap_or_default(), png))
    }

    /// The losses of runs, laid over one another.
    fn curves(&self, of: &[&Found], id: &str) -> Result<Block> {
        let (mut curves, mut captions) = (Vec::new(), Vec::new());
        for found in of {
            let points = self.gallery.points(found.run.id, 0, u32::MAX)?;
            let label = rate(&found.run.recipe);
            let end =
                self.gallery.epoch_losses(found.run.id)?.last().map(|(epoch, loss)| format!("Mean loss of epoch {epoch}: {loss:.4}."));
            let name = (of.len() > 1).then(|| format!("{label}:"));
            captions.push([name, Some(facts(&found.run)), end, found.small.clone()].into_iter().flatten().collect::<Vec<_>>().join(" "));
            curves.push(Curve { label, points });
        }
        let svg = plot(&curves)?;
        write_atomic(&self.out.join(format!("{id}.svg")), svg.as_bytes())?;
        let steps = curves.iter().map(|curve| curve.points.len().to_string()).collect::<Vec<_>>().join(" and ");
        let alt = format!("The losses of {steps} steps on a logarithmic axis: smoothed, and faintly the lowest and highest of every few.");
        let recipes: Vec<String> = of.iter().map(|found| format!("{}.toml", found.stem)).collect();
        Ok(Block::Plot { svg, alt, caption: captions.join(" — "), recipe: recipes.join(" ") })
    }
}

/// The epochs to show of a training that ends after `last`: those that are asked for and the last, or as far along.
fn far_along(epochs: &[usize], last: usize) -> Vec<usize> {
    let asked = epochs.iter().copied().max().unwrap_or(1).max(1);
    let at = |epoch: &usize| if last < asked { (epoch * last).div_ceil(asked) } else { *epoch };
    let mut shown: Vec<usize> = epochs.iter().map(at).chain([last]).collect();
    shown.dedup();
    shown
}

/// What decides a training, in short.
fn facts(run: &Run) -> String {
    let Some(training) = run.recipe.training() else { return String::new() };
    let images = training.learn.images.map_or_else(|| "All images".to_owned(), |images| format!("{images} images"));
    let (epochs, batch, width) = (training.last(), training.batch, training.width);
    format!("{images}, {epochs} epochs in batches of {batch}, width {width}, Adam at a {}, seed {}.", rate(&run.recipe), run.recipe.seed())
}

/// The learning rate and what becomes of it.
fn rate(recipe: &Recipe) -> String {
    use crate::recipe::Decay;
    let Some(training) = recipe.training() else { return String::new() };
    let becomes = match training.schedule {
        Decay::Constant => "constant",
        Decay::Exponential => "falling to a tenth",
        Decay::Cosine => "falling along a cosine",
    };
    format!("rate of {}, {becomes}", training.rate)
}

/// What stands above the columns of a sheet, and what its lines are.
fn legend(recipe: &Recipe, indexes: &[usize]) -> (Vec<String>, String) {
    let last = recipe.training().map_or(0, |training| training.last());
    let is_end = indexes == [last];
    match recipe {
        Recipe::TrainDenoiser(recipe) if is_end && recipe.pure_noise => {
            (["network", "mean"].map(str::to_owned).to_vec(), "What the network makes of noise, and the mean of all images.".to_owned())
        }
        Recipe::TrainDenoiser(recipe) if is_end => {
            let heads = recipe.sigmas.0.iter().map(|sigma| format!("σ {sigma}")).collect();
            (heads, "Lines: three test images under more and more noise, and below each what the network makes of it.".to_owned())
        }
        Recipe::TrainDenoiser(recipe) if recipe.pure_noise => (Vec::new(), "Lines: noise, and what the network makes of it.".to_owned()),
        Recipe::TrainDenoiser(recipe) => {
            (Vec::new(), format!("Lines: test images, the same under σ {}, and what the network makes of that.", recipe.sigma))
        }
        Recipe::TrainClass(recipe) => {
            (Vec::new(), format!("{} samples of {} steps, guidance {}.", recipe.diffuse.count, recipe.diffuse.timesteps, recipe.guidance))
        }
        Recipe::TrainTime(recipe) => (Vec::new(), format!("{} samples of {} steps.", recipe.diffuse.count, recipe.diffuse.timesteps)),
        _ => (Vec::new(), String::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::far_along;

    #[test]
    fn the_epochs_of_a_shorter_training_are_as_far_along() {
        assert_eq!(far_along(&[5, 20], 20), [5, 20]);
        assert_eq!(far_along(&[5, 20], 30), [5, 20, 30]);
        assert_eq!(far_along(&[5, 20], 5), [2, 5]);
        assert_eq!(far_along(&[1, 5, 10], 5), [1, 3, 5]);
        assert_eq!(far_along(&[1, 5, 10], 1), [1]);
    }
}
