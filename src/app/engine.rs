//! What the engine says, and what this terminal makes of it.

use super::{App, Effect, Source, Tone};
use crate::link::{Command, Event, News, PROTOCOL, Picture, PictureOf};
use crate::recipe::{Run, RunId, State};

/// How many finished runs are asked for at a time.
pub const PAGE: u32 = 100;

/// The link to the engine, as far as is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Engine {
    /// Nothing was heard yet.
    Connecting,
    /// It answers.
    Up {
        /// When it started, in milliseconds since 1970.
        started_ms: i64,
        /// Where its workers compute, a word or two for each.
        places: Vec<String>,
        /// The folder with its gallery, on its machine.
        workspace: String,
    },
    /// It is gone, and why; a new one is being started.
    Lost(String),
    /// It is gone, and none could be started.
    Missing(String),
}

impl App {
    pub(super) fn news(&mut self, news: News) {
        match news {
            News::Event(event) => self.event(event),
            News::Picture(picture) => self.picture(picture),
            News::Lost { reason } => {
                self.cut(&reason);
                self.engine = Engine::Lost(reason);
            }
            News::NoEngine { reason } => {
                self.cut(&reason);
                self.engine = Engine::Missing(reason);
            }
        }
    }

    fn event(&mut self, event: Event) {
        match event {
            Event::Taught { run, point, per_epoch, memory } => self.taught(run, point, (per_epoch, memory)),
            Event::Sampled { run, index } => self.sampled(run, index),
            Event::Curve { run, points, more } => self.curve_came(run, &points, more),
            Event::Hello { protocol, version, started_ms, pace_ms, places, workspace, .. } => {
                self.greeted(protocol, &version);
                self.hello(Engine::Up { started_ms, places, workspace }, pace_ms);
                self.learnings.again(started_ms);
                self.ask_for_curves();
            }
            Event::Refused { reason } | Event::SentAway { reason } => {
                self.cut(&reason);
                self.engine = Engine::Lost(reason);
            }
            Event::Queue { runs } => self.queue.replace(runs, self.now_ms),
            Event::Run { run } => self.stands(run),
            Event::Step { run, index, of, t, ms } => self.step(run, index, of, (t, ms)),
            Event::Loading { run, loading } => self.queue.loads(run, loading),
            Event::Log { time_ms, text } => self.log.push(time_ms, Tone::Plain, text),
            Event::Failed { ticket, text } => {
                self.easel.failed(ticket, &text);
                self.inspector_failed(ticket, &text);
                self.table_failed(ticket, &text);
                self.gallery_failed(ticket, &text);
            }
            Event::Error { text } => {
                self.refused(&text);
                self.gallery.stay();
                self.say(Tone::Bad, text);
            }
            Event::Models { models } => self.models_came(models),
            Event::Pulling { pull } => self.pulling(pull),
            Event::Pulled { repository, end, text } => self.pulled(&repository, end, text),
            Event::History { search, runs, total } if search.is_empty() => {
                for run in runs.iter().filter(|run| !run.recipe.prompts().is_empty()) {
                    self.prompt.ran_before(&run.recipe.prompt());
                }
                self.history.extend(runs, total);
                self.notes_came();
                self.keep_selection();
            }
            Event::Stopping => self.engine = Engine::Lost("The engine stops, as it was told to.".to_owned()),
            // The wire puts pictures together; another search is not this terminal's.
            Event::Numbers { numbers } => self.numbers(numbers),
            Event::Kept { ticket, image } => self.drawing_kept(ticket, &image),
            Event::Submitted { first, .. } => self.queue.ask_for(first),
            Event::Held { held } => self.queue.held = held,
            Event::Order { runs } => self.queue.order(&runs),
            Event::Gone { runs } => self.gone(&runs),
            Event::Found { ticket, from, runs, total } => self.found(ticket, from, (runs, total)),
            Event::Kin { ticket, kin, .. } => self.kin_came(ticket, kin),
            Event::Table { ticket, table } => self.table_came(ticket, table),
            Event::History { .. } | Event::Picture { .. } | Event::Chunk { .. } | Event::Heard { .. } | Event::Ping => {}
        }
    }

    fn greeted(&mut self, protocol: u32, version: &str) {
        if protocol != PROTOCOL {
            let text = format!(
                "The engine is version {version} and speaks another language ({protocol}, here {PROTOCOL}); `darkroom stop` ends it."
            );
            self.log.push(self.now_ms, Tone::Warning, text);
        }
    }

