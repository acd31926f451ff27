//! The marked runs compared: their pictures in three ways, and in what their recipes differ.

use super::{Screen, contact, text};
use crate::app::{App, COMPARED, Compare, Source, Way};
use crate::preview::{Arrangement, Place, Slot, enlargement};
use crate::recipe::Run;
use ratatui::{
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
    widgets::{Block, BorderType},
};

/// Pictures of fewer columns than this are not made to see all at once.
const LEAST: u16 = 14;
/// The fewest columns and rows for what differs, with its border.
const WORDS: (u16, u16) = (30, 4);

/// The ways to compare, with the words on their tabs.
const WAYS: [(Way, &str); 3] = [(Way::Beside, "side by side"), (Way::Flip, "flip"), (Way::Difference, "difference")];

/// Where the parts are.
struct Parts {
    header: Rect,
    pictures: Rect,
    words: Rect,
    footer: Rect,
}

/// The spot of one run among those that stand side by side.
struct Spot {
    /// Its place among the compared.
    at: usize,
    picture: Rect,
    label: Rect,
}

impl Parts {
    fn of(app: &App, compare: &Compare, area: Rect) -> Parts {
        use Constraint::{Fill, Length};
        let [header, body, footer] = Layout::vertical([Length(1), Fill(1), Length(1)]).areas(area);
        // One picture is a square: what is left beside it has the words. Several stand in a row above them.
        let [pictures, words] = match compare.way {
            Way::Beside => {
                let lines = super::differing::count(app, usize::from(body.width).saturating_sub(4)) as u16 + 2;
                Layout::vertical([Fill(1), Length(lines.clamp(WORDS.1, (body.height / 3).max(WORDS.1)))]).areas(body)
            }
            _ => {
                let spare = body.width.saturating_sub(2 * body.height);
                Layout::horizontal([Fill(1), Length(spare.clamp(WORDS.0, 64))]).areas(body)
            }
        };
        Parts { header, pictures, words, footer }
    }
}

/// The spots for the pictures.
pub(super) fn places(app: &App, compare: &Compare, area: Rect) -> Vec<Place> {
    let pictures = Parts::of(app, compare, area).pictures;
    let sources = app.compared_pictures();
    let inner = Block::bordered().inner(pictures);
    let one = |sources, arrangement| vec![Place { slot: Slot::Preview, area: inner, sources, arrangement }];
    match compare.way {
        Way::Beside => {
            let place = |spot: Spot| {
                let source = sources.get(spot.at).copied().flatten().filter(|source| !app.pictures.is_missing(*source))?;
                let sheet = app.compared().nth(spot.at)?.1.is_some_and(|run| run.recipe.training().is_some());
                let slot = Slot::Part(spot.at as u16);
                Some(Place { slot, area: spot.picture, sources: vec![source], arrangement: super::alone(sheet) })
            };
            spots(app, compare, inner).into_iter().filter_map(place).collect()
        }
        // Those that are here take turns; the others join them as they come.
        Way::Flip => {
            let here = |source: &Option<Source>| source.filter(|source| app.pictures.get(*source).is_some());
            let Some(shown) = sources.get(compare.at).and_then(here) else { return Vec::new() };
            let turns: Vec<_> = sources.iter().filter_map(here).collect();
            let at = turns.iter().position(|source| *source == shown).unwrap_or(0);
            one(turns, Arrangement::Turn(at))
        }
        Way::Difference => match (sources.first(), sources.get(compare.at)) {
            (Some(Some(first)), Some(Some(other))) => one(vec![*first, *other], Arrangement::Difference(compare.times)),
            _ => Vec::new(),
        },
    }
}

