//! What a run's first and last step hold, as numbers.

use candle_core::Tensor;
use darkroom::experiment::{self, Models, Outcome};
use darkroom::recipe::Recipe;
use std::ops::ControlFlow;

/// What the model said at the first step, and the last picture that the sampler left.
pub fn first_and_last(recipe: &Recipe) -> (Vec<f32>, Vec<f32>) {
    let values = |x: &Tensor| x.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (mut first, mut last) = (None, Vec::new());
    let outcome = experiment::run(recipe, &mut Models::default(), None, &mut |step| {
        let inside = step.inside.as_ref().map(|inside| values(&inside.step.prediction.join().unwrap()));
        first = first.take().or(inside);
        last = values(step.x);
        Ok(ControlFlow::Continue(()))
    });
    assert!(matches!(outcome.unwrap(), Outcome::Done(..)));
    (first.unwrap(), last)
}

/// The largest difference.
pub fn far(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

/// The largest number, but at least 1: what a difference is measured by.
pub fn largest(values: &[f32]) -> f32 {
    values.iter().fold(1.0, |largest, value| value.abs().max(largest))
}
