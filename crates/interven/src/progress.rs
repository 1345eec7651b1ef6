//! A bar on the standard error while something long goes on, where a person can see it.

use std::{
    io::{IsTerminal as _, Write as _, stderr},
    time::{Duration, Instant},
};

const CELLS: u64 = 24;
/// Drawing more often than an eye can follow would only cost time.
const PAUSE: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct ProgressBar {
    /// What is counted, such as `scans`.
    unit: &'static str,
    is_visible: bool,
    started: Instant,
    drawn: Option<Instant>,
}

impl ProgressBar {
    pub(crate) fn new(unit: &'static str) -> Self {
        Self { unit, is_visible: stderr().is_terminal(), started: Instant::now(), drawn: None }
    }

    pub(crate) fn show(&mut self, done: u64, of: u64) {
        if self.is_visible && self.drawn.is_none_or(|drawn| drawn.elapsed() >= PAUSE) {
            self.drawn = Some(Instant::now());
            write(&format!("\r\x1b[K{}", bar(done, of, self.unit, self.started.elapsed())));
        }
    }
}

impl Drop for ProgressBar {
    /// What comes next begins on an empty line.
    fn drop(&mut self) {
        if self.drawn.is_some() {
            write("\r\x1b[K");
        }
    }
}

fn write(text: &str) {
    // When nobody can see it there is nobody to tell.
    let _ = stderr().lock().write_all(text.as_bytes());
}

fn bar(done: u64, of: u64, unit: &str, elapsed: Duration) -> String {
    let filled = (done.saturating_mul(CELLS) / of.max(1)).min(CELLS);
    let cell = |number| if number < filled { '#' } else { '.' };
    let cells: String = (0..CELLS).map(cell).collect();
    let rate = u128::from(done) * 1_000 / elapsed.as_millis().max(1);
    format!("[{cells}] {done} of {of} {unit}, {rate}/s")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_says_how_far_it_is_and_how_fast() {
        let half = bar(50, 100, "scans", Duration::from_secs(2));
        assert_eq!(half, "[############............] 50 of 100 scans, 25/s");
        assert!(bar(0, 0, "scans", Duration::ZERO).starts_with("[........................] 0 of 0"));
        assert!(bar(9, 3, "scans", Duration::from_secs(1)).starts_with("[########################] 9 of 3"));
    }
}
