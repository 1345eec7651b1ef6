//! The TypeScript packages: what their lock files name is installed, types are checked by the build, tests run.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

/// In the order in which they are built: the second holds the first.
const PACKAGES: &[&str] = &["sdks/typescript", "integrations/openclaw"];

/// Answers whether the tests of every package pass.
pub(crate) fn run(root: &Path) -> anyhow::Result<bool> {
    let mut is_good = true;
    for package in PACKAGES {
        let directory = root.join(package);
        for arguments in [&["ci", "--no-audit", "--no-fund", "--silent"][..], &["run", "--silent", "build"]] {
            ensure!(npm(&directory, root, arguments)?, "`npm {}` failed in `{package}`", arguments.join(" "));
        }
        is_good &= npm(&directory, root, &["run", "--silent", "test"])?;
    }
    Ok(is_good)
}

fn npm(directory: &Path, root: &Path, arguments: &[&str]) -> anyhow::Result<bool> {
    // Where the tests find the server.
    let target = root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()));
    let status = Command::new("npm")
        .args(arguments)
        .current_dir(directory)
        .env("CARGO_TARGET_DIR", target)
        .stdin(Stdio::null())
        .status()
        .context("`npm` could not be started: it comes with Node.js")?;
    Ok(status.success())
}
