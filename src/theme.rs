//! Colours by role, read from TOML, and how many of them the terminal can show.

use anyhow::{Context, Result, bail};
use ratatui::{buffer::Buffer, style::Color};
use serde::Deserialize;
use std::path::Path;

/// The themes that are compiled in. The first is the default.
const BUILT_IN: &[(&str, &str)] = &[
    ("dark", include_str!("../themes/dark.toml")),
    ("light", include_str!("../themes/light.toml")),
    ("contrast", include_str!("../themes/contrast.toml")),
    ("safelight", include_str!("../themes/safelight.toml")),
];

/// A colour for every role.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Roles {
    /// Behind everything.
    #[serde(deserialize_with = "colour")]
    pub background: Color,
    /// What is read.
    #[serde(deserialize_with = "colour")]
    pub text: Color,
    /// What may be overlooked.
    #[serde(deserialize_with = "colour")]
    pub dim: Color,
    /// Focus and progress.
    #[serde(deserialize_with = "colour")]
    pub accent: Color,
    /// Went well.
    #[serde(deserialize_with = "colour")]
    pub good: Color,
    /// To be noticed.
    #[serde(deserialize_with = "colour")]
    pub warning: Color,
    /// Went wrong.
    #[serde(deserialize_with = "colour")]
    pub bad: Color,
    /// Around the panes.
    #[serde(deserialize_with = "colour")]
    pub border: Color,
    /// The first curve of a plot.
    #[serde(deserialize_with = "colour")]
    pub series1: Color,
    /// The second curve.
    #[serde(deserialize_with = "colour")]
    pub series2: Color,
    /// The third curve.
    #[serde(deserialize_with = "colour")]
    pub series3: Color,
    /// The fourth curve.
    #[serde(deserialize_with = "colour")]
    pub series4: Color,
}

/// A named set of colours.
#[derive(Clone, Debug, PartialEq)]
pub struct Theme {
    /// As in `--theme` and the file's name.
    pub name: String,
    /// Its colours.
    pub roles: Roles,
}

impl Theme {
    fn parse(name: &str, text: &str) -> Result<Theme> {
        // The whole error of toml spans lines; its message is one sentence.
        let roles = toml::from_str(text).map_err(|error| anyhow::anyhow!("{}", error.message()))?;
        Ok(Theme { name: name.to_owned(), roles })
    }

    /// The background as three bytes, for the edge around a picture.
    pub fn edge(&self) -> [u8; 3] {
        match self.roles.background {
            Color::Rgb(r, g, b) => [r, g, b],
            _ => [0; 3],
        }
    }
}

/// The themes that are compiled in and those in `dir`, where a file of the same name replaces one. Returned beside them:
/// a sentence for each file that cannot be used.
pub fn load(dir: Option<&Path>) -> (Vec<Theme>, Vec<String>) {
    let mut troubles = Vec::new();
    let mut themes = Vec::new();
    let mut take = |name: &str, theme: Result<Theme>, themes: &mut Vec<Theme>| match theme {
        Ok(theme) => match themes.iter_mut().find(|known: &&mut Theme| known.name == name) {
            Some(known) => *known = theme,
            None => themes.push(theme),
        },
        Err(error) => troubles.push(format!("The theme {} is left out: {error:#}.", name.escape_debug())),
    };
    for (name, text) in BUILT_IN {
        take(name, Theme::parse(name, text), &mut themes);
    }
    for path in files(dir) {
        let name = path.file_stem().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(&path).with_context(|| format!("{} cannot be read", path.display()));
        take(&name, text.and_then(|text| Theme::parse(&name, &text)), &mut themes);
    }
    (themes, troubles)
}

/// The TOML files of a folder in the order of their names. A folder that is not there has none.
fn files(dir: Option<&Path>) -> Vec<std::path::PathBuf> {
    let entries = dir.and_then(|dir| std::fs::read_dir(dir).ok()).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).filter(|path| path.extension().is_some_and(|end| end == "toml")).collect();
    files.sort();
    files
}

fn colour<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Color, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map_err(serde::de::Error::custom)
}

