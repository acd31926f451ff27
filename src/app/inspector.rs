//! A look inside a run: one kept step at a time, one layer of it, and the numbers behind both.
//!
//! One request is under way at a time; of those that come meanwhile only the last counts. What is shown changes as a
//! whole, when the picture is here.

use super::control::has_inside;
use super::{App, Effect, Focus, Source, Tone};
use crate::link::{Command, PictureOf};
use crate::recipe::{Layer, Numbers, RunId};

/// How long an answer is waited for before something else may be asked.
const PATIENCE_MS: i64 = 3000;
/// The time from step to step while they play.
pub const PLAY_MS: i64 = 125;
/// Stands for the newest kept step: the engine takes the nearest that there is.
const NEWEST: u32 = u32::MAX;

/// What is looked at, and what is asked for.
pub struct Inspector {
    /// Whose steps.
    pub run: RunId,
    /// The numbers of the step that is shown.
    pub numbers: Option<Numbers>,
    /// The layer that is shown; another than was asked for where the step does not have that.
    pub shown: Layer,
    /// Why nothing is shown.
    pub trouble: Option<String>,
    /// Whether the steps play.
    pub playing: bool,
    /// The step that was gone to, and the layer that was chosen.
    at: u32,
    layer: Layer,
    /// Numbers whose picture is on its way.
    coming: Option<Numbers>,
    /// When the request under way was sent, and its ticket.
    asked: Option<(i64, u32)>,
    /// The wish has changed since.
    again: bool,
    /// When the step that is shown began to be played.
    since: i64,
    /// The newest step is shown, whichever that is.
    following: bool,
    /// The run that was held on the screen before.
    before: Option<RunId>,
}

impl Inspector {
    /// The picture that came last.
    pub fn source(&self) -> Option<Source> {
        let numbers = self.numbers.as_ref()?;
        Some(Source::Layer { run: self.run, index: numbers.index, layer: self.shown })
    }

    /// The kept step next to the one that was gone to.
    fn beside(&self, after: bool) -> Option<u32> {
        let steps = self.numbers.as_ref()?.steps.iter().copied();
        match after {
            true => steps.filter(|step| *step > self.at).min(),
            false => steps.filter(|step| *step < self.at).max(),
        }
    }

    fn forget(&mut self) {
        (self.asked, self.coming, self.again) = (None, None, false);
    }
}

impl App {
    /// Looks into the run that is selected, at its newest step or at its first.
    pub(super) fn inspect(&mut self, newest: bool) {
        let Some(run) = self.selected().filter(|run| has_inside(run)).map(|run| run.id) else { return };
        // From a list one comes to look at that run, and stays with it.
        let before = if matches!(self.focus, Focus::Queue | Focus::History) { Some(run) } else { self.pinned };
        self.pin(Some(run));
        self.go(Focus::Preview);
        self.inspector = Some(Inspector {
            run,
            numbers: None,
            shown: Layer::Clean,
            trouble: None,
            playing: false,
            at: if newest { NEWEST } else { 0 },
            layer: Layer::Clean,
            coming: None,
            asked: None,
            again: false,
            since: self.now_ms,
            following: newest,
            before,
        });
        self.ask_for_step();
    }

    pub(super) fn look_away(&mut self) {
        if let Some(inspector) = self.inspector.take() {
            self.pin(inspector.before);
        }
    }

    /// To the newest step or to the first.
    pub(super) fn go_to_end(&mut self, newest: bool) {
        match &mut self.inspector {
            Some(inspector) => {
                inspector.playing = false;
                self.go_to_step(if newest { NEWEST } else { 0 });
            }
            None => self.inspect(newest),
        }
    }

    /// To the step after or before.
    pub(super) fn walk(&mut self, after: bool) {
        let Some(inspector) = &mut self.inspector else { return };
        inspector.playing = false;
        if let Some(step) = inspector.beside(after) {
            self.go_to_step(step);
        }
    }

    fn go_to_step(&mut self, step: u32) {
        if let Some(inspector) = &mut self.inspector {
            (inspector.at, inspector.following) = (step, step == NEWEST);
            self.ask_for_step();
        }
    }

    /// The next of the layers that the step has.
    pub(super) fn next_layer(&mut self) {
        let Some(inspector) = &mut self.inspector else { return };
        let Some(numbers) = &inspector.numbers else { return };
        let has = |layer: &Layer| numbers.layers.iter().any(|numbers| numbers.layer == *layer);
        // Pressed twice before the answer it goes two further.
        let now = if inspector.asked.is_some() { inspector.layer } else { inspector.shown };
        let at = Layer::ALL.iter().position(|layer| *layer == now).map_or(0, |at| at + 1);
        let next = Layer::ALL.into_iter().cycle().skip(at).take(Layer::ALL.len()).find(has);
        // The only layer of a step is no choice; the one that was chosen before waits for the next step.
        if let Some(next) = next.filter(|next| *next != now) {
            inspector.layer = next;
            self.ask_for_step();
        }
    }

