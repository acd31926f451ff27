//! The models on the engine's machine, and the one that is downloaded.

use super::{Screen, text};
use crate::app::{App, Download, Engine, Overlay};
use crate::link::{Doing, Home, Model, PullEnd};
use ratatui::{
    layout::{Alignment, Position, Rect},
    style::{Modifier, Style},
    text::{Line, Span},
};

/// The widest and the longest that the list becomes.
const MOST: (u16, usize) = (100, 12);
/// Rows for what is told about the selected model.
const ABOUT: u16 = 3;
/// The fewest rows for the download, so that the list stays in its place when one begins.
const FOOT: usize = 3;
/// From here on there are columns for whole words.
const WIDE: u16 = 90;
/// Columns for `999 MB of 999 MB · 59 min left`.
const AMOUNTS: usize = 30;

/// A line under the list, and how it is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ink {
    Plain,
    Dim,
    Good,
    Bad,
}

/// The size of the overlay with its border.
pub(super) fn size(app: &App, screen: Rect) -> (u16, u16) {
    let margin = if screen.width < 80 { 0 } else { 4 };
    let width = MOST.0.min(screen.width.saturating_sub(margin));
    let foot = foot(app, usize::from(width.saturating_sub(4))).len().max(FOOT);
    let rows = models(app).len().clamp(1, MOST.1) + foot + usize::from(ABOUT) + 4;
    // The footer with the keys stays in sight.
    (width, (rows as u16).min(screen.height.saturating_sub(2)))
}

fn models(app: &App) -> &[Model] {
    app.models.list.as_deref().unwrap_or_default()
}

/// The list, what is told about the selected one, and the download.
fn parts(app: &App, inner: Rect) -> [Rect; 3] {
    let wanted = foot(app, usize::from(inner.width)).len().max(FOOT) as u16;
    let foot = wanted.min(inner.height.saturating_sub(1));
    // A line of the list and the gaps come first.
    let about = ABOUT.min(inner.height.saturating_sub(foot + 3));
    let gap = u16::from(about > 0);
    let list = inner.height.saturating_sub(foot + about + 1 + gap);
    let list = Rect { height: list, ..inner };
    let about = Rect { y: list.bottom() + gap, height: about, ..inner };
    [list, about, Rect { y: inner.bottom() - foot, height: foot, ..inner }]
}

/// The rows of the models that are in sight, each with its place in the list.
fn rows(list: Rect, selected: usize, count: usize) -> impl Iterator<Item = (usize, Rect)> {
    let first = (selected + 1).saturating_sub(usize::from(list.height));
    (first..count).zip((list.y..list.bottom()).map(move |y| Rect { y, height: 1, ..list }))
}

/// The model at a spot of the list, by its place.
pub(super) fn model_at(app: &App, cover: Rect, selected: usize, at: Position) -> Option<usize> {
    let [list, ..] = parts(app, super::overlay::inside(cover));
    rows(list, selected, models(app).len()).find(|(_, row)| row.contains(at)).map(|(place, _)| place)
}

impl Screen<'_, '_> {
    pub(super) fn models(&mut self, selected: usize) {
        let inner = self.sheet("Models", self.accent());
        let [list, about, foot] = parts(self.app, inner);
        let models = models(self.app);
        if models.is_empty() {
            let words = match self.app.engine {
                Engine::Up { .. } | Engine::Connecting => "The engine looks for models.",
                _ => "Which models there are, the next engine tells.",
            };
            self.frame.render_widget(Line::styled(text::clip(words, usize::from(list.width)), self.dim()), list);
        }
        let name = name_width(models, inner.width);
        for (at, row) in rows(list, selected, models.len()) {
            let line = self.model(&models[at], (at == selected, name), row.width);
            self.frame.render_widget(line, row);
        }
        if let Some(model) = models.get(selected) {
            for (line, y) in about_model(model, about).into_iter().zip(about.y..about.bottom()) {
                self.frame.render_widget(Line::styled(line, self.dim()), Rect { y, height: 1, ..about });
            }
        }
        self.foot(foot);
    }

