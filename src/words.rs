//! Errors as people read them.

/// An error and its causes in one line: no backtraces, no control characters, whatever a library or a file put into it.
pub fn sentence(error: &anyhow::Error) -> String {
    let first = |cause: &(dyn std::error::Error + 'static)| cause.to_string().lines().next().unwrap_or_default().trim().to_owned();
    let mut causes: Vec<String> = error.chain().map(first).collect();
    // A library's error often repeats its cause.
    causes.dedup();
    let words = causes.join(": ");
    words.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_that_leaves_the_terminal_alone() {
        let error = anyhow::anyhow!("no \x1b[2J such thing\n   0: a backtrace").context("unet");
        assert_eq!(sentence(&error), "unet: no \\u{1b}[2J such thing");
    }
}
