//! The recipes and the figures of part B of the course.

/// A recipe that figures show.
pub struct Entry {
    /// Its name in `report.toml`.
    pub name: &'static str,
    /// The experiment.
    pub experiment: &'static str,
    /// Its fields but for seed and data; what is left out is the course's.
    pub fields: &'static [(&'static str, &'static str)],
    /// Fields that make it small.
    pub quick: &'static [(&'static str, &'static str)],
}

/// One figure of the page.
pub struct Figure {
    /// Its number in the course, with the edition where they differ.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is done, in a few sentences.
    pub text: &'static str,
    /// Its formulas.
    pub math: &'static [&'static str],
    /// What there is to see.
    pub shows: &'static [Show],
}

/// What is shown of recipes, which go by their names.
#[derive(Clone, Copy)]
pub enum Show {
    /// Every picture.
    Pictures(&'static str),
    /// The losses of trainings, laid over one another.
    Curves(&'static [&'static str]),
    /// The samples after these epochs and the last one; of a shorter training, those that are as far along.
    Samples(&'static str, &'static [usize]),
    /// What stands at the end of a denoiser.
    End(&'static str),
}

impl Show {
    /// The recipes that it is made of.
    pub fn names(&self) -> &[&'static str] {
        match self {
            Show::Curves(names) => names,
            Show::Pictures(name) | Show::Samples(name, _) | Show::End(name) => std::slice::from_ref(name),
        }
    }
}

/// Few images, a narrow network and a higher rate, which the few steps need.
const SMALL_DENOISER: &[(&str, &str)] = &[("images", "3000"), ("width", "16"), ("batch", "32"), ("rate", "0.001")];
/// The shares of noise are those of 300 steps, gone through in 50.
const SMALL_DDPM: &[(&str, &str)] = &[
    ("images", "10000"),
    ("epochs", "6"),
    ("width", "16"),
    ("batch", "32"),
    ("rate", "0.003"),
    ("timesteps", "50"),
    ("beta-start", "0.0006"),
    ("beta-end", "0.115"),
];
const SMALL_FLOW: &[(&str, &str)] = &[("images", "6000"), ("epochs", "5"), ("width", "16"), ("batch", "32"), ("timesteps", "30")];

/// Every recipe of the page.
pub const RECIPES: [Entry; 8] = [
    Entry { name: "noise-levels", experiment: "noise-levels", fields: &[("image", "1,2,3")], quick: &[] },
    Entry { name: "denoiser", experiment: "train-denoiser", fields: &[], quick: SMALL_DENOISER },
    Entry { name: "pure-noise", experiment: "train-denoiser", fields: &[("pure-noise", "true")], quick: SMALL_DENOISER },
    Entry { name: "time-fa24", experiment: "train-time", fields: &[], quick: SMALL_DDPM },
    Entry { name: "class-fa24", experiment: "train-class", fields: &[], quick: SMALL_DDPM },
    Entry { name: "time-fa25", experiment: "train-time", fields: &[("edition", "fa25")], quick: SMALL_FLOW },
    Entry { name: "class-fa25", experiment: "train-class", fields: &[("edition", "fa25")], quick: SMALL_FLOW },
    Entry {
        name: "constant-fa25",

        experiment: "train-class",
        fields: &[("edition", "fa25"), ("schedule", "constant"), ("rate", "0.002")],
        quick: SMALL_FLOW,
    },
];

/// Every figure in the order of the page.
pub const FIGURES: [Figure; 13] = [
    Figure {
        id: "1.2",
        title: "More and more noise",
        text: "Test images from 0 to 1 under Gaussian noise ε, of a σ from 0 to 1: what the denoiser is given.",
        math: &["noising"],
        shows: &[Show::Pictures("noise-levels")],
    },
    Figure {
        id: "1.2.1",
        title: "Training a single-step denoiser",
        text: "A UNet learns to name the clean image behind one under σ = 0.5, with the mean squared error as its loss. Its samples after \
               the first and the last epoch are of test images.",
        math: &["denoiser"],
        shows: &[Show::Curves(&["denoiser"]), Show::Samples("denoiser", &[1, 5])],
    },
    Figure {
        id: "1.2.2",
        title: "Noise that it has not seen",
        text: "The same network on the same images under every σ, while it has seen only 0.5. Below that it has too little to do, and little \
               goes wrong; above it, noise is left over, and strokes are made out of it.",
        math: &[],
        shows: &[Show::End("denoiser")],
    },
    Figure {
        id: "1.2.3",
        title: "Denoising pure noise",
        text: "The same training with nothing but noise going in. The noise says nothing of the image that is asked for, so that the \
               lowest squared error is reached by one answer for all: the mean of the training images. That is what the network learns to \
               say, a blot in which every digit is a little, beside the true mean.",
        math: &["denoiser"],
        shows: &[Show::Curves(&["pure-noise"]), Show::Samples("pure-noise", &[1, 5]), Show::End("pure-noise")],
    },
    Figure {
        id: "2.2-fa24",
        title: "DDPM: training with the time",
        text: "Edition fa24. The network is told how far along the noise is, t of T, and learns to name the noise in an image. The time is \
               added to its features.",
        math: &["forward", "noise-loss"],
        shows: &[Show::Curves(&["time-fa24"])],
    },
    Figure {
        id: "2.3-fa24",
        title: "DDPM: samples",
        text: "From pure noise back to an image, a step of less noise at a time. All epochs begin with the same noise.",
        math: &["ddpm-step"],
        shows: &[Show::Samples("time-fa24", &[5, 20])],
    },
    Figure {
        id: "2.4-fa24",
        title: "DDPM: training with the class",
        text: "The network is told which digit it is as well, except for one image in ten, so that it also knows images of no class.",
        math: &["noise-loss-class"],
        shows: &[Show::Curves(&["class-fa24"])],
    },
    Figure {
        id: "2.5-fa24",
        title: "DDPM: samples of each class",
        text: "Guidance of 5 pushes away from what the network says when no class is named. Four of each digit, a column a digit.",
        math: &["guidance"],
        shows: &[Show::Samples("class-fa24", &[5, 20])],
    },
    Figure {
        id: "2.2-fa25",
        title: "Flow matching: training with the time",
        text: "Edition fa25. Noise x₀ and image x₁ are joined by a straight way; the network learns to name its direction at any time t \
               between 0 and 1. The time is multiplied with its features.",
        math: &["flow-path", "flow-loss"],
        shows: &[Show::Curves(&["time-fa25"])],
    },
    Figure {
        id: "2.3-fa25",
        title: "Flow matching: samples",
        text: "From noise along the named direction, a T-th of the way at a time. All epochs begin with the same noise.",
        math: &["flow-step"],
        shows: &[Show::Samples("time-fa25", &[1, 5, 10])],
    },
    Figure {
        id: "2.5-fa25",
        title: "Flow matching: training with the class",
        text: "As in 2.2, with the digit named for nine images in ten.",
        math: &["flow-loss-class"],
        shows: &[Show::Curves(&["class-fa25"])],
    },
    Figure {
        id: "2.6-fa25",
        title: "Flow matching: samples of each class",
        text: "With a guidance of 5. Four of each digit, a column a digit.",
        math: &["flow-guidance"],
        shows: &[Show::Samples("class-fa25", &[1, 5, 10])],
    },
    Figure {
        id: "2.6-rate",
        title: "Without the learning-rate schedule",
        text: "The schedule lets the rate fall to a tenth, so that large steps come first and small ones smooth out what those have \
               left. Without it, steps at a rate of 0.01 stay large to the end. What is to make up for it is a constant rate of a fifth, \
               0.002, between the first and the last of the schedule; the curves and the samples show how far it does.",
        math: &[],
        shows: &[Show::Curves(&["class-fa25", "constant-fa25"]), Show::Samples("constant-fa25", &[1, 5, 10])],
    },
];

/// The numbers of all figures, in the order of the page.
pub fn ids() -> Vec<&'static str> {
    FIGURES.iter().map(|figure| figure.id).collect()
}
