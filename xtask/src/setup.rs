//! What a build and its checks need from the machine, found or named in one line each.
//!
//! Cargo and a C compiler are the business of the `Makefile`: without them this program could not be built.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

struct Tool {
    program: &'static str,
    purpose: &'static str,
    least: Version,
    /// The package on Debian and Ubuntu that brings it; none where theirs is too old to help.
    debian: Option<&'static str>,
    elsewhere: &'static str,
}

/// Major and minor.
type Version = (u32, u32);

const TOOLS: &[Tool] = &[
    Tool {
        program: "rustc",
        purpose: "the compiler",
        least: (1, 95),
        debian: None,
        elsewhere: "run `rustup update`, or install it from https://rustup.rs",
    },
    Tool {
        program: "python3",
        purpose: "runs the tests of the Python packages",
        least: (3, 10),
        debian: Some("python3-venv"),
        elsewhere: "install Python with your package manager",
    },
    Tool {
        program: "node",
        purpose: "of Node.js, with npm, runs the TypeScript package, and MCP clients and servers in tests",
        least: (20, 0),
        debian: None,
        elsewhere: "install Node.js 20 or newer from https://nodejs.org",
    },
    Tool {
        program: "git",
        purpose: "lists the files that the checks read",
        least: (2, 0),
        debian: Some("git"),
        elsewhere: "install `git` with your package manager",
    },
    Tool {
        program: "initdb",
        purpose: "of PostgreSQL, for the tests of its backend",
        least: (14, 0),
        debian: Some("postgresql"),
        elsewhere: "install the PostgreSQL server with your package manager",
    },
];

/// Answers whether everything is there in the end.
pub(crate) fn run(_root: &Path) -> anyhow::Result<bool> {
    let missing = || TOOLS.iter().filter(|tool| !is_good_enough(tool));
    let packages: Vec<&str> = missing().filter_map(|tool| tool.debian).collect();
    if !packages.is_empty() && may_install() {
        install(&packages)?;
    }
    let mut is_complete = true;
    for tool in missing() {
        is_complete = false;
        let (major, minor) = tool.least;
        println!(
            "missing: `{}` {major}.{minor} or newer ({}): {}",
            tool.program, tool.purpose, tool.elsewhere
        );
    }
    if is_complete {
        println!("setup: everything is here");
    }
    Ok(is_complete)
}

fn is_good_enough(tool: &Tool) -> bool {
    let says = |program: &Path| {
        let answer = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
        version_in(&String::from_utf8_lossy(&answer.stdout))
    };
    let mut places = vec![PathBuf::from(tool.program)];
    places.extend(
        debian_versions(Path::new(DEBIAN_POSTGRES)).map(|version| version.join("bin").join(tool.program)),
    );
    places.iter().filter_map(|place| says(place)).any(|version| version >= tool.least)
}

/// Where Debian puts the programs of each version of PostgreSQL, out of `PATH`.
const DEBIAN_POSTGRES: &str = "/usr/lib/postgresql";

fn debian_versions(place: &Path) -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(place).into_iter().flatten().flatten().map(|version| version.path())
}

/// The first `major.minor` in what a program says about itself.
fn version_in(text: &str) -> Option<Version> {
    text.split(|letter: char| letter.is_whitespace() || letter == 'v').find_map(|word| {
        let mut parts = word.split('.');
        Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    })
}

/// Only root on a Debian-like machine, such as a container, has packages installed for it without being asked.
fn may_install() -> bool {
    let says = |program: &str, argument: &str| {
        let answer = Command::new(program).arg(argument).stdin(Stdio::null()).output();
        answer.ok().map(|answer| String::from_utf8_lossy(&answer.stdout).trim().to_owned())
    };
    says("id", "-u").as_deref() == Some("0") && says("apt-get", "--version").is_some()
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    for arguments in [&["update", "-qq"][..], &["install", "-y", "-qq", "--no-install-recommends"]] {
        let names = if arguments.contains(&"install") { packages } else { &[] };
        let status = Command::new("apt-get")
            .args(arguments)
            .args(names)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .status()
            .context("`apt-get` could not be started")?;
        ensure!(status.success(), "`apt-get {}` failed", arguments.join(" "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{TOOLS, version_in};

    #[test]
    fn versions_are_read_from_what_programs_say() {
        for (text, version) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", Some((1, 95))),
            ("git version 2.39.5", Some((2, 39))),
            ("v20.20.2", Some((20, 20))),
            ("Python 3.11.7\n", Some((3, 11))),
            ("initdb (PostgreSQL) 15.10 (Debian 15.10-0+deb12u1)", Some((15, 10))),
            ("no such thing", None),
        ] {
            assert_eq!(version_in(text), version, "{text}");
        }
    }

    #[test]
    fn the_compiler_asked_for_is_the_one_that_the_workspace_promises() {
        let least = TOOLS.iter().find(|tool| tool.program == "rustc").map(|tool| tool.least);
        assert_eq!(least, version_in(&format!("{}.0", env!("CARGO_PKG_RUST_VERSION"))));
    }
}
