//! Other programs, asked for what they know.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// How long a program may take to answer: that of a broken driver may hang.
const PATIENCE: Duration = Duration::from_secs(5);
/// No answer is longer, in bytes.
const LONG: u64 = 64 << 10;

/// What a program prints; none where it is not there, fails, or does not answer in time.
pub(super) fn said(program: &str, arguments: &[&str]) -> Option<String> {
    said_within(program, arguments, PATIENCE)
}

fn said_within(program: &str, arguments: &[&str], patience: Duration) -> Option<String> {
    let mut command = Command::new(program);
    let mut child = command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let stdout = child.stdout.take()?;
    let (tell, told) = mpsc::channel();
    thread::spawn(move || {
        let mut text = Vec::new();
        let read = stdout.take(LONG).read_to_end(&mut text);
        tell.send(read.map(|_| text))
    });
    let Ok(Ok(text)) = told.recv_timeout(patience) else {
        // One that hangs in the kernel cannot be ended, and is not waited for.
        let _ = child.kill();
        return None;
    };
    child.wait().ok()?.success().then(|| String::from_utf8_lossy(&text).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_or_fails_or_is_not_there_says_nothing() {
        assert_eq!(said("echo", &["a", "b"]).as_deref(), Some("a b\n"));
        assert_eq!(said("sh", &["-c", "echo half; exit 1"]), None);
        assert_eq!(said("/no/such/program", &[]), None);
        assert_eq!(said_within("sh", &["-c", "exec tail -f /dev/null"], Duration::from_millis(10)), None);
    }
}