    fn hello(&mut self, engine: Engine, pace_ms: Option<f64>) {
        if let Some(pace) = pace_ms {
            self.pace_ms.entry("tiny-if".to_owned()).or_insert(pace);
        }
        if let (Some(host), Engine::Lost(_) | Engine::Missing(_)) = (&self.host, &self.engine) {
            self.log.push(self.now_ms, Tone::Plain, format!("The connection to {host} is there again."));
        }
        self.engine = engine;
        self.pictures.forget_requests();
        self.history.asked = None;
        let first = Command::History { search: String::new(), before: None, limit: PAGE };
        self.effects.push(Effect::Send(first));
        self.models_again();
        self.inspector_cut(true);
        self.easel_again();
        self.ask_for_table();
        self.gallery_cut();
    }

    /// The link is cut: nothing that was asked for will come.
    fn cut(&mut self, reason: &str) {
        self.log.push(self.now_ms, Tone::Bad, reason.to_owned());
        self.pictures.forget_requests();
        self.history.asked = None;
        // Where only the way to it is lost, the engine goes on.
        if self.host.is_none() {
            self.queue.cut();
        }
        self.pausing.clear();
        self.models_cut();
        self.gallery_cut();
        self.inspector_cut(false);
    }

    fn stands(&mut self, run: Run) {
        let id = run.id;
        self.training_stands(&run);
        self.gallery.guests.change(&run);
        self.cell_stands(id, Some(run.state));
        if run.state != State::Running {
            self.pausing.remove(&id);
        }
        if run.state == State::Failed && self.queue.get(run.id).is_none_or(|known| known.state != State::Failed) {
            let why = run.error.clone().unwrap_or_else(|| "no reason was given".to_owned());
            self.log.push(self.now_ms, Tone::Bad, format!("{} failed: {}.", run.id, why.trim_end_matches('.')));
        }
        if run.state == State::Done {
            let new = self.queue.get(run.id).is_some();
            // A note on an old run must not bring it into the preview.
            if new || !self.history.runs.iter().any(|known| known.id == run.id) {
                self.queue.remove(run.id);
            }
            self.gallery_stands(&run, new);
            self.history.stands(run);
            self.keep_selection();
        } else {
            self.queue.stands(run, self.now_ms);
        }
        self.notes_came();
        self.follow(id);
    }

    /// Runs are in the trash.
    /// The history's selection stays on the run that is looked at, whatever comes in before it.
    fn keep_selection(&mut self) {
        if let Some(pinned) = self.pinned {
            self.history.select(pinned);
        }
    }

    fn step(&mut self, id: RunId, index: u32, of: u32, (t, ms): (u32, f64)) {
        let ms = if ms.is_finite() { ms.max(0.0) } else { 0.0 };
        if self.pictures.newest(id).is_some_and(|frame| matches!(frame, Source::Frame { index: newest, .. } if index < newest)) {
            // It begins again, and its frames with it.
            self.pictures.forget_frames(id);
        }
        self.queue.step(id, index, of, (t, ms), self.now_ms);
        self.follow(id);
        // The first step may hold the loading of the model.
        if self.queue.progress(id).is_none_or(|progress| progress.seen < 2) {
            return;
        }
        let Some(run) = self.queue.get(id) else { return };
        // The last timestep of some lists calls no model and says nothing about the pace.
        let calls_a_step = run.recipe.model_calls() as f64 / f64::from(of.max(1));
        let pace = ms / calls_a_step;
        if index.saturating_add(1) < of && pace.is_finite() && pace > 0.0 {
            let known = self.pace_ms.entry(run.recipe.model().to_owned()).or_insert(pace);
            *known += 0.1 * (pace - *known);
        }
    }

    fn picture(&mut self, picture: Picture) {
        let (id, what) = (picture.head.run, picture.head.what);
        if let PictureOf::Input { ticket } = what {
            self.looked(ticket, &picture);
        } else if let PictureOf::Frame { .. } = what {
            // A frame of a run that is over, or of an older step, must not cover what is newer. A run that was put aside
            // is not over: its last frame comes behind the word of it.
            let moves = |run: &Run| matches!(run.state, State::Running | State::Paused | State::Queued);
            self.pictures.answered(id);
            if self.queue.get(id).is_some_and(moves) {
                self.pictures.frame(picture);
            }
        } else {
            self.pictures.keep(picture);
            self.layer_came(id, what);
        }
    }
}