fn parse(text: &str) -> Result<Color> {
    let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit()));
    let Some(digits) = digits else { bail!("'{}' is no colour; write it as #rrggbb", text.escape_debug()) };
    let number = u32::from_str_radix(digits, 16)?;
    let [_, r, g, b] = number.to_be_bytes();
    Ok(Color::Rgb(r, g, b))
}

/// How many colours the terminal can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// None: weights and shades only.
    Mono,
    /// The 256 of xterm.
    Indexed,
    /// All.
    True,
}

impl Depth {
    /// What the environment says, asked by the names of its variables.
    pub fn detect(variable: impl Fn(&str) -> Option<String>) -> Depth {
        let holds = |name: &str, words: &[&str]| variable(name).is_some_and(|value| words.iter().any(|word| value.contains(word)));
        if variable("NO_COLOR").is_some_and(|value| !value.is_empty()) {
            Depth::Mono
        } else if holds("COLORTERM", &["truecolor", "24bit"]) || holds("TERM", &["direct", "kitty", "ghostty", "alacritty"]) {
            Depth::True
        } else {
            Depth::Indexed
        }
    }

    /// Brings a drawn screen down to the colours that can be shown. The only place that does.
    pub fn apply(self, buffer: &mut Buffer) {
        if self == Depth::True {
            return;
        }
        for cell in &mut buffer.content {
            // In kitty's placeholders the colour is the picture's number, and in a pixel picture's cells there is none.
            if cell.symbol().starts_with(['\u{10EEEE}', '\u{1b}']) {
                continue;
            }
            if self == Depth::Indexed {
                (cell.fg, cell.bg) = (nearest(cell.fg), nearest(cell.bg));
                continue;
            }
            // Two pixels of one colour are a space in it, which text never is.
            let pixels = matches!(cell.symbol(), "▀" | "▄") || cell.symbol() == " " && cell.fg == cell.bg;
            if let (true, Color::Rgb(..), Color::Rgb(..)) = (pixels, cell.fg, cell.bg) {
                let light = (luminance(cell.fg) + luminance(cell.bg)) / 2.0;
                cell.set_symbol(shade(light));
            }
            (cell.fg, cell.bg) = (Color::Reset, Color::Reset);
        }
    }
}

/// A picture's cell where there are no colours.
fn shade(light: f64) -> &'static str {
    const SHADES: [&str; 5] = [" ", "░", "▒", "▓", "█"];
    // Light is seen by about its square root.
    SHADES[((light.sqrt() * 5.0) as usize).min(4)]
}

/// The nearest of xterm's colour cube and grey ramp; the first sixteen are left to the user's own taste.
fn nearest(colour: Color) -> Color {
    let Color::Rgb(r, g, b) = colour else { return colour };
    let level = |value: u8| match value {
        0..48 => (0u8, 0u8),
        48..115 => (1, 95),
        _ => {
            let step = (value - 35) / 40;
            (step, 55 + 40 * step)
        }
    };
    let (cube, near) = ([level(r), level(g), level(b)], [r, g, b]);
    let mean = (u16::from(r) + u16::from(g) + u16::from(b)) / 3;
    let grey = (mean.saturating_sub(3) / 10).min(23) as u8;
    let far = |to: [u8; 3]| -> u32 { near.iter().zip(to).map(|(a, b)| u32::from(a.abs_diff(b)).pow(2)).sum() };
    if far([8 + 10 * grey; 3]) < far(cube.map(|(_, value)| value)) {
        Color::Indexed(232 + grey)
    } else {
        Color::Indexed(16 + 36 * cube[0].0 + 6 * cube[1].0 + cube[2].0)
    }
}

