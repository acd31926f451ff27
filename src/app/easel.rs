//! Drawings for the fields of the form that take a picture.
//!
//! The engine knows how large the model's pictures are and reads every file; here is what it answers and what is painted.

use super::canvas::{Canvas, Sheet, Stroke, Touch};
use super::{App, Effect, Engine, Tone};
use crate::link::{Bytes, Command, Picture};
use crate::recipe::{Colour, Fit, Image, Kind, Recipe};
use clap::ValueEnum;
use std::collections::HashMap;

/// The name of a kept drawing.
const DRAWING: &str = "drawing";
/// The name of a kept mask, and of the fields that take one.
const MASK: &str = "mask";
const WHITE: Colour = Colour([255; 3]);
const BLACK: Colour = Colour([0; 3]);

/// What a key does while something is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sketch {
    /// Something on the canvas.
    Touch(Touch),
    /// The picture that the field names comes onto the sheet.
    Load,
    /// The drawing becomes the field's picture.
    Use,
    /// The shape in progress is given up; where there is none, the drawing is put aside.
    LetGo,
}

/// What a drawing is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    /// The experiment.
    pub experiment: String,
    /// Its field.
    pub field: String,
    /// Width and height of the model's pictures.
    pub size: (u32, u32),
}

/// A drawing that is not finished.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// What it is for.
    pub place: Place,
    /// What is drawn; none once the draft is done with.
    pub sheet: Option<Sheet>,
}

/// What is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wait {
    /// The picture that says how large the model's are.
    Sheet,
    /// The mask that the field names, to begin with.
    Mask,
    /// The field's picture.
    Load,
    /// The word that the drawing is kept.
    Kept,
}

/// The drawing that is open.
#[derive(Clone, Debug)]
pub struct Drawing {
    /// The field that it is for.
    pub field: String,
    /// Whether that takes a mask.
    pub mask: bool,
    /// What is painted on; none until the model's size is known.
    pub canvas: Option<Canvas>,
    /// Why something that was asked for did not happen.
    pub trouble: Option<String>,
    /// The photo that a mask is painted over, until the mask is here.
    photo: Option<Sheet>,
    waits: Option<(u32, Wait)>,
    /// What a draft of it would hold, where there is one.
    draft: Option<Sheet>,
}

impl Drawing {
    /// What is on its way, in a few words.
    pub fn waits(&self) -> Option<&'static str> {
        let (_, wait) = self.waits?;
        Some(match wait {
            Wait::Sheet | Wait::Mask => "the sheet is on its way",
            Wait::Load => "the picture is on its way",
            Wait::Kept => "is being saved",
        })
    }

    /// Whether it is on its way to the engine, and must stay as it is.
    fn is_leaving(&self) -> bool {
        self.waits.is_some_and(|(_, wait)| wait == Wait::Kept)
    }

    /// Something asked for with this ticket could not be done.
    fn failed(&mut self, ticket: u32, text: &str) {
        let Some((_, wait)) = self.waits.take_if(|(asked, _)| *asked == ticket) else { return };
        self.trouble = Some(text.to_owned());
        if let (Wait::Mask, Some(photo)) = (wait, self.photo.take()) {
            self.canvas = Some(Canvas::mask_over(photo));
        }
    }
}

/// The drawing that is open, and the drafts.
#[derive(Clone, Debug, Default)]
pub struct Easel {
    /// The drawing that is open.
    pub open: Option<Drawing>,
    /// Drawings that were put aside, and those that a field names, with what it names them by.
    drafts: HashMap<Place, (Canvas, Option<String>)>,
}

impl Easel {
    pub(super) fn new(drafts: Vec<Draft>) -> Easel {
        let canvas = |place: &Place, sheet| if place.field == MASK { Canvas::mask(sheet) } else { Canvas::new(sheet) };
        let drafts = drafts.into_iter().filter_map(|draft| {
            let canvas = canvas(&draft.place, draft.sheet?);
            Some((draft.place, (canvas, None)))
        });
        Easel { drafts: drafts.collect(), ..Easel::default() }
    }