/// Where the runs stand side by side; those in sight where there is no room for all.
fn spots(app: &App, compare: &Compare, inner: Rect) -> Vec<Spot> {
    let all = app.compared().count();
    let fits = |count: &usize| contact::best(1..=*count, *count, inner).filter(|(_, side)| *side >= LEAST);
    let Some((count, (columns, side))) = (1..=all).rev().find_map(|count| Some((count, fits(&count)?))) else { return Vec::new() };
    let first = (compare.at / count * count).min(all - count);
    let (width, height) = (inner.width / columns as u16, side / 2 + 1);
    let rows = count.div_ceil(columns) as u16;
    let top = inner.height.saturating_sub(rows * height) / 2;
    let left = (inner.width - width * columns as u16) / 2;
    let spot = |place: usize| {
        let (x, y) = (inner.x + left + (place % columns) as u16 * width, inner.y + top + (place / columns) as u16 * height);
        let picture = Rect { x: x + (width - side) / 2, y, width: side, height: side / 2 };
        Spot { at: first + place, picture, label: Rect { x, y: picture.bottom(), width, height: 1 } }
    };
    (0..count).map(spot).collect()
}

impl Screen<'_, '_> {
    pub(super) fn compare(&mut self, compare: &Compare, area: Rect) {
        let parts = Parts::of(self.app, compare, area);
        self.compare_header(compare, parts.header);
        match compare.way {
            Way::Beside => self.beside(compare, parts.pictures),
            Way::Flip => self.flip(compare, parts.pictures),
            Way::Difference => self.difference(compare, parts.pictures),
        }
        self.differing(compare, parts.words);
        self.footer(parts.footer);
    }

    fn compare_header(&mut self, compare: &Compare, area: Rect) {
        let mut line = Line::from(Span::styled(" darkroom  ", Style::new().add_modifier(Modifier::BOLD)));
        for (way, words) in WAYS {
            let style = if way == compare.way { self.accent().add_modifier(Modifier::BOLD | Modifier::UNDERLINED) } else { self.dim() };
            line.push_span(Span::raw(" "));
            line.push_span(Span::styled(words, style));
            line.push_span(Span::raw(" "));
        }
        let room = usize::from(area.width).saturating_sub(line.width() + 2);
        self.frame.render_widget(line, area);
        let right = self.engine_words(room);
        self.frame.render_widget(right.alignment(Alignment::Right), area);
    }

    /// A part of the screen with a line above and one below; what is left of it inside.
    pub(super) fn board(&mut self, area: Rect, title: &str, below: &str) -> Rect {
        let roles = &self.look.theme.roles;
        let room = usize::from(area.width).saturating_sub(4);
        let block = Block::bordered().border_type(BorderType::Rounded).border_style(Style::new().fg(roles.border));
        let block = block.title_top(Line::styled(format!(" {} ", text::clip(title, room)), Style::new().fg(roles.text)));
        let block = match below {
            "" => block,
            below => block.title_bottom(
                Line::styled(format!(" {} ", text::clip(below, room)), Style::new().fg(roles.text)).alignment(Alignment::Center),
            ),
        };
        self.frame.render_widget(&block, area);
        block.inner(area)
    }

    fn beside(&mut self, compare: &Compare, area: Rect) {
        let (marked, all) = (self.app.marked.len(), self.app.compared().count());
        let spots = spots(self.app, compare, Block::bordered().inner(area));
        let title = match marked > COMPARED {
            true => format!("The first {COMPARED} of {marked} marked runs"),
            false => format!("{marked} marked runs"),
        };
        let first = spots.first().map_or(1, |spot| spot.at + 1);
        let more = if spots.len() < all {
            format!("{first} to {} of {all} · → shows the others", first + spots.len() - 1)
        } else {
            String::new()
        };
        let inner = self.board(area, &title, &more);
        if spots.is_empty() {
            return self.sentence(inner, "There is no room for pictures side by side; f shows one after the other.");
        }
        for spot in spots {
            let Some((id, run)) = self.app.compared().nth(spot.at) else { continue };
            let words = run.map_or_else(|| id.to_string(), |run| label(compare, run));
            let trouble = self.absent(spot.at);
            let style = if spot.at == compare.at { self.accent().add_modifier(Modifier::BOLD) } else { self.dim() };
            let mark = if spot.at == compare.at { "▸" } else { " " };
            let words = text::clip(&format!("{mark}{words}"), usize::from(spot.label.width).saturating_sub(1));
            self.frame.render_widget(Line::styled(words, style).alignment(Alignment::Center), spot.label);
            if !self.show(Slot::Part(spot.at as u16), spot.picture) {
                self.sentence(spot.picture, &trouble);
            }
        }
    }

