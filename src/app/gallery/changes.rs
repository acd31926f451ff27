//! What becomes of runs while the gallery is looked at.

use crate::app::App;
use crate::recipe::{Run, RunId};

impl App {
    /// A finished run is new, or another than it was.
    pub(in crate::app) fn gallery_stands(&mut self, run: &Run, new: bool) {
        let gallery = &mut self.gallery;
        if gallery.pages.change(run) || !gallery.open {
            return;
        }
        match new && gallery.filter.shown.is_empty() {
            true => gallery.pages.insert(run.clone()),
            // Only the engine knows whether the filter lets it through.
            false => gallery.stale = true,
        }
        gallery.hold();
    }

    /// Runs are in the trash.
    pub(in crate::app) fn gone(&mut self, runs: &[RunId]) {
        self.marked.retain(|id| !runs.contains(id));
        runs.iter().for_each(|run| self.cell_stands(*run, None));
        self.history.remove(runs);
        self.pinned.take_if(|id| runs.contains(id));
        self.leave_singles(runs);
        let gallery = &mut self.gallery;
        let from_selected = (gallery.at..).map_while(|place| gallery.pages.get(place));
        let stays = from_selected.map(|run| run.id).find(|id| !runs.contains(id));
        gallery.selected = stays.or(gallery.selected);
        gallery.guests.remove(runs);
        for id in runs {
            gallery.leaving.remove(id);
            match gallery.filter.shown.is_empty() || gallery.pages.place(*id).is_some() {
                true => gallery.pages.remove(*id),
                false => gallery.stale = true,
            }
        }
        gallery.hold();
        let is_empty = gallery.pages.total() == Some(0) && gallery.picked().is_none();
        gallery.single.take_if(|_| is_empty);
    }
}
