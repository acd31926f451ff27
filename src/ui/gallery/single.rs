//! One run on the whole screen: its picture, its words, its relatives.

use super::words::{self, Voice};
use crate::app::{App, Relation};
use crate::preview::Place;
use crate::ui::{Screen, inset, picture, text};
use ratatui::{
    layout::{Constraint, Layout, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, Paragraph},
};

/// Where the parts are.
struct Parts {
    header: Rect,
    picture: Rect,
    words: Rect,
    relatives: Rect,
    info: Rect,
    footer: Rect,
}

impl Parts {
    fn of(app: &App, area: Rect) -> Parts {
        use Constraint::{Fill, Length};
        let [header, body, info, footer] = Layout::vertical([Length(1), Fill(1), Length(1), Length(1)]).areas(area);
        let side = (body.width * 2 / 5).clamp(28, 60);
        let [picture, right] = Layout::horizontal([Fill(1), Length(side)]).areas(body);
        let relatives = app.gallery.relations().map_or(0, |all| all.len()).clamp(2, 12) as u16 + 2;
        let [words, relatives] = Layout::vertical([Fill(1), Length(relatives.min(right.height * 2 / 5))]).areas(right);
        Parts { header, picture, words, relatives, info, footer }
    }
}

/// How far down the words can be scrolled.
pub(super) fn words_end(app: &App, area: Rect) -> u16 {
    let inner = inner(Parts::of(app, area).words);
    let Some(run) = app.gallery.picked().filter(|_| app.gallery.single.is_some()) else { return 0 };
    let lines = words::lines(app, run, usize::from(inner.width)).len();
    u16::try_from(lines).unwrap_or(u16::MAX).saturating_sub(inner.height)
}

fn inner(area: Rect) -> Rect {
    inset(Block::bordered().inner(area))
}

/// The spots for its pictures.
pub(super) fn places(app: &App, area: Rect) -> Vec<Place> {
    picture::places(app, Parts::of(app, area).picture)
}

/// The relations that are in sight, the selected one among them, each with its row.
fn rows(app: &App, area: Rect) -> Vec<(usize, Relation, Rect)> {
    let (relations, inner) = (app.gallery.relations().unwrap_or_default(), inner(area));
    let selected = app.gallery.single.as_ref().map_or(0, |single| single.relation);
    let first = (selected + 1).saturating_sub(usize::from(inner.height));
    let rows = inner.rows().zip(relations.into_iter().enumerate().skip(first));
    rows.map(|(row, (at, relation))| (at, relation, row)).collect()
}

/// The relation at a spot.
pub(super) fn relation_at(app: &App, area: Rect, at: Position) -> Option<usize> {
    rows(app, Parts::of(app, area).relatives).into_iter().find(|(_, _, row)| row.contains(at)).map(|(at, ..)| at)
}

impl Screen<'_, '_> {
    pub(super) fn single(&mut self, area: Rect) {
        let parts = Parts::of(self.app, area);
        self.gallery_header(parts.header, &self.way());
        self.picture(parts.picture);
        self.words(parts.words);
        self.relatives(parts.relatives);
        self.info_line(parts.info);
        self.footer(parts.footer);
    }

    /// `gallery · 3 of 312`, or the way to a relative.
    fn way(&self) -> String {
        let gallery = &self.app.gallery;
        let path = gallery.single.iter().flat_map(|single| &single.path);
        let path: String = path.map(|id| format!(" ▸ {id}")).collect();
        let place = format!("{} of {}", gallery.at + 1, gallery.pages.total().unwrap_or(0));
        match (path.is_empty(), gallery.pages.get(gallery.at)) {
            (false, Some(run)) => format!("gallery · {}{path}", run.id),
            (false, None) => format!("gallery ·{path}"),
            (true, _) => format!("gallery · {place}"),
        }
    }

    fn words(&mut self, area: Rect) {
        let app = self.app;
        let end = words_end(app, self.frame.area());
        let more = (app.gallery.scrolled() < end).then(|| Line::styled(" PgDn more ", self.dim()));
        let inner = inset(self.part(area, "Recipe", "", more));
        let Some(run) = app.gallery.picked() else { return };
        let lines = words::lines(app, run, usize::from(inner.width)).into_iter().map(|(voice, words)| {
            let style = match voice {
                Voice::Head => self.accent(),
                Voice::Plain => Style::new(),
                Voice::Quiet => self.dim(),
            };
            Line::styled(words, style)
        });
        let lines: Vec<_> = lines.collect();
        self.frame.render_widget(Paragraph::new(lines).scroll((app.gallery.scrolled(), 0)), inner);
    }

    fn relatives(&mut self, area: Rect) {
        let app = self.app;
        let Some(relations) = app.gallery.relations() else {
            self.part(area, "Relatives", "", None);
            return;
        };
        let inner = self.part(area, "Relatives", &words::made(&relations), None);
        if relations.is_empty() {
            return self.sentence(inner, "Made from no other run, and none from it.");
        }
        let selected = app.gallery.single.as_ref().map_or(0, |single| single.relation);
        for (at, relation, row) in rows(app, area) {
            let (mark, style) = match at == selected {
                true => ("▸", self.accent().add_modifier(Modifier::BOLD)),
                false => (" ", Style::new()),
            };
            let words = text::clip(&words::relation(relation), usize::from(row.width).saturating_sub(1));
            self.frame.render_widget(Span::styled(format!("{mark}{words}"), style), row);
        }
    }
}
