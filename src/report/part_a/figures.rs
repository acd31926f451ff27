//! The figures of part A of the course, each with the recipes that make it.

use super::config::Config;

/// What the page says of a figure.
pub struct Words {
    /// Its number in the course.
    pub id: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// What is done, in a few sentences.
    pub text: &'static str,
    /// The formula that stands with it, by the name of its experiment.
    pub math: &'static str,
    /// What the course asks for where the built-in model cannot know it.
    pub course: Option<&'static str>,
}

/// One figure of the page.
pub struct Figure {
    /// What the page says of it.
    pub words: &'static Words,
    /// The recipes, a row of pictures each.
    pub parts: Vec<Part>,
}

/// One recipe of a figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The experiment.
    pub experiment: &'static str,
    /// Its fields but for seed and model; pictures as `report.toml` names them.
    pub fields: Vec<(&'static str, String)>,
}

/// Every figure in the order of the page.
pub const FIGURES: [Words; 13] = [
    Words {
        id: "0",
        title: "Sampling from the model",
        text: "Three prompts, each with 20 and with 50 timesteps. Everything on this page uses one seed.",
        math: "",
        course: Some("The course hands out its own prompts, such as “an oil painting of a snowy mountain village”."),
    },
    Words {
        id: "1.1",
        title: "The forward process",
        text: "A clean picture is drowned in noise: at timestep t a share ᾱ of its variance is left. The noise is drawn from the seed.",
        math: "forward",
        course: None,
    },
    Words {
        id: "1.2",
        title: "Classical denoising",
        text: "A Gaussian blur takes noise away, and the picture with it.",
        math: "",
        course: None,
    },
    Words {
        id: "1.3",
        title: "One-step denoising",
        text: "The network predicts all of the noise at once; what is left when it is taken away is the estimate of the clean picture.",
        math: "one-step",
        course: None,
    },
    Words {
        id: "1.4",
        title: "Iterative denoising",
        text: "From index 10 of the strided timesteps, a little noise is taken away at a time. Every fifth noisy picture is shown, and \
               beside the result what one step and a blur make of the same noisy picture.",
        math: "iterative",
        course: None,
    },
    Words { id: "1.5", title: "Sampling without guidance", text: "Five pictures from pure noise.", math: "", course: None },
    Words {
        id: "1.6",
        title: "Classifier-free guidance",
        text: "The same five with a guidance of 7: the noise is pushed away from what the model sees without a prompt.",
        math: "guidance",
        course: None,
    },
    Words {
        id: "1.7",
        title: "Image-to-image translation",
        text: "SDEdit: noise is added to a picture and taken away again. The lower the starting index, the more noise and the more changes.",
        math: "",
        course: None,
    },
    Words {
        id: "1.7.1",
        title: "Hand-drawn and web pictures",
        text: "The same with a picture from the web and two drawings, which are pulled towards what the model takes for natural.",
        math: "",
        course: None,
    },
    Words {
        id: "1.7.2",
        title: "Inpainting",
        text: "Before every step the known part is replaced by the original under as much noise. What the mask leaves black is the original, bit for bit.",
        math: "inpaint",
        course: None,
    },
    Words {
        id: "1.7.3",
        title: "Text-conditioned translation",
        text: "As in 1.7, under a prompt of its own.",
        math: "",
        course: Some("The course asks for “a rocket ship”."),
    },
    Words {
        id: "1.8",
        title: "Visual anagrams",
        text: "One picture that shows something else when it is seen another way. The noise is predicted in each view under its own \
               prompt, brought back, and averaged.",
        math: "anagram",
        course: Some("The course asks for an old man and people around a campfire, turned upside down."),
    },
    Words {
        id: "1.9",
        title: "Hybrid images",
        text: "The low frequencies of the noise come from one prompt and the high ones from another: from afar, or shrunk, the picture \
               shows the first, from near the second. The small picture is the hybrid at half its size. The course parts them with a \
               sigma of 2; for pictures of 32 pixels 2.5 does better.",
        math: "hybrid",
        course: Some("The course asks for a skull that is a waterfall from near."),
    },
];

/// The numbers of all figures, in the order of the page.
pub fn ids() -> Vec<&'static str> {
    FIGURES.iter().map(|words| words.id).collect()
}

/// Every figure in the order of the page, with its recipes.
pub fn figures(config: &Config) -> Vec<Figure> {
    FIGURES.iter().map(|words| Figure { words, parts: parts(words.id, config) }).collect()
}

fn part(experiment: &'static str, fields: &[(&'static str, &str)]) -> Part {
    Part { experiment, fields: fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }
}

fn parts(id: &str, config: &Config) -> Vec<Part> {
    let Config { photo, own, web, drawings, masks, prompts, .. } = config;
    let sigma = config.hybrid_sigma.to_string();
    let quality = ("prompt", prompts.quality.as_str());
    let pictures = [photo, &own[0], &own[1]];
    let one = |experiment, fields: &[_]| vec![part(experiment, fields)];
    let samples = |steps| prompts.samples.iter().map(move |prompt| part("sample", &[("prompt", prompt), ("steps", steps)]));
    let five = |guidance| one("sample", &[quality, ("guidance", guidance), ("count", "5")]);
    let edit = |picture: &str, prompt: &str| part("edit", &[("prompt", prompt), ("image", picture)]);
    let edits = |pictures: [&String; 3]| pictures.iter().map(|picture| edit(picture, quality.1)).collect();
    match id {
        "0" => samples("20").chain(samples("50")).collect(),
        "1.1" => one("forward", &[("image", photo)]),
        "1.2" => one("blur", &[("image", photo)]),
        "1.3" => one("one-step", &[quality, ("image", photo)]),
        "1.4" => one("iterative", &[quality, ("image", photo)]),
        "1.5" => five("1"),
        "1.6" => five("7"),
        "1.7" => edits(pictures),
        "1.7.1" => edits([web, &drawings[0], &drawings[1]]),
        "1.7.2" => {
            let inpaint = |((picture, mask), prompt): ((&&String, &String), &String)| {
                part("inpaint", &[("prompt", prompt), ("image", picture), ("mask", mask)])
            };
            pictures.iter().zip(masks).zip(&prompts.inpaint).map(inpaint).collect()
        }
        "1.7.3" => pictures.iter().zip(&prompts.edits).map(|(picture, prompt)| edit(picture, prompt)).collect(),
        "1.8" => {
            let views = ["rotate-180", "flip", "rotate-90"].iter().zip(&prompts.anagrams);
            views
                .map(|(view, [one, other])| part("anagram", &[("prompt", one), ("prompt", other), ("view", "identity"), ("view", view)]))
                .collect()
        }
        "1.9" => {
            let hybrid = |[low, high]: &[String; 2]| part("hybrid", &[("prompt", low), ("prompt", high), ("sigma", &sigma)]);
            prompts.hybrids.iter().map(hybrid).collect()
        }
        _ => Vec::new(),
    }
}
