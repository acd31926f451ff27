//! What runs are made with: the models in use, and the pictures that go in.

use super::walk::on;
use crate::input::Inputs;
use crate::memory;
use crate::model::plan::{self, Needs, Turn};
use crate::model::{Cache, Design, Folder, Loading, OnLoading, Phase, Pipeline, Place, Reader, Site, States, Watcher, Words, dictionary};
use crate::recipe::{Image, Made, Model, Upscale};
use anyhow::{Context, Error, Result, bail, ensure};
use candle_core::DType;

/// How many networks stay loaded where there is room: those of both stages.
const MOST_LOADED: usize = 2;

/// What runs are made with: the models in use, kept loaded from one run to the next, and the pictures that go in.
pub struct Models {
    /// The pictures that go in.
    pub(super) inputs: Inputs,
    place: Place,
    cache: Cache,
    /// Who waits while a model is loaded.
    watcher: Watcher,
    reader: Option<(Folder, Reader)>,
    /// The one that was used last is the last.
    loaded: Vec<Loaded>,
}

/// A device that has failed once in a calculation fails in all that follow, until its process ends.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the GPU has failed")]
pub struct Broken;

struct Loaded {
    stamp: String,
    turn: Turn,
    pipeline: Pipeline,
}

impl Default for Models {
    fn default() -> Models {
        Models::with(Inputs::default())
    }
}

/// What reads a run's prompts.
#[derive(Clone, Copy)]
struct Text<'a> {
    folder: &'a Folder,
    embeddings: Option<&'a Image>,
}

fn words(model: &Model) -> Words<'static> {
    if model.embeddings.is_some() { Words::Elsewhere } else { Words::Own }
}

impl Models {
    /// For runs of a workspace, which keeps the pictures that go in; on the CPU, with nothing kept between programs.
    pub fn with(inputs: Inputs) -> Models {
        let (place, cache, watcher) = (Place::cpu(), Cache::default(), Watcher::default());
        Models { inputs, place, cache, watcher, reader: None, loaded: Vec::new() }
    }

    /// The same elsewhere.
    pub fn at(self, place: Place, cache: Cache) -> Models {
        Models { place, cache, ..self }
    }

    /// Where networks compute.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Tells from now on how far a model is that has to be loaded, but for the one that is built in: it is there at once.
    pub fn on_loading(&mut self, hears: OnLoading) {
        self.watcher = Watcher::new(hears);
    }

    /// Whether the loading of a model was broken off since this was asked last.
    pub(super) fn has_broken_off(&self) -> bool {
        self.watcher.has_broken_off()
    }

    /// Tells what comes next.
    fn tell(&self, folder: &Folder, phase: Phase) -> Result<()> {
        let goes_on = || self.watcher.tell(Loading { model: folder.name(), phase }).is_continue();
        ensure!(*folder == Folder::Embedded || goes_on(), "the loading was broken off");
        Ok(())
    }

    /// Has a part of a folder loaded, and tells how far it is.
    fn watch<T>(&self, (folder, phase): (&Folder, fn(u8) -> Phase), place: &Place, load: impl FnOnce(Site) -> Result<T>) -> Result<T> {
        let on_percent = (*folder != Folder::Embedded).then(|| self.watcher.of(folder.name(), phase));
        let loaded = load(Site { place, on_percent: on_percent.clone() })?;
        // Not all that is in the files need have been asked for.
        on_percent.iter().for_each(|tell| _ = tell(100));
        Ok(loaded)
    }

    /// The hash of what decides the pictures of the model that a recipe names.
    ///
    /// # Errors
    /// When there is no such model, or a file of it cannot be read.
    pub fn hash(&self, name: &str) -> Result<String> {
        self.hash_of(&Folder::find(name)?, Words::Own)
    }

    fn hash_of(&self, folder: &Folder, words: Words) -> Result<String> {
        if !folder.is_hashed(words, &self.cache)? {
            self.tell(folder, Phase::Files)?;
        }
        folder.hash(words, &self.cache)
    }

