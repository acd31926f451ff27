//! The lines above and below the thumbnails: the filter, what is the matter with it, the selected run.

use super::label::{kind_words, mark_words, tag_words};
use crate::app::{App, Tagging, Tone};
use crate::recipe::Run;
use crate::ui::{Screen, form, text};
use ratatui::{
    layout::{Alignment, Constraint, Layout, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

/// Stands before what is typed.
const NAME: &str = " Filter: ";

impl Screen<'_, '_> {
    pub(super) fn filter_line(&mut self, area: Rect) {
        use Constraint::{Fill, Length};
        let filter = &self.app.gallery.filter;
        let count = count(self.app);
        let [name, line, right] =
            Layout::horizontal([Length(NAME.len() as u16), Fill(1), Length(text::columns(&count) as u16 + 2)]).areas(area);
        let style = if filter.typing { self.accent().add_modifier(Modifier::BOLD) } else { self.dim() };
        self.frame.render_widget(Span::styled(NAME, style), name);
        match filter.line.is_empty() && !filter.typing {
            true => self.frame.render_widget(Span::styled("all runs", self.dim()), line),
            false => self.frame.render_widget(&filter.line, line),
        }
        // While what is typed is looked for, the number is that of the runs before.
        let style = if filter.text() == filter.shown { Style::new() } else { self.dim() };
        self.frame.render_widget(Line::styled(format!("{count} "), style).alignment(Alignment::Right), right);
    }

    /// Why a filter cannot be understood; while nothing is wrong, what can be typed.
    pub(super) fn filter_hint(&mut self, area: Rect) {
        let filter = &self.app.gallery.filter;
        let room = usize::from(area.width).saturating_sub(2);
        let (words, style) = match &filter.trouble {
            Some(trouble) => (trouble.as_str(), self.bad()),
            None if filter.typing => {
                ("words  \"a phrase\"  #tag  seed:7  guidance:>5  rating:>=3  since:yesterday  is:starred  -not", self.dim())
            }
            None => return,
        };
        self.frame.render_widget(Line::styled(format!(" {}", text::clip(words, room)), style), area);
    }

    /// What the last key came to, or the tag that is typed, or the selected run in a few words.
    pub(super) fn info_line(&mut self, area: Rect) {
        let gallery = &self.app.gallery;
        if let Some(tagging) = &gallery.tagging {
            return self.tag_line(tagging, area);
        }
        // What was said is read now; the marks are there for longer.
        let is_long = |words: &String| text::columns(words) + 30 > usize::from(area.width);
        let marked = match self.app.marked.len() {
            0 => String::new(),
            _ if gallery.said.as_ref().is_some_and(|(_, words)| is_long(words)) => String::new(),
            // In the single run the keys mean that one.
            marked if gallery.single.is_some() => format!("{marked} marked "),
            marked => format!("{marked} marked: the keys mean them "),
        };
        let room = usize::from(area.width).saturating_sub(text::columns(&marked) + 2);
        let (words, style) = match (&gallery.said, gallery.picked()) {
            (Some((tone, words)), _) => (text::clip(words, room), self.toned(*tone)),
            (None, Some(run)) if gallery.single.is_none() => (text::fit_parts(facts(self.app, run, room), room), Style::new()),
            _ => (String::new(), Style::new()),
        };
        self.frame.render_widget(Line::styled(format!(" {words}"), style), area);
        self.frame.render_widget(Line::from(Span::styled(marked, self.accent())).alignment(Alignment::Right), area);
    }

    fn toned(&self, tone: Tone) -> Style {
        match tone {
            Tone::Plain => self.accent(),
            Tone::Warning => Style::new().fg(self.look.theme.roles.warning),
            Tone::Bad => self.bad(),
        }
    }

    fn tag_line(&mut self, tagging: &Tagging, area: Rect) {
        use Constraint::{Fill, Length};
        let whose = match tagging.runs[..] {
            [run] => format!(" Tag of {run}: #"),
            _ => format!(" Tag of {}: #", text::count(tagging.runs.len(), "run")),
        };
        let [name, line, right] = Layout::horizontal([Length(text::columns(&whose) as u16), Length(22), Fill(1)]).areas(area);
        self.frame.render_widget(Span::styled(whose, self.accent().add_modifier(Modifier::BOLD)), name);
        self.frame.render_widget(&tagging.line, line);
        let tag = tagging.text();
        let (words, style) = match &tagging.trouble {
            Some(trouble) => (trouble.clone(), self.bad()),
            None if !tag.is_empty() && self.app.have_tag(&tagging.runs, &tag) => ("Enter takes it off.".to_owned(), self.dim()),
            None => (known(self.app, &tag), self.dim()),
        };
        self.frame.render_widget(Span::styled(text::clip(&words, usize::from(right.width)), style), right);
    }
}

/// The tags that Tab offers.
fn known(app: &App, begin: &str) -> String {
    let tags = app.known_tags(begin);
    if tags.is_empty() { String::new() } else { format!("Tab: {}", tags.join(", ")) }
}

/// `312 of 100 000 runs · 4–27`: how many there are, and which of them are in sight.
fn count(app: &App) -> String {
    let gallery = &app.gallery;
    let Some(total) = gallery.pages.total() else { return String::new() };
    let number = |number: u64| text::grouped(u32::try_from(number).unwrap_or(u32::MAX));
    let runs = |count: u64| if count == 1 { "run" } else { "runs" };
    let all = app.history.total.max(total);
    let count = match gallery.filter.shown.is_empty() {
        true => format!("{} {}", number(total), runs(total)),
        false => format!("{} of {} {}", number(total), number(all), runs(all)),
    };
    let sight = gallery.sight();
    let (first, last) = (sight.start + 1, sight.end.min(total));
    if last < first || (first == 1 && last == total) { count } else { format!("{count} · {}–{}", number(first), number(last)) }
}

/// A run in parts, each with its rank.
fn facts(app: &App, run: &Run, room: usize) -> Vec<(u8, String)> {
    // A long prompt leaves room for what else is to be known.
    let mut facts = vec![(0, text::clip(&format!("{} {}", run.id, text::title(&run.recipe)), room * 3 / 5))];
    facts.extend(mark_words(run).into_iter().map(|words| (2, words)));
    facts.extend(tag_words(run).map(|words| (3, words)));
    facts.extend(kind_words(run).map(|words| (1, words)));
    facts.push((4, run.recipe.experiment().to_owned()));
    facts.push((5, form::story(app, run)));
    facts
}
