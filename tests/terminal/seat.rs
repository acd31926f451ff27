//! A pseudo-terminal with a program in it, and a terminal at its other end that is played by the test.

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub const DARKROOM: &str = env!("CARGO_BIN_EXE_darkroom");
/// How long anything may take, on a machine that has other work.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a terminal answers to a question.
pub type Answers = &'static [(&'static str, &'static str)];

pub const XTERM: Answers = &[("\x1b[5n", "\x1b[0n"), ("\x1b[c", "\x1b[?64;1;2c"), ("\x1b[16t", "\x1b[6;16;8t")];
pub const KITTY: Answers =
    &[("\x1b[5n", "\x1b[0n"), ("\x1b_Gi=31", "\x1b_Gi=31;OK\x1b\\"), ("\x1b[c", "\x1b[?62;c"), ("\x1b[16t", "\x1b[6;16;8t")];
pub const MUTE: Answers = &[];

/// What the terminal's side knows.
struct Side {
    screen: vt100::Parser,
    answers: Answers,
    /// Questions that wait to be answered, in their order.
    asked: String,
    all: String,
    closing: bool,
}

pub struct Seat {
    side: Arc<(Mutex<Side>, Condvar)>,
    keys: Option<Box<dyn Write + Send>>,
    master: Option<Box<dyn MasterPty + Send>>,
    reader: Option<JoinHandle<()>>,
    pub child: Box<dyn Child + Send + Sync>,
    /// The terminal's settings before the program.
    pub before: String,
}

