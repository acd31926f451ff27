//! The figures of part A of the course, each with the recipes that make it.

use super::config::Config;

/// One figure of the page.
pub struct Figure {
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

fn part(experiment: &'static str, fields: &[(&'static str, &str)]) -> Part {
    Part { experiment, fields: fields.iter().map(|(name, value)| (*name, (*value).to_owned())).collect() }
}

/// The numbers of all figures, in the order of the page.
pub const IDS: [&str; 13] = ["0", "1.1", "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "1.7.1", "1.7.2", "1.7.3", "1.8", "1.9"];

/// Every figure in the order of the page.
pub fn figures(config: &Config) -> Vec<Figure> {
    let sigma = config.hybrid_sigma.to_string();
    let Config { photo, own, web, drawings, masks, prompts, .. } = config;
    let quality = ("prompt", prompts.quality.as_str());
    let samples =
        |steps: &str| prompts.samples.iter().map(|prompt| part("sample", &[("prompt", prompt), ("steps", steps)])).collect::<Vec<_>>();
    let edits = |pictures: &[&String]| pictures.iter().map(|picture| part("edit", &[quality, ("image", picture)])).collect();
    let pictures = [photo, &own[0], &own[1]];
    let views = ["rotate-180", "flip", "rotate-90"];
    let figure = |id, title, text, math, course, parts| Figure { id, title, text, math, course, parts };
    vec![
        figure(
            "0",
            "Sampling from the model",
            "Three prompts, each with 20 and with 50 timesteps. Everything on this page uses one seed.",
            "",
            Some("The course hands out its own prompts, such as “an oil painting of a snowy mountain village”."),
            [samples("20"), samples("50")].concat(),
        ),
        figure(
            "1.1",
            "The forward process",
            "A clean picture is drowned in noise: at timestep t a share ᾱ of its variance is left. The noise is drawn from the seed.",
            "forward",
            None,
            vec![part("forward", &[("image", photo)])],
        ),
        figure(
            "1.2",
            "Classical denoising",
            "A Gaussian blur takes noise away, and the picture with it.",
            "",
            None,
            vec![part("blur", &[("image", photo)])],
        ),
        figure(
            "1.3",
            "One-step denoising",
            "The network predicts all of the noise at once; what is left when it is taken away is the estimate of the clean picture.",
            "one-step",
            None,
            vec![part("one-step", &[quality, ("image", photo)])],
        ),
        figure(
            "1.4",
            "Iterative denoising",
            "From index 10 of the strided timesteps, a little noise is taken away at a time. Every fifth noisy picture is shown, and \
             beside the result what one step and a blur make of the same noisy picture.",
            "iterative",
            None,
            vec![part("iterative", &[quality, ("image", photo)])],
        ),
        figure(
            "1.5",
            "Sampling without guidance",
            "Five pictures from pure noise.",
            "",
            None,
            vec![part("sample", &[quality, ("guidance", "1"), ("count", "5")])],
        ),
        figure(
            "1.6",
            "Classifier-free guidance",
            "The same five with a guidance of 7: the noise is pushed away from what the model sees without a prompt.",
            "guidance",
            None,
            vec![part("sample", &[quality, ("guidance", "7"), ("count", "5")])],
        ),
        figure(
            "1.7",
            "Image-to-image translation",
            "SDEdit: noise is added to a picture and taken away again. The lower the starting index, the more noise and the more changes.",
            "",
            None,
            edits(&pictures),
        ),
        figure(
            "1.7.1",
            "Hand-drawn and web pictures",
            "The same with a picture from the web and two drawings, which are pulled towards what the model takes for natural.",
            "",
            None,
            edits(&[web, &drawings[0], &drawings[1]]),
        ),
        figure(
            "1.7.2",
            "Inpainting",
            "Before every step the known part is replaced by the original under as much noise. What the mask leaves black is the original, bit for bit.",
            "inpaint",
            None,
            pictures
                .iter()
                .zip(masks)
                .zip(&prompts.inpaint)
                .map(|((picture, mask), prompt)| part("inpaint", &[("prompt", prompt), ("image", picture), ("mask", mask)]))
                .collect(),
        ),
        figure(
            "1.7.3",
            "Text-conditioned translation",
            "As in 1.7, under a prompt of its own.",
            "",
            Some("The course asks for “a rocket ship”."),
            pictures.iter().zip(&prompts.edits).map(|(picture, prompt)| part("edit", &[("prompt", prompt), ("image", picture)])).collect(),
        ),
        figure(
            "1.8",
            "Visual anagrams",
            "One picture that shows something else when it is seen another way. The noise is predicted in each view under its own \
             prompt, brought back, and averaged.",
            "anagram",
            Some("The course asks for an old man and people around a campfire, turned upside down."),
            views
                .iter()
                .zip(&prompts.anagrams)
                .map(|(view, [one, other])| part("anagram", &[("prompt", one), ("prompt", other), ("view", "identity"), ("view", view)]))
                .collect(),
        ),
        figure(
            "1.9",
            "Hybrid images",
            "The low frequencies of the noise come from one prompt and the high ones from another: from afar, or shrunk, the picture \
             shows the first, from near the second. The small picture is the hybrid at half its size. The course parts them with a \
             sigma of 2; for pictures of 32 pixels 2.5 does better.",
            "hybrid",
            Some("The course asks for a skull that is a waterfall from near."),
            prompts.hybrids.iter().map(|[low, high]| part("hybrid", &[("prompt", low), ("prompt", high), ("sigma", &sigma)])).collect(),
        ),
    ]
}