    fn flip(&mut self, compare: &Compare, area: Rect) {
        let all = self.app.compared().count();
        let Some((id, run)) = self.app.compared().nth(compare.at) else { return };
        let title = run.map_or_else(|| id.to_string(), |run| label(compare, run));
        let mut below = format!("{} of {all}", compare.at + 1);
        if let Some(told) = run.and_then(|_| enlarged(self.app, compare.at)) {
            below += &format!(" · {told}");
        }
        let trouble = self.absent(compare.at);
        let inner = self.board(area, &title, &below);
        if !self.show(Slot::Preview, inner) {
            self.sentence(inner, &trouble);
        }
    }

    fn difference(&mut self, compare: &Compare, area: Rect) {
        let ids: Vec<_> = self.app.compared().map(|(id, _)| id).collect();
        let (Some(first), Some(other)) = (ids.first(), ids.get(compare.at)) else { return };
        let told = self.look.shelf.difference(Slot::Preview);
        let numbers = told.map(|told| format!("mean {:.1}, most {} of 255", told.mean, told.most));
        let parts = [Some(format!("×{}", compare.times)), numbers, enlarged(self.app, 0), enlarged(self.app, compare.at)];
        let below = parts.into_iter().flatten().collect::<Vec<_>>().join(" · ");
        let inner = self.board(area, &format!("What differs between {first} and {other}"), &below);
        let trouble = [0, compare.at].into_iter().map(|at| self.absent(at)).find(|trouble| !trouble.is_empty()).unwrap_or_default();
        if !trouble.is_empty() || !self.show(Slot::Preview, inner) {
            self.sentence(inner, &trouble);
        }
    }

    /// Why a run's picture is not there yet, in a sentence; empty where it is.
    fn absent(&self, at: usize) -> String {
        let source = self.app.compared_pictures().get(at).copied().flatten();
        match (source, self.app.compared().nth(at)) {
            (Some(source), _) if self.app.pictures.get(source).is_some() => String::new(),
            (Some(source), Some((id, _))) if self.app.pictures.is_missing(source) => format!("The picture of {id} cannot be read."),
            (Some(_), Some((id, _))) => format!("The picture of {id} is on its way."),
            (None, Some((id, _))) if self.app.gallery.guests.is_awaited(id) => format!("The recipe of {id} is on its way."),
            (None, Some((id, _))) => format!("{id} is not in the gallery."),
            (_, None) => String::new(),
        }
    }
}

/// What stands with a run's picture: its number, and which of several it is; or else what it is of.
fn label(compare: &Compare, run: &Run) -> String {
    let count = run.recipe.pictures();
    if count < 2 {
        return format!("{} · {}", run.id, text::title(&run.recipe));
    }
    let at = (compare.picture as usize).min(count - 1);
    match contact::labels(run).and_then(|labels| labels.into_iter().nth(at)) {
        Some(label) => format!("{} · {label} ({} of {count})", run.id, at + 1),
        None => format!("{} · picture {} of {count}", run.id, at + 1),
    }
}

/// How a picture was made as large as the largest that it is compared with; none where it is.
fn enlarged(app: &App, at: usize) -> Option<String> {
    let size = |source: &Source| app.pictures.get(*source).map(|picture| (picture.head.width, picture.head.height));
    let sources = app.compared_pictures();
    let at_stake: Vec<_> = match app.compare.as_ref()? {
        Compare { way: Way::Difference, at, .. } => vec![0, *at],
        _ => (0..sources.len()).collect(),
    };
    let sizes: Vec<_> = at_stake.iter().filter_map(|at| sources.get(*at).copied().flatten().as_ref().and_then(size)).collect();
    let largest = (sizes.iter().map(|size| size.0).max()?, sizes.iter().map(|size| size.1).max()?);
    let own = size(&sources.get(at).copied().flatten()?)?;
    let id = app.compared().nth(at)?.0;
    match enlargement(own, largest) {
        _ if own == largest => None,
        Some(times) => Some(format!("{id} enlarged {times} times")),
        None => Some(format!("{id} scaled from {} by {}", own.0, own.1)),
    }
}