impl Seat {
    /// Starts a program in a terminal of this kind.
    pub fn start(program: &[&str], answers: Answers) -> Seat {
        let pair = native_pty_system().openpty(size(100, 30)).unwrap();
        let before = format!("{:?}", pair.master.get_termios());
        let mut command = CommandBuilder::new(program[0]);
        command.args(&program[1..]);
        for name in ["TMUX", "STY", "TERM_PROGRAM", "LC_TERMINAL", "KONSOLE_VERSION", "WEZTERM_EXECUTABLE", "WT_SESSION"] {
            command.env_remove(name);
        }
        for (name, value) in [("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("PS1", "shell> ")] {
            command.env(name, value);
        }
        let child = pair.slave.spawn_command(command).unwrap();
        drop(pair.slave);
        let screen = vt100::Parser::new(30, 100, 0);
        let side = Side { screen, answers, asked: String::new(), all: String::new(), closing: false };
        let side = Arc::new((Mutex::new(side), Condvar::new()));
        let keys = Arc::new(Mutex::new(pair.master.take_writer().unwrap()));
        let (output, theirs) = (pair.master.try_clone_reader().unwrap(), (side.clone(), keys.clone()));
        let reader = Some(std::thread::spawn(move || read(output, &theirs.0, &theirs.1)));
        Seat { side, keys: Some(Box::new(Shared(keys))), master: Some(pair.master), reader, child, before }
    }

    /// The workbench in a workspace.
    pub fn workbench(workspace: &Path, answers: Answers) -> Seat {
        Seat::start(&[DARKROOM, "--workspace", workspace.to_str().unwrap()], answers)
    }

    pub fn types(&mut self, keys: &str) {
        let writer = self.keys.as_mut().unwrap();
        writer.write_all(keys.as_bytes()).and_then(|()| writer.flush()).unwrap();
    }

    /// Waits until the screen is like this.
    pub fn wait(&self, what: &str, done: impl Fn(&vt100::Screen) -> bool) {
        self.until(what, |side| done(side.screen.screen()));
    }

    /// Waits until the screen shows these words.
    pub fn shows(&self, words: &str) {
        self.wait(words, |screen| screen.contents().contains(words));
    }

    /// Waits until so much has been written since [`Seat::forget`].
    pub fn writes(&self, text: &str) {
        self.until(text, |side| side.all.contains(text));
    }

    fn until(&self, what: &str, done: impl Fn(&Side) -> bool) {
        let (side, bell) = &*self.side;
        let begun = Instant::now();
        let mut side = side.lock().unwrap();
        while !done(&side) {
            let screen = side.screen.screen().contents();
            assert!(begun.elapsed() < PATIENCE, "'{what}' does not come:\n{screen}");
            side = bell.wait_timeout(side, Duration::from_millis(100)).unwrap().0;
        }
    }

    /// The terminal becomes another one, and forgets what it showed.
    pub fn becomes(&self, answers: Answers) {
        let mut side = self.side.0.lock().unwrap();
        let (rows, columns) = side.screen.screen().size();
        side.screen = vt100::Parser::new(rows, columns, 0);
        (side.answers, side.all) = (answers, String::new());
    }

    /// Answers what was asked so far and not answered.
    pub fn answers(&mut self, answers: Answers) {
        let mut side = self.side.0.lock().unwrap();
        side.answers = answers;
        let asked = std::mem::take(&mut side.asked);
        drop(side);
        let answer = answer(&asked, answers);
        self.types(&answer);
    }

    pub fn resize(&self, columns: u16, rows: u16) {
        self.side.0.lock().unwrap().screen.screen_mut().set_size(rows, columns);
        self.master.as_ref().unwrap().resize(size(columns, rows)).unwrap();
    }

    pub fn contents(&self) -> String {
        self.side.0.lock().unwrap().screen.screen().contents()
    }

    /// The terminal's settings now.
    pub fn settings(&self) -> String {
        format!("{:?}", self.master.as_ref().unwrap().get_termios())
    }

    /// Somebody else sets the terminal as shells like it.
    pub fn is_set_by_a_shell(&self) {
        let terminal = self.master.as_ref().unwrap().tty_name().unwrap();
        assert!(Command::new("stty").arg("-F").arg(terminal).arg("sane").status().unwrap().success());
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.process_id().unwrap().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// The terminal goes, as by a connection that is cut.
    pub fn hangs_up(&mut self) {
        self.side.0.lock().unwrap().closing = true;
        // Something is written, and the reader sees that it is to end.
        self.types("x");
        self.reader.take().unwrap().join().unwrap();
        (self.keys, self.master) = (None, None);
    }

    /// Waits for the program's end; its exit code.
    pub fn ends(&mut self) -> u32 {
        let begun = Instant::now();
        let (side, bell) = &*self.side.clone();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(begun.elapsed() < PATIENCE, "it does not end:\n{}", self.contents());
            // Its last words ring; its end does not.
            drop(bell.wait_timeout(side.lock().unwrap(), Duration::from_millis(10)).unwrap());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let _ = self.child.kill();
    }
}

/// Keys and answers share one line.
struct Shared(Arc<Mutex<Box<dyn Write + Send>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.lock().unwrap().flush()
    }
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

fn read(mut output: Box<dyn Read + Send>, side: &(Mutex<Side>, Condvar), keys: &Mutex<Box<dyn Write + Send>>) {
    let mut bytes = [0; 65536];
    while let Ok(len @ 1..) = output.read(&mut bytes) {
        let text = String::from_utf8_lossy(&bytes[..len]).into_owned();
        let mut at = side.0.lock().unwrap();
        if at.closing {
            return;
        }
        at.screen.process(&bytes[..len]);
        at.all.push_str(&text);
        at.asked.push_str(&text);
        let answers = at.answers;
        let answer = if answers.is_empty() { String::new() } else { answer(&take_whole(&mut at.asked, answers), answers) };
        drop(at);
        let mut keys = keys.lock().unwrap();
        let _ = keys.write_all(answer.as_bytes()).and_then(|()| keys.flush());
        drop(keys);
        side.1.notify_all();
    }
}

/// Takes what was asked, but for a question that the read has cut in two.
fn take_whole(asked: &mut String, answers: Answers) -> String {
    let begun = |at: &usize| answers.iter().any(|(question, _)| question.len() > asked.len() - at && question.starts_with(&asked[*at..]));
    let cut = asked.rfind('\x1b').filter(begun).unwrap_or(asked.len());
    let rest = asked.split_off(cut);
    std::mem::replace(asked, rest)
}

/// What is answered to all that was asked, in its order.
fn answer(asked: &str, answers: Answers) -> String {
    let found = |(question, answer): &(&str, &'static str)| asked.match_indices(question).map(|(at, _)| (at, *answer)).collect::<Vec<_>>();
    let mut all: Vec<_> = answers.iter().flat_map(found).collect();
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, answer)| answer).collect()
}
