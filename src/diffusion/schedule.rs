//! Noise schedules: how much of the picture is left at each timestep. All in f64.

/// ᾱ_t for every training timestep: the fraction of the picture's variance that survives at t.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    alphas_cumprod: Vec<f64>,
}

impl Schedule {
    /// Nichol and Dhariwal 2021, eq. 17, in the discretisation that DeepFloyd IF was trained with: betas from the ratio of
    /// neighbouring ᾱ, at most 0.999.
    pub fn squaredcos_cap_v2(train_timesteps: usize) -> Schedule {
        let abar = |fraction: f64| ((fraction + 0.008) / 1.008 * std::f64::consts::FRAC_PI_2).cos().powi(2);
        let at = |i: usize| abar(i as f64 / train_timesteps as f64);
        Schedule::from_betas((0..train_timesteps).map(|i| (1.0 - at(i + 1) / at(i)).min(0.999)))
    }

    /// Ho et al. 2020: betas evenly from `start` to `end`.
    pub fn linear(train_timesteps: usize, start: f64, end: f64) -> Schedule {
        let last = train_timesteps.saturating_sub(1).max(1) as f64;
        Schedule::from_betas((0..train_timesteps).map(|i| start + (end - start) * i as f64 / last))
    }

    fn from_betas(betas: impl Iterator<Item = f64>) -> Schedule {
        let alphas_cumprod = betas.scan(1.0, |abar, beta| {
            *abar *= 1.0 - beta;
            Some(*abar)
        });
        Schedule { alphas_cumprod: alphas_cumprod.collect() }
    }

    /// ᾱ at a timestep; `None` is the clean picture, ᾱ = 1. Timesteps beyond the schedule count as its last.
    pub fn alpha_bar(&self, t: Option<usize>) -> f64 {
        let last = self.alphas_cumprod.len().saturating_sub(1);
        t.and_then(|t| self.alphas_cumprod.get(t.min(last)).copied()).unwrap_or(1.0)
    }

    /// The number of training timesteps.
    pub fn len(&self) -> usize {
        self.alphas_cumprod.len()
    }

    /// Whether there is no timestep at all.
    pub fn is_empty(&self) -> bool {
        self.alphas_cumprod.is_empty()
    }
}
