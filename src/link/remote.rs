//! An engine on another machine: its link is the standard input and output of `ssh HOST darkroom attach --stdio`.
//!
//! It is the system's ssh, so that names, keys, agents and jump hosts are those of the user's `~/.ssh/config`.

use super::talk::{CLOSED, End};
use anyhow::{Context, Result, ensure};
use rustix::io::Errno;
use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use std::ffi::OsString;
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;
use std::{os::unix::net::UnixStream as StdStream, thread};
use tokio::net::UnixStream;
use tokio::sync::oneshot;
use tokio::time::timeout;

/// What `darkroom attach --watch` ends with where there is no engine.
pub const NO_ENGINE: u8 = 3;

/// Settings of every connection. A dead one is noticed after nine seconds, and what the user's configuration does for
/// terminals on that machine is left out. One that is there to be shared is used; none is made, which would end with ours.
const SETTINGS: &[&str] = &[
    "ConnectTimeout=10",
    "ControlMaster=no",
    "ServerAliveInterval=3",
    "ServerAliveCountMax=3",
    "ClearAllForwardings=yes",
    "ForwardAgent=no",
    "ForwardX11=no",
    "RemoteCommand=none",
];
/// While the screen is up a question would be lost on it.
const ASKS_NOTHING: &str = "BatchMode=yes";
/// The ssh that goes through a jump host is not told that setting, and asks this program in place of the terminal.
const ASKED: [(&str, &str); 2] = [("SSH_ASKPASS", "false"), ("SSH_ASKPASS_REQUIRE", "force")];
/// Shares no connection with others.
const ALONE: &str = "ControlPath=none";
/// What ssh ends with where it is ssh itself that failed.
const SSH_FAILED: i32 = 255;
/// How long ssh may take to end after its connection broke.
const BURIAL: Duration = Duration::from_secs(2);
/// How long its last words may take once it has ended: a connection that it leaves for others to share keeps them open.
const LAST_WORDS: Duration = Duration::from_millis(100);
/// The most of its words that are kept, in bytes.
const WORDS: usize = 4096;

/// The way to an engine on another machine.
#[derive(Clone, Debug)]
pub struct Remote {
    ssh: PathBuf,
    host: String,
    /// What runs there, as its shell reads it.
    command: String,
    watches: bool,
}

/// How a machine is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    /// A person may be asked for a password on the terminal.
    Asks,
    Quiet,
    /// Quietly, and over a connection of its own: the one that is shared may be dead, and says nothing of it.
    Alone,
}

/// What is said to darkroom on another machine.
#[derive(Clone, Debug, Default)]
pub struct There {
    /// The program.
    pub program: String,
    /// The workspace, where it is not that of the user.
    pub workspace: Option<String>,
    /// What its engine is told if it is started.
    pub arguments: Vec<OsString>,
    /// Whether none is started.
    pub watches: bool,
}

impl Remote {
    /// The way to a machine by the name that ssh knows it by.
    ///
    /// # Errors
    /// When a name cannot be one.
    pub fn new(host: &str, there: &There) -> Result<Remote> {
        let odd = |text: &str| text.chars().any(|c| c.is_whitespace() || c.is_control());
        ensure!(!host.is_empty() && !host.starts_with('-') && !odd(host), "'{}' is no name of a machine", host.escape_debug());
        let mut words = vec![there.program.clone()];
        words.extend(there.workspace.iter().flat_map(|workspace| ["--workspace".to_owned(), workspace.clone()]));
        words.extend(there.arguments.iter().map(|argument| argument.to_string_lossy().into_owned()));
        words.extend(["attach", "--stdio"].map(str::to_owned));
        words.extend(there.watches.then(|| "--watch".to_owned()));
        let strange = words.iter().find(|word| word.is_empty() || word.chars().any(char::is_control));
        ensure!(strange.is_none(), "'{}' cannot be said to another machine", strange.map_or("", String::as_str).escape_debug());
        let command = words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
        Ok(Remote { ssh: PathBuf::from("ssh"), host: host.to_owned(), command, watches: there.watches })
    }

