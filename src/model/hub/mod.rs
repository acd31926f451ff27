//! The hub where models are published, and the cache that its files are kept in beside those of every other program.

mod cached;
mod choose;
mod id;
mod listing;
mod part;
mod pull;
mod refusal;
mod transfer;

pub use cached::{Cached, cached, repository, snapshot};
pub use choose::choose;
pub use id::Id;
pub use pull::{Ask, Progress, Pulled, Tell, pull};

use anyhow::{Context, Result, ensure};
use std::{
    env, fmt, fs,
    path::{Path, PathBuf, absolute},
    time::Duration,
};

const ENDPOINT: &str = "https://huggingface.co";

/// A hub, and where what is pulled from it is kept.
#[derive(Clone)]
pub struct Hub {
    /// Its address, without a slash at the end.
    pub endpoint: String,
    /// The cache's folder.
    pub cache: PathBuf,
    /// What tells the hub who asks.
    pub token: Option<String>,
    /// How long to wait after a first failure before trying again; after each further one twice as long.
    pub pause: Duration,
}

/// The value of an environment's variable.
pub type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

impl Hub {
    /// The hub of this process's own environment.
    ///
    /// # Errors
    /// When nothing may be downloaded, or there is nowhere to keep it.
    pub fn of_user() -> Result<Hub> {
        let variable = |name: &str| env::var(name).ok();
        let offline = variable("HF_HUB_OFFLINE").is_some_and(|value| ["1", "ON", "YES", "TRUE"].contains(&value.to_uppercase().as_str()));
        ensure!(!offline, "HF_HUB_OFFLINE is set, and so nothing is downloaded: unset it and pull again");
        let folders = directories::BaseDirs::new().context("there is no home folder; name a cache with HF_HOME")?;
        Ok(Hub::of(&variable, folders.home_dir()))
    }

    /// The hub that an environment speaks of, understood as huggingface_hub understands it.
    pub fn of(variable: Variable, home: &Path) -> Hub {
        let endpoint = set(variable, "HF_ENDPOINT").unwrap_or(ENDPOINT.to_owned());
        Hub {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            cache: cache(variable, home),
            token: token(variable, home),
            pause: Duration::from_secs(1),
        }
    }
}

impl fmt::Debug for Hub {
    /// Without the token, which is nobody's business.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("endpoint", &self.endpoint).field("cache", &self.cache).finish_non_exhaustive()
    }
}

/// The cache of this process's own environment; it may not be there.
pub fn user_cache() -> Option<PathBuf> {
    Some(cache(&|name| env::var(name).ok(), directories::BaseDirs::new()?.home_dir()))
}

fn cache(variable: Variable, home: &Path) -> PathBuf {
    let named = ["HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"].iter().find_map(|name| path(variable, name, home));
    named.unwrap_or_else(|| hf_home(variable, home).join("hub"))
}

fn hf_home(variable: Variable, home: &Path) -> PathBuf {
    path(variable, "HF_HOME", home)
        .unwrap_or_else(|| path(variable, "XDG_CACHE_HOME", home).unwrap_or_else(|| home.join(".cache")).join("huggingface"))
}

fn token(variable: Variable, home: &Path) -> Option<String> {
    let file = path(variable, "HF_TOKEN_PATH", home).unwrap_or_else(|| hf_home(variable, home).join("token"));
    let said = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"].iter().find_map(|name| set(variable, name));
    let token = said.or_else(|| fs::read_to_string(file).ok())?.replace(['\r', '\n'], "").trim().to_owned();
    (!token.is_empty()).then_some(token)
}

fn path(variable: Variable, name: &str, home: &Path) -> Option<PathBuf> {
    let path = set(variable, name)?;
    let path = path.strip_prefix("~/").map_or_else(|| PathBuf::from(&path), |rest| home.join(rest));
    absolute(path).ok()
}

fn set(variable: Variable, name: &str) -> Option<String> {
    variable(name).filter(|value| !value.trim().is_empty())
}

/// An amount of bytes for people: `792 kB`, `8.6 GB`.
pub fn amount(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hub(variables: &[(&str, &str)], home: &Path) -> Hub {
        let variables = variables.to_vec();
        Hub::of(&|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()), home)
    }

    #[test]
    fn the_cache_lies_where_huggingface_hub_puts_it() {
        let cache = |variables: &[(&str, &str)]| hub(variables, Path::new("/home/me")).cache;
        assert_eq!(cache(&[]), Path::new("/home/me/.cache/huggingface/hub"));
        assert_eq!(cache(&[("XDG_CACHE_HOME", "/fast")]), Path::new("/fast/huggingface/hub"));
        assert_eq!(cache(&[("HF_HOME", "~/hf"), ("XDG_CACHE_HOME", "/fast")]), Path::new("/home/me/hf/hub"));
        assert_eq!(cache(&[("HF_HUB_CACHE", "/hub"), ("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/hf")]), Path::new("/hub"));
        assert_eq!(cache(&[("HUGGINGFACE_HUB_CACHE", "/old"), ("HF_HOME", "/hf")]), Path::new("/old"));
        assert_eq!(cache(&[("HF_HOME", " ")]), Path::new("/home/me/.cache/huggingface/hub"), "an empty variable is none");
    }

    #[test]
    fn the_endpoint_may_be_another_and_has_no_slash_at_its_end() {
        let endpoint = |variables: &[(&str, &str)]| hub(variables, Path::new("/home/me")).endpoint;
        assert_eq!(endpoint(&[]), "https://huggingface.co");
        assert_eq!(endpoint(&[("HF_ENDPOINT", "https://mirror.example/")]), "https://mirror.example");
    }

    #[test]
    fn the_token_comes_from_the_usual_places_in_their_order() {
        let home = tempfile::tempdir().unwrap();
        let token = |variables: &[(&str, &str)]| hub(variables, home.path()).token;
        assert_eq!(token(&[]), None);
        fs::create_dir_all(home.path().join(".cache/huggingface")).unwrap();
        fs::write(home.path().join(".cache/huggingface/token"), "of-the-file\n").unwrap();
        fs::write(home.path().join("elsewhere"), " of-another-file \r\n").unwrap();
        let path = home.path().join("elsewhere");
        let elsewhere = ("HF_TOKEN_PATH", path.to_str().unwrap());
        assert_eq!(token(&[]).unwrap(), "of-the-file");
        assert_eq!(token(&[elsewhere]).unwrap(), "of-another-file");
        assert_eq!(token(&[("HUGGING_FACE_HUB_TOKEN", "old"), elsewhere]).unwrap(), "old");
        assert_eq!(token(&[("HF_TOKEN", "new"), ("HUGGING_FACE_HUB_TOKEN", "old"), elsewhere]).unwrap(), "new");
        assert_eq!(token(&[("HF_TOKEN", "")]).unwrap(), "of-the-file");
        assert!(!format!("{:?}", hub(&[("HF_TOKEN", "secret")], home.path())).contains("secret"));
    }

    #[test]
    fn amounts_have_a_unit() {
        assert_eq!([601, 1_680, 6_990_748, 8_609_390_220].map(amount), ["601 bytes", "1.7 kB", "7.0 MB", "8.6 GB"]);
    }
}
