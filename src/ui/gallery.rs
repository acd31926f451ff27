//! The gallery screen: the runs as thumbnails, or one of them.

mod cells;
mod label;
mod lines;
mod single;
mod words;

use super::{Screen, inset, text};
use crate::app::{App, Engine, Fits, LANGUAGE, Target};
use crate::preview::{Place, Slot};
use crate::recipe::Run;
use cells::Cells;
use ratatui::{
    layout::{Alignment, Constraint, Layout, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::Paragraph,
};

/// Where the parts of the grid's screen are.
struct Parts {
    header: Rect,
    filter: Rect,
    hint: Rect,
    grid: Rect,
    info: Rect,
    footer: Rect,
}

impl Parts {
    fn of(area: Rect) -> Parts {
        use Constraint::{Fill, Length};
        let rows = [Length(1), Length(1), Length(1), Fill(1), Length(1), Length(1)];
        let [header, filter, hint, grid, info, footer] = Layout::vertical(rows).areas(area);
        Parts { header, filter, hint, grid: inset(grid), info, footer }
    }
}

/// What there is room for.
pub(super) fn fits(app: &App, area: Rect) -> Fits {
    let cells = Cells::of(Parts::of(area).grid, app.gallery.large);
    Fits { columns: cells.columns, rows: cells.rows, side: cells.side(), words_end: single::words_end(app, area) }
}

/// The spots for pictures.
pub(super) fn places(app: &App, area: Rect) -> Vec<Place> {
    if app.gallery.single.is_some() {
        return single::places(app, area);
    }
    let place = |(run, cell): (&Run, Rect)| {
        let (source, sheet) = (app.gallery.thumb(run), run.recipe.training().is_some());
        let there = !app.pictures.is_missing(source);
        there.then_some(Place {
            slot: Slot::Thumb(run.id),
            area: cells::picture(cell),
            sources: vec![source],
            arrangement: super::alone(sheet),
        })
    };
    in_sight(app, area).into_iter().filter_map(|(place, cell)| Some((app.gallery.pages.get(place)?, cell))).filter_map(place).collect()
}

/// The places in sight, each with its cell.
fn in_sight(app: &App, area: Rect) -> Vec<(u64, Rect)> {
    let cells = Cells::of(Parts::of(area).grid, app.gallery.large);
    let total = app.gallery.pages.total().unwrap_or(0);
    app.gallery.sight().zip(cells.all()).filter(|(place, _)| *place < total).collect()
}

/// What lies at a spot.
pub(super) fn target(app: &App, area: Rect, at: Position) -> Option<Target> {
    if app.gallery.single.is_some() {
        return single::relation_at(app, area, at).map(Target::Relation);
    }
    if Parts::of(area).filter.contains(at) {
        return Some(Target::Filter);
    }
    in_sight(app, area).into_iter().find(|(_, cell)| cell.contains(at)).map(|(place, _)| Target::Thumb(place))
}

impl Screen<'_, '_> {
    pub(super) fn gallery(&mut self, area: Rect) {
        if self.app.gallery.single.is_some() {
            return self.single(area);
        }
        let parts = Parts::of(area);
        self.gallery_header(parts.header, "gallery");
        self.filter_line(parts.filter);
        self.filter_hint(parts.hint);
        self.thumbs(parts.grid, area);
        self.info_line(parts.info);
        self.footer(parts.footer);
    }

    fn gallery_header(&mut self, area: Rect, title: &str) {
        let name = Span::styled(" darkroom", Style::new().add_modifier(Modifier::BOLD));
        let right = self.engine_words(usize::from(area.width / 2));
        let room = usize::from(area.width).saturating_sub(right.width() + 14);
        let title = Span::styled(text::clip(&format!("   {title}"), room), self.dim());
        self.frame.render_widget(Line::from(vec![name, title]), area);
        self.frame.render_widget(right.alignment(Alignment::Right), area);
    }

    fn thumbs(&mut self, grid: Rect, screen: Rect) {
        let app = self.app;
        let cells = in_sight(app, screen);
        if cells.is_empty() {
            return self.no_runs(grid);
        }
        for (place, cell) in cells {
            let picture = cells::picture(cell);
            let run = app.gallery.pages.get(place);
            self.thumb_label(run, place, Rect { height: 1, width: picture.width, ..cell });
            let source = run.map(|run| (run, app.gallery.thumb(run)));
            let shown = source.is_some_and(|(run, _)| self.show(Slot::Thumb(run.id), picture));
            match source {
                _ if shown => {}
                Some((_, source)) if app.pictures.is_missing(source) => self.middle(picture, "no picture"),
                // What is here is on the screen in a moment: no sign may flicker in its place.
                Some((_, source)) if app.pictures.get(source).is_some() => {}
                _ => self.middle(picture, "·"),
            }
        }
    }

    /// A quiet word in the middle of an area.
    fn middle(&mut self, area: Rect, words: &str) {
        let row = Rect { y: area.y + area.height / 2, height: area.height.min(1), ..area };
        self.frame.render_widget(Line::styled(text::clip(words, usize::from(area.width)), self.dim()).alignment(Alignment::Center), row);
    }

    /// What stands where runs will be.
    fn no_runs(&mut self, area: Rect) {
        let gallery = &self.app.gallery;
        let words = match (&gallery.pages.total(), &self.app.engine) {
            (Some(_), _) if gallery.filter.shown.is_empty() => {
                "Every finished run is kept here: its picture, its recipe, your notes. Esc goes back to the workbench, where Enter makes the first one."
            }
            (Some(_), _) => "No run is like that. / changes the filter, Esc shows all runs again.",
            (None, Engine::Up { .. }) if gallery.filter.trouble.is_some() => "The gallery could not be read; the line above says why.",
            (None, Engine::Up { .. }) => "The gallery is on its way.",
            (None, _) => "The gallery is shown here once there is an engine.",
        };
        let width = usize::from(area.width).min(68);
        let mut lines: Vec<_> = text::wrap(words, width).into_iter().map(Line::from).collect();
        if gallery.pages.total().is_some() {
            lines.push(Line::from(""));
            lines.push(Line::styled("A filter can be:", self.dim()));
            lines.extend(LANGUAGE.map(|words| Line::styled(words, self.dim())));
        }
        let top = area.height.saturating_sub(lines.len() as u16) / 3;
        let left = area.width.saturating_sub(width as u16) / 2;
        let middle = Rect { x: area.x + left, y: area.y + top, width: width as u16, height: area.height - top };
        self.frame.render_widget(Paragraph::new(lines), middle);
    }
}
