//! How soon a key is on the screen of a terminal far away, while a picture develops.
//!
//!     cargo bench --bench link [-- GRAPHICS|all [KEYS [LINK]]]      # a link by the beginning of its name
//!     DARKROOM=target/release/darkroom cargo bench --profile dev --bench link     # measures that binary
//!
//! A real workbench in a pseudo-terminal of 120x40, whose output goes down a line of so many bytes a second and through half the round
//! trip before the terminal, played here, has it; its answers and the keys come up through the other half. The line takes whatever is
//! written to it and delivers it late, as a link with large buffers does: that is what pacing has to avoid. *Naive* is the same workbench
//! on a terminal that answers at once and not after what came before: it believes that all it has written is shown.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "link/terminal.rs"]
mod terminal;
#[path = "link/wire.rs"]
mod wire;

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};
use terminal::{Graphics, Terminal};
use wire::{Line, Shape};

const LINKS: [(&str, Shape); 2] = [
    ("1 Mbit/s, round trip 150 ms", Shape { bytes_a_second: 125_000.0, round_trip: Duration::from_millis(150) }),
    ("56 kbit/s, round trip 300 ms", Shape { bytes_a_second: 7_000.0, round_trip: Duration::from_millis(300) }),
];
/// What a key may take beside the round trip.
const MORE: Duration = Duration::from_millis(100);
/// Keys before the prompt is emptied.
const LINE: usize = 24;
/// How long a key is waited for: on a naive line there may be minutes of pictures before it.
const PATIENCE: Duration = Duration::from_secs(60);
/// What empties the prompt: to the head of the line, and away with what follows.
const CLEAR: &[u8] = b"\x01\x0b";

fn main() {
    let words: Vec<String> = env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let wanted = |graphics: &Graphics| words.first().is_none_or(|word| word == "all" || *word == graphics.word());
    let keys = words.get(1).and_then(|word| word.parse().ok()).unwrap_or(200);
    let program = fs::canonicalize(env::var("DARKROOM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_darkroom").to_owned())).unwrap();
    println!(
        "| link | graphics | | p50 ms | p99 ms | worst ms | round trip + 100 | kB/s | frames/s |\n|---|---|---|---|---|---|---|---|---|"
    );
    for (name, shape) in LINKS.into_iter().filter(|(name, _)| words.get(2).is_none_or(|word| name.starts_with(word))) {
        for graphics in Graphics::ALL.into_iter().filter(wanted) {
            for paced in [true, false] {
                // What waits for minutes is known after few keys.
                let keys = if paced { keys } else { keys.min(20) };
                let found = measure(&program, (shape, graphics, paced), keys);
                let least = |at: f64| if at >= PATIENCE.as_secs_f64() * 1e3 { "more than " } else { "" };
                let times = found.times.iter().map(|at| format!("{}{at:.0}", least(*at))).collect::<Vec<_>>().join(" | ");
                let most = (shape.round_trip + MORE).as_millis();
                let way = if paced { "paced" } else { "naive" };
                println!("| {name} | {} | {way} | {times} | {most} | {:.1} | {:.1} |", graphics.word(), found.rate / 1e3, found.frames);
            }
        }
    }
}

/// p50, p99 and the worst of the keys' times in ms; bytes and frames a second.
struct Found {
    times: [f64; 3],
    rate: f64,
    frames: f64,
}

fn measure(program: &std::path::Path, (shape, graphics, paced): (Shape, Graphics, bool), keys: usize) -> Found {
    let workspace = tempfile::tempdir().unwrap();
    let (mut child, master) = start(program, workspace.path(), graphics);
    let terminal = Arc::new(Mutex::new(Terminal::new(graphics, paced)));
    let line = Line::new(shape, (master.try_clone_reader().unwrap(), master.take_writer().unwrap()), terminal.clone());
    assert!(comes(&terminal, |terminal| terminal.shows("engine ready")), "{}", terminal.lock().unwrap().contents());
    let recipe = ["submit", "sample", "--prompt=a red three", "--steps=1000", "--seed=1..60", "--workspace"];
    let submitted = Command::new(program).args(recipe).arg(workspace.path()).output().unwrap();
    assert!(submitted.status.success(), "{}", String::from_utf8_lossy(&submitted.stderr));
    line.press(CLEAR);
    assert!(comes(&terminal, |terminal| terminal.frames() > 1), "{}", terminal.lock().unwrap().contents());
    let (begun, before) = (Instant::now(), terminal.lock().unwrap().count());
    let mut times = press(&line, &terminal, keys);
    let seconds = begun.elapsed().as_secs_f64();
    let after = terminal.lock().unwrap().count();
    child.kill().unwrap();
    child.wait().unwrap();
    Command::new(program).args(["stop", "--now", "--workspace"]).arg(workspace.path()).output().unwrap();
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part).round() as usize];
    let per_second = |from: u64, to: u64| (to - from) as f64 / seconds;
    Found { times: [at(0.5), at(0.99), at(1.0)], rate: per_second(before.0, after.0), frames: per_second(before.1, after.1) }
}

fn start(
    program: &std::path::Path,
    workspace: &std::path::Path,
    graphics: Graphics,
) -> (Box<dyn Child + Send + Sync>, Box<dyn MasterPty + Send>) {
    let pair = native_pty_system().openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new(program);
    command.arg("--workspace");
    command.arg(workspace);
    for name in ["TMUX", "STY", "TERM_PROGRAM", "LC_TERMINAL", "KONSOLE_VERSION", "WEZTERM_EXECUTABLE", "WT_SESSION"] {
        command.env_remove(name);
    }
    command.env("TERM", graphics.term());
    command.env("COLORTERM", "truecolor");
    (pair.slave.spawn_command(command).unwrap(), pair.master)
}

/// Presses keys at odd moments, each when the one before is seen; what each took in ms. One that does not come is the last.
fn press(line: &Line, terminal: &Mutex<Terminal>, keys: usize) -> Vec<f64> {
    let mut odd = 0x2545_f491_4f6c_dd1d_u64;
    let mut times = Vec::new();
    for i in 0..keys {
        odd ^= odd << 13;
        odd ^= odd >> 7;
        odd ^= odd << 17;
        thread::sleep(Duration::from_millis(50 + odd % 400));
        // Every letter of the line is another one, and none of them is in the words around it.
        let letter = char::from(b'A' + (i % LINE) as u8);
        let pressed = Instant::now();
        line.press(&[letter as u8]);
        assert!(!terminal.lock().unwrap().prompt().contains(letter));
        if !comes(terminal, |terminal| terminal.prompt().contains(letter)) {
            times.push(PATIENCE.as_secs_f64() * 1e3);
            break;
        }
        times.push(terminal.lock().unwrap().seen().duration_since(pressed).as_secs_f64() * 1e3);
        if i % LINE == LINE - 1 {
            line.press(CLEAR);
            if !comes(terminal, |terminal| !terminal.prompt().contains('A')) {
                break;
            }
        }
    }
    times
}

/// Waits until the terminal is like this; false where it does not become so.
fn comes(terminal: &Mutex<Terminal>, mut done: impl FnMut(&Terminal) -> bool) -> bool {
    let begun = Instant::now();
    while !done(&terminal.lock().unwrap()) {
        if begun.elapsed() > PATIENCE {
            return false;
        }
        thread::sleep(Duration::from_micros(300));
    }
    true
}