    /// The configs of the model that a recipe names, and the hash of what decides its pictures.
    ///
    /// # Errors
    /// When there is no such model, or it is broken.
    pub(super) fn design(&self, model: &Model) -> Result<(Design, String)> {
        let folder = Folder::find(&model.name)?;
        Ok((Design::stage_one(&folder)?, self.hash_of(&folder, words(model))?))
    }

    /// The same of a model that enlarges, whose prompts another one reads.
    ///
    /// # Errors
    /// As for [`design`](Models::design).
    pub(super) fn enlarger(&self, name: &str) -> Result<(Design, String)> {
        let folder = Folder::find(name)?;
        Ok((Design::stage_two(&folder)?, self.hash_of(&folder, Words::Elsewhere)?))
    }

    /// What decided a run's pictures, with where they were computed.
    pub(super) fn made(&self, facts: Made) -> Made {
        on(&self.place, facts)
    }

    /// The model that a recipe names, which has heard the recipe's prompts and the null prompt.
    ///
    /// # Errors
    /// When there is no such model, it cannot be loaded, or one of the prompts cannot be read.
    pub fn get<P: AsRef<str>>(&mut self, model: &Model, prompts: &[P]) -> Result<&Pipeline> {
        let folder = Folder::find(&model.name)?;
        let design = Design::stage_one(&folder)?;
        let text = Text { folder: &folder, embeddings: model.embeddings.as_ref() };
        self.load((&folder, design, words(model)), text, prompts)
    }

    /// The model that enlarges what `first` has made of the same prompts.
    ///
    /// # Errors
    /// As for [`get`](Models::get).
    pub(super) fn second(&mut self, name: &str, first: &Model, prompts: &[String]) -> Result<&Pipeline> {
        let (folder, text) = (Folder::find(name)?, Folder::find(&first.name)?);
        let design = Design::stage_two(&folder)?;
        let text = Text { folder: &text, embeddings: first.embeddings.as_ref() };
        self.load((&folder, design, Words::Elsewhere), text, prompts)
    }

    /// The model that enlarges, with the text encoder of another where it has none.
    ///
    /// # Errors
    /// As for [`get`](Models::get).
    pub fn stage_two(&mut self, recipe: &Upscale) -> Result<&Pipeline> {
        let (folder, other) = (Folder::find(&recipe.model)?, Folder::find(&recipe.text_model)?);
        let design = Design::stage_two(&folder)?;
        let own = folder.has("text_encoder/config.json") && folder.has(folder.tokenizer());
        let words = match (&recipe.embeddings, own) {
            (Some(_), _) => Words::Elsewhere,
            (None, true) => Words::Own,
            (None, false) => Words::Of(&other),
        };
        let text = Text { folder: if own { &folder } else { &other }, embeddings: recipe.embeddings.as_ref() };
        self.load((&folder, design, words), text, &recipe.prompt)
    }

    /// Prompts are read before the network is loaded: where memory is short, the text encoder is gone by then.
    fn load<P: AsRef<str>>(&mut self, model: (&Folder, Design, Words), text: Text, prompts: &[P]) -> Result<&Pipeline> {
        let (folder, design, words) = model;
        let stamp = folder.stamp(words)?;
        let turn = match self.loaded.iter().find(|loaded| loaded.stamp == stamp) {
            Some(loaded) => loaded.turn,
            None => self.make_room(folder, text)?,
        };
        let prompts: Vec<&str> = std::iter::once("").chain(prompts.iter().map(AsRef::as_ref)).collect();
        let states = match text.embeddings {
            Some(file) => dictionary::look_up(&self.inputs.path(file)?, file.name(), &prompts)?,
            None => self.read(text.folder, &prompts, turn)?,
        };
        let known = self.loaded.iter().position(|loaded| loaded.stamp == stamp);
        let mut pipeline = match known {
            Some(at) => self.loaded.remove(at).pipeline,
            None => {
                let hash = self.hash_of(folder, words)?;
                self.watch((folder, Phase::Network), &self.place, |site| Pipeline::load(folder, design, hash, site))?
            }
        };
        pipeline.hear(states)?;
        self.loaded.push(Loaded { stamp, turn, pipeline });
        self.loaded.last().map(|loaded| &loaded.pipeline).context("the model is gone")
    }

