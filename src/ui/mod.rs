//! What the state looks like: pure drawing, a file a pane.

mod compare;
mod contact;
mod curves;
mod differing;
mod easel;
mod facts;
mod footer;
mod form;
mod gallery;
mod header;
mod history;
mod inspector;
mod layout;
mod log;
mod models;
mod notes;
mod overlay;
mod picker;
mod picture;
mod plot;
mod queue;
mod schedule;
mod table;
mod text;
mod training;

pub use text::plain;

use crate::app::canvas::Stroke;
use crate::app::{App, Fits, Focus, Overlay, Shows, Target};
use crate::preview::{Arrangement, Place, Shelf, Slot};
use crate::theme::{Depth, Theme};
use crossterm::event::MouseEvent;
use layout::Panes;
use ratatui::{
    Frame,
    layout::{Margin, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType, Paragraph, Wrap},
};

/// Everything that decides how the state looks, apart from the state.
pub struct Look<'a> {
    /// The colours.
    pub theme: &'a Theme,
    /// How many of them can be shown.
    pub depth: Depth,
    /// The pictures that are ready.
    pub shelf: &'a Shelf,
    /// A word on the pictures, where they are not what the terminal could do.
    pub note: Option<&'a str>,
}

/// Draws the whole screen.
pub fn draw(frame: &mut Frame, app: &App, look: &Look) {
    let area = frame.area();
    let roles = &look.theme.roles;
    frame.buffer_mut().set_style(area, Style::new().fg(roles.text).bg(roles.background));
    let mut screen = Screen { frame, app, look, cover: overlay::area(app, area) };
    match layout::panes(app, area) {
        Some(panes) => screen.whole(&panes, area),
        None => screen.too_small(area),
    }
    look.depth.apply(frame.buffer_mut());
}

/// The spots for pictures on a screen of this size, most wanted first.
pub fn places(app: &App, area: Rect) -> Vec<Place> {
    let Some(panes) = layout::panes(app, area) else { return Vec::new() };
    match app.shows() {
        Shows::Easel(_) => Vec::new(),
        Shows::Compare(compare) => compare::places(app, compare, area),
        Shows::Table(sweep) => table::places(app, sweep, area),
        Shows::Training(_) => training::places(app, area),
        Shows::Gallery => gallery::places(app, area),
        Shows::Workbench => pane_places(app, panes),
    }
}

fn pane_places(app: &App, panes: Panes) -> Vec<Place> {
    let mut places = picture::places(app, panes.preview);
    places.extend(panes.steps.into_iter().flat_map(|area| picture::step_places(app, area)));
    places.extend(history::places(app, panes.history));
    places
}

/// What the gallery has room for on a screen of this size.
pub fn fits(app: &App, area: Rect) -> Fits {
    gallery::fits(app, area)
}

/// What lies at a spot of a screen of this size.
pub fn target(app: &App, area: Rect, at: Position) -> Option<Target> {
    let panes = layout::panes(app, area)?;
    if let Some(overlay) = app.overlay {
        return covered(app, overlay, area, at);
    }
    match app.shows() {
        Shows::Easel(drawing) => easel::key_at(drawing, area, at).map(Target::Sketch),
        Shows::Compare(_) => None,
        Shows::Table(sweep) => table::cell_at(sweep, area, at).map(Target::Cell),
        Shows::Training(_) => training::part_at(app, area, at).map(Target::Part),
        Shows::Gallery => gallery::target(app, area, at),
        Shows::Workbench => in_panes(app, panes, at),
    }
}

/// The same while something covers the screen; a click beside it closes it.
fn covered(app: &App, overlay: Overlay, area: Rect, at: Position) -> Option<Target> {
    let inside = cover(app, area).filter(|cover| cover.contains(at));
    match (overlay, inside) {
        (Overlay::Models(selected) | Overlay::Pull(selected), Some(cover)) => models::model_at(app, cover, selected, at).map(Target::Model),
        (Overlay::Experiments(selected), Some(cover)) => {
            picker::experiment_at(cover, selected, at).map(Target::Offer).or(Some(Target::Experiment))
        }
        (Overlay::Curves(selected), Some(cover)) => {
            curves::curve_at(app, cover, selected, at).map(Target::Curve).or(Some(Target::Pane(app.focus)))
        }
        _ => Some(Target::Pane(app.focus)),
    }
}

