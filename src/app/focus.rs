//! The panes, and the way round them.

/// Where the keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Focus {
    /// The text of the prompt.
    Prompt,
    /// The form.
    Parameters,
    /// The picture.
    Preview,
    /// The runs that are not finished.
    Queue,
    /// What happened.
    Log,
    /// The runs that are.
    History,
}

impl Focus {
    /// In the order of Tab.
    pub const ALL: [Focus; 6] = [Focus::Prompt, Focus::Parameters, Focus::Preview, Focus::Queue, Focus::Log, Focus::History];

    /// The pane's title.
    pub fn title(self) -> &'static str {
        match self {
            Focus::Prompt => "Prompt",
            Focus::Parameters => "Parameters",
            Focus::Preview => "Preview",
            Focus::Queue => "Queue",
            Focus::Log => "Log",
            Focus::History => "History",
        }
    }

    /// Whether the pane is one where text is typed.
    pub fn is_field(self) -> bool {
        matches!(self, Focus::Prompt | Focus::Parameters)
    }

    pub(super) fn step(self, by: usize) -> Focus {
        let at = Focus::ALL.iter().position(|pane| *pane == self).unwrap_or(0);
        Focus::ALL[(at + by) % Focus::ALL.len()]
    }
}
