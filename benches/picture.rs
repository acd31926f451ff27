//! Seconds of a whole picture of the embedded model: `cargo bench --bench picture [-- STEPS [PICTURES]]`, prompt to pixels.
//! diffusers': `if_diffusers.py sample MODEL cpu STEPS`, on the same cores.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use darkroom::experiment::{self, Models, Outcome};
use darkroom::recipe::Recipe;
use std::{ops::ControlFlow, time::Instant};

#[global_allocator]
static MEMORY: mimalloc::MiMalloc = darkroom::memory::ALLOCATOR;

fn main() {
    darkroom::memory::keep();
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    let (steps, pictures) = (numbers.first().copied().unwrap_or(34), numbers.get(1).copied().unwrap_or(9).max(1));
    let mut models = Models::default();
    let mut picture = |seed: usize| {
        let fields = [("prompt", "a red three".to_owned()), ("steps", steps.to_string()), ("seed", seed.to_string())];
        let fields: Vec<_> = fields.into_iter().map(|(field, value)| (field.to_owned(), value)).collect();
        let recipe = Recipe::parse("sample", &fields).unwrap();
        let begun = Instant::now();
        let end = experiment::run(&recipe, &mut models, None, &mut |_| Ok(ControlFlow::Continue(()))).unwrap();
        assert!(matches!(end, Outcome::Done(..)));
        begun.elapsed().as_secs_f64()
    };
    // The first one loads the model.
    let loading = picture(0);
    let mut times: Vec<f64> = (1..=pictures).map(&mut picture).collect();
    times.sort_by(f64::total_cmp);
    println!(
        "{:.3} s a picture of {steps} guided steps (median of {pictures}; the first, with the model's loading, {loading:.3} s)",
        times[pictures / 2]
    );
}