    fn model(&self, model: &Model, (selected, name): (bool, usize), width: u16) -> Line<'static> {
        let (mark, style) = match selected {
            true => ("▸", self.accent().add_modifier(Modifier::BOLD)),
            false => (" ", Style::new()),
        };
        let (title, home) = (text::clip(&model.name, name), home(model.home, width));
        let pad = " ".repeat(name - text::columns(&title));
        let mut line = Line::from(vec![
            Span::styled(format!("{mark}{title}{pad} "), style),
            Span::styled(format!(" {home:<room$}", room = home_width(width)), self.dim()),
            Span::styled(format!(" {:>8}  ", text::bytes(model.bytes)), self.dim()),
            Span::raw(kind(model)),
        ]);
        if !model.missing.is_empty() {
            let room = usize::from(width).saturating_sub(line.width());
            let style = Style::new().fg(self.look.theme.roles.warning);
            line.push_span(Span::styled(text::clip(&format!(", {}", lacks(model)), room), style));
        }
        line
    }

    /// The download, what became of the last, or the line to type a name in.
    fn foot(&mut self, area: Rect) {
        for ((ink, words), y) in foot(self.app, usize::from(area.width)).into_iter().zip(area.y..area.bottom()) {
            let roles = &self.look.theme.roles;
            let style = match ink {
                Ink::Plain => Style::new(),
                Ink::Dim => self.dim(),
                Ink::Good => Style::new().fg(roles.good),
                Ink::Bad => self.bad(),
            };
            self.frame.render_widget(Line::styled(words, style), Rect { y, height: 1, ..area });
        }
        let row = |at: u16| Rect { y: area.y + at, height: u16::from(area.height > at), ..area };
        match (self.app.overlay, &self.app.models.download) {
            (Some(Overlay::Pull(_)), _) => self.repository(row(1)),
            (_, Some(download)) => {
                let right = |words: String| Line::styled(words, self.dim()).alignment(Alignment::Right);
                let (count, speed) = (right(files(download)), right(speed(self.app, download)));
                let bar = self.bar(download, usize::from(area.width));
                for (line, at) in [(count, 0), (speed, 1), (bar, 2)] {
                    self.frame.render_widget(line, row(at));
                }
            }
            (_, None) => {}
        }
    }

    fn repository(&mut self, area: Rect) {
        let line = &self.app.models.line;
        self.frame.render_widget(line, area);
        if line.is_empty() {
            let hint = Rect { x: area.x + 1, width: area.width.saturating_sub(1), ..area };
            self.frame.render_widget(Line::styled("DeepFloyd/IF-I-XL-v1.0", self.dim()), hint);
        }
    }

    /// How much of the file is here, and how long all of them will take.
    fn bar(&self, download: &Download, width: usize) -> Line<'static> {
        let how = &download.how;
        let room = width.saturating_sub(AMOUNTS + 1);
        let share = if how.size == 0 { 0.0 } else { (how.at as f64 / how.size as f64).min(1.0) };
        let done = (room as f64 * share) as usize;
        let amounts = (how.size > 0).then(|| (0, format!("{} of {}", text::bytes(how.at.min(how.size)), text::bytes(how.size))));
        let left = download.left_ms(self.app.now_ms).filter(|_| how.doing == Doing::Fetches);
        let left = left.map(|ms| (1, format!("{} left", text::rough(ms))));
        let words = text::fit_parts(amounts.into_iter().chain(left).collect(), AMOUNTS);
        Line::from(vec![
            Span::styled("━".repeat(done), self.accent()),
            Span::styled("─".repeat(room - done), self.dim()),
            Span::styled(format!(" {words:>AMOUNTS$}"), self.dim()),
        ])
    }
}

