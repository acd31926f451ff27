//! The runs that figures show: found in the gallery, or made and kept there.

use super::How;
use super::config::Config;
use super::table::Entry;
use super::wanted::{self, Scale, command, entry, mismatch, settled, smallness};
use crate::experiment::{self, Lesson, Models, Next, Outcome};
use crate::gallery::Gallery;
use crate::recipe::{Grid, Recipe, Run, RunId, State};
use crate::record::Record;
use crate::report::{Progress, Summary, last_part};
use crate::words::{duration, sentence};
use anyhow::{Context, Result, bail, ensure};
use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;
use std::time::Instant;

/// A training step's time for each image at a width of 64, where no run tells it: measured on two cores of an Intel Xeon.
const GUESS_MS: f64 = 10.0;

/// What there is of a recipe.
#[derive(Clone, Debug)]
pub enum Stand {
    /// A run.
    Here(Box<Found>),
    /// Nothing yet: why, and the command that makes it.
    Missing(String, String),
    /// It could not be made.
    Failed(String),
}

/// A run that stands for a recipe.
#[derive(Clone, Debug)]
pub struct Found {
    /// The run.
    pub run: Run,
    /// How its files begin.
    pub stem: String,
    /// What is small about it.
    pub small: Option<String>,
}

/// All runs that the page is made of.
pub struct Runs<'a> {
    gallery: &'a Gallery,
    config: &'a Config,
    how: &'a How<'a>,
    models: Models,
    /// The finished runs of the gallery, newest first.
    done: Vec<Run>,
    /// What was looked up, so that no recipe is made or told twice.
    known: HashMap<(&'static str, Scale), Stand>,
    /// The recipes of which something was computed, and those of which something was there, by their names.
    computed: BTreeSet<&'static str>,
    kept: BTreeSet<&'static str>,
    /// What is missing, or went wrong.
    summary: Summary,
}