fn in_panes(app: &App, panes: Panes, at: Position) -> Option<Target> {
    if panes.header.contains(at) && header::is_experiment(app, at.x) {
        return Some(Target::Experiment);
    }
    let pane = panes.all().into_iter().find(|(_, area)| area.contains(at));
    let inner = |area: Rect| Block::bordered().inner(area);
    match pane? {
        (Focus::Parameters | Focus::Queue | Focus::Log, area) if panes.tabs && at.y == area.y => {
            layout::tab_at(area, at.x).map(Target::Pane)
        }
        (Focus::Parameters, area) if !app.shows_recipe() => {
            Some(form::field_at(app, inner(area), at).map_or(Target::Pane(Focus::Parameters), Target::Field))
        }
        (Focus::Queue, area) => Some(queue::run_at(app, inner(area), at).map_or(Target::Pane(Focus::Queue), Target::Queued)),
        (Focus::History, area) => Some(history::run_at(app, area, at).map_or(Target::Pane(Focus::History), Target::Finished)),
        (pane, _) => Some(Target::Pane(pane)),
    }
}

/// The part of a screen of this size that an overlay covers.
pub fn cover(app: &App, area: Rect) -> Option<Rect> {
    overlay::area(app, area)
}

/// How far down the list of keys can be scrolled on a screen of this size.
pub fn help_end(area: Rect) -> u16 {
    overlay::help_end(area)
}

/// The pane at a spot of a screen of this size.
pub fn pane(app: &App, area: Rect, at: Position) -> Option<Focus> {
    let panes = layout::panes(app, area)?;
    match app.shows() {
        _ if app.overlay.is_some() => {}
        Shows::Easel(_) | Shows::Compare(_) => return None,
        Shows::Table(_) => return Some(Focus::Preview),
        Shows::Training(_) => return training::pane_at(app, area, at),
        Shows::Gallery => return Some(Focus::History),
        Shows::Workbench => {}
    }
    panes.all().into_iter().find(|(_, area)| area.contains(at)).map(|(pane, _)| pane)
}

/// What the mouse does to the drawing that is open on a screen of this size.
pub fn stroke(app: &App, area: Rect, mouse: MouseEvent) -> Option<Stroke> {
    easel::stroke(app.easel.open.as_ref().filter(|_| app.overlay.is_none())?, area, mouse)
}

/// An area without its first and last column, for text that should not touch the border.
fn inset(area: Rect) -> Rect {
    area.inner(Margin::new(1, 0))
}

/// How one picture alone is shown: of a training's sheet as much as can be told apart.
fn alone(sheet: bool) -> Arrangement {
    if sheet { Arrangement::Sheet } else { Arrangement::Rows(1) }
}

/// A frame being drawn.
struct Screen<'a, 'b> {
    frame: &'a mut Frame<'b>,
    app: &'a App,
    look: &'a Look<'a>,
    /// What the overlay takes up.
    cover: Option<Rect>,
}

impl Screen<'_, '_> {
    fn whole(&mut self, panes: &Panes, area: Rect) {
        match self.app.shows() {
            Shows::Easel(drawing) => self.easel(drawing, area),
            Shows::Compare(compare) => self.compare(compare, area),
            Shows::Table(sweep) => self.table_of(sweep, area),
            Shows::Training(watch) => self.training(watch, area),
            Shows::Gallery => self.gallery(area),
            Shows::Workbench => self.workbench(panes),
        }
        match self.app.overlay {
            Some(Overlay::Help(scroll)) => self.help(scroll),
            Some(Overlay::Leave) => self.question(),
            Some(Overlay::Experiments(at)) => self.picker(at),
            Some(Overlay::Models(at) | Overlay::Pull(at)) => self.models(at),
            Some(Overlay::Note) => self.note(),
            Some(Overlay::Export(run)) => self.export(run),
            Some(Overlay::Curves(at)) => self.curve_list(at),
            None => {}
        }
    }

