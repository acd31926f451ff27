//! Files on their way from the hub.
//!
//! hf-hub has a downloader, which is not used: it sends the token to whatever server it is redirected to, waits for ever on
//! one that has gone silent, adds a whole file to a part when a range is ignored, cannot go on from a part that is too long,
//! checks neither size nor hash, and panics on a redirect that leads nowhere.

use super::part::{Part, Trouble};
use super::pull::{Ask, Progress, Tell, Wanted};
use super::{Hub, refusal};
use anyhow::{Context, Result, anyhow, bail, ensure};
use std::{thread, time::Duration};
use ureq::config::RedirectAuthHeaders;
use ureq::http::{Response, Uri};
use ureq::typestate::WithoutBody;
use ureq::{Agent, Body, RequestBuilder};

/// How often an address may send us on.
const REDIRECTS: u32 = 5;
/// How often a file is tried before it gets no further.
const TRIES: u32 = 5;
/// What must have arrived for the tries to be counted anew.
const STRIDE: u64 = 1 << 20;
/// How long a server may be silent.
const SILENCE: Duration = Duration::from_secs(60);

/// What the hub says of a file without sending it.
pub(super) struct Facts {
    /// What names its content: the SHA-256 of a large file.
    pub etag: String,
    pub size: u64,
}

/// A way to the files of one repository.
pub(super) struct Way<'a> {
    hub: &'a Hub,
    ask: &'a Ask,
    agent: Agent,
}

impl<'a> Way<'a> {
    pub fn new(hub: &'a Hub, ask: &'a Ask) -> Way<'a> {
        let agent = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(REDIRECTS)
            .redirect_auth_headers(RedirectAuthHeaders::SameHost)
            .max_response_header_size(64 << 10)
            // A range of a compressed file is no range of the file.
            .accept_encoding("identity")
            .user_agent(concat!("darkroom/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .build();
        Way { hub, ask, agent: agent.into() }
    }

    /// Asks for a file's etag and size. They are the hub's to tell, not those of the server that it redirects to.
    pub fn facts(&self, address: &str, commit: &str) -> Result<Facts> {
        let mut address = address.to_owned();
        for _ in 0..=REDIRECTS {
            let request = self.allowed(self.agent.head(&address));
            let request = request.config().max_redirects(0).max_redirects_will_error(false).build();
            let response = request.call().map_err(|error| refusal::unreachable(self.hub, &error))?;
            let status = response.status();
            if !status.is_success() && !status.is_redirection() {
                return Err(refusal::refused(self.hub, self.ask, &response));
            }
            match header(&response, "location").filter(|to| to.starts_with('/') && !to.starts_with("//")) {
                // Within the hub: a repository that was renamed, or a small file.
                Some(to) if status.is_redirection() && header(&response, "x-linked-etag").is_none() => address = within(&address, to)?,
                _ => return facts(&response, commit).context(address),
            }
        }
        bail!("{} sends us on more than {REDIRECTS} times", self.hub.endpoint)
    }

    /// Fetches a file in as many goes as it takes, and checks it.
    pub fn fetch(&self, wanted: &Wanted, tell: Tell) -> Result<()> {
        let mut part = Part::open(wanted)?;
        // While we waited for the right to add to it, another process may have been done with it.
        if wanted.is_blob_whole() {
            return Ok(());
        }
        tell(Progress::At(part.at))?;
        let (mut best, mut tries) = (part.at, 0);
        while part.at < wanted.size {
            let why = match self.go_on(&mut part, tell) {
                Ok(()) => break,
                Err(Trouble::Lasting(error)) => return Err(error),
                Err(Trouble::Passing(why)) => why,
            };
            if part.at >= best + STRIDE {
                (best, tries) = (part.at, 0);
            }
            tries += 1;
            ensure!(tries < TRIES, "{} could not be fetched in {TRIES} tries ({why}); what has arrived is kept: pull again", wanted.path);
            tell(Progress::BrokeOff(&why))?;
            thread::sleep(self.hub.pause * (1 << (tries - 1)));
        }
        part.keep(tell)
    }

    /// One request for what is missing.
    fn go_on(&self, part: &mut Part, tell: Tell) -> Result<(), Trouble> {
        let mut request = self.allowed(self.agent.get(&part.wanted.address));
        if part.at > 0 {
            request = request.header("range", format!("bytes={}-", part.at));
        }
        let response = request.call().map_err(|error| Trouble::Passing(refusal::why(&error)))?;
        self.begins_right(&response, part)?;
        part.append(response.into_body().into_reader(), tell)
    }

    /// Whether a response goes on where the part ends; where a server cannot, the part begins anew.
    fn begins_right(&self, response: &Response<Body>, part: &mut Part) -> Result<(), Trouble> {
        let path = &part.wanted.path;
        let lasting = |why: String| Err(Trouble::Lasting(anyhow!(why)));
        if let Some(encoding) = header(response, "content-encoding").filter(|encoding| *encoding != "identity") {
            return lasting(format!("{path} is sent compressed ({}) though nobody asked for that", encoding.escape_debug()));
        }
        match response.status().as_u16() {
            200 => part.restart().map_err(Trouble::Lasting),
            206 if header(response, "content-range").is_some_and(|range| is_rest(range, part.at, part.wanted.size)) => Ok(()),
            206 => lasting(format!("{path}: another piece of it is sent than was asked for")),
            416 => Err(Trouble::Lasting(part.spoiled(&format!("{path} ends before the {} bytes it should have", part.wanted.size)))),
            status @ (408 | 429 | 500..) => Err(Trouble::Passing(format!("status {status}"))),
            _ if refusal::code(response).is_some() => Err(Trouble::Lasting(refusal::refused(self.hub, self.ask, response))),
            status => lasting(format!("the server that has {path} answers with status {status}: pull again later")),
        }
    }

    fn allowed(&self, request: RequestBuilder<WithoutBody>) -> RequestBuilder<WithoutBody> {
        match &self.hub.token {
            Some(token) => request.header("authorization", format!("Bearer {token}")),
            None => request,
        }
    }
}

fn facts(response: &Response<Body>, commit: &str) -> Result<Facts> {
    let other = header(response, "x-repo-commit").filter(|other| *other != commit);
    ensure!(other.is_none(), "the hub speaks of another commit than it was asked for");
    let etag = header(response, "x-linked-etag").or(header(response, "etag")).unwrap_or_default();
    let etag = etag.trim_start_matches("W/").trim_matches('"');
    // It names a file of the cache.
    let is_name = (1..=128).contains(&etag.len()) && etag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    ensure!(is_name, "the hub does not say which content it has (etag '{}')", etag.chars().take(80).collect::<String>().escape_debug());
    // The length of a redirect is that of its own few words.
    let length = header(response, "content-length").filter(|_| response.status().is_success());
    let size = header(response, "x-linked-size").or(length).context("the hub does not say how large it is")?;
    let size = size.parse().ok().with_context(|| format!("'{}' is no size", size.escape_debug()))?;
    Ok(Facts { etag: etag.to_owned(), size })
}

fn header<'a>(response: &'a Response<Body>, name: &str) -> Option<&'a str> {
    response.headers().get(name)?.to_str().ok()
}

