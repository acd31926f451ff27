//! The gallery screen: the finished runs that a filter lets through, as a grid of thumbnails or one at a time.
//!
//! Of the order only what is in sight is here and a screen before and behind it, so that memory does not grow with the
//! gallery.

mod act;
mod ask;
mod changes;
mod filter;
mod guests;
mod pages;
mod single;
mod tags;

pub use act::OnGallery;
pub use filter::{Filter, LANGUAGE};
pub use guests::Guests;
pub use pages::Pages;
pub use single::{Relation, Single};
pub use tags::Tagging;

use super::keys::{Action, Context};
use super::{App, LARGE, SMALL, Source, Tone};
use crate::recipe::{Recipe, Run, RunId};
use ask::Asked;
use std::collections::BTreeSet;
use std::ops::Range;

/// The most recipes that were run again from here that are remembered.
const SOWN: usize = 64;

/// What the gallery screen has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fits {
    /// Thumbnails side by side.
    pub columns: u16,
    /// Rows of them.
    pub rows: u16,
    /// The longest side in pixels that is of use to a thumbnail.
    pub side: u32,
    /// How far down the words on one run can be scrolled.
    pub words_end: u16,
}

/// What was looked at before something else had the screen.
#[derive(Clone)]
pub(super) struct Aside {
    single: Option<Single>,
    selected: Option<RunId>,
    at: u64,
}

/// What the gallery screen shows.
pub struct Gallery {
    /// Whether it is on the screen.
    pub open: bool,
    /// The runs that the filter lets through.
    pub pages: Pages,
    /// What is asked of them.
    pub filter: Filter,
    /// The place of the selected one.
    pub at: u64,
    /// Whether thumbnails are large.
    pub large: bool,
    /// The run that has the whole screen.
    pub single: Option<Single>,
    /// The tag that is typed.
    pub tagging: Option<Tagging>,
    /// What the last key came to, until the next.
    pub said: Option<(Tone, String)>,
    selected: Option<RunId>,
    /// The first place in sight.
    top: u64,
    fits: Fits,
    /// Runs that are not in the pages.
    pub guests: Guests,
    /// What was put into the trash from here, the last at the end.
    trashed: Vec<Vec<RunId>>,
    /// Runs on their way there.
    leaving: BTreeSet<RunId>,
    /// The run to go to once it is out of the trash.
    returning: Option<RunId>,
    /// Recipes that were run again from here, the last at the end: their runs may not be known yet.
    sown: Vec<Recipe>,
    asked: Option<Asked>,
    /// The order may have changed.
    stale: bool,
    /// The engine could not answer; the next key asks again.
    stuck: bool,
}

impl Gallery {
    pub(super) fn new() -> Gallery {
        Gallery {
            open: false,
            pages: Pages::default(),
            filter: Filter::new(),
            at: 0,
            large: false,
            single: None,
            tagging: None,
            said: None,
            selected: None,
            top: 0,
            fits: Fits { columns: 0, rows: 0, side: SMALL, words_end: 0 },
            guests: Guests::default(),
            trashed: Vec::new(),
            leaving: BTreeSet::new(),
            returning: None,
            sown: Vec::new(),
            asked: None,
            stale: false,
            stuck: false,
        }
    }

    /// The places in sight, whether there is a run at them or not.
    pub fn sight(&self) -> Range<u64> {
        self.top..self.top + self.screen()
    }

    /// Thumbnails on a screen.
    fn screen(&self) -> u64 {
        u64::from(self.fits.columns) * u64::from(self.fits.rows)
    }

    /// Where a key is looked up, nearest first.
    pub(super) fn contexts(&self) -> Vec<Context> {
        match &self.single {
            _ if self.tagging.is_some() => vec![Context::Tag],
            _ if self.filter.typing => vec![Context::Filter],
            Some(_) => vec![Context::Single, Context::Picked],
            None if !self.filter.text().is_empty() => vec![Context::Filtered, Context::Gallery, Context::Picked],
            None => vec![Context::Gallery, Context::Picked],
        }
    }

    /// The run that the keys mean: the one that has the screen, or the selected one.
    pub fn picked(&self) -> Option<&Run> {
        self.get(self.picked_id()?)
    }

    /// Its number, which is known before the run is.
    pub fn picked_id(&self) -> Option<RunId> {
        self.single.as_ref().and_then(|single| single.path.last().copied()).or(self.selected)
    }

    /// A run that is known here.
    pub fn get(&self, id: RunId) -> Option<&Run> {
        self.pages.runs().chain(self.guests.runs()).find(|run| run.id == id)
    }

    /// Whether a run is on its way into the trash.
    pub fn is_leaving(&self, id: RunId) -> bool {
        self.leaving.contains(&id)
    }

    /// What is looked at, to come back to.
    pub(super) fn aside(&self) -> Aside {
        Aside { single: self.single.clone(), selected: self.selected, at: self.at }
    }

    /// What was looked at is again.
    pub(super) fn take_up(&mut self, Aside { single, selected, at }: Aside) {
        (self.single, self.selected, self.at) = (single, selected, at);
        self.single.iter_mut().for_each(Single::forget);
        self.hold();
    }

    /// How far down the words on one run are scrolled.
    pub fn scrolled(&self) -> u16 {
        self.single.as_ref().map_or(0, |single| single.scroll).min(self.fits.words_end)
    }

    /// To a place in the order.
    fn go(&mut self, place: u64) {
        let last = self.pages.total().unwrap_or(0).saturating_sub(1);
        self.at = place.min(last);
        self.selected = self.pages.get(self.at).map(|run| run.id);
        self.keep_in_sight();
    }