    /// The same way, made by another program than the `ssh` on the path.
    pub fn by(self, ssh: &Path) -> Remote {
        Remote { ssh: ssh.to_owned(), ..self }
    }

    /// Whether no engine is started there.
    pub(super) fn watches(&self) -> bool {
        self.watches
    }

    /// Starts ssh.
    ///
    /// # Errors
    /// When there is no ssh.
    pub(super) fn dial(&self, manner: Manner) -> Result<(UnixStream, Ssh)> {
        let (ours, its) = StdStream::pair()?;
        let (stdin, stdout): (OwnedFd, OwnedFd) = (its.try_clone()?.into(), its.into());
        let mut ssh = Command::new(&self.ssh);
        ssh.args(self.arguments(manner)).stdin(stdin).stdout(stdout).stderr(Stdio::piped());
        ssh.envs(ASKED.into_iter().filter(|_| manner != Manner::Asks));
        let mut child = ssh.spawn().with_context(|| format!("{} cannot be started", self.ssh.display()))?;
        let (stderr, child) = (child.stderr.take(), Arc::new(Mutex::new(child)));
        let (end, ended) = oneshot::channel();
        let attended = child.clone();
        thread::Builder::new().name("ssh".into()).spawn(move || drop(end.send(attend(&attended, stderr))))?;
        ours.set_nonblocking(true)?;
        Ok((UnixStream::from_std(ours)?, Ssh { host: self.host.clone(), child: Some(child), ended }))
    }

    fn arguments(&self, manner: Manner) -> Vec<&str> {
        let settings = SETTINGS.iter().chain((manner != Manner::Asks).then_some(&ASKS_NOTHING));
        let settings = settings.chain((manner == Manner::Alone).then_some(&ALONE));
        let options = settings.flat_map(|setting| ["-o", setting]);
        ["-T", "-C"].into_iter().chain(options).chain(["--", &self.host, &self.command]).collect()
    }
}

/// What a folder is called that is for one workspace of another machine.
pub fn folder_name(host: &str, workspace: Option<&Path>) -> String {
    let name = workspace.map_or(host.to_owned(), |workspace| format!("{host}:{}", workspace.display()));
    let plain = |at: usize, c: char| c.is_ascii_alphanumeric() || "@-_:".contains(c) || at > 0 && c == '.';
    let escaped = name.chars().enumerate().map(|(at, c)| if plain(at, c) { c.to_string() } else { format!("%{:x}", u32::from(c)) });
    escaped.collect()
}

/// A word for a shell on another machine, whichever it is. A leading `~/` stays that shell's to read.
fn quoted(word: &str) -> String {
    let (home, rest) = word.split_at(if word.starts_with("~/") { 2 } else { 0 });
    let plain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "/._-,:@+".contains(c);
    let escaped = rest.chars().map(|c| if plain(c) { c.to_string() } else { format!("\\{c}") });
    home.chars().map(String::from).chain(escaped).collect()
}

/// A connection's ssh. It ends with this: were the other side mute, it would stay.
pub(super) struct Ssh {
    host: String,
    /// None where it is let go.
    child: Option<Arc<Mutex<Child>>>,
    ended: oneshot::Receiver<(io::Result<ExitStatus>, String)>,
}

impl Ssh {
    /// Why the connection is over, where all that is seen of it is that it `broke`.
    pub(super) async fn why(mut self, broke: String) -> End {
        match timeout(BURIAL, &mut self.ended).await {
            Ok(Ok((Ok(status), words))) => why(&self.host, status, &words, broke),
            _ => End::Broken(unexpected(broke)),
        }
    }

    /// It ends by itself, once what is on its way has gone out.
    pub(super) fn let_go(mut self) {
        self.child = None;
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        // One that has ended, and was waited for, is left alone.
        self.child.iter().for_each(|child| _ = locked(child).kill());
    }
}

