//! Every test runner in turn, their own summaries again at the end, and one sum below.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::Context as _;

struct Runner {
    name: &'static str,
    program: &'static str,
    arguments: &'static [&'static str],
    /// Reads a line of the runner's output; answers for its summary lines only.
    tally: fn(&str) -> Option<Tally>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
}

impl std::ops::Add for Tally {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, failed: self.failed + other.failed }
    }
}

const ALL: &[Runner] = &[
    Runner {
        name: "rust",
        program: "cargo",
        arguments: &["test", "--workspace", "--no-fail-fast"],
        tally: read_libtest,
    },
    // After Rust's, which build the server that these speak to.
    Runner { name: "python", program: "cargo", arguments: &["xtask", "python"], tally: read_pytest },
    Runner { name: "typescript", program: "cargo", arguments: &["xtask", "typescript"], tally: read_tap },
];

const FAST: &[Runner] = &[Runner {
    name: "rust, unit tests",
    program: "cargo",
    arguments: &["test", "--workspace", "--no-fail-fast", "--lib", "--bins"],
    tally: read_libtest,
}];

pub(crate) fn run_all(root: &Path) -> anyhow::Result<bool> {
    run(root, ALL)
}

pub(crate) fn run_fast(root: &Path) -> anyhow::Result<bool> {
    run(root, FAST)
}

struct Outcome {
    name: &'static str,
    summaries: Vec<String>,
    tally: Tally,
    exit: String,
    is_success: bool,
    seconds: f64,
}

fn run(root: &Path, runners: &[Runner]) -> anyhow::Result<bool> {
    let outcomes = runners.iter().map(|runner| follow(root, runner)).collect::<anyhow::Result<Vec<_>>>()?;
    println!();
    for outcome in &outcomes {
        let note = if outcome.tally.passed == 0 { ": no test ran; see above" } else { "" };
        println!("{} ({:.0} s, {}){note}", outcome.name, outcome.seconds, outcome.exit);
        for summary in &outcome.summaries {
            println!("  {summary}");
        }
    }
    let sum = outcomes.iter().fold(Tally::default(), |sum, outcome| sum + outcome.tally);
    println!("{} passed, {} failed", sum.passed, sum.failed);
    Ok(outcomes.iter().all(|outcome| outcome.is_success && outcome.tally.passed > 0))
}

/// Passes the runner's output on as it comes and keeps its summaries.
fn follow(root: &Path, runner: &Runner) -> anyhow::Result<Outcome> {
    let start = Instant::now();
    let mut child = Command::new(runner.program)
        .args(runner.arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("`{}` could not be started", runner.program))?;
    let output = child.stdout.take().context("the runner has no output")?;
    let mut summaries = Vec::new();
    let mut tally = Tally::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        if let Some(part) = (runner.tally)(&line) {
            tally = tally + part;
            // A crate without tests says so with a summary of zeros, which tells nobody anything twice.
            if part != Tally::default() {
                summaries.push(line.trim().to_owned());
            }
        }
    }
    let status = child.wait()?;
    Ok(Outcome {
        name: runner.name,
        summaries,
        tally,
        exit: status.to_string(),
        is_success: status.success(),
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// `test result: ok. 3 passed; 0 failed; 0 ignored; …`, one per test program.
fn read_libtest(line: &str) -> Option<Tally> {
    let counts = line.trim().strip_prefix("test result: ")?.split_once(". ")?.1;
    let count = |what: &str| {
        counts
            .split("; ")
            .find_map(|part| part.strip_suffix(what))
            .and_then(|number| number.trim().parse().ok())
    };
    Some(Tally { passed: count(" passed")?, failed: count(" failed")? })
}

/// `== 2 failed, 651 passed, 1 skipped in 8.42s ==`, one per test run.
fn read_pytest(line: &str) -> Option<Tally> {
    let (counts, time) = line.trim().trim_matches('=').trim().rsplit_once(" in ")?;
    time.split_once('s')?.0.parse::<f64>().ok()?;
    let count = |what: &str| -> Option<u64> {
        counts.split(", ").find_map(|part| part.strip_suffix(what)?.trim().parse().ok())
    };
    let failed = [" failed", " error", " errors"].into_iter().filter_map(count).sum();
    (count(" passed").is_some() || failed > 0)
        .then(|| Tally { passed: count(" passed").unwrap_or_default(), failed })
}

/// `# pass 321` and `# fail 0`, each on a line of its own at the end of Node's report in TAP.
fn read_tap(line: &str) -> Option<Tally> {
    let count = |what: &str| line.strip_prefix(what)?.parse().ok();
    match (count("# pass "), count("# fail ")) {
        (Some(passed), _) => Some(Tally { passed, failed: 0 }),
        (_, Some(failed)) => Some(Tally { passed: 0, failed }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Runner, Tally, follow, read_libtest, read_pytest, read_tap};

    #[test]
    fn tap_summaries_are_read_and_other_lines_are_not() {
        for (line, tally) in [
            ("# pass 321", Some(Tally { passed: 321, failed: 0 })),
            ("# fail 2", Some(Tally { passed: 0, failed: 2 })),
            ("# tests 323", None),
            ("ok 3 - # pass 3", None),
        ] {
            assert_eq!(read_tap(line), tally, "{line}");
        }
    }

    #[test]
    fn pytest_summaries_are_read_and_other_lines_are_not() {
        for (line, tally) in [
            ("===== 653 passed in 8.42s =====", Some(Tally { passed: 653, failed: 0 })),
            ("2 failed, 651 passed, 1 skipped in 68.42s (0:01:08)", Some(Tally { passed: 651, failed: 2 })),
            ("== 1 error in 0.10s ==", Some(Tally { passed: 0, failed: 1 })),
            ("== 3 skipped in 0.10s ==", None),
            ("Success: no issues found in 30 source files", None),
            ("the first passed in time", None),
        ] {
            assert_eq!(read_pytest(line), tally, "{line}");
        }
    }

    #[test]
    fn libtest_summaries_are_read_and_other_lines_are_not() {
        for (line, tally) in [
            (
                "test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.02s",
                Some(Tally { passed: 12, failed: 0 }),
            ),
            ("test result: FAILED. 3 passed; 2 failed; 1 ignored", Some(Tally { passed: 3, failed: 2 })),
            ("test a::b ... ok", None),
            ("12 passed; 0 failed", None),
        ] {
            assert_eq!(read_libtest(line), tally, "{line}");
        }
    }

    #[test]
    fn a_runner_that_fails_is_a_failure_with_its_counts() {
        let runner = Runner {
            name: "echo",
            program: "sh",
            arguments: &[
                "-c",
                "echo 'test result: ok. 2 passed; 0 failed'; echo 'test result: FAILED. 1 passed; 1 failed'; exit 3",
            ],
            tally: read_libtest,
        };
        let outcome = follow(std::path::Path::new("."), &runner).unwrap();
        assert_eq!(outcome.tally, Tally { passed: 3, failed: 1 });
        assert_eq!(outcome.summaries.len(), 2);
        assert!(!outcome.is_success);
    }
}
