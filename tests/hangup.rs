//! A terminal that goes at any moment of the output: it is given back as it was, and the engine does not notice.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha12Rng;
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Termios, tcgetattr};
use std::fs::File;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use std::{process, thread};
use tempfile::TempDir;

const DARKROOM: &str = env!("CARGO_BIN_EXE_darkroom");
/// How long the program may take to end, on a machine that has other work.
const DEADLINE: Duration = Duration::from_secs(20);
const MOMENTS: usize = 20;
/// A picture is about as many bytes, for each kind of graphics that is tried.
const GRAPHICS: [(&str, usize); 3] = [("half-blocks", 30_000), ("sixel", 300_000), ("kitty", 300_000)];

/// How the terminal goes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    /// The program is told, and the terminal still reads.
    Signal(Signal),
    /// The terminal is gone, and what was written to it.
    Closed,
}

const ENDINGS: [Ending; 3] = [Ending::Signal(Signal::HUP), Ending::Signal(Signal::TERM), Ending::Closed];

/// A workspace whose engine has work to do for a long while, and ends with it.
struct Workspace(TempDir);

impl Workspace {
    fn at_work() -> Self {
        let workspace = Workspace(tempfile::tempdir().unwrap());
        let queued = workspace.says(&["submit", "sample", "--device=cpu", "--steps=1000", "--seed=1..100"]);
        assert!(queued.contains("wait in the queue"), "{queued}");
        workspace
    }

    fn says(&self, args: &[&str]) -> String {
        let output = process::Command::new(DARKROOM).arg("--workspace").arg(self.0.path()).args(args).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    /// The engine's process, and everything that it is at.
    fn status(&self) -> (String, String) {
        let status = self.says(&["status", "--json"]);
        (status.split(',').next().unwrap().to_owned(), status)
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.says(&["stop", "--now"]);
    }
}

/// The workbench in a terminal that goes once so many bytes were written to it.
struct Session {
    /// The terminal's other side, kept open to look at its settings.
    tty: File,
    before: Termios,
    /// Hears of the program's end.
    ended: Receiver<()>,
    output: Receiver<Vec<u8>>,
}

impl Session {
    fn begin(workspace: &Workspace, graphics: &str, moment: usize, ending: Ending) -> Session {
        let pair = native_pty_system().openpty(PtySize { rows: 24, cols: 80, pixel_width: 640, pixel_height: 384 }).unwrap();
        let tty = File::options().read(true).write(true).open(pair.master.tty_name().unwrap()).unwrap();
        let before = tcgetattr(&tty).unwrap();
        let mut command = CommandBuilder::new(DARKROOM);
        command.args(["--graphics", graphics, "--workspace", workspace.0.path().to_str().unwrap()]);
        command.env("TERM", "xterm-256color");
        command.env_remove("TMUX");
        let mut child = pair.slave.spawn_command(command).unwrap();
        let pid = Pid::from_raw(child.process_id().unwrap() as i32).unwrap();
        let (mut from, mut to) = (pair.master.try_clone_reader().unwrap(), pair.master.take_writer().unwrap());
        let (send, output) = channel();
        thread::spawn(move || {
            let (mut bytes, mut all, mut gone, mut heard) = ([0; 4096], Vec::new(), false, 0);
            while let Ok(count @ 1..) = from.read(&mut bytes) {
                all.extend_from_slice(&bytes[..count]);
                answer(&all, &mut heard, &mut to);
                if !gone && all.len() > moment {
                    gone = true;
                    match ending {
                        Ending::Signal(signal) => kill_process(pid, signal).unwrap(),
                        Ending::Closed => break,
                    }
                }
            }
            drop((from, to, pair.master));
            send.send(all).ok();
        });
        let (end, ended) = channel();
        thread::spawn(move || {
            child.wait().unwrap();
            end.send(()).ok();
        });
        Session { tty, before, ended, output }
    }

    /// Waits for the end; what the terminal was written in all.
    fn end(self, what: &str, ending: Ending) -> Vec<u8> {
        self.ended.recv_timeout(DEADLINE).unwrap_or_else(|_| panic!("{what}: the program does not end"));
        if ending != Ending::Closed {
            let after = tcgetattr(&self.tty).unwrap();
            assert_eq!(format!("{:?}", self.before), format!("{after:?}"), "{what}: the terminal's settings");
        }
        drop(self.tty);
        self.output.recv_timeout(DEADLINE).unwrap()
    }
}

/// A terminal says that it is well when it is asked, and shows no more pictures before it has.
///
/// Every question, also one that two reads have cut: without an answer the program would wait, and there would be no more bytes.
fn answer(all: &[u8], heard: &mut usize, to: &mut dyn Write) {
    while let Some(at) = all[*heard..].windows(4).position(|window| window == b"\x1b[5n") {
        *heard += at + 4;
        to.write_all(b"\x1b[0n").ok();
    }
    *heard = all.len().saturating_sub(3).max(*heard);
}

#[test]
fn a_terminal_that_goes_at_any_moment_is_given_back_and_the_engine_goes_on() {
    let workspace = Workspace::at_work();
    let (engine, _) = workspace.status();
    let mut random = ChaCha12Rng::seed_from_u64(7);
    for at in 0..MOMENTS {
        let (graphics, size) = GRAPHICS[at % GRAPHICS.len()];
        let ending = ENDINGS[(at / GRAPHICS.len()) % ENDINGS.len()];
        let moment = random.random_range(0..size);
        let what = format!("{at}: {ending:?} after {moment} bytes of {graphics}");
        let told = Session::begin(&workspace, graphics, moment, ending).end(&what, ending);
        assert!(told.len() > moment, "{what}");
        if ending != Ending::Closed {
            is_given_back(&told, &what);
        }
        let (still, before) = workspace.status();
        assert_eq!(still, engine, "{what}: another engine");
        let begun = Instant::now();
        while workspace.status().1 == before {
            assert!(begun.elapsed() < DEADLINE, "{what}: the engine makes no steps");
        }
    }
}

/// The modes that the program switches on are off again, and the screen is the one from before.
fn is_given_back(told: &[u8], what: &str) {
    let mut parser = vt100::Parser::new(24, 80, 0);
    parser.process(told);
    let screen = parser.screen();
    assert!(!screen.alternate_screen(), "{what}: the alternate screen");
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None, "{what}: the mouse");
    assert!(!screen.bracketed_paste() && !screen.hide_cursor(), "{what}: paste, or the cursor");
    // The parser knows nothing of synchronized updates, and a picture that was begun must have an end.
    assert!(told.len() < 5_000 || told.windows(8).any(|window| window == b"\x1b[?1049h"), "{what}: it had no screen");
    let last = |mode: &[u8]| told.windows(mode.len()).rposition(|window| window == mode);
    assert!(last(b"\x1b[?2026h") <= last(b"\x1b[?2026l"), "{what}: a frame has no end");
}