/// The lines under the list; a download's right half and its bar are drawn over them.
fn foot(app: &App, width: usize) -> Vec<(Ink, String)> {
    let models = &app.models;
    let wrapped = |ink: Ink, words: &str| text::wrap(words, width).into_iter().map(move |line| (ink, line)).collect::<Vec<_>>();
    let refusal = models.refusal.iter().flat_map(|words| wrapped(Ink::Bad, words));
    let mut lines = match (app.overlay, &models.download, &models.end) {
        (Some(Overlay::Pull(_)), ..) => {
            let hint = "owner/name, as in its address at huggingface.co";
            vec![(Ink::Plain, "Which repository is to be downloaded?".to_owned()), (Ink::Plain, String::new()), (Ink::Dim, hint.to_owned())]
        }
        (_, Some(download), _) => download_lines(app, download, width),
        (_, None, Some((end, words))) => wrapped(ink(*end), words),
        (_, None, None) if models.refusal.is_some() => Vec::new(),
        (_, None, None) => wrapped(Ink::Dim, "p downloads one from Hugging Face; it goes on when the terminal closes."),
    };
    lines.extend(refusal);
    lines
}

fn download_lines(app: &App, download: &Download, width: usize) -> Vec<(Ink, String)> {
    let how = &download.how;
    let doing = match &how.doing {
        Doing::Asks => "asks the hub which files there are".to_owned(),
        Doing::Fetches => how.file.clone(),
        Doing::Waits(why) => format!("{why}, and tries again"),
        Doing::Checks => format!("checks {}", how.file),
        Doing::Stops => "breaks off; what has arrived is kept".to_owned(),
    };
    let room = |right: &str| width.saturating_sub(text::columns(right) + 2);
    let name = text::clip(&format!("↓ {}", how.repository), room(&files(download)));
    vec![(Ink::Plain, name), (Ink::Plain, text::clip(&doing, room(&speed(app, download)))), (Ink::Plain, String::new())]
}

/// `42 % · 3 of 13 files`.
fn files(download: &Download) -> String {
    let how = &download.how;
    let percent = download.percent().map(|percent| format!("{percent} % · ")).unwrap_or_default();
    if how.of == 0 { String::new() } else { format!("{percent}{} of {} files", how.number, how.of) }
}

fn speed(app: &App, download: &Download) -> String {
    let speed = download.speed(app.now_ms).filter(|_| download.how.doing == Doing::Fetches);
    speed.map(|speed| format!("{}/s", text::bytes(speed as u64))).unwrap_or_default()
}

fn ink(end: PullEnd) -> Ink {
    match end {
        PullEnd::Done => Ink::Good,
        PullEnd::Failed => Ink::Bad,
        PullEnd::Stopped => Ink::Plain,
    }
}

/// Columns for the longest name, as far as there are some.
fn name_width(models: &[Model], width: u16) -> usize {
    let room = usize::from(width).saturating_sub(home_width(width) + 31);
    models.iter().map(|model| text::columns(&text::plain(&model.name))).max().unwrap_or(0).min(room.max(10))
}

fn home_width(width: u16) -> usize {
    if width < WIDE { 8 } else { 18 }
}

fn home(home: Home, width: u16) -> &'static str {
    match home {
        Home::BuiltIn => "built in",
        Home::Folder => "folder",
        Home::Cache if width < WIDE => "cache",
        Home::Cache => "Hugging Face cache",
    }
}

/// `stage II 256x256`.
fn kind(model: &Model) -> String {
    let stage = if model.enlarges { "stage II" } else { "stage I" };
    model.side.map_or_else(|| "unknown kind".to_owned(), |side| format!("{stage} {side}x{side}"))
}

/// `no text encoder, no tokenizer`.
fn lacks(model: &Model) -> String {
    model.missing.iter().map(|part| format!("no {part}")).collect::<Vec<_>>().join(", ")
}

/// The whole of what does not fit into a row.
fn about_model(model: &Model, area: Rect) -> Vec<String> {
    let place = match model.home {
        Home::BuiltIn => "It comes with darkroom.".to_owned(),
        Home::Folder => format!("In the folder of models: {}", model.path),
        Home::Cache => format!("In the Hugging Face cache: {}", model.path),
    };
    let lacks = if model.missing.is_empty() { "Nothing is missing.".to_owned() } else { format!("There is {}.", lacks(model)) };
    let width = usize::from(area.width);
    let mut lines = text::wrap(&format!("{lacks} {place}"), width);
    let last = usize::from(area.height).saturating_sub(1);
    if lines.len() > last + 1 {
        // A path has no spaces to lose.
        let rest = lines.split_off(last).concat();
        lines.push(text::clip(&rest, width));
    }
    lines
}
