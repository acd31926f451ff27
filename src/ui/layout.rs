//! Where the panes are on a screen of a given size.

use crate::app::{App, Focus};
use ratatui::layout::{Constraint, Layout, Rect};

/// Below this there is only a sentence.
pub const LEAST: (u16, u16) = (60, 16);

/// The panes that share a place on a small screen, with the words on their tabs.
pub const TABS: [(Focus, &str); 3] = [(Focus::Parameters, "Parameters"), (Focus::Queue, "Queue"), (Focus::Log, "Log")];

/// Every pane's area.
#[derive(Clone, Debug)]
pub struct Panes {
    /// The first line.
    pub header: Rect,
    /// The text of the prompt.
    pub prompt: Rect,
    /// Parameters, queue and log, as far as they are on the screen.
    pub sides: Vec<(Focus, Rect)>,
    /// Whether tabs say that they share one place.
    pub tabs: bool,
    /// The picture.
    pub preview: Rect,
    /// Small pictures of the steps, where there is room.
    pub steps: Option<Rect>,
    /// The finished runs; one line on a small screen.
    pub history: Rect,
    /// The last line.
    pub footer: Rect,
}

impl Panes {
    /// The panes that can have the focus.
    pub fn all(&self) -> Vec<(Focus, Rect)> {
        let rest = [(Focus::Prompt, self.prompt), (Focus::Preview, self.preview), (Focus::History, self.history)];
        self.sides.iter().copied().chain(rest).collect()
    }
}

/// The panes; none where the screen is too small for them.
pub fn panes(app: &App, area: Rect) -> Option<Panes> {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return None;
    }
    Some(if area.width < 100 || area.height < 30 { small(app, area) } else { wide(app, area) })
}

fn rows<const N: usize>(area: Rect, heights: [Constraint; N]) -> [Rect; N] {
    Layout::vertical(heights).areas(area)
}

fn columns<const N: usize>(area: Rect, widths: [Constraint; N]) -> [Rect; N] {
    Layout::horizontal(widths).areas(area)
}

fn small(app: &App, area: Rect) -> Panes {
    use Constraint::{Fill, Length};
    let [header, body, history, footer] = rows(area, [Length(1), Fill(1), Length(1), Length(1)]);
    let left_width = (area.width * 2 / 5).clamp(28, 36);
    let [left, preview] = columns(body, [Length(left_width), Fill(1)]);
    let prompt_height = if area.height < 22 { 4 } else { 5 };
    let [prompt, side] = rows(left, [Length(if app.large { 0 } else { prompt_height }), Fill(1)]);
    let tab = if app.shows_recipe() { Focus::Parameters } else { app.tab };
    Panes { header, prompt, sides: vec![(tab, side)], tabs: !app.shows_recipe(), preview, steps: None, history, footer }
}

fn wide(app: &App, area: Rect) -> Panes {
    use Constraint::{Fill, Length};
    let roomy = area.width >= 150 && area.height >= 50;
    let [header, body, history, footer] = rows(area, [Length(1), Fill(1), Length(if roomy { 9 } else { 8 }), Length(1)]);
    let side = if roomy { 44 } else { 32 + area.width.saturating_sub(120).min(12) };
    if app.large {
        let [recipe, preview] = columns(body, [Length(side), Fill(1)]);
        let sides = vec![(Focus::Parameters, recipe)];
        return Panes { header, prompt: Rect::ZERO, sides, tabs: false, preview, steps: None, history, footer };
    }
    let right_side = if area.width < 110 { 28 } else { side };
    let [left, middle, right] = columns(body, [Length(side), Fill(1), Length(right_side)]);
    let [prompt, parameters] = rows(left, [Length(7), Fill(1)]);
    let [queue, log] = rows(right, [Fill(2), Fill(3)]);
    let [preview, steps] = rows(middle, [Fill(1), Length(if roomy { 9 } else { 0 })]);
    let sides = vec![(Focus::Parameters, parameters), (Focus::Queue, queue), (Focus::Log, log)];
    Panes { header, prompt, sides, tabs: false, preview, steps: roomy.then_some(steps), history, footer }
}

/// The tab at a column of the line of tabs, which begins behind the corner of `area`.
pub fn tab_at(area: Rect, x: u16) -> Option<Focus> {
    let mut end = area.x + 1;
    TABS.iter().find_map(|(pane, words)| {
        end += words.len() as u16 + 2;
        (x < end).then_some(*pane)
    })
}
