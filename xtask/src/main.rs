//! The chores of this repository, as `cargo xtask <command>`.
//!
//! `make` is the front door for people; what needs more than a line of shell is written here, where it is tested.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command answers on the terminal")]

mod arrows;
mod finding;
mod fuzz;
mod python;
mod rust_source;
mod setup;
mod test;
mod tidy;
mod tree;
mod typescript;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;

struct Command {
    name: &'static str,
    purpose: &'static str,
    /// Answers whether the repository is in order.
    run: fn(&Path) -> anyhow::Result<bool>,
}

const COMMANDS: &[Command] = &[
    Command { name: "arrows", purpose: "check that crates depend downwards only", run: arrows::run },
    Command { name: "tidy", purpose: "check the house rules that no compiler knows", run: tidy::run },
    Command {
        name: "setup",
        purpose: "name, and as root on Debian install, what a build needs",
        run: setup::run,
    },
    Command { name: "test", purpose: "run every test and end with one sum", run: test::run_all },
    Command {
        name: "fuzz",
        purpose: "run the fuzz targets, or those that are named, for `--seconds N` each",
        run: fuzz::run,
    },
    Command {
        name: "python",
        purpose: "check the types of the Python packages and run their tests",
        run: python::run,
    },
    Command {
        name: "typescript",
        purpose: "build the TypeScript packages and run their tests",
        run: typescript::run,
    },
    Command { name: "test-fast", purpose: "run the unit tests only", run: test::run_fast },
];

fn main() -> ExitCode {
    let asked = std::env::args().nth(1);
    let Some(command) = COMMANDS.iter().find(|command| Some(command.name) == asked.as_deref()) else {
        print_help(asked.as_deref());
        return ExitCode::from(2);
    };
    match repository().and_then(|root| (command.run)(&root)) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("xtask {}: {error:#}", command.name);
            ExitCode::FAILURE
        }
    }
}

fn print_help(asked: Option<&str>) {
    if let Some(name) = asked {
        eprintln!("there is no command `{name}`\n");
    }
    eprintln!("cargo xtask <command>\n");
    for command in COMMANDS {
        eprintln!("  {:<10} {}", command.name, command.purpose);
    }
}

/// The root of the checkout that this program was built from.
fn repository() -> anyhow::Result<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().map(Path::to_path_buf).context("`xtask` has no parent directory")
}
