//! How pictures are shown here: what the terminal can, and what the link to it carries.

use super::answer::Answer;
use super::ask::{font_of_window, question};
use super::judge::{About, Answers, Between, judge};
use crate::preview::{Graphics, Paper};

/// A link that is so many times as fast as the one that pictures were given up for gets them back.
const FASTER: f64 = 4.0;

/// What is known of it.
#[derive(Default)]
pub struct Probe {
    wanted: Option<Graphics>,
    /// What the environment says, once it was asked.
    about: Option<About>,
    answers: Answers,
    /// The speed at which pictures in pixels were too much for the link.
    given_up: Option<f64>,
}

impl Probe {
    /// Nothing is known yet but what the user wants.
    pub fn new(wanted: Option<Graphics>) -> Probe {
        Probe { wanted, ..Probe::default() }
    }

    /// The environment was asked; what the terminal is to be asked. It is asked all anew, and may have become faster.
    pub fn ask(&mut self, about: About) -> Vec<u8> {
        let text = question(&about);
        // tmux answers before the terminal behind it does. Until then that is what it was, as far as it is the same.
        let same = matches!(about.between, Between::Tmux { .. }) && !self.is_another(&about);
        let before = std::mem::take(&mut self.answers);
        self.answers = if same { Answers { status: false, ..before } } else { Answers::default() };
        self.about = Some(about);
        self.given_up = None;
        text
    }

    /// Whether the environment says that the terminal is no longer the same.
    pub fn is_another(&self, about: &About) -> bool {
        self.about.as_ref().is_some_and(|before| before != about)
    }

    /// Takes in an answer.
    pub fn hear(&mut self, answer: &Answer) {
        self.answers.hear(answer);
    }

    /// How pictures are made now.
    pub fn paper(&self, now: Paper) -> Paper {
        let Some(about) = &self.about else { return now };
        let answers = Answers { font: self.answers.font.or_else(font_of_window), ..self.answers.clone() };
        let facts = judge(&answers, about, self.wanted);
        // As long as it has not answered, it is what it was.
        if !answers.status && self.wanted.is_none() {
            return now;
        }
        let graphics = if self.given_up.is_some() { Graphics::HalfBlocks } else { facts.graphics };
        Paper { graphics, font: answers.font.unwrap_or((10, 20)), tmux: facts.in_tmux(), compress: answers.compress, ..now }
    }

    /// A picture was made for a link of this speed: where even the coarsest is too much, characters have to do.
    pub fn weigh(&mut self, too_much: bool, speed: Option<f64>) {
        self.given_up = speed.filter(|_| too_much).or(self.given_up);
    }

    /// The link is of this speed now.
    pub fn speed(&mut self, speed: f64) {
        self.given_up.take_if(|slow| speed > FASTER * *slow);
    }

    /// Pictures are too much for the link, whose speed was found to be this.
    pub fn give_up(&mut self, speed: f64) {
        self.given_up = Some(speed);
    }

    /// What to say of pictures that are not what the terminal could show.
    pub fn note(&self) -> Option<String> {
        self.given_up.map(|speed| format!("preview: half-blocks (link {:.0} kB/s)", speed / 1000.0))
    }
}

#[cfg(test)]
#[path = "probe_tests.rs"]
mod tests;
