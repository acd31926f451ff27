//! A viewer's way to the engine of a workspace, which it starts and starts again as needed.

use super::start::Program;
use super::talk::{End, MUTE, Outgoing, is_frame, is_work, talk};
use super::{Command, News, Wire, socket, start};
use anyhow::{Result, bail};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, sleep};

/// How often an engine may die on a viewer that asks for nothing, before it has lived for [`LIFE`].
const DEATHS: u32 = 3;
const LIFE: Duration = Duration::from_secs(60);
/// How long we wait for an engine that another process is just starting or ending.
const OTHERS: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(100);

/// A wire to the engine of a workspace, which `program` (see [`this_program`]) is started as where there is none.
///
/// Returns at once: [`News`] tells how it goes. When the engine is lost, the next one is started, and gets the commands
/// that have waited. An engine that was stopped stays so until the viewer asks for work or for something to be kept. Dropping
/// [`Wire::commands`] and reading the news to their end makes sure that every command has gone out.
pub fn connect(workspace: &Path, program: Program) -> Wire {
    let (commands, to_send) = unbounded_channel();
    let (tell, news) = unbounded_channel();
    let keeper = Keeper { workspace: workspace.to_owned(), program, commands: to_send, news: tell, outgoing: Outgoing::default() };
    tokio::spawn(keeper.keep());
    Wire { commands, news }
}

/// The running program, to start an engine with, and what that engine is told beside its workspace.
///
/// # Errors
/// When the system does not say where it is.
pub fn this_program(arguments: Vec<OsString>) -> Result<Program> {
    Ok(Program { path: std::env::current_exe()?, arguments })
}

/// A connection to the engine of a workspace, started where there is none; and the engine, if it is our child.
///
/// # Errors
/// Why there is none.
pub async fn reach(workspace: &Path, program: &Program) -> Result<(UnixStream, Option<start::Started>)> {
    let deadline = Instant::now() + OTHERS;
    let mut child = None;
    loop {
        if let Some(stream) = socket::dial(workspace).await? {
            return Ok((stream, child));
        }
        if child.is_some() {
            bail!("the engine ended as soon as it was ready; {} may say why", workspace.join(start::LOG).display());
        }
        child = start::start(program, workspace).await?;
        if child.is_none() && Instant::now() > deadline {
            bail!("another engine holds this workspace and does not listen; `darkroom stop` ends it");
        }
        sleep(POLL).await;
    }
}

struct Keeper {
    workspace: PathBuf,
    program: Program,
    commands: UnboundedReceiver<Command>,
    news: UnboundedSender<News>,
    outgoing: Outgoing,
}

impl Keeper {
    /// Keeps the viewer connected until it leaves.
    async fn keep(mut self) {
        let mut deaths = 0;
        loop {
            let (stream, child) = match reach(&self.workspace, &self.program).await {
                Ok(reached) => reached,
                Err(error) => match self.give_up(format!("{error:#}")).await {
                    true => continue,
                    false => return,
                },
            };
            let begun = Instant::now();
            let end = talk(stream, &mut self.outgoing, &mut self.commands, &self.news).await;
            let anew = std::mem::take(&mut self.outgoing.asked_for_work) || begun.elapsed() >= LIFE;
            deaths = if anew { 1 } else { deaths + 1 };
            let goes_on = match end {
                End::Left => false,
                End::Stopped => {
                    self.lost("the engine was stopped".to_owned());
                    // Who opens a drawing waits for its sheet, and who opens the list of models for the list.
                    self.wait(|command| is_work(command) || matches!(command, Command::Look { .. } | Command::Models)).await
                }
                End::Refused(reason) => self.give_up(reason).await,
                End::Mute => {
                    // It may be busy, and no new one would help.
                    deaths -= 1;
                    self.lost(MUTE.to_owned());
                    true
                }
                End::Broken(reason) => {
                    let how = match child {
                        Some(child) => child.ended().await,
                        None => None,
                    };
                    self.lost(how.map_or(reason, |how| format!("the engine stopped ({how})")));
                    let tired = deaths >= DEATHS;
                    deaths %= DEATHS;
                    !tired || self.give_up(format!("the engine ended {DEATHS} times; it starts again when you ask for something")).await
                }
            };
            if !goes_on {
                return;
            }
        }
    }

    fn lost(&self, reason: String) {
        self.news.send(News::Lost { reason }).ok();
    }

    /// There is no engine until the viewer asks for something. False when it has left.
    async fn give_up(&mut self, reason: String) -> bool {
        self.news.send(News::NoEngine { reason }).ok();
        self.wait(|command| !is_frame(command)).await
    }

    /// Keeps commands until one is worth an engine. False when the viewer has left.
    async fn wait(&mut self, worth: impl Fn(&Command) -> bool) -> bool {
        while let Some(command) = self.commands.recv().await {
            let enough = worth(&command);
            self.outgoing.push(command);
            if enough {
                return true;
            }
        }
        false
    }
}
