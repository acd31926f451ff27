//! What goes into a product and comes out of it: pictures laid out in a thread's cache, and what is done to them on the way.
//!
//! Normalisation and GELU are not passes of their own over memory: they are computed while the next layer lays out what it
//! reads, and their gradients while a layer lays out, or gives away, its gradient.

use super::norm::{Back, Line, Sums};

/// Numbers (b, h, w, channels) that a layer reads: as they are, or normalised and through GELU.
#[derive(Clone, Copy)]
pub struct Source<'a> {
    pub values: &'a [f32],
    pub channels: usize,
    pub line: Option<&'a Line>,
}

/// The gradient (b, h, w, channels) of what a layer wrote; where that is normalised, of the normalised, with the numbers
/// themselves and what their mean and variance give back.
#[derive(Clone, Copy)]
pub struct Gradient<'a> {
    pub values: &'a [f32],
    pub channels: usize,
    pub norm: Option<(&'a [f32], &'a Back)>,
}

/// Where the pixels of a picture lie in a thread's cache: (rows, columns, depth), from the picture's row `top` on, with
/// `left` columns before it. A `fold` of 2 lays the four pixels of each square of 2 x 2 behind one another, as channels.
#[derive(Clone, Copy, Debug)]
pub struct Frame {
    pub top: isize,
    pub left: usize,
    pub rows: usize,
    pub columns: usize,
    pub depth: usize,
    pub fold: usize,
}

/// Pixels of a row: the first one's number in the picture and place in the frame, how far they are apart in the picture.
struct Run {
    pixel: usize,
    step: usize,
    at: usize,
    count: usize,
}

impl Frame {
    pub fn len(&self) -> usize {
        self.rows * self.columns * self.depth
    }

    /// The pixels of a picture (height, width) that the frame has.
    fn runs(self, (height, width): (usize, usize), channels: usize) -> impl Iterator<Item = Run> {
        let rows = self.top.max(0) as usize * self.fold..((self.top + self.rows as isize) as usize * self.fold).min(height);
        let both = rows.flat_map(move |y| (0..self.fold).map(move |px| (y, px)));
        both.map(move |(y, px)| {
            let row = ((y / self.fold) as isize - self.top) as usize;
            let at = (row * self.columns + self.left) * self.depth + (y % self.fold * self.fold + px) * channels;
            Run { pixel: y * width + px, step: self.fold, at, count: (width - px).div_ceil(self.fold) }
        })
    }

    /// Zeros where no picture (height, width) of so many channels is.
    fn clear_edges(self, (height, width): (usize, usize), channels: usize, out: &mut [f32]) {
        if channels < self.depth {
            return out.fill(0.0);
        }
        let inside = self.left * self.depth..(self.left + width / self.fold).min(self.columns) * self.depth;
        for (row, out) in (self.top..).zip(out.chunks_exact_mut(self.columns * self.depth)) {
            if (0..(height / self.fold) as isize).contains(&row) {
                out[..inside.start].fill(0.0);
                out[inside.end..].fill(0.0);
            } else {
                out.fill(0.0);
            }
        }
    }

    /// Lays out one picture of the sources, their channels behind one another, with zeros beyond its edges.
    pub fn lay_out(self, picture: (usize, usize), sources: &[Source], image: usize, out: &mut [f32]) {
        self.clear_edges(picture, sources.iter().map(|source| source.channels).sum(), out);
        let mut before = 0;
        for Source { values, channels, line } in sources {
            let values = &values[image * picture.0 * picture.1 * channels..];
            for run in self.runs(picture, *channels) {
                let (from, to) = (&values[run.pixel * channels..], &mut out[run.at + before..]);
                match line {
                    Some(line) => line.activate(from, (to, self.depth), run.count),
                    None => {
                        (0..run.count).for_each(|i| to[i * self.depth..][..*channels].copy_from_slice(&from[i * channels..][..*channels]))
                    }
                }
            }
            before += channels;
        }
    }

    /// Lays out the gradient of one picture.
    pub fn lay_out_gradient(self, picture: (usize, usize), gradient: &Gradient, image: usize, out: &mut [f32]) {
        let channels = gradient.channels;
        self.clear_edges(picture, channels * self.fold * self.fold, out);
        let start = image * picture.0 * picture.1;
        for run in self.runs(picture, channels) {
            let (pixel, to) = ((start + run.pixel) * channels, &mut out[run.at..]);
            let values = &gradient.values[pixel..];
            match gradient.norm {
                Some((x, back)) => back.lay_out((values, &x[pixel..], run.step), (to, self.depth), run.count),
                None => (0..run.count)
                    .for_each(|i| to[i * self.depth..][..channels].copy_from_slice(&values[i * run.step * channels..][..channels])),
            }
        }
    }

    /// Copies the frame's pixels, or adds them, to the rows of the picture from `first` on.
    pub fn write(self, picture: (usize, usize), frame: &[f32], (first, rows): (usize, &mut [f32]), (channels, add): (usize, bool)) {
        for run in self.runs(picture, channels) {
            for i in 0..run.count {
                let to = (run.pixel + i * run.step - first * picture.1) * channels;
                put(&frame[run.at + i * self.depth..][..channels], &mut rows[to..][..channels], add);
            }
        }
    }

    /// Passes the gradient in the frame back to one picture of a source, whose channels begin at `before`, or adds it to what is
    /// there;
    /// with its sums where the source is normalised.
    pub fn pass_back(
        self,
        picture: (usize, usize),
        frame: &[f32],
        (source, before): (&Source, usize),
        image: usize,
        (out, mut sums, add): (&mut [f32], Option<&mut Sums>, bool),
    ) {
        let channels = source.channels;
        let values = &source.values[image * picture.0 * picture.1 * channels..];
        for run in self.runs(picture, channels) {
            let (frame, to) = (&frame[run.at + before..], &mut out[run.pixel * channels..]);
            if let (Some(line), Some(sums)) = (source.line, &mut sums) {
                sums.through(line, (frame, self.depth), &values[run.pixel * channels..], (to, add), run.count);
                continue;
            }
            for i in 0..run.count {
                put(&frame[i * self.depth..][..channels], &mut to[i * channels..][..channels], add);
            }
        }
    }
}

fn put(from: &[f32], to: &mut [f32], add: bool) {
    match add {
        true => to.iter_mut().zip(from).for_each(|(to, value)| *to += value),
        false => to.copy_from_slice(from),
    }
}
