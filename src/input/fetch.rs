//! A picture from the web, with a limit on everything.

use anyhow::{Context, Result, anyhow};
use std::time::Duration;
use ureq::{Agent, Error};

/// How often an address may send us on.
const REDIRECTS: u32 = 5;

/// The body of an `http(s)` address of at most `limit` bytes, within `patience` from beginning to end.
///
/// # Errors
/// When the server cannot be reached, does not answer with a file, sends us in circles, or takes too long or too much.
pub fn get(address: &str, limit: u64, patience: Duration) -> Result<Vec<u8>> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(patience))
        .max_redirects(REDIRECTS)
        .max_response_header_size(64 << 10)
        .user_agent(concat!("darkroom/", env!("CARGO_PKG_VERSION")))
        .build()
        .into();
    let shown = shown(address);
    let fetch = || {
        let mut response = agent.get(address).call()?;
        response.body_mut().with_config().limit(limit).read_to_vec()
    };
    fetch().map_err(|error| why(error, limit, patience)).with_context(|| format!("{shown} cannot be fetched"))
}

/// The address without a password and without what could disturb a terminal.
fn shown(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("http", address));
    let (host, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    let host = host.rsplit('@').next().unwrap_or(host);
    format!("{scheme}://{host}{path}").escape_debug().to_string()
}

fn why(error: Error, limit: u64, patience: Duration) -> anyhow::Error {
    match error {
        Error::StatusCode(404) => anyhow!("the server has nothing there (404)"),
        Error::StatusCode(code) => anyhow!("the server answers with status {code}"),
        Error::Timeout(_) => anyhow!("it took longer than {} s", patience.as_secs_f64()),
        Error::BodyExceedsLimit(_) => anyhow!("it is larger than {}", megabytes(limit)),
        Error::TooManyRedirects => anyhow!("it sends us on more than {REDIRECTS} times"),
        Error::HostNotFound => anyhow!("there is no such server"),
        Error::BadUri(_) | Error::Http(_) => anyhow!("that is no address"),
        Error::ConnectionFailed => anyhow!("the server cannot be reached"),
        Error::Io(error) => anyhow!(crate::atomic::reason(&error)),
        error => anyhow!("{error}"),
    }
}

fn megabytes(bytes: u64) -> String {
    match bytes >> 20 {
        0 => format!("{bytes} bytes"),
        megabytes => format!("{megabytes} MB"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;

    /// A server on this machine that gives every connection the same answer, and its address.
    fn server(answer: impl Fn(u16) -> Vec<u8> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        thread::spawn(move || {
            for connection in listener.incoming() {
                let mut connection = connection.unwrap();
                let _ = connection.read(&mut [0; 4096]);
                let _ = connection.write_all(&answer(port));
                // What is never answered stays open until the other side gives up.
                if answer(port).is_empty() {
                    let _ = connection.read(&mut [0; 1]);
                }
            }
        });
        format!("http://127.0.0.1:{port}/tower.png")
    }

    fn ok(body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len()).as_bytes(), body].concat()
    }

    fn refused(address: &str) -> String {
        format!("{:#}", get(address, 1000, Duration::from_millis(300)).unwrap_err())
    }

    #[test]
    fn a_file_comes_whole() {
        assert_eq!(get(&server(|_| ok(b"pixels")), 1000, Duration::from_secs(10)).unwrap(), b"pixels");
    }

    #[test]
    fn one_redirect_is_followed_and_a_circle_is_not() {
        let target = server(|_| ok(b"pixels"));
        let once =
            server(move |_| format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into());
        assert_eq!(get(&once, 1000, Duration::from_secs(10)).unwrap(), b"pixels");
        let circle = server(|port| {
            format!("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:{port}/\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").into()
        });
        let words = format!("{:#}", get(&circle, 1000, Duration::from_secs(10)).unwrap_err());
        assert!(words.contains("more than 5 times"), "{words}");
    }

    #[test]
    fn what_a_server_does_wrong_is_said() {
        assert!(refused(&server(|_| b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_vec())).contains("nothing there (404)"));
        assert!(refused(&server(|_| ok(&[7; 1001]))).contains("larger than 1000 bytes"));
        let endless = |_| [b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n".to_vec(), vec![7; 100_000]].concat();
        assert!(refused(&server(endless)).contains("larger than 1000 bytes"), "the length need not be told");
        assert!(refused(&server(|_| Vec::new())).contains("longer than 0.3 s"));
        assert!(refused("http://127.0.0.1:1/x").contains("cannot be fetched"));
    }

    #[test]
    fn a_redirect_to_a_file_is_not_followed() {
        let server = server(|_| b"HTTP/1.1 302 Found\r\nlocation: file:///etc/passwd\r\ncontent-length: 0\r\n\r\n".to_vec());
        assert!(get(&server, 1000, Duration::from_secs(10)).is_err());
    }

    #[test]
    fn a_password_is_not_repeated() {
        assert_eq!(shown("https://me:secret@example.org/a@b.png"), "https://example.org/a@b.png");
    }
}