    pub(super) fn play_or_stop(&mut self) {
        let Some(inspector) = &mut self.inspector else { return };
        inspector.playing = !inspector.playing;
        inspector.since = self.now_ms;
        if inspector.playing && inspector.beside(true).is_none() {
            self.go_to_step(0);
        }
    }

    /// What time brings: the next step of those that play, and an end to waiting.
    pub(super) fn inspector_tick(&mut self) {
        let Some(inspector) = &mut self.inspector else { return };
        if inspector.asked.is_some_and(|(asked, _)| !(0..PATIENCE_MS).contains(&self.now_ms.saturating_sub(asked))) {
            inspector.forget();
        }
        let due = inspector.playing && inspector.asked.is_none() && inspector.numbers.is_some();
        if due && !(0..PLAY_MS).contains(&self.now_ms.saturating_sub(inspector.since)) {
            inspector.since = self.now_ms;
            match inspector.beside(true) {
                Some(step) => self.go_to_step(step),
                None => {
                    inspector.playing = false;
                    self.effects.push(Effect::Redraw);
                }
            }
        }
    }

    /// A run has come further: who watches its newest step sees it.
    pub(super) fn follow(&mut self, run: RunId) {
        if self.inspector.as_ref().is_some_and(|inspector| inspector.run == run && inspector.following) {
            self.go_to_step(NEWEST);
        }
    }

    /// The link is cut: no answer comes. Once it is there again the question is put again.
    pub(super) fn inspector_cut(&mut self, back: bool) {
        if let Some(inspector) = &mut self.inspector {
            inspector.forget();
            if back {
                self.ask_for_step();
            }
        }
    }

    fn ask_for_step(&mut self) {
        let ticket = self.ticket();
        let Some(inspector) = &mut self.inspector else { return };
        inspector.again = inspector.asked.is_some();
        if !inspector.again {
            inspector.asked = Some((self.now_ms, ticket));
            let (run, index, layer) = (inspector.run, inspector.at, inspector.layer);
            self.effects.push(Effect::Send(Command::Inspect { ticket, run, index, layer }));
        }
    }

    pub(super) fn numbers(&mut self, numbers: Numbers) {
        if let Some(inspector) = self.inspector.as_mut().filter(|inspector| inspector.run == numbers.run) {
            inspector.coming = Some(numbers);
        }
    }

    /// A picture of a layer is here.
    pub(super) fn layer_came(&mut self, run: RunId, what: PictureOf) {
        let PictureOf::Layer { index, layer } = what else { return };
        let is_here = self.pictures.get(Source::Layer { run, index, layer }).is_some();
        let Some(inspector) = self.inspector.as_mut().filter(|inspector| inspector.run == run && is_here) else { return };
        let Some(numbers) = inspector.coming.take_if(|numbers| numbers.index == index) else { return };
        (inspector.numbers, inspector.shown, inspector.trouble) = (Some(numbers), layer, None);
        if !inspector.again {
            inspector.at = index;
        }
        self.answered();
    }

    /// What was asked for with this ticket could not be done.
    pub(super) fn inspector_failed(&mut self, ticket: u32, text: &str) {
        let is_asked = |inspector: &&mut Inspector| inspector.asked.is_some_and(|(_, asked)| asked == ticket);
        let Some(inspector) = self.inspector.as_mut().filter(is_asked) else { return };
        inspector.playing = false;
        if inspector.numbers.is_none() {
            inspector.trouble = Some(text.to_owned());
        }
        self.log.push(self.now_ms, Tone::Bad, text.to_owned());
        self.answered();
    }

    fn answered(&mut self) {
        let Some(inspector) = &mut self.inspector else { return };
        inspector.asked = None;
        if std::mem::take(&mut inspector.again) {
            self.ask_for_step();
        }
    }

    /// What must hold after every input: only the run on view is looked into, and only from there.
    pub(super) fn settle_inspector(&mut self) {
        let (focus, pinned) = (self.focus, self.pinned);
        self.inspector.take_if(|inspector| focus != Focus::Preview || pinned != Some(inspector.run));
    }

    /// Puts the recipe into the form, to go on from the step that is shown with something changed.
    pub(super) fn branch(&mut self) {
        let Some(index) = self.inspector.as_ref().and_then(|inspector| inspector.numbers.as_ref()).map(|numbers| numbers.index) else {
            return;
        };
        let Some((id, recipe)) = self.on_view().map(|run| (run.id, run.recipe.clone())) else { return };
        if recipe.walk().is_none() {
            let text = format!("{id} cannot be branched: {} makes no steps that lead on from one another.", recipe.experiment());
            return self.log.push(self.now_ms, Tone::Warning, text);
        }
        self.recall();
        let step = index.saturating_add(1);
        self.form.set_field("from", &format!("run:{id}@{step}"));
        let text = format!("From step {step} of {id}: change the prompt, the guidance or the seed; Enter goes on from there.");
        self.log.push(self.now_ms, Tone::Plain, text);
    }
}
