//! What the keys of the gallery screen do.

use super::Tagging;
use crate::app::control::has_inside;
use crate::app::{App, Effect, Engine, Focus, Tone};
use crate::link::Command;
use crate::recipe::{Grid, Mark, Recipe, Run, RunId};
use crossterm::event::KeyEvent;
use std::collections::HashSet;
use std::iter::successors;

/// What a key can do on the gallery screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words of the table say it.
pub enum OnGallery {
    Open,
    Close,
    View,
    Back,
    Type,
    TypeTag,
    EndTyping,
    ClearFilter,
    Enlarge,
    Mark,
    UnmarkAll,
    Star,
    Rate(u8),
    Tag,
    OfferTag,
    PutTag,
    NoTag,
    Delete,
    Undo,
    Again,
    LookInside,
    Watch,
    Copy,
    NextPicture,
    PictureBefore,
    Compare,
    Table,
}

impl App {
    pub(in crate::app) fn on_gallery(&mut self, action: OnGallery) {
        match action {
            OnGallery::Open => self.open_gallery(),
            OnGallery::Close => self.close_gallery(),
            OnGallery::View if self.gallery.single.is_some() => self.open_relation(None),
            OnGallery::View => self.open_single(),
            OnGallery::Back => self.back_from_single(),
            OnGallery::Type => self.gallery.filter.enter(""),
            OnGallery::TypeTag => self.gallery.filter.enter("#"),
            OnGallery::EndTyping => self.gallery.filter.typing = false,
            OnGallery::ClearFilter => self.gallery.filter.clear(),
            OnGallery::Enlarge => self.gallery.large = !self.gallery.large,
            OnGallery::Mark => self.gallery.picked_id().into_iter().for_each(|id| self.toggle_mark(id)),
            OnGallery::UnmarkAll => self.marked.clear(),
            OnGallery::Star => self.mark(Mark::Star(!self.all_meant(|run| run.marks.star))),
            OnGallery::Rate(rating) => self.mark(Mark::Rate(rating)),
            OnGallery::Tag => self.begin_tag(),
            OnGallery::OfferTag => self.offer_tag(),
            OnGallery::PutTag => self.put_tag(),
            OnGallery::NoTag => self.gallery.tagging = None,
            OnGallery::Delete => self.delete(),
            OnGallery::Undo => self.restore(),
            OnGallery::Again => self.run_again(),
            OnGallery::LookInside => self.look_inside(),
            OnGallery::Watch => self.gallery.picked_id().into_iter().for_each(|id| self.watch(id)),
            OnGallery::Copy => self.copy_path(),
            OnGallery::NextPicture => self.step_picture(true),
            OnGallery::PictureBefore => self.step_picture(false),
            OnGallery::Compare => self.open_compare(),
            OnGallery::Table => {
                self.gallery.picked().filter(|run| run.grid.is_some()).map(|run| run.id).into_iter().for_each(|run| self.open_table(run))
            }
        }
    }

    /// Whether it would change anything now.
    pub(in crate::app) fn has_use_in_gallery(&self, action: OnGallery) -> bool {
        let picked = self.gallery.picked();
        match action {
            OnGallery::View if self.gallery.single.is_some() => self.gallery.relations().is_some_and(|all| !all.is_empty()),
            OnGallery::Undo => !self.gallery.trashed.is_empty(),
            OnGallery::UnmarkAll => !self.marked.is_empty(),
            OnGallery::LookInside => picked.is_some_and(has_inside),
            OnGallery::Watch => picked.is_some_and(|run| run.recipe.training().is_some()),
            OnGallery::NextPicture | OnGallery::PictureBefore => picked.is_some_and(|run| run.recipe.pictures() > 1),
            OnGallery::Compare => self.marked.len() > 1,
            OnGallery::Table => picked.is_some_and(|run| run.grid.is_some()),
            OnGallery::OfferTag => !self.known_tags("").is_empty(),
            OnGallery::View
            | OnGallery::Mark
            | OnGallery::Star
            | OnGallery::Rate(_)
            | OnGallery::Tag
            | OnGallery::Delete
            | OnGallery::Again
            | OnGallery::Copy => picked.is_some(),
            _ => true,
        }
    }

    /// A key without a binding: text, where a line is typed.
    pub(in crate::app) fn gallery_key(&mut self, key: KeyEvent) {
        match &mut self.gallery.tagging {
            Some(tagging) => tagging.key(key),
            None if self.gallery.filter.typing => self.gallery.filter.key(key),
            None => {}
        }
    }

