//! Why the hub does not give a file, and what to do, in a sentence.

use super::{Ask, Hub};
use anyhow::{Error, anyhow};
use ureq::{Body, http::Response};

/// What the hub means by a status.
pub(super) fn refused(hub: &Hub, ask: &Ask, response: &Response<Body>) -> Error {
    let Hub { endpoint, token, .. } = hub;
    let id = &ask.id;
    match (response.status().as_u16(), code(response), token) {
        (401, Some("RepoNotFound"), None) => anyhow!(
            "there is no {id} at {endpoint}, or it is not public: check the name, or set HF_TOKEN to a token of an account that may \
             read it ({endpoint}/settings/tokens) and pull again"
        ),
        (401 | 403, _, None) => anyhow!(
            "{id} is gated: accept its licence at {endpoint}/{id} while logged in, then set HF_TOKEN to a token of that account \
             ({endpoint}/settings/tokens) and pull again"
        ),
        (403, _, _) | (401, Some("GatedRepo"), _) => anyhow!(
            "{id} is gated, and the account of your token is not let in: accept its licence at {endpoint}/{id} while logged in with it \
             (a fine-grained token must also be allowed to read gated repositories: {endpoint}/settings/tokens), then pull again"
        ),
        (401, ..) => anyhow!(
            "{endpoint} does not take your token for {id}: set HF_TOKEN to a new one ({endpoint}/settings/tokens), accept the licence at \
             {endpoint}/{id} if there is one, and pull again"
        ),
        (404, Some("RevisionNotFound"), _) => {
            anyhow!("{id} has no revision '{}': see {endpoint}/{id}/commits/main", ask.revision)
        }
        (404, Some("EntryNotFound"), _) => anyhow!("{id} has changed in this moment: pull again"),
        (404, ..) => anyhow!("there is no repository {id} at {endpoint}: write owner/name as in its address"),
        (429, ..) => anyhow!("{endpoint} asks for patience (429): pull again in some minutes"),
        (status @ 500.., ..) => anyhow!("{endpoint} is in trouble ({status}): pull again later"),
        (status, ..) => anyhow!("{endpoint} answers with status {status} when asked for {id}"),
    }
}

/// The hub's own word for what is wrong.
pub(super) fn code(response: &Response<Body>) -> Option<&str> {
    response.headers().get("x-error-code")?.to_str().ok()
}

/// Why there is no answer at all.
pub(super) fn unreachable(hub: &Hub, error: &ureq::Error) -> Error {
    let endpoint = hub.endpoint.escape_debug();
    match error {
        ureq::Error::BadUri(_) | ureq::Error::Http(_) => {
            anyhow!("'{endpoint}' or the token is written wrongly: see to HF_ENDPOINT and HF_TOKEN")
        }
        _ => anyhow!(
            "{endpoint} cannot be reached ({}): see to the network, or to HTTPS_PROXY where there is a proxy, and pull again; \
             what has arrived is kept",
            why(error)
        ),
    }
}

/// What went wrong on the way.
pub(super) fn why(error: &ureq::Error) -> String {
    match error {
        ureq::Error::HostNotFound => "there is no such server".to_owned(),
        ureq::Error::ConnectionFailed => "no connection".to_owned(),
        ureq::Error::Timeout(_) => "no answer in time".to_owned(),
        ureq::Error::Io(error) => crate::atomic::reason(error),
        error => error.to_string(),
    }
}