impl<'a> Runs<'a> {
    /// Those of a gallery.
    ///
    /// # Errors
    /// When the gallery cannot be read, or `report.toml` speaks of a recipe that there is not.
    pub fn of((gallery, models): (&'a Gallery, Models), config: &'a Config, how: &'a How) -> Result<Runs<'a>> {
        config.recipes.keys().try_for_each(|name| entry(name).map(|_| ()))?;
        let done = gallery.history("", None, u32::MAX)?.runs;
        let (computed, kept) = (BTreeSet::new(), BTreeSet::new());
        Ok(Runs { gallery, config, how, models, done, known: HashMap::new(), computed, kept, summary: Summary::default() })
    }

    /// Something of the page could not be made.
    pub fn failed(&mut self, why: String) {
        self.summary.failed.push(why);
    }

    /// What came of it.
    pub fn summary(self) -> Summary {
        let kept = self.kept.difference(&self.computed).count();
        Summary { computed: self.computed.len(), kept, ..self.summary }
    }

    /// What there is of the recipes of one figure: either all are whole, or all are small, so that they can be compared.
    pub fn stand(&mut self, names: &[&'static str], tell: &mut dyn FnMut(Progress)) -> Vec<Stand> {
        let is_whole = |name: &&str| {
            self.config.run(name).is_ok_and(|run| run.is_some()) || self.find(name, Scale::Full).is_ok_and(|run| run.is_some())
        };
        let scale = if self.how.quick && !names.iter().all(is_whole) { Scale::Small } else { Scale::Full };
        names.iter().map(|name| self.look_up(name, scale, tell)).collect()
    }

    fn look_up(&mut self, name: &'static str, scale: Scale, tell: &mut dyn FnMut(Progress)) -> Stand {
        if let Some(known) = self.known.get(&(name, scale)) {
            return known.clone();
        }
        tell(Progress::Begins(name, 0, 0));
        let stand = self.stands(name, scale, tell).unwrap_or_else(|error| {
            let words = format!("{name} cannot be made: {}", sentence(&error));
            self.failed(words.clone());
            Stand::Failed(words)
        });
        self.known.insert((name, scale), stand.clone());
        stand
    }

    fn stands(&mut self, name: &'static str, scale: Scale, tell: &mut dyn FnMut(Progress)) -> Result<Stand> {
        let entry = entry(name)?;
        let [wanted, full] = [scale, Scale::Full].map(|scale| wanted::recipe(entry, scale, self.config));
        let (wanted, full) = (wanted?, full?);
        if let Some(id) = self.config.run(name)? {
            let run = self.named(id, (entry, &full))?;
            self.kept.insert(name);
            return Ok(Stand::Here(Box::new(Found { run, stem: name.to_owned(), small: None })));
        }
        let run = if let Some(run) = self.find(name, scale)? {
            self.kept.insert(name);
            run
        } else {
            let begun = self.begun(&wanted)?;
            let waits = wanted.training().is_some() && scale == Scale::Full && !self.how.train;
            if waits || begun.as_ref().is_some_and(|run| run.state.is_open()) {
                return self.missing((entry, &full), begun);
            }
            let run = self.make(wanted.clone(), begun, tell)?;
            self.computed.insert(name);
            run
        };
        let small = smallness(entry, &wanted, &full);
        let stem = if small.is_some() { format!("{name}-small") } else { name.to_owned() };
        Ok(Stand::Here(Box::new(Found { run, stem, small })))
    }

    /// The run that `report.toml` names, where it is one that the words around it are true of.
    fn named(&self, id: RunId, (entry, full): (&Entry, &Recipe)) -> Result<Run> {
        let run = self.gallery.run(id)?.with_context(|| format!("there is no run {id} in this workspace"))?;
        let experiment = run.recipe.experiment();
        ensure!(experiment == entry.experiment, "run {id} is a {experiment} and no {}", entry.experiment);
        ensure!(run.state == State::Done, "run {id} is not done, but {}", run.state.word());
        if let Some(why) = mismatch(entry, &run.recipe, full) {
            bail!("run {id} was trained with {why}");
        }
        Ok(run)
    }

    /// The newest run of the gallery that is the recipe's.
    fn find(&self, name: &str, scale: Scale) -> Result<Option<Run>> {
        let entry = entry(name)?;
        let wanted = settled(&wanted::recipe(entry, scale, self.config)?);
        Ok(self.done.iter().find(|run| run.recipe.experiment() == entry.experiment && settled(&run.recipe) == wanted).cloned())
    }

    /// A training of this recipe that is not done: one that waits or runs somewhere, or else the one that is furthest.
    fn begun(&self, wanted: &Recipe) -> Result<Option<Run>> {
        if wanted.training().is_none() {
            return Ok(None);
        }
        // What a process that is gone has left is not under way.
        self.gallery.release_orphans()?;
        let wanted = settled(wanted);
        let alike = self.gallery.queue()?.into_iter().filter(|run| settled(&run.recipe) == wanted);
        Ok(alike.max_by_key(|run| (run.state.is_open(), run.step)))
    }

    /// What makes a training that is not there, how long that takes, and how far one has come.
    fn missing(&mut self, (entry, full): (&Entry, &Recipe), begun: Option<Run>) -> Result<Stand> {
        let now = begun.map(|run| format!("; run {} of it is {}, at step {} of {}", run.id, run.state.word(), run.step, run.of));
        let now = now.unwrap_or_default();
        let why = format!("{} is not in the gallery{now}. It takes about {}:", entry.name, self.about(full));
        self.summary.missing.push(format!("{why} {}", command(entry, self.config, str::to_owned)?));
        Ok(Stand::Missing(why, command(entry, self.config, last_part)?))
    }

    /// How long a training takes, as the last one of its width did.
    fn about(&self, recipe: &Recipe) -> String {
        let width = |recipe: &Recipe| recipe.training().map(|training| training.width);
        let alike = |run: &&Run| run.recipe.experiment() == recipe.experiment() && width(&run.recipe) == width(recipe);
        let pace = self.done.iter().filter(alike).find_map(|run| Some(run.took_ms? as f64 / run.recipe.model_calls().max(1) as f64));
        let calls = recipe.model_calls() as f64;
        pace.map_or_else(|| format!("{} on two cores", duration(GUESS_MS * calls)), |pace| duration(pace * calls))
    }

    /// Makes a recipe and keeps it in the gallery, as `darkroom run` does; a training that has begun goes on from its checkpoint.
    fn make(&mut self, recipe: Recipe, begun: Option<Run>, tell: &mut dyn FnMut(Progress)) -> Result<Run> {
        let run = match begun.filter(|run| !self.gallery.checkpoints(run.id).is_empty()) {
            // Only what is stopped comes here: what an engine may have in hand stays with it.
            Some(begun) => self.gallery.take_over(begun.id, || true)?,
            None => self.gallery.adopt(&Grid::one(recipe))?.into_iter().next().context("there is no recipe")?,
        };
        let made = match run.recipe.training() {
            Some(_) => self.teach(&run, tell),
            None => self.develop(&run, tell),
        };
        let made = made.inspect_err(|error| {
            // What cannot be noted on top of it must not hide the reason.
            self.gallery.set_state(run.id, State::Failed, Some(&sentence(error))).ok();
        })?;
        self.done.insert(0, made.clone());
        Ok(made)
    }

    fn teach(&self, run: &Run, tell: &mut dyn FnMut(Progress)) -> Result<Run> {
        ensure!(self.gallery.claim(run.id)?.is_some(), "it was cancelled by another process");
        let (mut record, kept) = Record::open(self.gallery, run);
        let end = experiment::train(&run.recipe, kept, &mut |lesson| {
            record.write(lesson, Next::GoOn)?;
            if let Lesson::Step(step) = lesson {
                self.gallery.set_step(run.id, step.point.step, step.of as u32)?;
                tell(Progress::Step(step.point.step as usize, step.of));
            }
            Ok(Next::GoOn)
        });
        record.close(end)?.context("the training was broken off")
    }

    fn develop(&mut self, run: &Run, tell: &mut dyn FnMut(Progress)) -> Result<Run> {
        ensure!(self.gallery.claim(run.id)?.is_some(), "it was cancelled by another process");
        let begun = Instant::now();
        let outcome = experiment::run(&run.recipe, &mut self.models, None, &mut |step| {
            tell(Progress::Step(step.index + 1, step.of));
            Ok(ControlFlow::Continue(()))
        })?;
        let Outcome::Done(pictures, made) = outcome else { bail!("it was broken off") };
        self.gallery.save(run.id, &made, &pictures, begun.elapsed().as_millis() as u64)
    }
}
