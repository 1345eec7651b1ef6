//! Fuzzing on the stable toolchain: the compiler's own coverage pass, and the engine that `libfuzzer-sys` brings along.
//!
//! `cargo fuzz run TARGET` works on the same directory where it is installed, with a sanitizer on top; there is no
//! unsafe code here for one to find.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail, ensure};

/// What `cargo fuzz` asks of the compiler, less the sanitizer.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1";

/// Longest input, in bytes, and longest time for one, in seconds: instrumented code is some ten times slower.
const LIMITS: [&str; 2] = ["-max_len=16384", "-timeout=5"];

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    seconds: u32,
    /// All, when empty.
    targets: Vec<String>,
}

pub(crate) fn run(root: &Path) -> anyhow::Result<bool> {
    let wanted = read_arguments(std::env::args().skip(2))?;
    let directory = root.join("fuzz");
    let known = list_targets(&directory)?;
    if let Some(unknown) = wanted.targets.iter().find(|target| !known.contains(target)) {
        bail!("there is no target `{unknown}`: {}", known.join(", "));
    }
    let built = directory.join("target");
    let machine = build(&directory, &built)?;
    let mut failed = Vec::new();
    for target in known.iter().filter(|t| wanted.targets.is_empty() || wanted.targets.contains(t)) {
        let program = built.join(&machine).join("release").join(target);
        println!("{}", feed(&directory, &program, target, wanted.seconds, &mut failed)?);
    }
    if !failed.is_empty() {
        println!("what broke {} is in fuzz/artifacts", failed.join(", "));
    }
    Ok(failed.is_empty())
}

fn read_arguments(arguments: impl Iterator<Item = String>) -> anyhow::Result<Wanted> {
    let mut wanted = Wanted { seconds: 30, targets: Vec::new() };
    let mut arguments = arguments;
    while let Some(argument) = arguments.next() {
        if argument == "--seconds" {
            let number = arguments.next().context("`--seconds` needs a number")?;
            wanted.seconds = number.parse().with_context(|| format!("`{number}` is no number of seconds"))?;
        } else {
            wanted.targets.push(argument);
        }
    }
    Ok(wanted)
}

fn list_targets(directory: &Path) -> anyhow::Result<Vec<String>> {
    let mut targets = Vec::new();
    for entry in std::fs::read_dir(directory.join("fuzz_targets"))? {
        let path = entry?.path();
        targets.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    targets.sort();
    Ok(targets)
}

/// Builds every target and returns the machine it was built for. Naming it keeps the flags away from build scripts.
fn build(directory: &Path, built: &Path) -> anyhow::Result<String> {
    let version = Command::new("rustc").arg("-vV").output().context("rustc could not be started")?;
    let version = String::from_utf8(version.stdout)?;
    let machine =
        version.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?;
    let status = Command::new("cargo")
        .args(["build", "--release", "--target", machine, "--target-dir"])
        .arg(built)
        .current_dir(directory)
        .env("RUSTFLAGS", FLAGS)
        .status()
        .context("cargo could not be started")?;
    ensure!(status.success(), "the targets do not build; libFuzzer needs a C++ compiler: `apt install g++`");
    Ok(machine.to_owned())
}

/// Feeds one target its seeds and what they become, and says how that went.
fn feed(
    directory: &Path,
    program: &Path,
    target: &str,
    seconds: u32,
    failed: &mut Vec<String>,
) -> anyhow::Result<String> {
    let corpus = directory.join("corpus").join(target);
    let artifacts = directory.join("artifacts").join(target);
    std::fs::create_dir_all(&corpus)?;
    std::fs::create_dir_all(&artifacts)?;
    let with_path = |name: &str, path: &Path| {
        let mut argument = OsString::from(name);
        argument.push(path);
        argument
    };
    let output = Command::new(program)
        .args([&corpus, &directory.join("seeds").join(target)])
        .arg(with_path("-dict=", &directory.join("dictionary.txt")))
        .arg(with_path("-artifact_prefix=", &artifacts.join("")))
        .args(LIMITS)
        .arg(format!("-max_total_time={seconds}"))
        .arg("-print_final_stats=1")
        .output()
        .with_context(|| format!("{} could not be started", program.display()))?;
    let log = String::from_utf8_lossy(&output.stderr);
    let runs = read_runs(&log);
    if output.status.success() {
        return Ok(format!("{target:<16} {runs:>10} inputs in {seconds} s, nothing found"));
    }
    failed.push(target.to_owned());
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines.get(lines.len().saturating_sub(40)..).unwrap_or_default();
    Ok(format!("{target:<16} {runs:>10} inputs: BROKEN\n{}", tail.join("\n")))
}

/// How many inputs a log says were tried.
fn read_runs(log: &str) -> u64 {
    let runs = log.lines().find_map(|line| line.strip_prefix("stat::number_of_executed_units:"));
    runs.and_then(|number| number.trim().parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(arguments: &[&str]) -> anyhow::Result<Wanted> {
        read_arguments(arguments.iter().map(|a| (*a).to_owned()))
    }

    #[test]
    fn arguments_are_a_time_and_targets() {
        assert_eq!(read(&[]).unwrap(), Wanted { seconds: 30, targets: Vec::new() });
        let wanted = read(&["redact", "--seconds", "5", "url"]).unwrap();
        assert_eq!(wanted, Wanted { seconds: 5, targets: vec!["redact".to_owned(), "url".to_owned()] });
        assert!(read(&["--seconds"]).is_err() && read(&["--seconds", "soon"]).is_err());
    }

    #[test]
    fn every_target_is_in_the_manifest_and_has_seeds() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = std::fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let targets = list_targets(&directory).unwrap();
        assert!(targets.len() >= 12, "{targets:?}");
        for target in targets {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{target}.rs\"")), "{target}");
            assert!(
                std::fs::read_dir(directory.join("seeds").join(&target)).unwrap().count() > 0,
                "{target}"
            );
        }
    }

    #[test]
    fn the_number_of_inputs_is_read_from_the_log() {
        assert_eq!(read_runs("Done\nstat::number_of_executed_units: 4272\nstat::x: 1\n"), 4272);
        assert_eq!(read_runs(""), 0);
    }
}
