//! The runs of an order that are here: those in sight, and some around them.

use crate::recipe::{Run, RunId};
use std::collections::BTreeMap;
use std::ops::Range;

/// No order is longer, whatever an engine says.
const MOST: u64 = 1 << 48;

/// Runs by their place in an order of them all, the newest first. Of the order only windows are here.
#[derive(Default)]
pub struct Pages {
    runs: BTreeMap<u64, Run>,
    total: Option<u64>,
}

impl Pages {
    /// How long the order is, once that is known.
    pub fn total(&self) -> Option<u64> {
        self.total
    }

    /// The run at a place, where it is here.
    pub fn get(&self, place: u64) -> Option<&Run> {
        self.runs.get(&place)
    }

    /// All that are here, the newest first.
    pub fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values()
    }

    /// The place of a run that is here.
    pub fn place(&self, id: RunId) -> Option<u64> {
        self.runs.iter().find(|(_, run)| run.id == id).map(|(place, _)| *place)
    }

    /// The first places within a range that are not here.
    pub(super) fn gap(&self, within: Range<u64>) -> Option<Range<u64>> {
        let end = within.end.min(self.total.unwrap_or(u64::MAX));
        let begin = (within.start..end).find(|place| !self.runs.contains_key(place))?;
        let next = self.runs.range(begin..end).next().map_or(end, |(place, _)| *place);
        Some(begin..next)
    }

    /// An answer: runs from a place on, and how many there are in all.
    pub(super) fn put(&mut self, from: u64, runs: Vec<Run>, total: u64) {
        // Nothing where something should be: the order is shorter than was said.
        let total = if runs.is_empty() { total.min(from) } else { total }.min(MOST);
        if self.total.replace(total) != Some(total) {
            // Something has changed that nobody told of: the places of the others are not known any more.
            self.runs.clear();
        }
        self.runs.extend((from..total).zip(runs));
    }

    /// Lets go of all that are not in a range.
    pub(super) fn keep(&mut self, range: &Range<u64>) {
        self.runs.retain(|place, _| range.contains(place));
    }

    /// A run is another than it was; false where it is not here.
    pub(super) fn change(&mut self, run: &Run) -> bool {
        let known = self.runs.values_mut().find(|known| known.id == run.id);
        known.map(|known| known.clone_from(run)).is_some()
    }

    /// A run comes into the order, which is by number. Those behind it move on.
    pub(super) fn insert(&mut self, run: Run) {
        let Some(total) = self.total else { return };
        self.total = Some(total + 1);
        let at = self.older(run.id);
        for (place, run) in at.map(|at| self.runs.split_off(&at)).unwrap_or_default() {
            self.runs.insert(place + 1, run);
        }
        // In a gap nobody knows its place; it comes with an answer.
        let at = at.unwrap_or(total);
        if at == 0 || self.runs.contains_key(&(at - 1)) {
            self.runs.insert(at, run);
        }
    }

    /// A run leaves the order. Those behind it move up.
    pub(super) fn remove(&mut self, id: RunId) {
        let Some(total) = self.total else { return };
        let here = self.place(id);
        here.map(|place| self.runs.remove(&place));
        let behind = here.map_or_else(|| self.older(id), |place| Some(place + 1)).unwrap_or(total);
        // Between two neighbours that are here there is none.
        if here.is_none() && (behind == 0 || self.runs.contains_key(&(behind - 1))) {
            return;
        }
        self.total = Some(total - 1);
        for (place, run) in self.runs.split_off(&behind) {
            self.runs.insert(place - 1, run);
        }
    }

    /// The first place here whose run is older.
    fn older(&self, id: RunId) -> Option<u64> {
        self.runs.iter().find(|(_, run)| run.id < id).map(|(place, _)| *place)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::recipe::{Marks, Recipe, State};
    use proptest::prelude::*;

    fn run(id: i64) -> Run {
        let (recipe, marks) = (Recipe::parse("sample", &[]).unwrap(), Marks::default());
        let (created_ms, took_ms, error, grid, note, foreign) = (0, None, None, None, None, None);
        Run { id: RunId(id), recipe, state: State::Done, step: 0, of: 0, created_ms, took_ms, error, grid, note, marks, foreign }
    }

    /// What happens to an order of which only windows are here.
    #[derive(Clone, Debug)]
    enum Turn {
        Insert(i64),
        Remove(i64),
        Answer(u64, usize),
        Keep(u64, u64),
    }

    fn turn() -> impl Strategy<Value = Turn> {
        prop_oneof![
            (0i64..60).prop_map(Turn::Insert),
            (0i64..60).prop_map(Turn::Remove),
            (0u64..40, 0usize..9).prop_map(|(from, limit)| Turn::Answer(from, limit)),
            (0u64..40, 0u64..20).prop_map(|(from, length)| Turn::Keep(from, length)),
        ]
    }

    proptest! {
        #[test]
        fn every_run_that_is_here_is_at_its_place(known in proptest::collection::btree_set(0i64..60, 0..40), turns in proptest::collection::vec(turn(), 0..60)) {
            let mut all: Vec<i64> = known.into_iter().rev().collect();
            let mut pages = Pages::default();
            pages.put(0, all.iter().take(3).map(|id| run(*id)).collect(), all.len() as u64);
            for turn in turns {
                match turn {
                    Turn::Insert(id) if !all.contains(&id) => {
                        let at = all.iter().position(|known| *known < id).unwrap_or(all.len());
                        all.insert(at, id);
                        pages.insert(run(id));
                    }
                    Turn::Insert(_) => {}
                    Turn::Remove(id) if !all.contains(&id) => {}
                    Turn::Remove(id) => {
                        all.retain(|known| *known != id);
                        pages.remove(RunId(id));
                    }
                    Turn::Answer(from, limit) => {
                        let runs: Vec<_> = all.iter().skip(from as usize).take(limit.max(1)).map(|id| run(*id)).collect();
                        pages.put(from, runs, all.len() as u64);
                    }
                    Turn::Keep(from, length) => pages.keep(&(from..from + length)),
                }
                prop_assert_eq!(pages.total(), Some(all.len() as u64));
                for (place, run) in &pages.runs {
                    prop_assert_eq!(all.get(*place as usize).copied(), Some(run.id.0));
                }
                let gap = pages.gap(0..100);
                let first = (0..all.len() as u64).find(|place| pages.get(*place).is_none());
                prop_assert_eq!(gap.map(|gap| gap.start), first);
            }
        }
    }
}