    /// Pasted text is a filter, unless a tag is typed.
    pub(in crate::app) fn gallery_paste(&mut self, text: &str) {
        match &mut self.gallery.tagging {
            Some(tagging) => Tagging::paste(tagging, text),
            None if self.gallery.single.is_none() => {
                self.gallery.filter.enter("");
                self.gallery.filter.paste(text);
            }
            None => {}
        }
    }

    /// The runs that a key means: the one that has the screen, or those that are marked, or else the selected one.
    pub fn meant(&self) -> Vec<RunId> {
        match self.gallery.single.is_none() && !self.marked.is_empty() {
            true => self.marked.clone(),
            false => self.gallery.picked().map(|run| run.id).into_iter().collect(),
        }
    }

    fn all_meant(&self, is: impl Fn(&Run) -> bool) -> bool {
        self.meant().into_iter().all(|id| self.run(id).is_some_and(&is))
    }

    fn mark(&mut self, mark: Mark) {
        let runs = self.meant();
        if !runs.is_empty() {
            self.effects.push(Effect::Send(Command::Mark { runs, mark }));
            self.tell_wait();
        }
    }

    /// Into the trash. The selection goes on to a run that stays.
    fn delete(&mut self) {
        let runs: Vec<_> = self.meant().into_iter().filter(|id| !self.gallery.is_leaving(*id)).collect();
        let words = match runs[..] {
            [] => return,
            [run] => format!("{run} goes into the trash; u takes it back."),
            _ => format!("{} runs go into the trash; u takes them back.", runs.len()),
        };
        self.gallery.leaving.extend(&runs);
        self.gallery.step_from_leaving();
        self.show_other(|path| path.retain(|id| !runs.contains(id)));
        self.gallery.trashed.push(runs.clone());
        self.effects.push(Effect::Send(Command::Delete { runs }));
        self.say(Tone::Plain, words);
        self.tell_wait();
    }

    /// Takes back what was put into the trash last.
    fn restore(&mut self) {
        let Some(runs) = self.gallery.trashed.pop() else { return };
        self.gallery.returning = runs.first().copied();
        let words = match runs[..] {
            [run] => format!("{run} is taken out of the trash."),
            _ => format!("{} runs are taken out of the trash.", runs.len()),
        };
        self.effects.push(Effect::Send(Command::Restore { runs }));
        self.say(Tone::Plain, words);
        self.tell_wait();
    }

    /// The same recipe with the next seed that no run here has tried.
    fn run_again(&mut self) {
        let Some((id, recipe)) = self.gallery.picked().map(|run| (run.id, run.recipe.clone())) else { return };
        let rest = |recipe: &Recipe| recipe.pairs().into_iter().filter(|(field, _)| field != "seed").collect::<Vec<_>>();
        let asked = rest(&recipe);
        let known = self.queue.runs.iter().chain(&self.history.runs).chain(self.gallery.pages.runs()).chain(self.gallery.guests.runs());
        let known = known.map(|run| &run.recipe).chain(&self.gallery.sown);
        let same = known.filter(|known| known.experiment() == recipe.experiment() && rest(known) == asked);
        let tried: HashSet<_> = same.map(Recipe::seed).collect();
        let after = |seed: u64| seed.checked_add(1);
        let Some(seed) = successors(after(recipe.seed()), |seed| after(*seed)).find(|seed| !tried.contains(seed)) else { return };
        let pairs: Vec<_> = asked.into_iter().chain([("seed".to_owned(), seed.to_string())]).collect();
        match Recipe::parse(recipe.experiment(), &pairs) {
            Ok(recipe) => {
                self.gallery.sow(recipe.clone());
                self.effects.push(Effect::Send(Command::Submit { grid: Grid::one(recipe) }));
                self.say(Tone::Plain, format!("{id} is run again with seed {seed}."));
                self.tell_wait();
            }
            Err(error) => self.say(Tone::Bad, format!("{id} cannot be run again: {}.", error.message)),
        }
    }

    /// Leaves the gallery for the workbench's look inside the run, where a branch begins.
    fn look_inside(&mut self) {
        let Some(run) = self.gallery.picked().filter(|run| has_inside(run)).cloned() else { return };
        let id = run.id;
        self.host(run);
        self.close_gallery();
        self.go(Focus::Preview);
        self.pin(Some(id));
        self.inspect(true);
    }

    fn copy_path(&mut self) {
        let Some(id) = self.gallery.picked_id() else { return };
        match &self.engine {
            Engine::Up { workspace, .. } if !workspace.is_empty() => {
                let path = format!("{workspace}/runs/{id:06}", id = id.0);
                self.say(Tone::Plain, format!("{path} is in the clipboard, if the terminal allows it."));
                self.effects.push(Effect::Copy(path));
            }
            _ => self.say(Tone::Warning, "Where the runs lie is known once the engine is there.".to_owned()),
        }
    }
}
