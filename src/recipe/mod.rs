//! What a user can ask for, as plain data.
//!
//! Every experiment declares its parameters once, as a struct that derives `clap::Args` and `Serialize`; see
//! [`Sample`]. The command line, a TOML recipe, the form in the terminal, the link and the metadata of a picture all
//! enter by the same door: they become `--field=value` arguments for the same parser, so that defaults, ranges and
//! the words of an error are the same everywhere.

mod anagram;
mod ask;
mod blur;
mod differ;
mod edit;
mod error;
mod experiment;
mod fields;
mod filter;
mod foreign;
mod form;
mod forward;
mod hybrid;
mod image;
mod inpaint;
mod iterative;
mod kin;
mod layer;
mod made;
mod marks;
mod model;
mod noise_levels;
mod number;
mod one_step;
mod point;
mod run;
mod sample;
mod sample_digits;
mod stage_two;
mod stages;
mod timesteps;
mod train;
mod train_class;
mod train_denoiser;
mod train_time;
mod turn;
mod upscale;
mod view;
mod walk;

pub use anagram::{Anagram, Reduce};
pub use ask::{Ask, Axis, Grid, MAX_CELLS};
pub use blur::Blur;
pub use differ::{Differing, differences};
pub use edit::Edit;
pub use error::{RecipeError, toml_sentence};
pub use experiment::Given;
pub use filter::{Day, Filter, Quality, Span, Term, Today, What};
pub use foreign::Foreign;
pub use form::{Field, Kind, fields};
pub use forward::Forward;
pub use hybrid::{Hybrid, Split};
pub use image::{CAMPANILE, Colour, Fit, Image, MASKS, Photo};
pub use inpaint::Inpaint;
pub use iterative::Iterative;
pub use kin::{Bond, Cell, Kin, Relative, Table};
pub use layer::{Export, Layer, LayerNumbers, Numbers};
pub use made::Made;
pub use marks::{BEST, MAX_TAGS, Mark, Marks};
pub use model::Model;
pub use noise_levels::NoiseLevels;
pub use number::{List, Reals};
pub use one_step::OneStep;
pub use point::Point;
pub use run::{Run, RunId, State};
pub use sample::Sample;
pub use sample_digits::{BUILT_IN, SampleDigits};
pub use stage_two::StageTwo;
pub use stages::Stages;
pub use timesteps::{RESPACINGS, Timesteps};
pub use train::{Decay, Diffuse, Edition, Learn, MNIST, Modulation, Objective, Training, preset};
pub use train_class::TrainClass;
pub use train_denoiser::TrainDenoiser;
pub use train_time::TrainTime;
pub use turn::Turn;
pub use upscale::Upscale;
pub use view::{VIEWS, View};
pub use walk::{Sampler, Walk};

