//! What a viewer asks for that takes its time: done beside the server, which must stay quick.

use super::library::Library;
use super::server::{Input, Server};
use super::worker::picture;
use crate::experiment::trace;
use crate::export::export;
use crate::gallery::Gallery;
use crate::link::{Bytes, Command, Event, Picture, PictureOf};
use crate::model;
use crate::recipe::{Colour, Fit, Image, Layer, Numbers, Photo, RunId};
use anyhow::{Context, Result, anyhow, bail, ensure};
use image::RgbImage;

/// The most such tasks at once.
const TASKS: usize = 16;
/// The largest drawing, in pixels a side.
const MAX_DRAWING: u32 = 1024;

/// What comes of a task.
pub struct Answer {
    pub event: Option<Event>,
    pub picture: Option<Picture>,
    /// A line for every viewer.
    pub log: Option<String>,
}

impl Server {
    /// Begins a task; its answer comes back as [`Input::Answered`].
    pub(super) fn aside(&mut self, viewer: u64, command: Command) {
        let ticket = ticket(&command);
        if self.asides >= TASKS {
            return self.answered(viewer, refused(ticket, anyhow!("too much is asked for at once; wait a moment")));
        }
        self.asides += 1;
        let (gallery, library) = (self.gallery.clone(), self.library.clone());
        let tell = move |answer: Result<Answer>| Input::Answered(viewer, answer.or_else(|error| refused(ticket, error)));
        self.beside(move || work(&gallery, &*library, command), tell);
    }

    /// A task is done, or why it cannot be.
    pub(super) fn answered(&mut self, viewer: u64, answer: Result<Answer>) {
        match answer {
            Ok(Answer { event, picture, log }) => {
                event.into_iter().for_each(|event| self.answer(viewer, &event));
                if let (Some(viewer), Some(picture)) = (self.viewers.get(&viewer), picture) {
                    viewer.outbox.answer(picture);
                }
                log.into_iter().for_each(|line| self.log(line));
            }
            Err(error) => self.answer_error(viewer, crate::words::sentence(&error)),
        }
    }
}

fn ticket(command: &Command) -> Option<u32> {
    match command {
        Command::Inspect { ticket, .. } | Command::Look { ticket, .. } | Command::Keep { ticket, .. } => Some(*ticket),
        Command::Kin { ticket, .. } | Command::Table { ticket, .. } => Some(*ticket),
        _ => None,
    }
}

/// Where the viewer waits for one answer among others, it is told to which this is.
fn refused(ticket: Option<u32>, error: anyhow::Error) -> Result<Answer> {
    let Some(ticket) = ticket else { return Err(error) };
    let text = crate::words::sentence(&error);
    Ok(told(Event::Failed { ticket, text }))
}

/// An answer that is nothing but a fact.
fn told(event: Event) -> Answer {
    Answer { event: Some(event), picture: None, log: None }
}

fn work(gallery: &Gallery, library: &dyn Library, command: Command) -> Result<Answer> {
    match command {
        Command::Models => Ok(told(Event::Models { models: library.models() })),
        Command::Inspect { run, index, layer, .. } => inspect(gallery, run, index, layer),
        Command::Kin { ticket, run } => Ok(told(Event::Kin { ticket, run, kin: gallery.kin(run)? })),
        Command::Table { ticket, run } => {
            let table = gallery.table(run)?.with_context(|| format!("{run} is no cell of a sweep"))?;
            Ok(told(Event::Table { ticket, table }))
        }
        Command::Look { ticket, image, model, fit, background } => {
            let image = look(gallery, image, &model, (fit, background))?;
            let picture = picture(RunId(0), PictureOf::Input { ticket }, image);
            Ok(Answer { event: None, picture: Some(picture), log: None })
        }
        Command::Keep { ticket, name, width, height, rgb } => {
            let image = keep(gallery, &name, (width, height), rgb)?.to_string();
            Ok(told(Event::Kept { ticket, image }))
        }
        Command::Export { run, what } => {
            let path = export(gallery, run, (what, Layer::Clean), None)?;
            Ok(Answer { event: None, picture: None, log: Some(format!("{run}: {}", path.display())) })
        }
        _ => bail!("that is not done aside"),
    }
}

/// The numbers of the kept step nearest to the one asked for, and a picture of the layer where the step has it.
fn inspect(gallery: &Gallery, run: RunId, index: u32, layer: Layer) -> Result<Answer> {
    let steps: Vec<u32> = gallery.steps(run).into_iter().filter_map(|step| step.checked_sub(1)).collect();
    let nearest = steps.iter().copied().min_by_key(|step| step.abs_diff(index));
    let index = nearest.with_context(|| format!("{run} has no kept steps; only the newest runs keep them"))?;
    let path = gallery.step_path(run, index + 1);
    let trace = trace::numbers(&path)?;
    let has_layer = trace.layers.iter().any(|numbers| numbers.layer == layer);
    let shown = if has_layer { layer } else { trace.layers.first().map_or(Layer::Clean, |first| first.layer) };
    let image = trace::picture(&path, shown)?;
    let numbers = Numbers { run, index, t: trace.t, steps, thresholds: trace.thresholds, layers: trace.layers };
    let picture = picture(run, PictureOf::Layer { index, layer: shown }, image);
    Ok(Answer { event: Some(Event::Numbers { numbers }), picture: Some(picture), log: None })
}

/// What an input will be for a model.
fn look(gallery: &Gallery, image: Option<String>, model: &str, (fit, background): (Fit, Colour)) -> Result<RgbImage> {
    let side = model::sample_size(model)? as u32;
    let Some(image) = image else { return Ok(RgbImage::from_pixel(side, side, image::Rgb(background.0))) };
    let image: Image = image.parse().map_err(|why| anyhow::anyhow!("the picture {why}"))?;
    gallery.inputs().photo(&Photo { image, fit, background }, side)
}

fn keep(gallery: &Gallery, name: &str, (width, height): (u32, u32), rgb: Bytes) -> Result<Image> {
    ensure!((1..=MAX_DRAWING).contains(&width) && (1..=MAX_DRAWING).contains(&height), "a drawing of {width}x{height} cannot be kept");
    ensure!(["drawing", "mask"].contains(&name), "a drawing is called drawing or mask");
    let drawing = RgbImage::from_raw(width, height, rgb.0).filter(|drawing| drawing.as_raw().len() as u32 == width * height * 3);
    gallery.inputs().keep_pixels(name, &drawing.context("the drawing is not whole")?)
}
