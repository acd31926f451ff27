//! How soon a key is on the screen while a picture develops, and what an idle workbench costs.
//!
//!     cargo bench --bench keys
//!     DARKROOM=target/release/darkroom cargo bench --profile dev --bench keys     # measures that binary
//!
//! Types 200 characters, one after the other, into the prompt of a real workbench in a pseudo-terminal of 120x40, and waits for
//! each to be on the screen. A picture develops all the while, and its frames are shown.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use std::io::{Read, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

const KEYS: usize = 200;
const CLOCK_TICKS: f64 = 100.0;

fn main() {
    let program = env::var("DARKROOM").unwrap_or_else(|_| env!("CARGO_BIN_EXE_darkroom").to_owned());
    let program = fs::canonicalize(program).unwrap();
    let workspace = tempfile::tempdir().unwrap();
    let pair = native_pty_system().openpty(PtySize { rows: 40, cols: 120, pixel_width: 0, pixel_height: 0 }).unwrap();
    let mut command = CommandBuilder::new(&program);
    command.args(["--graphics", "half-blocks", "--workspace"]);
    command.arg(workspace.path());
    command.env("TERM", "xterm-256color");
    command.env("COLORTERM", "truecolor");
    let mut child = pair.slave.spawn_command(command).unwrap();
    let screen = Arc::new(Mutex::new(vt100::Parser::new(40, 120, 0)));
    let mut output = pair.master.try_clone_reader().unwrap();
    let seen = screen.clone();
    thread::spawn(move || {
        let mut bytes = [0; 65536];
        while let Ok(len @ 1..) = output.read(&mut bytes) {
            seen.lock().unwrap().process(&bytes[..len]);
        }
    });
    let mut keys = pair.master.take_writer().unwrap();
    let shows = |text: &str| screen.lock().unwrap().screen().contents().contains(text);
    let wait = |text: &str| {
        let begun = Instant::now();
        while !shows(text) {
            assert!(begun.elapsed() < Duration::from_secs(30), "'{text}' is not shown");
            thread::sleep(Duration::from_micros(200));
        }
    };

    wait("engine ready");
    thread::sleep(Duration::from_secs(2));
    let idle = processor_seconds(child.process_id().unwrap());
    thread::sleep(Duration::from_secs(10));
    println!("idle: {:.2} % of a core over 10 s", (processor_seconds(child.process_id().unwrap()) - idle) * 10.0);

    // Enough pictures that one develops until the last key; then a prompt of our own.
    keys.write_all(b"\r\r\r\r\r\r\r\r\r\r\x01\x0b").unwrap();
    wait("x\u{302}");
    for _ in 0..80 {
        keys.write_all(b"\x7f\x1b[3~").unwrap();
    }
    thread::sleep(Duration::from_secs(1));
    let mut times: Vec<f64> = (0..KEYS)
        .map(|i| {
            // Words of one letter, each typed twice: the cell where the next one appears is empty before.
            let letter = char::from(b'a' + (i % 26) as u8);
            let before = count(&screen, letter);
            let begun = Instant::now();
            keys.write_all(&[letter as u8]).unwrap();
            while count(&screen, letter) <= before {
                assert!(begun.elapsed() < Duration::from_secs(5), "key {i} is lost");
                thread::sleep(Duration::from_micros(100));
            }
            let ms = begun.elapsed().as_secs_f64() * 1e3;
            if i % 50 == 49 {
                for _ in 0..50 {
                    keys.write_all(b"\x7f").unwrap();
                }
                thread::sleep(Duration::from_millis(200));
            }
            thread::sleep(Duration::from_millis(20));
            ms
        })
        .collect();
    let developing = shows("x\u{302}");
    times.sort_by(f64::total_cmp);
    let at = |part: f64| times[((times.len() - 1) as f64 * part) as usize];
    println!(
        "{KEYS} keys: median {:.1} ms, p99 {:.1} ms, worst {:.1} ms; a picture developed until the end: {developing}",
        at(0.5),
        at(0.99),
        at(1.0)
    );
    keys.write_all(b"\x11\r").unwrap();
    child.wait().unwrap();
    std::process::Command::new(&program).args(["stop", "--now", "--workspace"]).arg(workspace.path()).output().unwrap();
}

/// How often a letter stands in the prompt's pane.
fn count(screen: &Mutex<vt100::Parser>, letter: char) -> usize {
    let contents = screen.lock().unwrap().screen().contents_between(2, 1, 7, 31);
    contents.chars().filter(|c| *c == letter).count()
}

/// Processor time that a process has taken, in seconds (Linux).
fn processor_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / CLOCK_TICKS
}
