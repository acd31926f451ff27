//! What users put on their runs to find them again.

use serde::{Deserialize, Serialize};

/// The best rating.
pub const BEST: u8 = 5;
/// The most tags that a run has, and the most characters of one.
pub const MAX_TAGS: usize = 32;
const MAX_TAG: usize = 64;

/// The marks on a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// Whether it is a favourite.
    pub star: bool,
    /// 1 to [`BEST`]; 0 for none.
    pub rating: u8,
    /// In the order in which they were put on, none twice.
    pub tags: Vec<String>,
}

/// A change of the marks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mark {
    /// A favourite, or none any more.
    Star(bool),
    /// 1 to [`BEST`]; 0 takes the rating away.
    Rate(u8),
    /// Puts a tag on.
    Tag(String),
    /// Takes a tag off.
    Untag(String),
}

impl Marks {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        *self == Marks::default()
    }

    /// The marks after a change.
    ///
    /// # Errors
    /// When the rating is above [`BEST`], or the tag is no tag: empty, long, or with spaces, commas or control characters.
    pub fn with(mut self, mark: &Mark) -> Result<Marks, String> {
        match mark {
            Mark::Star(star) => self.star = *star,
            Mark::Rate(rating) if *rating > BEST => return Err(format!("a rating is 1 to {BEST}, or 0 for none")),
            Mark::Rate(rating) => self.rating = *rating,
            Mark::Untag(tag) => self.tags.retain(|known| known != tag),
            Mark::Tag(tag) => {
                check_tag(tag)?;
                self.tags.retain(|known| known != tag);
                if self.tags.len() >= MAX_TAGS {
                    return Err(format!("a run has at most {MAX_TAGS} tags; take one off first"));
                }
                self.tags.push(tag.clone());
            }
        }
        Ok(self)
    }
}

fn check_tag(tag: &str) -> Result<(), String> {
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ',' | ':' | '"');
    match tag.is_empty() || tag.chars().count() > MAX_TAG || tag.chars().any(odd) {
        true => Err(format!("a tag is one word of at most {MAX_TAG} characters, without commas, colons and quotes")),
        false => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_put_on_once_and_comes_off_again() {
        let tag = |word: &str| Mark::Tag(word.into());
        let marks = Marks::default().with(&tag("a")).unwrap().with(&tag("b")).unwrap().with(&tag("a")).unwrap();
        assert_eq!(marks.tags, ["b", "a"]);
        let marks = marks.with(&Mark::Untag("b".into())).unwrap().with(&Mark::Untag("a".into())).unwrap();
        assert!(marks.is_empty());
    }

    #[test]
    fn what_is_no_tag_and_no_rating_is_refused() {
        for word in ["", "two words", "a,b", "a:b", "\u{1b}[2J", "\"", &"x".repeat(65)] {
            assert!(Marks::default().with(&Mark::Tag(word.into())).is_err(), "{word:?}");
        }
        assert!(Marks::default().with(&Mark::Rate(6)).is_err());
        assert_eq!(Marks::default().with(&Mark::Rate(5)).unwrap().rating, 5);
    }
}