    fn workbench(&mut self, panes: &Panes) {
        self.header(panes.header);
        self.prompt(panes.prompt);
        for (pane, area) in panes.sides.clone() {
            match pane {
                _ if pane == Focus::Parameters && self.app.inspector.is_some() => self.inside(area),
                _ if pane == Focus::Parameters && self.app.shows_recipe() => self.recipe(area),
                Focus::Queue => self.queue(area, panes.tabs),
                Focus::Log => self.log(area, panes.tabs),
                _ => self.form(area, panes.tabs),
            }
        }
        self.picture(panes.preview);
        if let Some(area) = panes.steps {
            self.steps(area);
        }
        self.history(panes.history);
        self.footer(panes.footer);
    }

    fn too_small(&mut self, area: Rect) {
        if self.app.overlay == Some(Overlay::Leave) {
            let lines = self.question_lines();
            return self.frame.render_widget(Paragraph::new(lines).wrap(Wrap { trim: true }), area);
        }
        let words = format!(
            "darkroom needs a terminal of {} by {} characters; this one has {} by {}. Enlarge it, or press Ctrl-Q to leave.",
            layout::LEAST.0,
            layout::LEAST.1,
            area.width,
            area.height
        );
        self.frame.render_widget(Paragraph::new(words).wrap(Wrap { trim: true }), area);
    }

    fn dim(&self) -> Style {
        Style::new().fg(self.look.theme.roles.dim)
    }

    fn accent(&self) -> Style {
        Style::new().fg(self.look.theme.roles.accent)
    }

    fn warning(&self) -> Style {
        Style::new().fg(self.look.theme.roles.warning).add_modifier(Modifier::BOLD)
    }

    fn bad(&self) -> Style {
        Style::new().fg(self.look.theme.roles.bad)
    }

    /// The border of a pane, and what it leaves inside. The pane in focus has a heavy one, so that it is seen without
    /// colours as well.
    fn pane(&mut self, pane: Focus, area: Rect, tabs: bool) -> (Rect, Block<'static>) {
        let focused = self.app.focus == pane && self.app.watch.is_none() && !self.app.gallery.open;
        let (kind, style) = match focused {
            true => (BorderType::Thick, self.accent()),
            false => (BorderType::Rounded, Style::new().fg(self.look.theme.roles.border)),
        };
        let block = Block::bordered().border_type(kind).border_style(style);
        let title = if tabs { self.tabs(pane) } else { self.title(pane, area.width, focused) };
        (block.inner(area), block.title_top(title))
    }

    fn title(&self, pane: Focus, width: u16, focused: bool) -> Line<'static> {
        let words = match pane {
            Focus::Parameters if self.app.inspector.is_some() => "Inside the step".to_owned(),
            Focus::Parameters if self.app.shows_recipe() => "Recipe".to_owned(),
            Focus::Queue if self.app.queue.held => return self.held_title(width, focused),
            Focus::Prompt => self.prompt_title(usize::from(width).saturating_sub(4)),
            pane => pane.title().to_owned(),
        };
        let style = if focused { self.accent().add_modifier(Modifier::BOLD) } else { Style::new().fg(self.look.theme.roles.text) };
        Line::styled(format!(" {} ", text::clip(&words, usize::from(width).saturating_sub(4))), style)
    }

    fn tabs(&self, open: Focus) -> Line<'static> {
        let tabs = layout::TABS.map(|(pane, words)| {
            let style = match pane == open {
                true if self.app.focus == pane => self.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                true => Style::new().fg(self.look.theme.roles.text).add_modifier(Modifier::UNDERLINED),
                false => self.dim(),
            };
            [Span::raw(" "), Span::styled(words, style), Span::raw(" ")]
        });
        Line::from(tabs.into_iter().flatten().collect::<Vec<_>>())
    }

    /// The picture of a slot in the middle of its area, where it is ready; under an overlay its place stays empty.
    fn show(&mut self, slot: Slot, area: Rect) -> bool {
        let Some(print) = self.look.shelf.get(slot, area, self.cover) else { return false };
        print.render(print.within(area), self.frame.buffer_mut());
        true
    }

    /// A sentence in the place of what is not there yet.
    fn sentence(&mut self, area: Rect, words: &str) {
        let paragraph = Paragraph::new(text::plain(words).into_owned()).style(self.dim()).wrap(Wrap { trim: true });
        self.frame.render_widget(paragraph, inset(area));
    }
}
