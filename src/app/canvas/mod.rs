//! A drawing at the model's size, as pure state: keys and the mouse come in as [`Touch`]es, pixels come out.

mod history;
pub mod palette;
pub mod raster;
pub mod sheet;

pub use history::History;
pub use sheet::{Point, Rgb, Sheet};

/// The largest brush, in pixels.
const BRUSH: i32 = 16;
/// How far a leap goes.
const LEAP: i32 = 8;

/// What draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tool {
    /// A line behind the cursor.
    Pen,
    /// The same in the colour of the paper.
    Eraser,
    /// A straight line.
    Line,
    /// A rectangle.
    Rectangle,
    /// An ellipse.
    Ellipse,
    /// All that touches and has the same colour.
    Fill,
}

impl Tool {
    /// In the order of the list beside the sheet.
    pub const ALL: [Tool; 6] = [Tool::Pen, Tool::Line, Tool::Rectangle, Tool::Ellipse, Tool::Fill, Tool::Eraser];

    /// Its name.
    pub fn title(self) -> &'static str {
        match self {
            Tool::Pen => "pen",
            Tool::Eraser => "eraser",
            Tool::Line => "line",
            Tool::Rectangle => "rectangle",
            Tool::Ellipse => "ellipse",
            Tool::Fill => "fill",
        }
    }
}

/// What can be done to a canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Touch {
    /// The cursor goes so many pixels right and down.
    Move(i8, i8),
    /// The same, eight times as far.
    Leap(i8, i8),
    /// The pen goes down or up; a shape begins or ends; the fill fills.
    Press,
    /// Another tool.
    Take(Tool),
    /// A colour of the palette, by its place.
    Pick(usize),
    /// The colour so many places further.
    Turn(i8),
    /// The brush grows or shrinks by so many pixels.
    Brush(i8),
    /// Shapes are solid, or outlines.
    Solid,
    /// What is drawn is mirrored, left for right.
    Mirror,
    /// One stroke back.
    Undo,
    /// One undo back.
    Redo,
    /// Every colour becomes its opposite.
    Invert,
    /// The sheet becomes empty.
    Clear,
    /// Pixels are shown at another size.
    Zoom,
}

/// What the mouse does to a canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// It was pressed on a pixel.
    Press(Point),
    /// It was moved to a pixel while it was pressed; the pixel may lie outside.
    Drag(Point),
    /// It was let go.
    Release,
}

/// A drawing in progress. Everything may be read; it changes by [`Canvas::touch`] and the mouse.
#[derive(Clone, Debug)]
pub struct Canvas {
    /// The drawing.
    pub sheet: Sheet,
    /// For a mask, the picture that it is painted over; as large as the sheet.
    pub under: Option<Sheet>,
    /// Whether it is a mask.
    pub mask: bool,
    /// The cursor.
    pub at: Point,
    /// What stays in sight where not all of the sheet does: the cursor where the keys last moved it, so that nothing
    /// slides away under the mouse.
    pub eye: Point,
    /// What draws.
    pub tool: Tool,
    /// The brush, in pixels.
    pub brush: i32,
    /// The colour's place in the palette.
    pub colour: usize,
    /// Whether shapes are solid.
    pub solid: bool,
    /// Whether strokes are mirrored.
    pub mirror: bool,
    /// How many cells wide a pixel is; none for as many as fit.
    pub zoom: Option<u16>,
    /// Where the shape or the stroke in progress began, and the sheet before it.
    begun: Option<(Point, Sheet)>,
    /// Whether the mouse has begun it: what it does beside the sheet is nothing to one that the keys have begun.
    by_mouse: bool,
    history: History,
}

impl Canvas {
    /// A canvas on white paper or on a drawing to go on with, the cursor in its middle.
    pub fn new(sheet: Sheet) -> Canvas {
        let (width, height) = sheet.size();
        let at = Point { x: width as i32 / 2, y: height as i32 / 2 };
        Canvas {
            sheet,
            under: None,
            mask: false,
            at,
            eye: at,
            tool: Tool::Pen,
            brush: 1,
            colour: 0,
            solid: false,
            mirror: false,
            zoom: None,
            begun: None,
            by_mouse: false,
            history: History::default(),
        }
    }