    /// How a network that is not loaded yet can be: what was loaded before it stays where there is room for all.
    fn make_room(&mut self, folder: &Folder, text: Text) -> Result<Turn> {
        while self.loaded.len() >= MOST_LOADED {
            self.loaded.remove(0);
        }
        if *folder == Folder::Embedded {
            return Ok(Turn::Together);
        }
        let reads = text.embeddings.is_none().then_some(text.folder);
        let missing = reads.filter(|reads| self.reader.as_ref().is_none_or(|(known, _)| known != *reads));
        let Some(free) = plan::free(&self.place) else { return Ok(Turn::Together) };
        if let Ok(Turn::Together) = Needs::of(folder, missing, &self.place)?.turn(free, &self.place) {
            return Ok(Turn::Together);
        }
        self.forget();
        Needs::of(folder, reads, &self.place)?.turn(plan::free(&self.place).unwrap_or(free), &self.place)
    }

    /// Lets go of all that is loaded.
    fn forget(&mut self) {
        self.loaded.clear();
        self.reader = None;
        self.give_back();
    }

    /// What is free goes back to the others on the machine.
    fn give_back(&self) {
        memory::give_back();
        self.place.give_back();
    }

    /// The states of prompts.
    fn read(&mut self, folder: &Folder, prompts: &[&str], turn: Turn) -> Result<States> {
        let (mut states, mut unread) = (States::new(), Vec::new());
        for prompt in prompts {
            // What the embedded encoder says costs less than a file.
            let key = (*folder != Folder::Embedded).then(|| folder.states_key(prompt, self.place.dtype)).transpose()?;
            match key.as_ref().and_then(|key| self.cache.states(key)) {
                Some(known) => _ = states.insert(prompt.to_string(), known),
                None => unread.push((*prompt, key)),
            }
        }
        if turn != Turn::Together && !unread.is_empty() {
            self.forget();
        }
        if !unread.is_empty() {
            self.reader(folder, turn)?;
            self.tell(folder, Phase::Prompts)?;
        }
        for (prompt, key) in unread {
            let read = self.reader(folder, turn)?.read(prompt)?;
            key.iter().for_each(|key| self.cache.keep_states(key, &read));
            states.insert(prompt.to_owned(), read);
        }
        if turn != Turn::Together {
            self.reader = None;
            self.give_back();
        }
        Ok(states)
    }

    fn reader(&mut self, folder: &Folder, turn: Turn) -> Result<&Reader> {
        let reader = match self.reader.take().filter(|(known, _)| known == folder) {
            Some((_, reader)) => reader,
            None if !folder.has("text_encoder/config.json") => bail!(
                "{} is missing; name a dictionary of prompts with embeddings, or a model that has its text encoder",
                folder.title("text_encoder/config.json")
            ),
            None => {
                let on_cpu = Place { dtype: DType::F16, ..Place::cpu() };
                let place = if turn == Turn::TextOnCpu { &on_cpu } else { &self.place };
                self.watch((folder, Phase::TextEncoder), place, |site| Reader::load(folder, site))?
            }
        };
        Ok(&self.reader.insert((folder.clone(), reader)).1)
    }

    /// What an error of a run means, where it is one of the device. Where its memory is full, what is loaded is let go of, so that
    /// the next run has room.
    pub(super) fn explain(&mut self, error: Error) -> Error {
        let words = format!("{error:#}").to_lowercase();
        let tells = |of: &[&str]| of.iter().any(|word| words.contains(word));
        if !tells(&["out of memory", "out_of_memory", "alloc_failed"]) {
            return if tells(&["cuda_error", "cublas_status"]) { error.context(Broken) } else { error };
        }
        self.forget();
        error.context(
            "the device's memory is full; ask for fewer pictures at once, compute in half precision (--dtype f16), or name a smaller model",
        )
    }
}
