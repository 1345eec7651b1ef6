//! The Python packages: types checked, tests run, in a virtual environment of their own below the target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

struct Package {
    directory: &'static str,
    /// Exact versions of what its tests need, beside the package.
    requirements: &'static str,
}

const PACKAGES: &[Package] = &[
    Package { directory: "sdks/python", requirements: "requirements-test.txt" },
    // The MCP guard between real clients and servers; those of Node are installed by the tests themselves.
    Package { directory: "crates/guard/tests/clients", requirements: "requirements-test.txt" },
];

/// Each is run in the directory of a package, by the interpreter of its environment.
const CHECKS: &[&[&str]] = &[&["-m", "mypy"], &["-m", "pytest"]];

/// Answers whether every check of every package passes.
pub(crate) fn run(root: &Path) -> anyhow::Result<bool> {
    let target = target_directory(root);
    let mut is_good = true;
    for package in PACKAGES {
        let python = environment(root, &target, package)?;
        for check in CHECKS {
            let status = Command::new(&python)
                .args(*check)
                .current_dir(root.join(package.directory))
                // Where the tests find the server, and where caches may lie.
                .env("CARGO_TARGET_DIR", &target)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .env("MYPY_CACHE_DIR", target.join("python/mypy"))
                .env("PYTEST_ADDOPTS", "-p no:cacheprovider")
                .stdin(Stdio::null())
                .status()
                .with_context(|| format!("`{}` could not be started", python.display()))?;
            is_good &= status.success();
        }
    }
    Ok(is_good)
}

fn target_directory(root: &Path) -> PathBuf {
    root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The interpreter of an environment that holds what the package's tests need; made where it is not there yet, or where the
/// requirements have changed.
fn environment(root: &Path, target: &Path, package: &Package) -> anyhow::Result<PathBuf> {
    let place = target.join("python").join(package.directory.replace('/', "-"));
    let python = place.join("bin/python");
    let requirements = root.join(package.directory).join(package.requirements);
    let wanted = std::fs::read(&requirements).with_context(|| requirements.display().to_string())?;
    let installed = place.join("installed.txt");
    if std::fs::read(&installed).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    must_run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&place))
        .context("on Debian and Ubuntu `apt install python3-venv` brings `venv`")?;
    must_run(
        Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
            .arg(&requirements),
    )?;
    std::fs::write(&installed, wanted)?;
    Ok(python)
}

fn must_run(command: &mut Command) -> anyhow::Result<()> {
    let status = command.stdin(Stdio::null()).status().with_context(|| format!("{command:?}"))?;
    ensure!(status.success(), "{command:?} failed");
    Ok(())
}
