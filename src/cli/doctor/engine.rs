//! The engine: here in the workspace, or on another machine over ssh.

use super::told::Fact;
use crate::engine::lock;
use crate::link::remote::Remote;
use crate::link::{self, Event, News, PROTOCOL, Wire, client, socket};
use crate::words::{duration, sentence};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::time::timeout;

/// How long another machine may take, and a person who is asked for a password.
const PATIENCE: Duration = Duration::from_secs(120);
/// An engine that does not listen after so long does not open the gallery any more.
const OPENS: Duration = Duration::from_secs(60);

/// What was found of an engine.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Engine {
    /// There is none.
    Absent,
    /// It has answered.
    Answers(Greeting),
    /// This process has just taken the workspace and does not listen yet.
    Starting(u32),
    /// This process holds the workspace and does not listen.
    Deaf(u32),
    /// It cannot be spoken with, and why.
    Unreached(String),
}

/// What an engine says of itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Greeting {
    pub version: String,
    pub pid: u32,
    /// Milliseconds since it started.
    pub up_ms: f64,
    pub places: Vec<String>,
    pub workspace: String,
    /// How long it took until it answered.
    pub took: Duration,
}

impl Engine {
    /// Asks that of a workspace. Starts none.
    pub async fn here(workspace: &Path) -> Engine {
        let asked = Instant::now();
        match socket::dial(workspace).await {
            Ok(Some(stream)) => greeting(link::over(stream), asked).await,
            Ok(None) => match lock::holder(workspace) {
                None => Engine::Absent,
                Some(pid) if lock::held_for(workspace).is_some_and(|held| held < OPENS) => Engine::Starting(pid),
                Some(pid) => Engine::Deaf(pid),
            },
            Err(error) => Engine::Unreached(sentence(&error)),
        }
    }

    /// Asks that of another machine; the way there must be one that starts none.
    pub async fn there(remote: Remote) -> Engine {
        let asked = Instant::now();
        let found = timeout(PATIENCE, async {
            match client::connect_to(remote).await {
                Ok(wire) => greeting(wire, asked).await,
                Err(error) => Engine::Unreached(sentence(&error)),
            }
        });
        found.await.unwrap_or_else(|_| Engine::Unreached(format!("no answer within {} s", PATIENCE.as_secs())))
    }

    /// That of this machine as lines.
    pub fn facts(&self) -> Vec<Fact> {
        match self {
            Engine::Absent => vec![Fact::good("engine", "none runs; the workbench starts one")],
            Engine::Answers(greeting) => greeting.facts(),
            Engine::Starting(pid) => vec![Fact::good("engine", format!("process {pid} is starting"))],
            Engine::Deaf(pid) => {
                let says = format!("process {pid} holds the workspace and does not listen");
                vec![Fact::wrong("engine", says, "`darkroom stop` ends it; its runs go on in the next one.")]
            }
            Engine::Unreached(reason) => {
                vec![Fact::wrong("engine", reason, "`darkroom stop` ends it; engine.log in the workspace may say more.")]
            }
        }
    }

    /// That of another machine as lines.
    pub fn facts_there(&self, host: &str) -> Vec<Fact> {
        let more = format!("What is wrong on {host} itself is told by\n  ssh -t {host} darkroom doctor");
        let mut facts = match self {
            Engine::Absent => {
                let reached = Fact::good("connection", "ssh reaches it, and darkroom is there");
                vec![reached, Fact::good("engine", "none runs; the workbench starts one")]
            }
            Engine::Answers(greeting) => {
                let reached = format!("ssh reaches it; the engine answered after {}", milliseconds(greeting.took));
                let workspace = Fact::good("workspace", &greeting.workspace);
                [Fact::good("connection", reached)].into_iter().chain(greeting.facts()).chain([workspace]).collect()
            }
            Engine::Starting(_) | Engine::Deaf(_) => Vec::new(),
            Engine::Unreached(reason) if let Some(said) = said_there(host, reason) => {
                vec![
                    Fact::good("connection", "ssh reaches it"),
                    Fact::wrong("engine", said, format!("`ssh -t {host} darkroom stop` ends it.")),
                ]
            }
            Engine::Unreached(reason) => {
                let advice = format!("Try `ssh {host}` alone; darkroom uses the same names and keys, and must be installed there too.");
                return vec![Fact::wrong("connection", reason, advice)];
            }
        };
        facts.push(Fact { advice: Some(more), ..Fact::good("that machine", "its GPU, models and disk are not looked at from here") });
        facts
    }
}

impl Greeting {
    fn facts(&self) -> Vec<Fact> {
        let ours = env!("CARGO_PKG_VERSION");
        let says = format!("process {}, darkroom {}, link {PROTOCOL}, up {}", self.pid, self.version, duration(self.up_ms));
        let engine = match self.version == ours {
            true => Fact::good("engine", says),
            false => {
                let advice =
                    format!("This program is darkroom {ours}. `darkroom stop` ends the engine once nothing runs; the next one is as new.");
                Fact::note("engine", says, advice)
            }
        };
        vec![engine, Fact::good("computes on", self.places.join(", "))]
    }
}

/// What darkroom on that machine has said, if it was not ssh.
fn said_there<'a>(host: &str, reason: &'a str) -> Option<&'a str> {
    reason.strip_prefix(host).and_then(|said| said.strip_prefix(": ")).or(Some(reason).filter(|reason| reason.starts_with("the engine ")))
}

async fn greeting(mut wire: Wire, asked: Instant) -> Engine {
    while let Some(news) = wire.news.recv().await {
        match news {
            News::Event(Event::Hello { version, pid, started_ms, places, workspace, .. }) => {
                let up_ms = (now_ms() - started_ms as f64).max(0.0);
                return Engine::Answers(Greeting { version, pid, up_ms, places, workspace, took: asked.elapsed() });
            }
            News::NoEngine { .. } => return Engine::Absent,
            News::Event(Event::Refused { reason }) | News::Lost { reason } => return Engine::Unreached(reason),
            _ => {}
        }
    }
    Engine::Unreached("it closed the connection".to_owned())
}

fn now_ms() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64() * 1e3)
}

/// As people read it.
pub(super) fn milliseconds(time: Duration) -> String {
    match time.as_secs_f64() * 1e3 {
        ms if ms < 0.05 => "less than 0.1 ms".to_owned(),
        ms if ms < 9.95 => format!("{ms:.1} ms"),
        ms => duration(ms),
    }
}
