//! Batch normalisation (Ioffe and Szegedy 2015): what a batch was like, and what follows for its numbers and their gradient.
//!
//! Sums run in float32 over a few rows and in float64 over the rest, and are added up in an order that sizes alone decide.

// Loops over lanes go by index: so the compiler makes vectors of them, and no calls to copy memory.
#![allow(clippy::needless_range_loop, clippy::manual_memcpy)]

use super::gelu::{gelu, slope};
use super::lanes::{Blocks, LANES, load, store};
use pulp::{Arch, Simd, WithSimd};

/// Rows that are added up in float32 before float64 takes over.
const RUN: usize = 64;

/// What a batch was like, a number a channel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// The mean.
    pub mean: Vec<f32>,
    /// The variance, divided by the number of rows.
    pub variance: Vec<f32>,
    /// How many numbers each channel has.
    pub count: usize,
}

/// How the rows of a part of a batch deviate from its first one: where numbers lie far from 0, little is lost.
pub struct Deviations {
    around: Vec<f32>,
    /// The sums of what each channel deviates, and of its square.
    one: Vec<f64>,
    two: Vec<f64>,
    count: usize,
}

impl Deviations {
    pub fn of(x: &[f32], channels: usize) -> Deviations {
        let around = x[..channels].to_vec();
        let (mut one, mut two) = (vec![0f64; channels], vec![0f64; channels]);
        let mut run = vec![0f32; 2 * channels];
        for x in x.chunks(RUN * channels) {
            let (first, second) = run.split_at_mut(channels);
            Arch::new().dispatch(Deviate { x, around: &around, first, second });
            one.iter_mut().zip(first).for_each(|(sum, value)| *sum += f64::from(*value));
            two.iter_mut().zip(second).for_each(|(sum, value)| *sum += f64::from(*value));
        }
        Deviations { around, one, two, count: x.len() / channels }
    }
}

struct Deviate<'a> {
    x: &'a [f32],
    around: &'a [f32],
    first: &'a mut [f32],
    second: &'a mut [f32],
}

impl WithSimd for Deviate<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        self.all();
    }
}

impl Blocks for Deviate<'_> {
    #[inline(always)]
    fn channels(&self) -> usize {
        self.around.len()
    }

    #[inline(always)]
    fn block<const WHOLE: bool>(&mut self, at: usize) {
        let channels = self.around.len();
        let (around, mut first, mut second) = (load::<WHOLE>(self.around, at), [0.0; LANES], [0.0; LANES]);
        for x in self.x.chunks_exact(channels) {
            let x = load::<WHOLE>(x, at);
            for c in 0..LANES {
                let off = x[c] - around[c];
                first[c] += off;
                second[c] = off.mul_add(off, second[c]);
            }
        }
        store::<WHOLE>(first, self.first, at);
        store::<WHOLE>(second, self.second, at);
    }
}

impl Moments {
    /// Of a batch in parts (Chan, Golub and LeVeque 1983).
    pub fn of(parts: &[Deviations]) -> Moments {
        let channels = parts.first().map_or(0, |part| part.around.len());
        let (mut mean, mut squares, mut count) = (vec![0f64; channels], vec![0f64; channels], 0.0);
        for part in parts {
            let n = part.count as f64;
            for c in 0..channels {
                let off = f64::from(part.around[c]) + part.one[c] / n - mean[c];
                mean[c] += off * n / (count + n);
                squares[c] += part.two[c] - part.one[c] * part.one[c] / n + off * off * count * n / (count + n);
            }
            count += n;
        }
        let variance = squares.iter().map(|squares| (squares / count).max(0.0) as f32).collect();
        Moments { mean: mean.iter().map(|mean| *mean as f32).collect(), variance, count: count as usize }
    }
}

/// a · x + d, a channel each: what normalisation comes to once the moments are known; and, where there is a way back, the
/// normalised x before γ and β, which is (x - mean) · scale.
#[derive(Default)]
pub struct Line {
    pub a: Vec<f32>,
    pub d: Vec<f32>,
    pub mean: Vec<f32>,
    pub scale: Vec<f32>,
}

