//! A sheet of pixels, and what can be asked of it.

/// A place on a sheet, from the upper left corner; it may lie outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Point {
    /// Columns from the left.
    pub x: i32,
    /// Rows from the top.
    pub y: i32,
}

/// A colour in 8-bit sRGB.
pub type Rgb = [u8; 3];

/// Rows of pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    width: u32,
    pixels: Vec<Rgb>,
}

impl Sheet {
    /// An empty sheet of one colour, at least a pixel large.
    pub fn new(width: u32, height: u32, paper: Rgb) -> Sheet {
        let (width, height) = (width.max(1), height.max(1));
        Sheet { width, pixels: vec![paper; width as usize * height as usize] }
    }

    /// The sheet of rows of 8-bit RGB; none where they are not as many as the size says.
    pub fn from_rgb(width: u32, height: u32, rgb: &[u8]) -> Option<Sheet> {
        let (pixels, rest) = rgb.as_chunks::<3>();
        let whole = rest.is_empty() && width > 0 && pixels.len() as u64 == u64::from(width) * u64::from(height);
        (whole && !pixels.is_empty()).then(|| Sheet { width, pixels: pixels.to_vec() })
    }

    /// Rows of 8-bit RGB.
    pub fn to_rgb(&self) -> Vec<u8> {
        self.pixels.as_flattened().to_vec()
    }

    /// Width and height in pixels.
    pub fn size(&self) -> (u32, u32) {
        (self.width, self.pixels.len() as u32 / self.width)
    }

    /// The pixel at a place; none outside.
    pub fn get(&self, at: Point) -> Option<Rgb> {
        self.index(at).map(|index| self.pixels[index])
    }

    /// The nearest place that lies on the sheet.
    pub fn nearest(&self, at: Point) -> Point {
        let (width, height) = self.size();
        Point { x: at.x.clamp(0, width as i32 - 1), y: at.y.clamp(0, height as i32 - 1) }
    }

    /// Gives places a colour; what lies outside is left out.
    pub fn paint(&mut self, places: &[Point], colour: Rgb) {
        for at in places {
            if let Some(index) = self.index(*at) {
                self.pixels[index] = colour;
            }
        }
    }

    /// The opposite of every colour: white for black.
    pub fn invert(&mut self) {
        self.pixels.as_flattened_mut().iter_mut().for_each(|value| *value = !*value);
    }

    /// Every pixel white or black, whichever it is nearer to.
    pub fn in_two(mut self) -> Sheet {
        for pixel in &mut self.pixels {
            *pixel = if brightness(*pixel) < 128 { [0; 3] } else { [255; 3] };
        }
        self
    }

    /// Takes over another sheet's pixels where this one shows its paper. Both have the same size.
    pub fn lay_under(&mut self, under: &Sheet, paper: Rgb) {
        for (pixel, under) in self.pixels.iter_mut().zip(&under.pixels) {
            if *pixel == paper {
                *pixel = *under;
            }
        }
    }

    /// How many pixels have another colour than this.
    pub fn differ_from(&self, paper: Rgb) -> usize {
        self.pixels.iter().filter(|pixel| **pixel != paper).count()
    }

    fn index(&self, at: Point) -> Option<usize> {
        let (width, height) = self.size();
        let (x, y) = (u32::try_from(at.x).ok()?, u32::try_from(at.y).ok()?);
        (x < width && y < height).then_some(y as usize * width as usize + x as usize)
    }
}

/// How bright a colour looks, from 0 to 255 (Rec. 601).
pub fn brightness([r, g, b]: Rgb) -> u32 {
    (299 * u32::from(r) + 587 * u32::from(g) + 114 * u32::from(b)) / 1000
}
