//! The real program in a pseudo-terminal: what it writes is a screen that can be waited for.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::ffi::OsStr;
use std::io::{Read, Write};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const PATIENCE: Duration = Duration::from_secs(60);
const ROWS: u16 = 24;
const COLUMNS: u16 = 80;

/// A person at a terminal of 80x24.
pub struct Seat {
    pub child: Box<dyn Child + Send + Sync>,
    keys: Box<dyn Write + Send>,
    _master: Box<dyn MasterPty + Send>,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

/// What the terminal has been written.
pub struct Seen {
    pub screen: vt100::Parser,
    pub bytes: Vec<u8>,
    pub over: bool,
}

impl Seat {
    /// Starts a program with these arguments; its environment is `prepare`d.
    pub fn take<A: AsRef<OsStr>>(program: &str, arguments: &[A], prepare: impl FnOnce(&mut CommandBuilder)) -> Seat {
        let pair = native_pty_system().openpty(PtySize { rows: ROWS, cols: COLUMNS, pixel_width: 0, pixel_height: 0 }).unwrap();
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env("TERM", "xterm-256color");
        command.env_remove("TMUX");
        prepare(&mut command);
        let child = pair.slave.spawn_command(command).unwrap();
        let mut output = pair.master.try_clone_reader().unwrap();
        let seen = Seen { screen: vt100::Parser::new(ROWS, COLUMNS, 0), bytes: Vec::new(), over: false };
        let seen = Arc::new((Mutex::new(seen), Condvar::new()));
        let told = seen.clone();
        thread::spawn(move || {
            let mut bytes = [0; 65536];
            loop {
                let count = output.read(&mut bytes).unwrap_or(0);
                let mut seen = told.0.lock().unwrap();
                seen.screen.process(&bytes[..count]);
                seen.bytes.extend_from_slice(&bytes[..count]);
                seen.over = count == 0;
                told.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Seat { keys: pair.master.take_writer().unwrap(), _master: pair.master, child, seen }
    }

    pub fn types(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Waits until it is so; `name` is what is waited for.
    pub fn until<T>(&self, name: &str, mut so: impl FnMut(&Seen) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            if let Some(found) = so(&seen) {
                return found;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "no {name} on the screen:\n{}", seen.screen.screen().contents());
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits until the words are on the screen.
    pub fn shows(&self, words: &str) {
        self.until(words, |seen| seen.screen.screen().contents().contains(words).then_some(()));
    }
}