impl Line {
    /// With γ and β, and what is added to the variance.
    pub fn new(moments: &Moments, (gamma, beta): (&[f32], &[f32]), eps: f64) -> Line {
        let scale = |variance: &f32| 1.0 / (f64::from(*variance) + eps).sqrt();
        let a: Vec<f32> =
            moments.variance.iter().zip(gamma).map(|(variance, gamma)| (f64::from(*gamma) * scale(variance)) as f32).collect();
        let shift = |((mean, a), beta): ((&f32, &f32), &f32)| (f64::from(*beta) - f64::from(*mean) * f64::from(*a)) as f32;
        let d = moments.mean.iter().zip(&a).zip(beta).map(shift).collect();
        Line { a, d, mean: moments.mean.clone(), scale: moments.variance.iter().map(|variance| scale(variance) as f32).collect() }
    }

    /// The normalised of so many pixels, through GELU, to places `stride` apart.
    pub fn activate(&self, from: &[f32], (to, stride): (&mut [f32], usize), pixels: usize) {
        Arch::new().dispatch(Activate::<true> { line: self, from, to, stride, pixels });
    }

    /// The normalised of pixels alone.
    pub fn normalise(&self, from: &[f32], to: &mut [f32]) {
        let channels = self.a.len();
        Arch::new().dispatch(Activate::<false> { line: self, from, pixels: to.len() / channels, to, stride: channels });
    }
}

struct Activate<'a, const GELU: bool> {
    line: &'a Line,
    from: &'a [f32],
    to: &'a mut [f32],
    stride: usize,
    pixels: usize,
}

impl<const GELU: bool> WithSimd for Activate<'_, GELU> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        self.all();
    }
}

impl<const GELU: bool> Blocks for Activate<'_, GELU> {
    #[inline(always)]
    fn channels(&self) -> usize {
        self.line.a.len()
    }

    #[inline(always)]
    fn block<const WHOLE: bool>(&mut self, first: usize) {
        let channels = self.line.a.len();
        let (a, d) = (load::<WHOLE>(&self.line.a, first), load::<WHOLE>(&self.line.d, first));
        for i in 0..self.pixels {
            let mut x = load::<WHOLE>(&self.from[i * channels..][..channels], first);
            for c in 0..LANES {
                x[c] = a[c].mul_add(x[c], d[c]);
            }
            if GELU {
                for c in 0..LANES {
                    x[c] = gelu(x[c]);
                }
            }
            store::<WHOLE>(x, &mut self.to[i * self.stride..][..channels], first);
        }
    }
}

/// The sums of a gradient over the rows: alone, and times the normalised x. They are the gradients of β and γ.
#[derive(Clone, Debug)]
pub struct Sums {
    pub beta: Vec<f64>,
    pub gamma: Vec<f64>,
    run: Vec<f32>,
}

impl Sums {
    pub fn new(channels: usize) -> Sums {
        Sums { beta: vec![0.0; channels], gamma: vec![0.0; channels], run: vec![0.0; 2 * channels] }
    }

    /// Takes the gradient of some pixels, `stride` apart, back through GELU, to where it is, or is added, and adds it up.
    pub fn through(&mut self, line: &Line, (grad, stride): (&[f32], usize), x: &[f32], (to, add): (&mut [f32], bool), pixels: usize) {
        let (one, other) = self.run.split_at_mut(line.a.len());
        Arch::new().dispatch(Through { line, grad, stride, x, to, add, pixels, one, other });
        self.close();
    }

    /// Takes over what was added up.
    fn close(&mut self) {
        let (one, other) = self.run.split_at(self.beta.len());
        self.beta.iter_mut().zip(one).for_each(|(sum, value)| *sum += f64::from(*value));
        self.gamma.iter_mut().zip(other).for_each(|(sum, value)| *sum += f64::from(*value));
    }

    pub fn add(&mut self, other: &Sums) {
        self.beta.iter_mut().zip(&other.beta).for_each(|(sum, value)| *sum += value);
        self.gamma.iter_mut().zip(&other.gamma).for_each(|(sum, value)| *sum += value);
    }
}

