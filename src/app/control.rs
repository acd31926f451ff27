//! What is done to a run: put it aside, step it, look into it, write on it, make files of it.

use super::keys::is_stopped;
use super::{App, Effect, Focus, Overlay, Tone};
use crate::link::Command;
use crate::recipe::{Export, Run, RunId, State};

/// What a key can do to the run that is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words of the table say it.
pub enum OnRun {
    Pause,
    Advance,
    Inspect,
    LastStep,
    FirstStep,
    StepBefore,
    StepAfter,
    NextLayer,
    Play,
    Branch,
    LookAway,
    Note,
    NoteLine,
    SaveNote,
    Menu,
    Export(Export),
}

impl App {
    pub(super) fn on_run(&mut self, action: OnRun) {
        match action {
            OnRun::Pause => self.pause_or_go_on(),
            OnRun::Advance => self.advance(),
            OnRun::Inspect => self.inspect(true),
            OnRun::LastStep => self.go_to_end(true),
            OnRun::FirstStep => self.go_to_end(false),
            OnRun::StepBefore => self.walk(false),
            OnRun::StepAfter => self.walk(true),
            OnRun::NextLayer => self.next_layer(),
            OnRun::Play => self.play_or_stop(),
            OnRun::Branch => self.branch(),
            OnRun::LookAway => self.look_away(),
            OnRun::Note => self.write_note(),
            OnRun::NoteLine => {
                self.notes.new_line();
                self.keep_note();
            }
            OnRun::SaveNote => self.save_note(),
            OnRun::Menu => self.overlay = self.selected().map(|run| Overlay::Export(run.id)),
            OnRun::Export(what) => self.export(what),
        }
    }

    /// Whether it would change anything now.
    pub(super) fn has_use_on_run(&self, action: OnRun) -> bool {
        match action {
            OnRun::Pause => self.to_control().is_some(),
            OnRun::Advance => self.to_control().is_some_and(|run| matches!(run.state, State::Running | State::Paused)),
            OnRun::Menu => self.selected().is_some_and(has_begun),
            OnRun::Inspect => self.selected().is_some_and(has_inside),
            OnRun::FirstStep | OnRun::LastStep if self.inspector.is_none() => self.selected().is_some_and(has_inside),
            OnRun::Note => self.selected().is_some(),
            OnRun::Branch => self.inspector.as_ref().is_some_and(|inspector| inspector.numbers.is_some()),
            OnRun::Export(Export::Table) => match self.overlay {
                Some(Overlay::Export(id)) => self.run(id).is_some_and(|run| run.grid.is_some()),
                _ => false,
            },
            OnRun::Export(Export::Turning) => match self.overlay {
                Some(Overlay::Export(id)) => self.run(id).is_some_and(|run| !run.recipe.views().is_empty()),
                _ => false,
            },
            _ => true,
        }
    }

    /// The run that Space and `.` mean: the one that is looked at, or else one that runs, or else the last put aside.
    fn to_control(&self) -> Option<&Run> {
        if self.watch.is_some() {
            return self.watched().filter(|run| run.state != State::Done);
        }
        // A waiting run that is picked is meant, and no other in its place.
        let waits = |run: &&Run| self.focus == Focus::Queue && run.state == State::Queued;
        let moves = |run: &&Run| matches!(run.state, State::Running | State::Paused) || waits(run);
        let aside = || self.queue.runs.iter().rfind(|run| run.state == State::Paused);
        self.selected().filter(moves).or_else(|| self.queue.current()).or_else(aside)
    }

    fn pause_or_go_on(&mut self) {
        match self.to_control().map(|run| (run.id, run.state)) {
            Some((run, state)) if is_stopped(state) => {
                // It is the newest again; only who looks into it holds on to it.
                if self.pinned == Some(run) && self.inspector.is_none() {
                    self.pin(None);
                }
                self.queue.ask_for(run);
                self.effects.push(Effect::Send(Command::Resume { run }));
                self.tell_wait();
            }
            // Pressed again before the step is over it means the opposite.
            Some((run, State::Running)) if self.pausing.remove(&run) => {
                self.effects.push(Effect::Send(Command::Resume { run }));
                self.log.push(self.now_ms, Tone::Plain, format!("{run} goes on."));
            }
            Some((run, _)) => self.pause(run),
            None => {}
        }
    }

    fn pause(&mut self, run: RunId) {
        // Else the run that comes next would take its place on the screen.
        if self.on_view().is_some_and(|seen| seen.id == run) {
            self.pin(Some(run));
        }
        self.effects.push(Effect::Send(Command::Pause { run }));
        let running = self.queue.is_running(run);
        self.pausing.extend(running.then_some(run));
        let when = if running { "pauses after this step" } else { "is held" };
        self.log.push(self.now_ms, Tone::Plain, format!("{run} {when}."));
        self.tell_wait();
    }

    fn advance(&mut self) {
        match self.to_control().map(|run| (run.id, run.state)) {
            Some((run, State::Paused)) => {
                self.effects.push(Effect::Send(Command::Advance { run }));
                self.tell_wait();
            }
            Some((run, State::Running)) => self.pause(run),
            Some(_) | None => {}
        }
    }

    fn export(&mut self, what: Export) {
        if let Some(Overlay::Export(run)) = self.overlay
            && self.has_use_on_run(OnRun::Export(what))
        {
            self.overlay = None;
            // There it will be told where the file is.
            self.tab = Focus::Log;
            self.effects.push(Effect::Send(Command::Export { run, what }));
            self.say(Tone::Plain, format!("{run}: {} is made; the log says where it is.", named(what)));
            self.tell_wait();
        }
    }
}

/// Whether there is anything to see of a run.
pub(super) fn has_begun(run: &Run) -> bool {
    run.state == State::Done || run.state == State::Running || run.step > 0
}

/// Whether there are steps to look into: those of a training are points of its curve.
pub(super) fn has_inside(run: &Run) -> bool {
    has_begun(run) && run.recipe.training().is_none()
}

fn named(what: Export) -> &'static str {
    match what {
        Export::Sheet => "the sheet",
        Export::Gif => "the GIF",
        Export::Apng => "the animated PNG",
        Export::Turning => "the turning GIF",
        Export::Table => "the sheet of its sweep",
    }
}
