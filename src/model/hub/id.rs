//! What a repository is called.

use anyhow::{Error, Result, ensure};
use std::{fmt, str::FromStr};

/// A repository's name on the hub: `DeepFloyd/IF-I-XL-v1.0`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id(String);

/// The most letters that the hub gives a name.
const LONGEST: usize = 96;
/// What the names of the cache's folders begin with where they hold a model.
const MODELS: &str = "models--";

impl Id {
    /// The name without its owner.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&self.0, |(_, name)| name)
    }

    /// The repository that a folder of the cache is of.
    pub(super) fn of_folder(folder: &str) -> Option<Id> {
        let (owner, name) = folder.strip_prefix(MODELS)?.split_once("--")?;
        format!("{owner}/{name}").parse().ok()
    }

    /// The repository's folder in the cache.
    pub(super) fn folder(&self) -> String {
        hf_hub::Repo::model(self.0.clone()).folder_name()
    }
}

impl FromStr for Id {
    type Err = Error;

    /// The hub's own rules; they also make folders of the cache and names of repositories the same thing.
    fn from_str(text: &str) -> Result<Id> {
        let letters = |c: char| c.is_ascii_alphanumeric() || ".-_".contains(c);
        let plain = |part: &str| {
            let bent =
                part.is_empty() || part.contains("--") || part.contains("..") || part.starts_with(['-', '.']) || part.ends_with(['-', '.']);
            !bent && part.chars().all(letters)
        };
        let both = text.split_once('/').is_some_and(|(owner, name)| plain(owner) && plain(name));
        ensure!(
            both && text.len() <= LONGEST,
            "'{}' names no repository; write owner/name, such as DeepFloyd/IF-I-XL-v1.0",
            text.chars().take(LONGEST).collect::<String>().escape_debug()
        );
        Ok(Id(text.to_owned()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_owner_and_a_name_and_nothing_that_leads_elsewhere() {
        for id in ["DeepFloyd/IF-I-XL-v1.0", "a/b", "my_org/x.y-z"] {
            let parsed: Id = id.parse().unwrap();
            assert_eq!(parsed.to_string(), id);
            assert_eq!(Id::of_folder(&parsed.folder()), Some(parsed));
        }
        assert_eq!("DeepFloyd/IF-I-XL-v1.0".parse::<Id>().unwrap().name(), "IF-I-XL-v1.0");
        let long = format!("a/{}", "b".repeat(LONGEST));
        for wrong in ["", "gpt2", "a/b/c", "/b", "a/", "../b", "a/..", "./b", "a--b/c", "a b/c", "a/b?c", "~/b", "a/b\\c", "a/b%2e", &long]
        {
            assert!(wrong.parse::<Id>().is_err(), "{wrong}");
        }
        assert_eq!(Id::of_folder("datasets--a--b"), None);
        assert_eq!(Id::of_folder("models--gpt2"), None);
    }
}