    /// A mask to go on with; what is white is made new.
    pub fn mask(sheet: Sheet) -> Canvas {
        Canvas { mask: true, solid: true, ..Canvas::new(sheet.in_two()) }
    }

    /// A mask over a picture, of which nothing is made new yet.
    pub fn mask_over(under: Sheet) -> Canvas {
        let (width, height) = under.size();
        Canvas::mask(Sheet::new(width, height, [0; 3])).over(Some(under))
    }

    /// The same over another picture, as large as the sheet.
    pub fn over(self, under: Option<Sheet>) -> Canvas {
        Canvas { under, ..self }
    }

    /// The colours to choose from.
    pub fn palette(&self) -> &'static [(&'static str, Rgb)] {
        if self.mask { &palette::MASK } else { &palette::COLOURS }
    }

    /// Whether a stroke or a shape is in progress.
    pub fn is_drawing(&self) -> bool {
        self.begun.is_some()
    }

    /// How many strokes can be undone and redone.
    pub fn depth(&self) -> (usize, usize) {
        self.history.depth()
    }

    /// Pixels that are not paper.
    pub fn painted(&self) -> usize {
        self.sheet.differ_from(self.paper())
    }

    /// Does one thing.
    pub fn touch(&mut self, touch: Touch) {
        match touch {
            Touch::Move(x, y) => self.walk(i32::from(x), i32::from(y)),
            Touch::Leap(x, y) => self.walk(LEAP * i32::from(x), LEAP * i32::from(y)),
            Touch::Press if self.begun.is_some() => self.end(),
            Touch::Press => self.begin(),
            Touch::Take(tool) => {
                self.let_go();
                self.tool = tool;
            }
            Touch::Pick(place) if place < self.palette().len() => self.colour = place,
            Touch::Turn(by) => {
                let count = self.palette().len() as i32;
                self.colour = (self.colour as i32 + i32::from(by)).rem_euclid(count) as usize;
            }
            Touch::Brush(by) => self.brush = (self.brush + i32::from(by)).clamp(1, BRUSH),
            Touch::Solid => self.solid = !self.solid,
            Touch::Mirror => self.mirror = !self.mirror,
            Touch::Undo | Touch::Redo => self.travel(touch),
            Touch::Invert => self.change(Sheet::invert),
            Touch::Clear => {
                let paper = self.paper();
                self.change(|sheet| *sheet = Sheet::new(sheet.size().0, sheet.size().1, paper));
            }
            Touch::Zoom => self.zoom = next_zoom(self.zoom),
            Touch::Pick(_) => {}
        }
    }

    /// Does what the mouse does.
    pub fn stroke(&mut self, stroke: Stroke) {
        match stroke {
            // A shape that the keys have begun ends where the mouse is pressed.
            Stroke::Press(at) if self.begun.is_some() && !self.is_freehand() => {
                self.at = self.sheet.nearest(at);
                self.end();
            }
            Stroke::Press(at) => {
                self.end();
                self.at = self.sheet.nearest(at);
                self.begin();
                self.by_mouse = true;
            }
            Stroke::Drag(at) if self.begun.is_some() && self.by_mouse => self.go(at),
            Stroke::Release if self.by_mouse => self.end(),
            Stroke::Drag(_) | Stroke::Release => {}
        }
    }

    /// Ends the shape in progress where the cursor is, or lifts the pen.
    pub fn finish(&mut self) {
        self.end();
    }

    /// Lays a picture under what is drawn: it shows where the paper is still bare. A mask takes the place of the one on
    /// the sheet. Both are strokes that can be undone; false where nothing came of it.
    pub fn load(&mut self, picture: Sheet) -> bool {
        let before = self.history.depth();
        if picture.size() == self.sheet.size() {
            match self.mask {
                true => self.change(|sheet| *sheet = picture.in_two()),
                false => {
                    let paper = self.paper();
                    self.change(|sheet| sheet.lay_under(&picture, paper));
                }
            }
        }
        self.history.depth() != before
    }

    /// Gives up the shape in progress, or lifts the pen; false where there is neither.
    pub fn let_go(&mut self) -> bool {
        let drawing = self.begun.is_some();
        if self.is_freehand() {
            self.end();
        }
        (self.begun, self.by_mouse) = (None, false);
        drawing
    }

    /// The sheet with the shape in progress on it.
    pub fn preview(&self) -> Sheet {
        let mut sheet = self.sheet.clone();
        if let Some((from, _)) = self.begun.as_ref().filter(|_| !self.is_freehand()) {
            sheet.paint(&self.shape(*from), self.ink());
        }
        sheet
    }

    /// What the brush paints with.
    pub fn ink(&self) -> Rgb {
        match self.tool {
            Tool::Eraser => self.paper(),
            _ => self.palette().get(self.colour).map_or(self.paper(), |(_, colour)| *colour),
        }
    }

    /// What nothing was drawn on yet: white, and in a mask what is kept.
    fn paper(&self) -> Rgb {
        if self.mask { [0; 3] } else { [255; 3] }
    }

    /// Whether the tool draws while it moves.
    fn is_freehand(&self) -> bool {
        matches!(self.tool, Tool::Pen | Tool::Eraser)
    }

    fn walk(&mut self, x: i32, y: i32) {
        self.go(Point { x: self.at.x + x, y: self.at.y + y });
        self.eye = self.at;
    }

    fn go(&mut self, to: Point) {
        let from = self.at;
        self.at = self.sheet.nearest(to);
        if self.begun.is_some() && self.is_freehand() {
            self.paint(&raster::line(from, self.at));
        }
    }

    fn begin(&mut self) {
        let before = self.sheet.clone();
        match self.tool {
            Tool::Fill => {
                // Both places are found before either is filled.
                let seeds = self.reflected(vec![self.at]);
                let places: Vec<_> = seeds.into_iter().flat_map(|seed| raster::flood(&self.sheet, seed)).collect();
                self.sheet.paint(&places, self.ink());
                self.record(before);
            }
            _ => {
                if self.is_freehand() {
                    self.paint(&[self.at]);
                }
                self.begun = Some((self.at, before));
            }
        }
    }

    fn end(&mut self) {
        self.by_mouse = false;
        let Some((from, before)) = self.begun.take() else { return };
        if !self.is_freehand() {
            let shape = self.shape(from);
            self.sheet.paint(&shape, self.ink());
        }
        self.record(before);
    }

    /// The places of the shape between where it began and the cursor.
    fn shape(&self, from: Point) -> Vec<Point> {
        let outline = match self.tool {
            Tool::Rectangle => raster::rectangle(from, self.at),
            Tool::Ellipse => raster::ellipse(from, self.at),
            _ => raster::line(from, self.at),
        };
        let is_area = matches!(self.tool, Tool::Rectangle | Tool::Ellipse);
        let places = raster::stamp(&outline, self.brush);
        // Filled behind the brush: the shapes have no dents, and an outline is stamped sooner than all that lies inside.
        self.reflected(if self.solid && is_area { raster::solid(&places) } else { places })
    }

    fn paint(&mut self, places: &[Point]) {
        let places = self.reflected(raster::stamp(places, self.brush));
        self.sheet.paint(&places, self.ink());
    }

    fn reflected(&self, places: Vec<Point>) -> Vec<Point> {
        if self.mirror { raster::mirrored(&places, self.sheet.size().0) } else { places }
    }

    fn travel(&mut self, touch: Touch) {
        // What is undone first is the shape that was begun.
        if !self.is_freehand() && self.let_go() && touch == Touch::Undo {
            return;
        }
        self.let_go();
        match touch {
            Touch::Undo => self.history.undo(&mut self.sheet),
            _ => self.history.redo(&mut self.sheet),
        };
    }

    fn change(&mut self, change: impl FnOnce(&mut Sheet)) {
        self.let_go();
        let before = self.sheet.clone();
        change(&mut self.sheet);
        self.record(before);
    }

    /// A stroke that has changed nothing is none.
    fn record(&mut self, before: Sheet) {
        if before != self.sheet {
            self.history.record(before);
        }
    }
}

/// As large as fits, then from small to large.
fn next_zoom(zoom: Option<u16>) -> Option<u16> {
    match zoom {
        None => Some(1),
        Some(4..) => None,
        Some(size) => Some(size + 1),
    }
}

#[cfg(test)]
#[path = "canvas_tests.rs"]
mod tests;
