//! What files a repository has, at which commit.

use super::{Ask, Hub, refusal};
use anyhow::{Context, Result, ensure};
use hf_hub::api::{RepoInfo, sync::ApiBuilder};
use hf_hub::{Cache, Repo, RepoType};
use std::{collections::BTreeSet, time::Duration};

/// The most bytes that a listing may have.
const LARGEST: u64 = 16 << 20;
/// How long the hub may take to list a repository.
const PATIENCE: Duration = Duration::from_secs(60);
/// The longest path of a file, in bytes.
const LONGEST: usize = 512;

/// A repository at one moment.
#[derive(Debug)]
pub(super) struct Listing {
    /// The hash of the commit.
    pub commit: String,
    pub files: BTreeSet<String>,
}

/// Asks the hub for the files of a revision.
pub(super) fn read(hub: &Hub, ask: &Ask) -> Result<Listing> {
    let api = ApiBuilder::from_cache(Cache::new(hub.cache.clone()))
        .with_endpoint(hub.endpoint.clone())
        .with_token(hub.token.clone())
        .with_user_agent("darkroom", env!("CARGO_PKG_VERSION"))
        .build()?;
    let repo = api.repo(Repo::with_revision(ask.id.to_string(), RepoType::Model, ask.revision.clone()));
    // Not `info`, which forgets what the hub says when it refuses, and waits for ever.
    let request = repo.info_request().config().http_status_as_error(false).timeout_global(Some(PATIENCE)).build();
    let mut response = request.call().map_err(|error| refusal::unreachable(hub, &error))?;
    if !response.status().is_success() {
        return Err(refusal::refused(hub, ask, &response));
    }
    let bytes = response.body_mut().with_config().limit(LARGEST).read_to_vec().map_err(|error| refusal::unreachable(hub, &error))?;
    parse(&bytes).with_context(|| format!("what {} says of {} cannot be used", hub.endpoint, ask.id))
}

/// A listing that could lead out of the cache, or is none.
fn parse(bytes: &[u8]) -> Result<Listing> {
    let info: RepoInfo = serde_json::from_slice(bytes).context("it is no listing of files")?;
    ensure!(is_commit(&info.sha), "'{}' is no commit", shown(&info.sha));
    let files: BTreeSet<String> = info.siblings.into_iter().map(|file| file.rfilename).collect();
    if let Some(wrong) = files.iter().find(|file| !is_inside(file)) {
        anyhow::bail!("it names a file '{}', which no repository has", shown(wrong));
    }
    Ok(Listing { commit: info.sha, files })
}

/// Whether this is the hash of a commit, which names a folder of the cache.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_inside(file: &str) -> bool {
    let strange = file.len() > LONGEST || file.contains('\\') || file.chars().any(char::is_control);
    !strange && file.split('/').all(|part| !matches!(part, "" | "." | "..") && part.len() <= 255)
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect::<String>().escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listing(sha: &str, file: &str) -> Result<Listing> {
        parse(serde_json::json!({ "sha": sha, "siblings": [{ "rfilename": file }], "gated": "auto" }).to_string().as_bytes())
    }

    #[test]
    fn a_listing_is_a_commit_and_files() {
        let sha = "c03d510e9b75bce9f9db5bb85148c1402ad7e694";
        let read = listing(sha, "unet/config.json").unwrap();
        assert_eq!((read.commit.as_str(), read.files.first().unwrap().as_str()), (sha, "unet/config.json"));
        assert!(listing(sha, ".gitattributes").is_ok());
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let sha = "c03d510e9b75bce9f9db5bb85148c1402ad7e694";
        let long = "x/".repeat(LONGEST) + "y";
        for file in
            ["../evil", "/etc/passwd", "unet/../../evil", "unet//x", "", ".", "unet/", "a\\b", "a\n", "a\0b", &long, &"x".repeat(256)]
        {
            let words = format!("{:#}", listing(sha, file).unwrap_err());
            assert!(words.contains("which no repository has") && words.len() < 200, "{words}");
        }
        for sha in ["", "main", "../../..", &"C".repeat(40), &"a".repeat(41), &"a/".repeat(20)] {
            assert!(format!("{:#}", listing(sha, "x").unwrap_err()).contains("is no commit"), "{sha}");
        }
        assert!(format!("{:#}", parse(b"<html>").unwrap_err()).contains("no listing"));
    }
}