    /// Whether a key would change anything now.
    pub fn has_use(&self, sketch: Sketch) -> bool {
        let canvas = self.open.as_ref().and_then(|drawing| drawing.canvas.as_ref());
        match (sketch, canvas) {
            (Sketch::LetGo, _) => true,
            (_, None) => false,
            (Sketch::Touch(Touch::Undo), Some(canvas)) => canvas.depth().0 > 0 || canvas.is_drawing(),
            (Sketch::Touch(Touch::Redo), Some(canvas)) => canvas.depth().1 > 0,
            _ => true,
        }
    }

    pub(super) fn failed(&mut self, ticket: u32, text: &str) {
        self.open.iter_mut().for_each(|drawing| drawing.failed(ticket, text));
    }

    /// A draft could not be brought to safety.
    pub(super) fn unsafe_draft(&mut self, text: &str) {
        self.open.iter_mut().for_each(|drawing| drawing.trouble = Some(text.to_owned()));
    }

    /// Waits for the answer with this ticket; those to others come too late.
    fn wait(&mut self, ticket: u32, wait: Wait) -> Option<u32> {
        let drawing = self.open.as_mut()?;
        (drawing.waits, drawing.trouble) = (Some((ticket, wait)), None);
        Some(ticket)
    }

    /// What was waited for with this answer, and the drawing.
    fn answered(&mut self, ticket: u32) -> Option<(Wait, &mut Drawing)> {
        let drawing = self.open.as_mut()?;
        let (_, wait) = drawing.waits.take_if(|(asked, _)| *asked == ticket)?;
        Some((wait, drawing))
    }
}

impl App {
    /// Opens a drawing for the selected field: its draft, or the drawing that it holds, or an empty sheet.
    pub(super) fn draw(&mut self) {
        let Some(entry) = self.form.image_field() else { return };
        let (field, mask) = (entry.field.name.clone(), entry.field.kind == Kind::Mask);
        self.easel.open = Some(Drawing { field, mask, canvas: None, trouble: None, photo: None, waits: None, draft: None });
        self.ask(Wait::Sheet);
    }

    /// Asks the engine for what is waited for.
    fn ask(&mut self, wait: Wait) {
        let Some(drawing) = &self.easel.open else { return };
        let named = |name: &str| Some(self.form.asked(name)).filter(|image| !image.is_empty());
        match wait {
            // A mask is painted over the photo that it is for.
            Wait::Sheet if drawing.mask => self.look(named("image"), wait),
            Wait::Sheet => self.look(self.own_drawing(), wait),
            Wait::Mask | Wait::Load => self.look(named(&drawing.field), wait),
            Wait::Kept => self.save_drawing(),
        }
    }

    /// The drawing that the field holds.
    fn own_drawing(&self) -> Option<String> {
        let value = self.form.image_field()?.value();
        let image: Image = value.parse().ok()?;
        (image.hash().is_some() && [DRAWING, MASK].contains(&image.name())).then(|| value.to_owned())
    }

    fn look(&mut self, image: Option<String>, wait: Wait) {
        let ticket = self.ticket();
        let Some(ticket) = self.easel.wait(ticket, wait) else { return };
        let mask = self.easel.open.as_ref().is_some_and(|drawing| drawing.mask) && wait != Wait::Sheet;
        let fit = Fit::from_str(&self.form.asked("fit"), false).unwrap_or(Fit::Crop);
        let background = match image {
            // Beside a mask nothing is made new.
            _ if mask => BLACK,
            None => WHITE,
            Some(_) => self.form.asked("background").parse().unwrap_or(WHITE),
        };
        let model = self.form.asked("model");
        self.effects.push(Effect::Send(Command::Look { ticket, image, model, fit, background }));
    }