use clap::{Args, Command, FromArgMatches};
use experiment::Experiment;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The one list of experiments, in the order in which the workbench offers them.
macro_rules! experiments {
    ($($(#[$doc:meta])* $name:literal => $Recipe:ident $(with $($model:ident).+)?,)*) => {
        /// The names of all experiments, in the order in which the workbench offers them.
        pub const EXPERIMENTS: &[&str] = &[$($name),*];

        /// One recipe: an experiment with every parameter set and checked.
        ///
        /// A `Recipe` that exists is valid: deserializing one runs the same checks as the command line.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        #[serde(try_from = "fields::Fields", into = "Map<String, Value>")]
        pub enum Recipe {
            $($(#[$doc])* $Recipe(Box<$Recipe>),)*
        }

        impl Recipe {
            /// The experiment's name on the command line.
            pub fn experiment(&self) -> &'static str {
                match self { $(Recipe::$Recipe(_) => $name,)* }
            }

            fn as_experiment(&self) -> &dyn Experiment {
                match self { $(Recipe::$Recipe(recipe) => &**recipe,)* }
            }

            fn as_experiment_mut(&mut self) -> &mut dyn Experiment {
                match self { $(Recipe::$Recipe(recipe) => &mut **recipe,)* }
            }

            fn own_model(&self) -> Option<&String> {
                match self { $(Recipe::$Recipe(_recipe) => None$(.or(Some(&_recipe.$($model).+)))?,)* }
            }

            fn own_model_mut(&mut self) -> Option<&mut String> {
                match self { $(Recipe::$Recipe(_recipe) => None$(.or(Some(&mut _recipe.$($model).+)))?,)* }
            }

            /// What picks the noise.
            pub fn seed(&self) -> u64 {
                match self { $(Recipe::$Recipe(recipe) => recipe.seed,)* }
            }

            fn fields(self) -> serde_json::Result<Value> {
                match self { $(Recipe::$Recipe(recipe) => serde_json::to_value(recipe),)* }
            }

            fn from_matches(experiment: &str, matches: &clap::ArgMatches) -> Result<Recipe, clap::Error> {
                match experiment {
                    $($name => $Recipe::from_arg_matches(matches).map(|recipe| Recipe::$Recipe(Box::new(recipe))),)*
                    _ => Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand)),
                }
            }
        }

        /// The clap command of one experiment, each field a `--field VALUE` that takes a single value.
        ///
        /// # Errors
        /// When there is no such experiment.
        pub fn command(experiment: &str) -> Result<Command, RecipeError> {
            let bare = |name: &'static str| Command::new(name).disable_help_flag(true).no_binary_name(true);
            match experiment {
                $($name => Ok($Recipe::augment_args(bare($name))),)*
                _ => Err(RecipeError::unknown_experiment(experiment)),
            }
        }
    };
}

experiments! {
    /// Develop pictures from pure noise.
    "sample" => Sample with stages.model.name,
    /// A picture drowned in noise.
    "forward" => Forward with model,
    /// Noise taken away by a blur.
    "blur" => Blur with model,
    /// Noise taken away at once.
    "one-step" => OneStep with model.name,
    /// Noise taken away step by step.
    "iterative" => Iterative with model.name,
    /// SDEdit.
    "edit" => Edit with model.name,
    /// RePaint.
    "inpaint" => Inpaint with model.name,
    /// Visual anagrams.
    "anagram" => Anagram with stages.model.name,
    /// Factorized diffusion.
    "hybrid" => Hybrid with stages.model.name,
    /// Stage II super-resolution.
    "upscale" => Upscale with model,
    /// An image at every noise level.
    "noise-levels" => NoiseLevels,
    /// Part B, the single-step denoiser.
    "train-denoiser" => TrainDenoiser,
    /// Part B, the time-conditioned network.
    "train-time" => TrainTime,
    /// Part B, the class-conditioned network.
    "train-class" => TrainClass,
    /// Pictures from a network of part B.
    "sample-digits" => SampleDigits,
}

impl Recipe {
    /// The model as the user named it: the embedded one's name, or a folder; of a training, what it trains.
    pub fn model(&self) -> &str {
        self.own_model().map_or_else(|| self.as_experiment().network(), String::as_str)
    }

    /// The text that history search looks at, and that stands for the run in a list: every prompt, a line each.
    pub fn prompt(&self) -> String {
        self.prompts().join("\n")
    }

    /// What to show, one for each view or part; none where no text is read.
    pub fn prompts(&self) -> Vec<&str> {
        self.as_experiment().prompts()
    }

    /// The picture that it works on.
    pub fn photo(&self) -> Option<&Photo> {
        self.as_experiment().photo()
    }

    /// Every file that goes in.
    pub fn images(&self) -> Vec<Image> {
        self.clone().images_mut().into_iter().map(|image| image.clone()).collect()
    }

    /// The same, to put what the workspace keeps in their place.
    pub fn images_mut(&mut self) -> Vec<&mut Image> {
        let Given { pictures, step, weights, embeddings } = self.given_mut();
        pictures.into_iter().chain(step).chain(weights).chain(embeddings).collect()
    }

    /// The same, each for what it is.
    pub fn given_mut(&mut self) -> Given<'_> {
        self.as_experiment_mut().inputs()
    }

    /// The views of an anagram's pictures, in their order; empty for all other recipes.
    pub fn views(&self) -> Vec<View> {
        self.as_experiment().views()
    }

    /// How it walks, and its `steps`.
    pub fn walk(&self) -> Option<(&Walk, Option<u64>)> {
        self.as_experiment().walk()
    }

    /// How strongly the prompt pulls, where there is one.
    pub fn guidance(&self) -> Option<f64> {
        self.as_experiment().guidance()
    }

    /// The indexes of the timesteps that it visits, in order, where it goes back and forth (RePaint).
    pub fn schedule(&self) -> Option<Vec<usize>> {
        self.as_experiment().schedule()
    }

    /// How often the model is called where the way goes back and forth, which makes many of few timesteps.
    pub fn resampled(&self) -> Option<usize> {
        let schedule = self.schedule()?;
        schedule.windows(2).any(|pair| pair[1] <= pair[0]).then_some(schedule.len())
    }

    /// The same recipe with another name for its model.
    pub fn with_model(mut self, name: &str) -> Recipe {
        if let Some(model) = self.own_model_mut() {
            name.clone_into(model);
        }
        self
    }

    /// The numbers of a training; none for all other recipes.
    pub fn training(&self) -> Option<Training<'_>> {
        self.as_experiment().training()
    }

    /// A training that ends after this epoch; other recipes stay as they are.
    pub fn until(mut self, epoch: usize) -> Recipe {
        let early = self.training().is_some_and(|training| epoch < training.last());
        if let Some(learn) = self.as_experiment_mut().learn_mut().filter(|_| early) {
            learn.until = Some(epoch);
        }
        self
    }

    /// The folder that a training's data lies in, or the name of data that is built in.
    pub fn data_mut(&mut self) -> Option<&mut String> {
        self.as_experiment_mut().data_mut()
    }

    /// Changes the name of every model that it needs: its own, and one that reads its prompts or enlarges its pictures.
    pub fn each_model(&mut self, mut change: impl FnMut(&mut String)) {
        if let Some(model) = self.own_model_mut() {
            change(model);
        }
        if let Some(model) = self.as_experiment_mut().other_model() {
            change(model);
        }
    }

    /// The same recipe with nothing in it that another run of it would name otherwise: inputs by their content.
    pub fn nameless(mut self) -> Recipe {
        self.images_mut().into_iter().for_each(|image| *image = image.nameless());
        if let Some(model) = self.as_experiment_mut().other_model() {
            *model = model::name(model).to_owned();
        }
        if let Some(data) = self.data_mut() {
            *data = image::last_part(data).to_owned();
        }
        self
    }

    /// The same recipe as people speak of it: models and pictures by their names alone, without folders and hashes.
    pub fn named(mut self) -> Recipe {
        self.images_mut().into_iter().for_each(|image| *image = image.named());
        self.each_model(|model| *model = model::name(model).to_owned());
        if let Some(data) = self.data_mut() {
            *data = image::last_part(data).to_owned();
        }
        self
    }

    /// A name for each of the pictures that a run makes, in their order.
    pub fn labels(&self) -> Vec<String> {
        self.as_experiment().pictures()
    }

    /// How many pictures a run of this recipe makes.
    pub fn pictures(&self) -> usize {
        self.labels().len()
    }

    /// How many of them stand side by side before a new row begins.
    pub fn columns(&self) -> usize {
        self.as_experiment().columns().max(1)
    }

    /// How many times a run calls the model, where that is known without loading it; both halves of guidance count.
    pub fn model_calls(&self) -> usize {
        self.as_experiment().model_calls()
    }

    /// Parses `field`, `value` pairs; fields that are not named take their defaults.
    ///
    /// # Errors
    /// The first field that is unknown, malformed or out of range.
    pub fn parse(experiment: &str, pairs: &[(String, String)]) -> Result<Recipe, RecipeError> {
        ask::with_command(experiment, |command| Recipe::parse_with(command, pairs))
    }

    /// [`parse`](Recipe::parse) with a [`command`] at hand: building one costs more than using it, and a grid has many cells.
    fn parse_with(command: &mut Command, pairs: &[(String, String)]) -> Result<Recipe, RecipeError> {
        let args = pairs.iter().map(|(field, value)| format!("--{field}={value}"));
        let matches = command.try_get_matches_from_mut(args).map_err(|error| RecipeError::from_clap(command.get_name(), &error))?;
        let recipe = Recipe::from_matches(command.get_name(), &matches);
        let mut recipe = recipe.map_err(|error| RecipeError::from_clap(command.get_name(), &error))?;
        recipe.as_experiment_mut().settle();
        if recipe.own_model().is_some_and(String::is_empty) && !matches!(recipe, Recipe::Upscale(_)) {
            return Err(RecipeError::at("model", "model is empty; name a folder, or tiny-if"));
        }
        recipe.as_experiment().check()?;
        Ok(recipe)
    }

    /// The recipe as `field`, `value` pairs: what a form shows, and [`Recipe::parse`] takes back.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let map: Map<String, Value> = self.clone().into();
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        let mut pairs = Vec::new();
        for (field, value) in map.into_iter().filter(|(field, _)| field != "experiment") {
            match value {
                Value::Array(items) => pairs.extend(items.into_iter().map(|item| (field.clone(), text(item)))),
                value => pairs.push((field, text(value))),
            }
        }
        pairs
    }

    /// The recipe as a TOML document that `darkroom run FILE` takes.
    pub fn to_toml(&self) -> String {
        let map: Map<String, Value> = self.clone().into();
        toml::to_string(&map).unwrap_or_default()
    }
}

impl From<Recipe> for Map<String, Value> {
    fn from(recipe: Recipe) -> Self {
        let mut map = Map::new();
        map.insert("experiment".into(), recipe.experiment().into());
        if let Ok(Value::Object(fields)) = recipe.fields() {
            map.extend(fields);
        }
        map
    }
}

impl TryFrom<fields::Fields> for Recipe {
    type Error = RecipeError;

    fn try_from(fields: fields::Fields) -> Result<Self, RecipeError> {
        let ask = Ask::from_map(fields.0)?;
        Recipe::parse(&ask.experiment, &ask.fields)
    }
}