struct Through<'a> {
    line: &'a Line,
    grad: &'a [f32],
    stride: usize,
    x: &'a [f32],
    to: &'a mut [f32],
    add: bool,
    pixels: usize,
    one: &'a mut [f32],
    other: &'a mut [f32],
}

impl WithSimd for Through<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        self.all();
    }
}

impl Blocks for Through<'_> {
    #[inline(always)]
    fn channels(&self) -> usize {
        self.line.a.len()
    }

    #[inline(always)]
    fn block<const WHOLE: bool>(&mut self, first: usize) {
        let (channels, line) = (self.line.a.len(), self.line);
        let (a, d) = (load::<WHOLE>(&line.a, first), load::<WHOLE>(&line.d, first));
        let (mean, scale) = (load::<WHOLE>(&line.mean, first), load::<WHOLE>(&line.scale, first));
        let (mut one, mut other) = ([0.0; LANES], [0.0; LANES]);
        for i in 0..self.pixels {
            let x = load::<WHOLE>(&self.x[i * channels..][..channels], first);
            let mut g = load::<WHOLE>(&self.grad[i * self.stride..][..channels], first);
            for c in 0..LANES {
                g[c] *= slope(a[c].mul_add(x[c], d[c]));
                one[c] += g[c];
                other[c] = g[c].mul_add((x[c] - mean[c]) * scale[c], other[c]);
            }
            let to = &mut self.to[i * channels..][..channels];
            if self.add {
                let there = load::<WHOLE>(to, first);
                for c in 0..LANES {
                    g[c] += there[c];
                }
            }
            store::<WHOLE>(g, to, first);
        }
        store::<WHOLE>(one, self.one, first);
        store::<WHOLE>(other, self.other, first);
    }
}

/// a · g + p · x + q: from the gradient g of the normalised to that of x, whose mean and variance are of x too:
/// dx = a (g - mean(g) - x̂ mean(g x̂)).
pub struct Back {
    pub a: Vec<f32>,
    pub p: Vec<f32>,
    pub q: Vec<f32>,
}

impl Back {
    pub fn new(line: &Line, sums: &Sums, count: usize) -> Back {
        let n = count as f64;
        let p: Vec<f32> = (0..line.a.len()).map(|c| (-f64::from(line.a[c] * line.scale[c]) * sums.gamma[c] / n) as f32).collect();
        let q = (0..line.a.len()).map(|c| (-f64::from(line.a[c]) * sums.beta[c] / n - f64::from(p[c]) * f64::from(line.mean[c])) as f32);
        Back { a: line.a.clone(), q: q.collect(), p }
    }

    /// The gradient of some pixels, `step` apart, to places `stride` apart.
    pub fn lay_out(&self, (g, x, step): (&[f32], &[f32], usize), (to, stride): (&mut [f32], usize), pixels: usize) {
        Arch::new().dispatch(LayOut { back: self, g, x, step, to, stride, pixels });
    }
}

struct LayOut<'a> {
    back: &'a Back,
    g: &'a [f32],
    x: &'a [f32],
    step: usize,
    to: &'a mut [f32],
    stride: usize,
    pixels: usize,
}

impl WithSimd for LayOut<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(mut self, _: S) {
        self.all();
    }
}

impl Blocks for LayOut<'_> {
    #[inline(always)]
    fn channels(&self) -> usize {
        self.back.a.len()
    }

    #[inline(always)]
    fn block<const WHOLE: bool>(&mut self, first: usize) {
        let channels = self.back.a.len();
        let (a, p, q) = (load::<WHOLE>(&self.back.a, first), load::<WHOLE>(&self.back.p, first), load::<WHOLE>(&self.back.q, first));
        for i in 0..self.pixels {
            let from = i * self.step * channels;
            let (g, mut x) = (load::<WHOLE>(&self.g[from..][..channels], first), load::<WHOLE>(&self.x[from..][..channels], first));
            for c in 0..LANES {
                x[c] = a[c].mul_add(g[c], p[c].mul_add(x[c], q[c]));
            }
            store::<WHOLE>(x, &mut self.to[i * self.stride..][..channels], first);
        }
    }
}