    /// A picture of the model's size is here.
    pub(super) fn looked(&mut self, ticket: u32, picture: &Picture) {
        let sheet = Sheet::from_rgb(picture.head.width, picture.head.height, &picture.rgb);
        let (Some((wait, drawing)), Some(sheet)) = (self.easel.answered(ticket), sheet) else { return };
        match (wait, &mut drawing.canvas) {
            (Wait::Sheet, _) => self.set_up(sheet),
            (Wait::Mask, _) => drawing.canvas = Some(Canvas::mask(sheet).over(drawing.photo.take())),
            (Wait::Load, Some(canvas)) => {
                if !canvas.load(sheet) {
                    drawing.trouble = Some("Nothing came of it: the picture goes where the paper is bare; w wipes the sheet.".to_owned());
                }
                self.keep_draft();
            }
            (Wait::Load | Wait::Kept, _) => {}
        }
    }

    /// A draft comes first, then what the field holds, then an empty sheet.
    fn set_up(&mut self, picture: Sheet) {
        let (own, typed) = (self.own_drawing(), self.form.image_field().is_some_and(|entry| !entry.value().is_empty()));
        let Some(place) = self.place(picture.size()) else { return };
        let Some(drawing) = &mut self.easel.open else { return };
        let draft = self.easel.drafts.get(&place);
        // One that was put to use is gone on with where the field still names it, or nothing.
        let counts = |(_, kept): &&(Canvas, Option<String>)| kept.is_none() || *kept == own || !typed;
        if let Some((draft, _)) = draft.filter(counts) {
            drawing.draft = Some(draft.sheet.clone());
            drawing.canvas = Some(draft.clone().over(drawing.mask.then_some(picture)));
        } else if drawing.mask && typed {
            drawing.photo = Some(picture);
            self.ask(Wait::Mask);
        } else {
            drawing.canvas = Some(if drawing.mask { Canvas::mask_over(picture) } else { Canvas::new(picture) });
        }
    }

    /// What the drawing that is open is for.
    fn place(&self, size: (u32, u32)) -> Option<Place> {
        let field = self.easel.open.as_ref()?.field.clone();
        Some(Place { experiment: self.form.experiment.to_owned(), field, size })
    }

    pub(super) fn sketch(&mut self, sketch: Sketch) {
        let Some(drawing) = self.easel.open.as_mut().filter(|drawing| !drawing.is_leaving() || sketch == Sketch::LetGo) else { return };
        match (sketch, &mut drawing.canvas) {
            (Sketch::LetGo, Some(canvas)) if canvas.is_drawing() => {
                canvas.let_go();
                self.keep_draft();
            }
            (Sketch::LetGo, _) => self.put_drawing_aside(),
            (_, None) => {}
            (Sketch::Touch(touch), Some(canvas)) => {
                drawing.trouble = None;
                canvas.touch(touch);
                self.keep_draft();
            }
            (Sketch::Load, Some(_)) if self.form.asked(&drawing.field).is_empty() => {
                drawing.trouble = Some("The field names no picture yet: put the drawing aside, type one, and come back.".to_owned());
            }
            (Sketch::Load, Some(_)) => self.ask(Wait::Load),
            (Sketch::Use, Some(canvas)) => {
                canvas.finish();
                self.keep_draft();
                self.save_drawing();
            }
        }
    }

    /// The mouse draws.
    pub(super) fn stroke(&mut self, stroke: Stroke) {
        let drawing = self.easel.open.as_mut().filter(|drawing| self.overlay.is_none() && !drawing.is_leaving());
        if let Some(canvas) = drawing.and_then(|drawing| drawing.canvas.as_mut()) {
            canvas.stroke(stroke);
            self.keep_draft();
        }
    }

