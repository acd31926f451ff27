//! Marked runs, and the screen that compares them.

use super::{App, LARGE, Source, Tone};
use crate::recipe::{Run, RunId};

/// The most runs that are compared.
pub const COMPARED: usize = 12;
/// The most that the difference of two is amplified.
const BRIGHTEST: u8 = 64;

/// The screen that compares the marked runs, while it is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compare {
    /// How.
    pub way: Way,
    /// The place of the run that is shown, or that the first is compared with.
    pub at: usize,
    /// Which of a run's pictures, from 0; of a run that has fewer the last.
    pub picture: u32,
    /// How many times a difference is amplified.
    pub times: u8,
}

/// A way to compare pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// All beside one another.
    Beside,
    /// One after the other in the same place.
    Flip,
    /// What differs between the first and another.
    Difference,
}

/// What a key can do to a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)] // The words of the table say it.
pub enum OnCompare {
    Mark,
    Open,
    Close,
    Way(Way),
    Next,
    Previous,
    PictureAfter,
    PictureBefore,
    Brighter,
    Darker,
    UnmarkAll,
}

impl App {
    pub(super) fn on_compare(&mut self, action: OnCompare) {
        match action {
            OnCompare::Mark => {
                if let Some(run) = self.history.selected().map(|run| run.id) {
                    self.toggle_mark(run);
                }
            }
            OnCompare::Open => self.open_compare(),
            OnCompare::Close => self.compare = None,
            OnCompare::UnmarkAll => self.marked.clear(),
            _ => self.turn_comparison(action),
        }
    }

    /// Whether it would change anything now.
    pub(super) fn has_use_on_compare(&self, action: OnCompare) -> bool {
        let Some(compare) = &self.compare else { return action != OnCompare::Open || self.marked.len() > 1 };
        match action {
            OnCompare::Way(way) => way != compare.way,
            OnCompare::Next => compare.way != Way::Difference || self.marked.len() > 2,
            OnCompare::PictureAfter => compare.picture < self.last_picture(),
            OnCompare::PictureBefore => compare.picture > 0,
            OnCompare::Brighter | OnCompare::Darker => compare.way == Way::Difference,
            _ => true,
        }
    }

    /// Compares what is marked; a sentence where that is too little.
    pub(super) fn open_compare(&mut self) {
        if self.marked.len() < 2 {
            let place = if self.gallery.open { "" } else { " in the history" };
            return self.say(Tone::Plain, format!("Mark two or more finished runs to compare them: Space marks one{place}."));
        }
        let all_learn = self.compared().all(|(_, run)| run.is_some_and(|run| run.recipe.training().is_some()));
        // Of trainings the last samples say most.
        let picture = if all_learn { self.last_picture() } else { 0 };
        self.compare = Some(Compare { way: Way::Beside, at: 0, picture, times: 4 });
        let runs: Vec<_> = self.marked.iter().take(COMPARED).copied().collect();
        runs.into_iter().for_each(|run| self.invite(run));
    }

    /// The runs that are compared, each as far as it is known.
    pub fn compared(&self) -> impl Iterator<Item = (RunId, Option<&Run>)> {
        self.marked.iter().take(COMPARED).map(|id| (*id, self.run(*id)))
    }

    /// The picture of each of them that is shown, in their order.
    pub fn compared_pictures(&self) -> Vec<Option<Source>> {
        let picture = self.compare.as_ref().map_or(0, |compare| compare.picture);
        let source = |run: &Run| {
            let last = (run.recipe.pictures() as u32).saturating_sub(1);
            Source::Kept { run: run.id, index: picture.min(last), side: LARGE }
        };
        self.compared().map(|(_, run)| run.map(source)).collect()
    }

    /// The run that is shown, or that the first is compared with.
    pub(super) fn shown_in_comparison(&self) -> Option<&Run> {
        let at = self.compare.as_ref()?.at;
        self.compared().nth(at)?.1
    }

    /// The last of the pictures of the run that has most.
    fn last_picture(&self) -> u32 {
        self.compared().filter_map(|(_, run)| run).map(|run| (run.recipe.pictures() as u32).saturating_sub(1)).max().unwrap_or(0)
    }

    fn turn_comparison(&mut self, action: OnCompare) {
        let (count, last) = (self.marked.len().min(COMPARED), self.last_picture());
        let Some(compare) = &mut self.compare else { return };
        match action {
            OnCompare::Way(way) => compare.way = way,
            OnCompare::Next => compare.step(1, count),
            OnCompare::Previous => compare.step(count.saturating_sub(1), count),
            OnCompare::PictureAfter => compare.picture = compare.picture.saturating_add(1).min(last),
            OnCompare::PictureBefore => compare.picture = compare.picture.min(last).saturating_sub(1),
            OnCompare::Brighter => compare.times = compare.times.saturating_mul(2).min(BRIGHTEST),
            OnCompare::Darker => compare.times = (compare.times / 2).max(1),
            _ => {}
        }
        compare.settle(count);
    }

    /// What must hold after every input: there are two to compare.
    pub(super) fn settle_comparison(&mut self) {
        let count = self.marked.len().min(COMPARED);
        self.compare.take_if(|_| count < 2);
        if let Some(compare) = &mut self.compare {
            compare.settle(count);
        }
    }
}

impl Compare {
    /// To the run so many places further, and round; the first differs in nothing from itself.
    fn step(&mut self, by: usize, count: usize) {
        self.at = (self.at + by) % count.max(1);
        if self.way == Way::Difference && self.at == 0 {
            self.at = by % count.max(1);
        }
    }

    fn settle(&mut self, count: usize) {
        let least = usize::from(self.way == Way::Difference);
        self.at = self.at.clamp(least, count.saturating_sub(1).max(least));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_goes_round_without_the_first() {
        let mut compare = Compare { way: Way::Difference, at: 1, picture: 0, times: 4 };
        let mut walk = |by: usize| {
            (0..4)
                .map(|_| {
                    compare.step(by, 4);
                    compare.at
                })
                .collect::<Vec<_>>()
        };
        assert_eq!(walk(1), [2, 3, 1, 2]);
        assert_eq!(walk(3), [1, 3, 2, 1]);
    }
}