    /// Places have changed: the selection stays on its run, or where that is gone, at its place.
    fn hold(&mut self) {
        let place = |id: &mut RunId| self.pages.place(*id);
        let returned = self.returning.as_mut().and_then(place);
        self.returning.take_if(|_| returned.is_some());
        let place = returned.or_else(|| self.selected.and_then(|id| self.pages.place(id)));
        self.go(place.unwrap_or(self.at));
    }

    /// As little as it takes is scrolled, by whole rows, and never past the end.
    fn keep_in_sight(&mut self) {
        let (columns, rows) = (u64::from(self.fits.columns).max(1), u64::from(self.fits.rows).max(1));
        let all = self.pages.total().unwrap_or(0).div_ceil(columns);
        let row = self.at / columns;
        let first = (self.top / columns).min(row).max((row + 1).saturating_sub(rows));
        self.top = first.min(all.saturating_sub(rows)) * columns;
    }

    /// Another size of the screen.
    pub(super) fn fit(&mut self, fits: Fits) {
        if self.fits != fits {
            self.fits = fits;
            self.keep_in_sight();
        }
    }

    /// The picture of a run in the grid.
    pub fn thumb(&self, run: &Run) -> Source {
        Source::thumb(run, self.fits.side)
    }

    /// Pictures that the next key may want.
    pub(super) fn ahead(&self) -> Vec<Source> {
        let here = |range: Range<u64>| range.filter_map(|place| self.pages.get(place));
        let large = |run: &Run| Source::Kept { run: run.id, index: 0, side: LARGE };
        match &self.single {
            _ if !self.open => Vec::new(),
            Some(_) => here(self.at + 1..self.at + 2).chain(here(self.at.saturating_sub(1)..self.at)).map(large).collect(),
            None => {
                let (sight, screen) = (self.sight(), self.screen());
                let ahead = here(sight.end..sight.end + screen).chain(here(sight.start.saturating_sub(screen)..sight.start));
                ahead.map(|run| self.thumb(run)).collect()
            }
        }
    }

    /// From runs on their way into the trash to the next one that stays, or else to one before.
    fn step_from_leaving(&mut self) {
        let stays = |place: &u64| self.pages.get(*place).is_some_and(|run| !self.leaving.contains(&run.id));
        let (after, before) = (self.at..self.at + self.screen().max(2), self.at.saturating_sub(self.screen())..self.at);
        let next = after.into_iter().find(stays).or_else(|| before.rev().find(stays));
        self.go(next.unwrap_or(self.at));
    }

    /// What was said is read, and what failed may be tried again.
    pub(super) fn key_came(&mut self) {
        (self.said, self.stuck) = (None, false);
        self.forgive();
    }

    /// Where nothing is shown yet, what has failed is asked for again.
    fn forgive(&mut self) {
        self.filter.refused.take_if(|_| self.pages.total().is_none());
    }

    /// The engine has refused something: what was to go may stay.
    pub(super) fn stay(&mut self) {
        self.leaving.clear();
    }

    fn sow(&mut self, recipe: Recipe) {
        if self.sown.len() == SOWN {
            self.sown.remove(0);
        }
        self.sown.push(recipe);
    }
}

impl App {
    pub(super) fn open_gallery(&mut self) {
        if let Some(inspector) = &mut self.inspector {
            inspector.playing = false;
        }
        self.gallery.open = true;
        self.gallery.said = None;
        self.gallery.forgive();
        (self.gallery.stale, self.gallery.stuck) = (self.gallery.pages.total().is_some(), false);
    }

    /// Back to the workbench. Filter and selection stay for the next time.
    pub(super) fn close_gallery(&mut self) {
        self.gallery.open = false;
        self.gallery.filter.typing = false;
        (self.gallery.single, self.gallery.tagging) = (None, None);
        self.alone = None;
    }

    /// What an arrow or a page key does here; false where the gallery is not open.
    pub(super) fn step_gallery(&mut self, action: Action) -> bool {
        if !self.gallery.open {
            return false;
        }
        if self.gallery.single.is_some() {
            self.step_single(action);
            return true;
        }
        let gallery = &mut self.gallery;
        let (columns, screen) = (u64::from(gallery.fits.columns), gallery.screen());
        let last = gallery.pages.total().unwrap_or(0).saturating_sub(1);
        let at = gallery.at;
        // A page key turns the page, wherever on it the selection is.
        match action {
            Action::PageUp => gallery.top = gallery.top.saturating_sub(screen),
            Action::PageDown => gallery.top += screen,
            _ => {}
        }
        gallery.go(match action {
            Action::Left => at.saturating_sub(1),
            Action::Right => at + 1,
            Action::Up if at < columns => at,
            Action::Up => at - columns,
            // From the last full row to the last run, should it have none below.
            Action::Down if at / columns.max(1) == last / columns.max(1) => at,
            Action::Down => at + columns,
            Action::PageUp => at.saturating_sub(screen),
            Action::PageDown => at + screen,
            Action::First => 0,
            _ => last,
        });
        true
    }

    /// The mouse on a thumbnail selects it, and opens the selected one.
    pub(super) fn click_thumb(&mut self, place: u64) {
        if self.gallery.at == place && !self.gallery.filter.typing {
            return self.open_single();
        }
        self.gallery.filter.typing = false;
        self.gallery.go(place);
    }

    /// One sentence on what a key has come to, where it is seen and in the log.
    pub(super) fn say(&mut self, tone: Tone, text: String) {
        self.gallery.said = Some((tone, text.clone()));
        self.log.push(self.now_ms, tone, text);
    }
}
