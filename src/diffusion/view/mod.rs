//! The views of a visual anagram (Geng et al. 2024): invertible transformations under which noise stays noise.
//!
//! Every view here exchanges pixels, and may negate them: an orthogonal map, so that what is standard normal before is
//! standard normal behind it.

mod jigsaw;

use candle_core::{Result, Tensor, bail};
use rand_chacha::{ChaCha12Rng, rand_core::SeedableRng};

/// A view of square pictures of one size.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    side: usize,
    /// For every pixel behind the view, the one before it that it shows, counted along the rows.
    from: Vec<u32>,
    /// The way back: for every pixel before the view, the one behind it that shows it.
    to: Vec<u32>,
    negates: bool,
}

impl View {
    /// As it is.
    pub fn identity(side: usize) -> Result<View> {
        View::of(side, |y, x| (y, x))
    }

    /// Upside down, mirrored.
    pub fn flip(side: usize) -> Result<View> {
        View::of(side, |y, x| (side - 1 - y, x))
    }

    /// So many quarter turns clockwise.
    pub fn rotate(side: usize, quarters: usize) -> Result<View> {
        View::of(side, |y, x| turn_back((y, x), side, quarters))
    }

    /// Dark and light exchanged.
    pub fn negate(side: usize) -> Result<View> {
        Ok(View { negates: true, ..View::identity(side)? })
    }

    /// Each column moved down by `by` pixels for every column that it lies right of the middle; what leaves comes in again
    /// on the other side.
    pub fn skew(side: usize, by: f64) -> Result<View> {
        View::of(side, |y, x| {
            let shift = (by * (x as f64 - side as f64 / 2.0)).round() as isize;
            ((y as isize - shift).rem_euclid(side as isize) as usize, x)
        })
    }

    /// `count` x `count` patches, exchanged in an order that is always the same. A picture of fewer pixels exchanges these.
    pub fn permute(side: usize, count: usize) -> Result<View> {
        let count = count.min(side);
        if count == 0 || !side.is_multiple_of(count) {
            bail!("a picture of {side} pixels does not fall into {count} patches a side");
        }
        let patch = side / count;
        let order = shuffled(count * count);
        View::of(side, |y, x| {
            let from = order[(y / patch) * count + x / patch];
            (from / count * patch + y % patch, from % count * patch + x % patch)
        })
    }

    /// The pieces of a jigsaw puzzle of 4 x 4, each laid where a piece of the same shape was.
    pub fn jigsaw(side: usize) -> Result<View> {
        needs_fours(side, "a jigsaw")?;
        View::of(side, |y, x| jigsaw::from(side, y, x))
    }

    /// The disc in the middle, three quarters as wide as the picture, half a turn.
    pub fn inner_circle(side: usize) -> Result<View> {
        let centred = |at: usize| 2.0 * at as f64 + 1.0 - side as f64;
        let radius = 0.75 * side as f64;
        View::of(side, |y, x| match centred(y).hypot(centred(x)) < radius {
            true => (side - 1 - y, side - 1 - x),
            false => (y, x),
        })
    }

    /// 4 x 4 squares that hinge at their corners, swung open until they close again: neighbours turn a quarter in opposite
    /// directions.
    pub fn square_hinge(side: usize) -> Result<View> {
        needs_fours(side, "a square hinge")?;
        let square = side / 4;
        View::of(side, |y, x| {
            let (row, column) = (y / square, x / square);
            let quarters = if (row + column).is_multiple_of(2) { 1 } else { 3 };
            let (dy, dx) = turn_back((y % square, x % square), square, quarters);
            (row * square + dy, column * square + dx)
        })
    }

    /// The picture (b, c, h, w) in this view; any number of channels.
    ///
    /// # Errors
    /// When the picture has another size than the view.
    pub fn apply(&self, x: &Tensor) -> Result<Tensor> {
        let seen = self.exchange(x, &self.from)?;
        if self.negates { seen.neg() } else { Ok(seen) }
    }

    /// What [`apply`](View::apply) made a view of.
    ///
    /// # Errors
    /// When the picture has another size than the view.
    pub fn undo(&self, x: &Tensor) -> Result<Tensor> {
        let seen = self.undo_places(x)?;
        if self.negates { seen.neg() } else { Ok(seen) }
    }

    /// [`undo`](View::undo) for what has a place but no sign, such as a variance.
    ///
    /// # Errors
    /// When the picture has another size than the view.
    pub fn undo_places(&self, x: &Tensor) -> Result<Tensor> {
        self.exchange(x, &self.to)
    }

    /// A view by the pixel that each pixel shows, which must be another one for each.
    fn of(side: usize, from: impl Fn(usize, usize) -> (usize, usize)) -> Result<View> {
        let place = |(y, x): (usize, usize)| (y * side + x) as u32;
        let from: Vec<u32> = (0..side * side).map(|at| place(from(at / side, at % side))).collect();
        let mut to = vec![u32::MAX; from.len()];
        for (behind, before) in from.iter().enumerate() {
            match to.get_mut(*before as usize) {
                Some(free) if *free == u32::MAX => *free = behind as u32,
                _ => bail!("at {side}x{side} pixels it would show some twice and lose others; use another view"),
            }
        }
        Ok(View { side, from, to, negates: false })
    }