    /// Between strokes what was drawn is brought to safety.
    fn keep_draft(&mut self) {
        let size = self.easel.open.as_ref().and_then(|drawing| drawing.canvas.as_ref()).map(|canvas| canvas.sheet.size());
        let Some(place) = size.and_then(|size| self.place(size)) else { return };
        let Some(drawing) = &mut self.easel.open else { return };
        let Some(canvas) = drawing.canvas.as_ref().filter(|canvas| !canvas.is_drawing()) else { return };
        let changed = if drawing.draft.is_some() { drawing.draft.as_ref() != Some(&canvas.sheet) } else { canvas.depth() != (0, 0) };
        if changed {
            drawing.draft = Some(canvas.sheet.clone());
            self.effects.push(Effect::Draft(Draft { place, sheet: Some(canvas.sheet.clone()) }));
        }
    }

    /// The terminal goes: a line that is being drawn is a part of the drawing.
    pub(super) fn end_drawing(&mut self) {
        if let Some(canvas) = self.easel.open.as_mut().and_then(|drawing| drawing.canvas.as_mut()) {
            canvas.let_go();
            self.keep_draft();
        }
    }

    fn put_drawing_aside(&mut self) {
        let Some(canvas) = self.easel.open.as_mut().and_then(|drawing| drawing.canvas.take()) else {
            self.easel.open = None;
            return;
        };
        let place = self.place(canvas.sheet.size());
        let drafted = self.easel.open.take().is_some_and(|drawing| drawing.draft.is_some());
        if let Some(place) = place.filter(|_| drafted) {
            let kept = self.easel.drafts.remove(&place).filter(|(draft, _)| draft.sheet == canvas.sheet).and_then(|(_, kept)| kept);
            if kept.is_none() {
                let text = format!("The drawing for {} waits as a draft; Ctrl-D opens it again.", place.field);
                self.log.push(self.now_ms, Tone::Plain, text);
            }
            self.easel.drafts.insert(place, (canvas, kept));
        }
    }

    fn save_drawing(&mut self) {
        let ticket = self.ticket();
        let Some(ticket) = self.easel.wait(ticket, Wait::Kept) else { return };
        let Some(drawing) = &self.easel.open else { return };
        let Some(canvas) = &drawing.canvas else { return };
        let (width, height) = canvas.sheet.size();
        let name = if drawing.mask { MASK } else { DRAWING }.to_owned();
        let rgb = Bytes(canvas.sheet.to_rgb());
        self.effects.push(Effect::Send(Command::Keep { ticket, name, width, height, rgb }));
    }

    /// The drawing is an input of the workspace: the field names it.
    pub(super) fn drawing_kept(&mut self, ticket: u32, image: &str) {
        if self.easel.answered(ticket).is_none_or(|(wait, _)| wait != Wait::Kept) {
            return;
        }
        let Some(canvas) = self.easel.open.as_mut().and_then(|drawing| drawing.canvas.take()) else { return };
        let Some(place) = self.place(canvas.sheet.size()) else { return };
        self.easel.open = None;
        self.form.set_field(&place.field, image);
        // On the disk it stays a draft until a run has it: a form is gone with its terminal.
        self.easel.drafts.insert(place, (canvas, Some(image.to_owned())));
    }

    /// Recipes are on their way to the queue: drafts of drawings that are in them are done with.
    pub(super) fn drawings_queued(&mut self, recipes: &[Recipe]) {
        let used: Vec<_> = recipes.iter().flat_map(Recipe::images).map(|image| image.to_string()).collect();
        let is_used = |kept: &Option<String>| kept.as_ref().is_some_and(|kept| used.contains(kept));
        let done = self.easel.drafts.iter().filter(|(_, (_, kept))| is_used(kept)).map(|(place, _)| place.clone());
        let drafts = done.map(|place| Effect::Draft(Draft { place, sheet: None }));
        self.effects.extend(drafts);
    }

    /// The link is there again: what was asked for before is asked for once more.
    pub(super) fn easel_again(&mut self) {
        if let Some((_, wait)) = self.easel.open.as_ref().and_then(|drawing| drawing.waits) {
            self.ask(wait);
        }
    }

    /// Whether an answer can come now.
    pub fn has_engine(&self) -> bool {
        matches!(self.engine, Engine::Up { .. })
    }
}
