//! What every experiment tells about its recipes.

use super::{Image, Learn, Photo, RecipeError, Training, View, Walk};

/// The files that go into a run.
#[derive(Default)]
pub struct Given<'a> {
    /// Pictures.
    pub pictures: Vec<&'a mut Image>,
    /// The kept step that it goes on from.
    pub step: Option<&'a mut Image>,
    /// A network that was trained here.
    pub weights: Option<&'a mut Image>,
    /// A dictionary of prompts that were read elsewhere.
    pub embeddings: Option<&'a mut Image>,
}

/// What an experiment tells about its recipes. All have a `seed` besides.
pub(super) trait Experiment {
    /// What to show, one for each view or part; none where no text is read.
    fn prompts(&self) -> Vec<&str> {
        Vec::new()
    }

    /// The picture that it works on.
    fn photo(&self) -> Option<&Photo> {
        None
    }

    /// Every file that goes in.
    fn inputs(&mut self) -> Given<'_>;

    /// The model that it needs beside its own.
    fn other_model(&mut self) -> Option<&mut String> {
        None
    }

    /// The views of an anagram's pictures, in their order.
    fn views(&self) -> Vec<View> {
        Vec::new()
    }

    /// How it walks, and its `steps`.
    fn walk(&self) -> Option<(&Walk, Option<u64>)> {
        None
    }

    fn guidance(&self) -> Option<f64> {
        None
    }

    /// The indexes of the timesteps that it visits, where it goes back and forth.
    fn schedule(&self) -> Option<Vec<usize>> {
        None
    }

    /// The numbers of a training.
    fn training(&self) -> Option<Training<'_>> {
        None
    }

    /// How long and from what a training learns.
    fn learn_mut(&mut self) -> Option<&mut Learn> {
        None
    }

    /// The folder that its data lies in, or the name of data that is built in.
    fn data_mut(&mut self) -> Option<&mut String> {
        self.learn_mut().map(|learn| &mut learn.data)
    }

    /// What stands for the model of an experiment that names none.
    fn network(&self) -> &'static str {
        ""
    }

    /// What was said in several ways is said in one.
    fn settle(&mut self) {}

    /// A name for each of the pictures that it makes, in their order.
    fn pictures(&self) -> Vec<String>;

    /// How many pictures stand side by side before a new row begins.
    fn columns(&self) -> usize {
        let count = self.pictures().len();
        (1..).find(|n| n * n >= count).unwrap_or(1)
    }

    /// How many times a run calls the model, where that is known without loading it; both halves of guidance count.
    fn model_calls(&self) -> usize {
        self.training().map_or(0, |training| training.calls())
    }

    /// What no single field can tell: do the fields agree with one another?
    fn check(&self) -> Result<(), RecipeError>;
}