    fn exchange(&self, x: &Tensor, from: &[u32]) -> Result<Tensor> {
        let (b, c, h, w) = x.dims4()?;
        if (h, w) != (self.side, self.side) {
            bail!("the view is of {0}x{0} pixels, the picture has {w}x{h}", self.side);
        }
        let from = Tensor::from_slice(from, from.len(), x.device())?;
        x.reshape((b, c, h * w))?.contiguous()?.index_select(&from, 2)?.reshape((b, c, h, w))
    }
}

fn needs_fours(side: usize, what: &str) -> Result<()> {
    match side.is_multiple_of(4) && side > 0 {
        true => Ok(()),
        false => bail!("{what} needs a picture whose side is a multiple of 4, not {side}"),
    }
}

/// Where a place of a square was before so many quarter turns clockwise.
fn turn_back((y, x): (usize, usize), side: usize, quarters: usize) -> (usize, usize) {
    (0..quarters % 4).fold((y, x), |(y, x), _| (side - 1 - x, y))
}

/// The numbers below `count` in an order that never changes between versions.
fn shuffled(count: usize) -> Vec<usize> {
    use rand_chacha::rand_core::RngCore;
    let mut rng = ChaCha12Rng::seed_from_u64(0);
    let mut order: Vec<usize> = (0..count).collect();
    for last in (1..count).rev() {
        order.swap(last, (rng.next_u64() % (last as u64 + 1)) as usize);
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;

    fn all(side: usize) -> Vec<(&'static str, View)> {
        vec![
            ("identity", View::identity(side).unwrap()),
            ("flip", View::flip(side).unwrap()),
            ("rotate 90", View::rotate(side, 1).unwrap()),
            ("rotate 180", View::rotate(side, 2).unwrap()),
            ("rotate 270", View::rotate(side, 3).unwrap()),
            ("negate", View::negate(side).unwrap()),
            ("skew", View::skew(side, 1.5).unwrap()),
            ("patches", View::permute(side, 8).unwrap()),
            ("pixels", View::permute(side, 64).unwrap()),
            ("jigsaw", View::jigsaw(side).unwrap()),
            ("inner circle", View::inner_circle(side).unwrap()),
            ("square hinge", View::square_hinge(side).unwrap()),
        ]
    }

    fn values(x: Tensor) -> Vec<f32> {
        x.flatten_all().unwrap().to_vec1().unwrap()
    }

    #[test]
    fn every_view_can_be_undone_at_every_size() {
        for side in [8, 16, 24, 32, 64, 128] {
            let x = Tensor::randn(0f32, 1.0, (2, 6, side, side), &Device::Cpu).unwrap();
            for (name, view) in all(side) {
                assert_eq!(values(view.undo(&view.apply(&x).unwrap()).unwrap()), values(x.clone()), "{name} at {side}");
                assert_eq!(values(view.apply(&view.undo(&x).unwrap()).unwrap()), values(x.clone()), "{name} at {side}");
            }
        }
    }

    #[test]
    fn every_view_keeps_noise_gaussian_because_it_only_exchanges_and_negates() {
        for side in [8, 32, 64] {
            for (name, view) in all(side) {
                let mut from = view.from.clone();
                from.sort_unstable();
                assert!(from.into_iter().eq(0..(side * side) as u32), "{name} at {side}");
            }
        }
    }

    #[test]
    fn all_but_the_identity_change_the_picture_and_differ_from_one_another() {
        let views = all(64);
        for (i, (name, view)) in views.iter().enumerate() {
            assert!(views[..i].iter().all(|(_, other)| other != view), "{name}");
        }
    }

    #[test]
    fn a_quarter_turn_is_clockwise_and_four_are_none() {
        let x = Tensor::new(&[[[[1f32, 2.0], [3.0, 4.0]]]], &Device::Cpu).unwrap();
        assert_eq!(values(View::rotate(2, 1).unwrap().apply(&x).unwrap()), [3.0, 1.0, 4.0, 2.0]);
        assert_eq!(values(View::flip(2).unwrap().apply(&x).unwrap()), [3.0, 4.0, 1.0, 2.0]);
        assert_eq!(View::rotate(16, 4).unwrap(), View::identity(16).unwrap());
    }

    #[test]
    fn patches_go_the_same_way_at_every_size() {
        let (small, large) = (View::permute(8, 4).unwrap(), View::permute(32, 4).unwrap());
        for (y, x) in (0..4).flat_map(|y| (0..4).map(move |x| (y, x))) {
            let corner = |view: &View, patch: usize| view.from[y * patch * view.side + x * patch] as usize;
            let (near, far) = (corner(&small, 2), corner(&large, 8));
            assert_eq!((near / 8 * 4, near % 8 * 4), (far / 32, far % 32));
        }
    }

    #[test]
    fn a_size_that_a_view_cannot_cut_is_refused() {
        assert!(View::permute(30, 8).is_err() && View::jigsaw(30).is_err() && View::square_hinge(6).is_err());
        let x = Tensor::zeros((1, 3, 8, 8), candle_core::DType::F32, &Device::Cpu).unwrap();
        assert!(View::flip(16).unwrap().apply(&x).is_err());
    }
    #[test]
    fn a_view_that_would_lose_pixels_is_refused_in_a_sentence() {
        let error = View::of(4, |y, _| (y, 0)).unwrap_err().to_string();
        assert!(error.contains("at 4x4 pixels it would show some twice and lose others"), "{error}");
        assert!(View::of(4, |y, x| (y + 1, x)).is_err(), "a pixel beyond the picture");
        // The outline of the knobs does not meet itself at every size.
        assert!(View::jigsaw(500).is_err() && View::jigsaw(512).is_ok());
    }
}
