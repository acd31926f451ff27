//! A window that slides over a channels-last picture, laid out as a matrix.
//!
//! A convolution looks at a picture through a window and writes one place of a grid for each place of the window; a
//! transposed convolution does the way back. So there are three products for both, and for their gradients: grid =
//! gather(picture) · weight, picture = spread(grid · weightᵀ), weight = gather(picture)ᵀ · grid.

/// Sizes of a window, of the picture (height, width, channels) that it slides over, and of the grid (rows, columns,
/// of its places.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    /// Rows and columns of the window.
    pub kernel: usize,
    /// How far it moves.
    pub stride: usize,
    /// How far it begins outside.
    pub padding: usize,
    /// The picture's height and width.
    pub picture: (usize, usize),
    /// The grid's rows and columns.
    pub grid: (usize, usize),
    /// The picture's channels.
    pub channels: usize,
}

impl Window {
    /// Floats of one neighbourhood.
    pub fn depth(&self) -> usize {
        self.kernel * self.kernel * self.channels
    }

    /// Places of the grid.
    pub fn places(&self) -> usize {
        self.grid.0 * self.grid.1
    }

    /// The neighbourhoods of one picture, one after the other, behind what is there: (places, kernel · kernel · channels),
    /// zeros beyond the picture's edges.
    pub fn gather(&self, picture: &[f32], columns: &mut Vec<f32>) {
        let (height, width) = self.picture;
        for (row, column) in (0..self.grid.0).flat_map(|row| (0..self.grid.1).map(move |column| (row, column))) {
            let (before, within, after) = self.cut(column, width);
            let x = (column * self.stride + before).wrapping_sub(self.padding);
            for dy in 0..self.kernel {
                let y = (row * self.stride + dy).wrapping_sub(self.padding);
                if y >= height || within == 0 {
                    columns.resize(columns.len() + self.kernel * self.channels, 0.0);
                    continue;
                }
                columns.resize(columns.len() + before * self.channels, 0.0);
                columns.extend_from_slice(&picture[(y * width + x) * self.channels..][..within * self.channels]);
                columns.resize(columns.len() + after * self.channels, 0.0);
            }
        }
    }

    /// Adds neighbourhoods to the picture that they are of.
    pub fn spread(&self, columns: &[f32], picture: &mut [f32]) {
        let (height, width) = self.picture;
        for (place, columns) in columns.chunks_exact(self.depth()).enumerate() {
            let (row, column) = (place / self.grid.1, place % self.grid.1);
            let (before, within, _) = self.cut(column, width);
            let x = (column * self.stride + before).wrapping_sub(self.padding);
            for (dy, line) in columns.chunks_exact(self.kernel * self.channels).enumerate() {
                let y = (row * self.stride + dy).wrapping_sub(self.padding);
                if y < height && within > 0 {
                    let to = &mut picture[(y * width + x) * self.channels..][..within * self.channels];
                    to.iter_mut().zip(&line[before * self.channels..]).for_each(|(to, value)| *to += value);
                }
            }
        }
    }

    /// How many columns of the window lie before, in and behind a line of the picture.
    fn cut(&self, column: usize, width: usize) -> (usize, usize, usize) {
        let begin = column * self.stride;
        let before = self.padding.saturating_sub(begin).min(self.kernel);
        let after = (begin + self.kernel).saturating_sub(self.padding + width).min(self.kernel - before);
        (before, self.kernel - before - after, after)
    }
}