/// Waits for ssh to end, and hears its last words meanwhile.
fn attend(child: &Mutex<Child>, stderr: Option<ChildStderr>) -> (io::Result<ExitStatus>, String) {
    let words = Arc::new(Mutex::new(Vec::new()));
    let (done, end) = mpsc::channel::<()>();
    if let Some(stderr) = stderr {
        let heard = words.clone();
        // Without a thread to hear them there are no words.
        let _ = thread::Builder::new().name("ssh-words".into()).spawn(move || {
            hear(stderr, &heard);
            drop(done);
        });
    }
    let process = Pid::from_child(&locked(child));
    // Left as it is until the lock is there: meanwhile it may be killed, and nobody else may have its number.
    while waitid(WaitId::Pid(process), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).err() == Some(Errno::INTR) {}
    let status = locked(child).wait();
    end.recv_timeout(LAST_WORDS).ok();
    let words = locked(&words);
    (status, String::from_utf8_lossy(&words).into_owned())
}

/// Keeps the end of what comes.
fn hear(mut stderr: ChildStderr, heard: &Mutex<Vec<u8>>) {
    let mut bytes = [0; WORDS];
    while let Ok(count @ 1..) = stderr.read(&mut bytes) {
        let mut heard = locked(heard);
        heard.extend_from_slice(&bytes[..count]);
        let spare = heard.len().saturating_sub(WORDS);
        heard.drain(..spare);
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it holds one of these.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What ssh, or darkroom on that machine, ended with and said, as the reason in one sentence.
fn why(host: &str, status: ExitStatus, words: &str, broke: String) -> End {
    let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    match status.code() {
        Some(SSH_FAILED) => {
            let last = lines.next_back().map(|line| line.trim_start_matches("ssh: ").trim_end_matches('.').to_owned());
            ssh_failed(&last.unwrap_or_else(|| "it says nothing".to_owned()))
        }
        Some(126 | 127) => {
            End::Refused(format!("{host}: darkroom is not found there; name its program with --there, as in --there ~/bin/darkroom"))
        }
        Some(code) if code == i32::from(NO_ENGINE) => End::Absent,
        Some(0) => End::Broken(unexpected(broke)),
        Some(code) => {
            let said = lines.rev().find_map(|line| line.strip_prefix("darkroom: "));
            End::Refused(said.map_or(format!("{host}: darkroom ended there with exit code {code}"), |said| format!("{host}: {said}")))
        }
        None => End::Broken(format!("ssh was ended by signal {}", status.signal().unwrap_or_default())),
    }
}

/// What a person has to see to is not tried again by itself: a machine may shut out who knocks too often.
fn ssh_failed(words: &str) -> End {
    let reason = format!("ssh: {words}");
    match () {
        () if words.contains("Permission denied") || words.contains("Too many authentication failures") => End::Refused(format!(
            "{reason}; it asks for passwords only before the screen is up, so leave and start again, or use ssh-agent"
        )),
        () if words.contains("Host key verification failed") => End::Refused(format!("{reason}; `ssh` to that machine tells more")),
        () => End::Broken(reason),
    }
}

/// A packet that is none is most often the greeting of a shell.
fn unexpected(broke: String) -> String {
    match broke == CLOSED {
        true => broke,
        false => format!("{broke}; the shell on that machine must not write anything when it starts"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::ffi::OsStr;

    fn there(workspace: &str) -> There {
        There { program: "darkroom".to_owned(), workspace: Some(workspace.to_owned()), ..There::default() }
    }

    fn ended(code: i32, words: &str) -> End {
        why("box", ExitStatus::from_raw(code << 8), words, CLOSED.to_owned())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn a_word_reaches_the_program_through_a_shell_as_it_was(word in "[^\\x00-\\x1f\\x7f]{1,20}") {
            for shell in ["sh", "bash"] {
                let command = format!("printf %s {}", quoted(&word));
                let said = Command::new(shell).args(["-c", &command]).env("HOME", "~").output().unwrap();
                prop_assert_eq!(OsStr::new(std::str::from_utf8(&said.stdout).unwrap()), OsStr::new(&word), "{}", command);
            }
        }
    }

    #[test]
    fn the_command_line_is_ours_whatever_the_names_are() {
        let remote = Remote::new("ada@box", &there("~/my pictures; rm")).unwrap();
        let last = ["--", "ada@box", "darkroom --workspace ~/my\\ pictures\\;\\ rm attach --stdio"];
        for manner in [Manner::Asks, Manner::Quiet, Manner::Alone] {
            let said = remote.arguments(manner);
            assert!(said.ends_with(&last), "{said:?}");
            assert_eq!(said.contains(&ASKS_NOTHING), manner != Manner::Asks);
            assert_eq!(said.contains(&ALONE), manner == Manner::Alone);
        }
        for host in ["", "-oProxyCommand=x", "a b", "a\nb"] {
            assert!(Remote::new(host, &there("w")).is_err(), "{host:?}");
        }
        assert!(Remote::new("box", &there("a\nb")).is_err());
        assert!(Remote::new("box", &there("")).is_err());
    }

    #[test]
    fn what_ssh_says_is_the_reason_and_decides_whether_it_is_tried_again() {
        let again = |code, words, reason: &str| assert_eq!(ended(code, words), End::Broken(reason.to_owned()));
        again(
            255,
            "Warning: x\r\nssh: connect to host box port 22: No route to host\r\n",
            "ssh: connect to host box port 22: No route to host",
        );
        again(255, "Timeout, server box not responding.\n", "ssh: Timeout, server box not responding");
        again(255, "", "ssh: it says nothing");
        again(0, "", CLOSED);
        let killed = why("box", ExitStatus::from_raw(9), "", CLOSED.to_owned());
        assert_eq!(killed, End::Broken("ssh was ended by signal 9".to_owned()));
        let not_again = |code, words, reason: &str| match ended(code, words) {
            End::Refused(told) => assert!(told.starts_with(reason), "{told}"),
            other => unreachable!("{other:?}"),
        };
        not_again(255, "ada@box: Permission denied (publickey).\n", "ssh: ada@box: Permission denied (publickey); it asks");
        not_again(127, "sh: 1: darkroom: not found\n", "box: darkroom is not found there");
        not_again(2, "darkroom: the disk is full\nlogout\n", "box: the disk is full");
        not_again(1, "", "box: darkroom ended there with exit code 1");
        assert_eq!(ended(i32::from(NO_ENGINE), "darkroom: there is no engine to watch\n"), End::Absent);
    }

    #[tokio::test]
    async fn an_ssh_of_which_nothing_is_heard_asks_nobody_and_ends_with_its_connection() {
        let folder = tempfile::tempdir().unwrap();
        let program = folder.path().join("ssh");
        // A shell writes it: were it ever open for writing in this process, another thread's child could keep it so.
        let script = r#"printf '#!/bin/sh\nprintenv SSH_ASKPASS_REQUIRE > "$0.asks"\nexec sleep 600\n' > "$0" && chmod +x "$0""#;
        assert!(Command::new("sh").args(["-c", script]).arg(&program).status().unwrap().success());
        let remote = Remote::new("box", &there("w")).unwrap().by(&program);
        for (manner, asks) in [(Manner::Asks, ""), (Manner::Quiet, "force\n")] {
            let (_stream, ssh) = remote.dial(manner).unwrap();
            let child = ssh.child.clone().unwrap();
            let told = folder.path().join("ssh.asks");
            while std::fs::read_to_string(&told).ok().is_none_or(|told| told != asks) {
                std::thread::yield_now();
            }
            std::fs::remove_file(told).unwrap();
            drop(ssh);
            while locked(&child).try_wait().unwrap().is_none() {
                std::thread::yield_now();
            }
            assert_eq!(locked(&child).try_wait().unwrap().unwrap().signal(), Some(9));
        }
    }

    #[test]
    fn every_machine_and_workspace_has_a_folder_of_its_own() {
        assert_eq!(folder_name("ada@box.example.org", None), "ada@box.example.org");
        assert_eq!(folder_name("..", None), "%2e.");
        assert_eq!(folder_name("box", Some(Path::new("/w/x"))), "box:%2fw%2fx");
    }
}