/// Relative luminance from 0 to 1, as WCAG defines it.
fn luminance(colour: Color) -> f64 {
    let Color::Rgb(r, g, b) = colour else { return 0.0 };
    let linear = |value: u8| {
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn contrast(a: Color, b: Color) -> f64 {
        let (a, b) = (luminance(a) + 0.05, luminance(b) + 0.05);
        a.max(b) / a.min(b)
    }

    #[test]
    fn every_theme_has_every_role_and_can_be_read() {
        let (themes, troubles) = load(None);
        assert_eq!(troubles, Vec::<String>::new());
        assert!(themes.len() >= 4);
        for Theme { name, roles } in themes {
            let against = |colour| contrast(colour, roles.background);
            assert!(against(roles.text) >= 4.5, "{name}: text {:.1}", against(roles.text));
            for (role, colour) in
                [("dim", roles.dim), ("accent", roles.accent), ("good", roles.good), ("warning", roles.warning), ("bad", roles.bad)]
            {
                assert!(against(colour) >= 3.0, "{name}: {role} {:.1}", against(colour));
            }
        }
    }

    #[test]
    fn the_series_of_a_theme_stay_apart_in_256_colours() {
        for Theme { name, roles } in load(None).0 {
            let series = [roles.series1, roles.series2, roles.series3, roles.series4].map(nearest);
            for (at, one) in series.iter().enumerate() {
                assert!(!series[at + 1..].contains(one), "{name}: {series:?}");
            }
        }
    }

    #[test]
    fn a_users_theme_joins_and_a_broken_one_is_a_sentence() {
        let dir = tempfile::tempdir().unwrap();
        let dark = BUILT_IN[0].1;
        std::fs::write(dir.path().join("mine.toml"), dark).unwrap();
        std::fs::write(dir.path().join("dark.toml"), BUILT_IN[1].1).unwrap();
        std::fs::write(dir.path().join("half.toml"), "text = \"#ffffff\"").unwrap();
        std::fs::write(dir.path().join("word.toml"), dark.replacen("#", "red ", 1)).unwrap();
        std::fs::write(dir.path().join("notes.txt"), "no theme").unwrap();
        let (themes, troubles) = load(Some(dir.path()));
        let names: Vec<_> = themes.iter().map(|theme| theme.name.as_str()).collect();
        assert_eq!(names, ["dark", "light", "contrast", "safelight", "mine"]);
        assert_eq!(themes[0].roles, themes[1].roles);
        assert_eq!(troubles.len(), 2, "{troubles:?}");
        assert!(troubles[0].contains("half") && troubles[0].contains("background"), "{troubles:?}");
        assert!(troubles[1].contains("#rrggbb"), "{troubles:?}");
    }

    #[test]
    fn the_environment_says_how_many_colours() {
        let with = |pairs: &'static [(&str, &str)]| {
            Depth::detect(|name| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()))
        };
        assert_eq!(with(&[("NO_COLOR", "1"), ("COLORTERM", "truecolor")]), Depth::Mono);
        assert_eq!(with(&[("NO_COLOR", ""), ("COLORTERM", "truecolor")]), Depth::True);
        assert_eq!(with(&[("TERM", "xterm-256color")]), Depth::Indexed);
        assert_eq!(with(&[("TERM", "xterm-kitty")]), Depth::True);
    }

    #[test]
    fn the_nearest_of_256_is_exact_where_it_can_be() {
        assert_eq!(nearest(Color::Rgb(0, 0, 0)), Color::Indexed(16));
        assert_eq!(nearest(Color::Rgb(255, 255, 255)), Color::Indexed(231));
        assert_eq!(nearest(Color::Rgb(95, 135, 255)), Color::Indexed(16 + 36 + 12 + 5));
        assert_eq!(nearest(Color::Rgb(8, 8, 8)), Color::Indexed(232));
        assert_eq!(nearest(Color::Rgb(238, 238, 238)), Color::Indexed(255));
    }

    #[test]
    fn without_colours_a_picture_is_drawn_in_shades() {
        let mut buffer = Buffer::with_lines(["▀▀x"]);
        buffer.content[0].set_fg(Color::Rgb(255, 255, 255)).set_bg(Color::Rgb(255, 255, 255));
        buffer.content[1].set_fg(Color::Rgb(0, 0, 0)).set_bg(Color::Rgb(0, 0, 0));
        buffer.content[2].set_fg(Color::Rgb(255, 0, 0));
        Depth::Mono.apply(&mut buffer);
        assert_eq!(buffer, Buffer::with_lines(["█ x"]));
    }
}
