//! A terminal that only watches: what would change anything is not done, and says so.

use super::keys::Action;
use super::{App, Effect, OnGallery, OnModels, OnQueue, OnRun, OnTable, OnTraining, Tone};

const WORDS: &str = "This terminal only watches; `darkroom` without --watch works.";

impl App {
    /// Whether an action would end in a command that changes something, or in text that nobody could send.
    pub(super) fn is_for_others(&self, action: Action) -> bool {
        self.watches
            && match action {
                Action::Develop | Action::Resume | Action::Cancel | Action::CancelAndLeave => true,
                Action::EnterField | Action::NewLine | Action::Draw | Action::Recall => true,
                Action::OnRun(action) => matches!(
                    action,
                    OnRun::Pause | OnRun::Advance | OnRun::Branch | OnRun::Note | OnRun::SaveNote | OnRun::Menu | OnRun::Export(_)
                ),
                Action::OnTraining(action) => matches!(action, OnTraining::Finish | OnTraining::Sample),
                Action::OnModels(action) => matches!(action, OnModels::Take | OnModels::Name | OnModels::Pull | OnModels::StopPull),
                Action::OnGallery(action) => changes_gallery(action),
                Action::OnTable(action) => action == OnTable::Export,
                // Their turns, and whether the queue goes on.
                Action::OnQueue(OnQueue::Earlier | OnQueue::Later | OnQueue::First | OnQueue::Last | OnQueue::Hold) => true,
                _ => false,
            }
    }

    /// Says why nothing happens.
    pub(super) fn tell_watching(&mut self) {
        self.say(Tone::Warning, WORDS.to_owned());
    }

    /// What must hold whatever the keys: no command goes out that changes anything.
    pub(super) fn only_watch(&mut self) {
        let before = self.effects.len();
        self.effects.retain(|effect| !matches!(effect, Effect::Send(command) if self.watches && command.changes()));
        if self.effects.len() < before {
            self.tell_watching();
        }
    }
}

/// Marking with Space stays in this terminal; all else that is put on runs is kept with them.
fn changes_gallery(action: OnGallery) -> bool {
    use OnGallery::*;
    match action {
        Star | Rate(_) | Tag | OfferTag | PutTag | Delete | Undo | Again => true,
        Open | Close | View | Back | Type | TypeTag | EndTyping | ClearFilter | Enlarge | Mark | UnmarkAll | NoTag => false,
        LookInside | Watch | Copy | NextPicture | PictureBefore | Compare | Table => false,
    }
}
