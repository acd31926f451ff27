//! Runs that the user has marked: to compare them, or to do something to all of them.

use super::App;
use crate::recipe::RunId;

impl App {
    /// Marks a run, or takes its mark away.
    pub fn toggle_mark(&mut self, id: RunId) {
        match self.marked.iter().position(|marked| *marked == id) {
            Some(at) => drop(self.marked.remove(at)),
            None => {
                self.marked.push(id);
                // It stays known, however far the gallery is scrolled.
                if let Some(run) = self.run(id).cloned() {
                    self.host(run);
                }
            }
        }
    }
}