/// Another path at the server of an address.
fn within(address: &str, path: &str) -> Result<String> {
    let uri: Uri = address.parse()?;
    let (scheme, server) = uri.scheme_str().zip(uri.authority()).context("the address is not whole")?;
    Ok(format!("{scheme}://{server}{path}"))
}

/// Whether `bytes 5-9/10` is all from byte 5 of a file of 10 bytes.
fn is_rest(range: &str, at: u64, size: u64) -> bool {
    let read = || {
        let (span, total) = range.strip_prefix("bytes ")?.split_once('/')?;
        let (first, _) = span.split_once('-')?;
        Some((first.parse::<u64>().ok()?, if total == "*" { size } else { total.parse().ok()? }))
    };
    read() == Some((at, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_file_begins_where_the_part_ends() {
        assert!(is_rest("bytes 5-9/10", 5, 10) && is_rest("bytes 5-9/*", 5, 10) && is_rest("bytes 5-7/10", 5, 10));
        for wrong in ["bytes 0-9/10", "bytes 5-9/11", "bytes */10", "5-9/10", "bytes 5-9", "", "bytes -5-9/10"] {
            assert!(!is_rest(wrong, 5, 10), "{wrong}");
        }
    }

    #[test]
    fn a_redirect_stays_at_its_server() {
        assert_eq!(within("https://hub.example/a/b?c", "/d/e?f").unwrap(), "https://hub.example/d/e?f");
        assert!(within("nothing", "/d").is_err());
    }
}
