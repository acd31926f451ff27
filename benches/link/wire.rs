//! A line between a program and its terminal: so many bytes a second, and so long a way.

use crate::terminal::Terminal;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// What a line is like.
#[derive(Clone, Copy)]
pub struct Shape {
    pub bytes_a_second: f64,
    pub round_trip: Duration,
}

/// Bytes are delivered in portions of so many, as packets are.
const PORTION: usize = 64;

/// Both directions of a line, at work as long as the program is.
pub struct Line {
    up: Sender<(Instant, Vec<u8>)>,
    way: Duration,
}

impl Line {
    pub fn new(
        shape: Shape,
        (mut output, mut input): (Box<dyn Read + Send>, Box<dyn Write + Send>),
        terminal: Arc<Mutex<Terminal>>,
    ) -> Line {
        let (up, keys) = channel::<(Instant, Vec<u8>)>();
        let (down, delivered) = channel();
        let way = shape.round_trip / 2;
        let (answers, at_once) = (up.clone(), up.clone());
        thread::spawn(move || {
            for (at, bytes) in keys {
                thread::sleep(at.saturating_duration_since(Instant::now()));
                if input.write_all(&bytes).and_then(|()| input.flush()).is_err() {
                    return;
                }
            }
        });
        let naive = terminal.clone();
        thread::spawn(move || {
            let mut bytes = [0; 65536];
            let mut free = Instant::now();
            while let Ok(len @ 1..) = output.read(&mut bytes) {
                let answer = naive.lock().unwrap().written(&bytes[..len]);
                if !answer.is_empty() {
                    let _ = at_once.send((Instant::now(), answer));
                }
                for portion in bytes[..len].chunks(PORTION) {
                    free = free.max(Instant::now()) + Duration::from_secs_f64(portion.len() as f64 / shape.bytes_a_second);
                    let _ = down.send((free + way, portion.to_vec()));
                }
            }
        });
        thread::spawn(move || deliver(&delivered, &terminal, (&answers, way)));
        Line { up, way }
    }

    /// Sends keys up the line.
    pub fn press(&self, keys: &[u8]) {
        let _ = self.up.send((Instant::now() + self.way, keys.to_vec()));
    }
}

/// Hands what comes down to the terminal, each portion at its time, and sends its answers up.
fn deliver(delivered: &Receiver<(Instant, Vec<u8>)>, terminal: &Mutex<Terminal>, (answers, way): (&Sender<(Instant, Vec<u8>)>, Duration)) {
    let mut waiting = VecDeque::new();
    while let Ok(portion) = delivered.recv() {
        waiting.push_back(portion);
        while let Some((at, portion)) = waiting.pop_front() {
            thread::sleep(at.saturating_duration_since(Instant::now()));
            let answer = terminal.lock().unwrap().shown(&portion, at);
            if !answer.is_empty() {
                let _ = answers.send((at + way, answer));
            }
            waiting.extend(delivered.try_iter());
        }
    }
}
