//! All randomness: standard normal noise, each draw addressed by what it is for.
//!
//! A draw depends on (seed, use, picture, step) alone, never on what was drawn before it, so that a run that is resumed,
//! branched or computed in another order meets the same noise. It is drawn on the CPU whatever the device.

use candle_core::{Device, Result, Shape, Tensor};
use rand_chacha::{
    ChaCha12Rng,
    rand_core::{RngCore, SeedableRng},
};
use rand_distr::{Distribution, StandardNormal};

/// The generator's name, for the metadata.
pub const RNG: &str = "ChaCha12";

/// What a draw is for. The numbers are part of every recipe's meaning: never change one.
#[derive(Clone, Copy, Debug)]
#[repr(u64)]
pub enum Use {
    /// The picture that sampling starts from.
    Init = 0,
    /// The fresh noise of a sampler's step.
    Step = 1,
    /// What takes a picture back to a noisier timestep, in a resampled walk.
    Back = 2,
    /// What a known picture, or a known part of one, is drowned in.
    Known = 3,
    /// What the images of a training step are drowned in.
    Drown = 4,
    /// How far each of them is drowned.
    Time = 5,
    /// Whose class is kept from the network.
    Drop = 6,
    /// In which order an epoch shows its images.
    Order = 7,
}

/// The noise of one seed.
#[derive(Clone, Copy, Debug)]
pub struct Noise {
    /// The recipe's seed.
    pub seed: u64,
}

impl Noise {
    /// Standard normal f32 noise of a `shape`.
    pub fn normal(&self, purpose: Use, picture: u32, step: u32, shape: impl Into<Shape>) -> Result<Tensor> {
        let shape = shape.into();
        let mut rng = self.rng(purpose, picture, step);
        let draws: Vec<f32> = StandardNormal.sample_iter(&mut rng).take(shape.elem_count()).collect();
        Tensor::from_vec(draws, shape, &Device::Cpu)
    }

    /// So many numbers from 0 to below 1, each as likely.
    pub fn uniform(&self, purpose: Use, step: u32, count: usize) -> Vec<f64> {
        let mut rng = self.rng(purpose, 0, step);
        // The 53 bits that a float64 holds.
        (0..count).map(|_| (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64).collect()
    }

    /// The numbers below `count` in an order of which each is as likely (Fisher and Yates).
    pub fn order(&self, purpose: Use, step: u32, count: usize) -> Vec<usize> {
        let mut rng = self.rng(purpose, 0, step);
        let mut order: Vec<usize> = (0..count).collect();
        for last in (1..count).rev() {
            let other = (u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64;
            order.swap(last, other as usize);
        }
        order
    }

    fn rng(&self, purpose: Use, picture: u32, step: u32) -> ChaCha12Rng {
        let mut rng = ChaCha12Rng::seed_from_u64(self.seed);
        // 8 bits of use, 24 of step, 32 of picture: ChaCha's own stream number keeps the draws apart.
        rng.set_stream((purpose as u64) << 56 | u64::from(step & 0xff_ffff) << 32 | u64::from(picture));
        rng
    }

    /// The noise of pictures `0..pictures`, each its own draw, stacked: (pictures, c, h, w).
    pub fn batch(&self, purpose: Use, step: u32, shape: (usize, usize, usize, usize)) -> Result<Tensor> {
        let (pictures, c, h, w) = shape;
        let draws = (0..pictures as u32).map(|picture| self.normal(purpose, picture, step, (1, c, h, w)));
        Tensor::cat(&draws.collect::<Result<Vec<_>>>()?, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_of_another_seed_use_picture_or_step_differ() {
        let draw = |seed, purpose, picture, step| Noise { seed }.normal(purpose, picture, step, 8).unwrap().to_vec1::<f32>().unwrap();
        let draws = [
            draw(1, Use::Init, 0, 0),
            draw(2, Use::Init, 0, 0),
            draw(1, Use::Step, 0, 0),
            draw(1, Use::Init, 1, 0),
            draw(1, Use::Init, 0, 1),
        ];
        for (i, a) in draws.iter().enumerate() {
            assert!(draws[i + 1..].iter().all(|b| a != b));
        }
        assert_eq!(draws[0], draw(1, Use::Init, 0, 0));
    }

    #[test]
    fn noise_has_mean_zero_and_variance_one() {
        let draws = Noise { seed: 3 }.normal(Use::Init, 0, 0, 100_000).unwrap().to_vec1::<f32>().unwrap();
        let mean = draws.iter().sum::<f32>() / 1e5;
        let variance = draws.iter().map(|x| x * x).sum::<f32>() / 1e5 - mean * mean;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.02, "mean {mean}, variance {variance}");
    }

    #[test]
    fn the_stream_never_changes_between_versions() {
        // Recorded from the first release: a change here changes every picture that was ever made.
        let draws = Noise { seed: 7 }.normal(Use::Step, 2, 5, 4).unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(draws, RECORDED);
    }

    #[test]
    fn an_order_holds_every_number_once_and_uniform_numbers_fill_their_range() {
        let noise = Noise { seed: 5 };
        let mut order = noise.order(Use::Order, 3, 1000);
        assert_ne!(order, noise.order(Use::Order, 4, 1000));
        let moved = order.iter().enumerate().filter(|(place, number)| place != *number).count();
        assert!(moved > 950, "{moved} of 1000 moved");
        order.sort_unstable();
        assert_eq!(order, (0..1000).collect::<Vec<_>>());
        let uniform = noise.uniform(Use::Time, 0, 10_000);
        assert!(uniform.iter().all(|value| (0.0..1.0).contains(value)));
        let mean = uniform.iter().sum::<f64>() / 1e4;
        assert!((mean - 0.5).abs() < 0.02, "{mean}");
        // As above: every training that was ever run hangs on these.
        assert_eq!((noise.order(Use::Order, 0, 6), noise.uniform(Use::Time, 2, 1)), (vec![1, 5, 3, 2, 0, 4], vec![0.18407983964249375]));
    }

    const RECORDED: [f32; 4] = [0.047170315, 0.80611354, -0.43042314, -0.7588069];
}
