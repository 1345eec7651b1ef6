//! The Python packages: types checked, tests run, in virtual environments of their own below the target directory.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::{Context as _, bail, ensure};

struct Package {
    directory: &'static str,
    /// Exact versions of what its tests need, beside the package.
    requirements: &'static str,
    checks: &'static [Check],
}

/// Run in the directory of a package, by the interpreter of its environment.
type Check = &'static [&'static str];

const TYPES: Check = &["-m", "mypy"];
const TESTS: Check = &["-m", "pytest"];

const fn package(directory: &'static str) -> Package {
    Package { directory, requirements: "requirements-test.txt", checks: &[TYPES, TESTS] }
}

const PACKAGES: &[Package] = &[
    package("sdks/python"),
    // The MCP guard between real clients and servers; those of Node are installed by the tests themselves.
    package("crates/guard/tests/clients"),
    package("integrations/langchain"),
    // Types are checked against the newest framework only.
    Package {
        directory: "integrations/langchain",
        requirements: "requirements-oldest.txt",
        checks: &[TESTS],
    },
    package("integrations/openai-assistants"),
    package("integrations/computer-use"),
    package("integrations/crewai"),
];

/// Packages at a time: most of the time goes by in downloads and in waiting for gateways.
const LANES: usize = 2;

/// Answers whether every check of every package passes.
pub(crate) fn run(root: &Path) -> anyhow::Result<bool> {
    let target = target_directory(root);
    let next = AtomicUsize::new(0);
    let lane = || {
        let mut is_good = true;
        while let Some(package) = PACKAGES.get(next.fetch_add(1, Ordering::Relaxed)) {
            is_good &= check(root, &target, package)?;
        }
        Ok(is_good)
    };
    let lanes: Vec<anyhow::Result<bool>> = thread::scope(|scope| {
        let lanes: Vec<_> = (0..LANES).map(|_| scope.spawn(lane)).collect();
        lanes
            .into_iter()
            .map(|lane| lane.join().unwrap_or_else(|_| bail!("a lane ended in a panic")))
            .collect()
    });
    lanes.into_iter().try_fold(true, |all, lane| Ok(all & lane?))
}

/// Runs the checks of one package. What each says is passed on when it ends, so that two of them do not mix.
fn check(root: &Path, target: &Path, package: &Package) -> anyhow::Result<bool> {
    let python = environment(root, target, package)?;
    let mut is_good = true;
    for arguments in package.checks {
        let ran = Command::new(&python)
            .args(*arguments)
            .current_dir(root.join(package.directory))
            // Where the tests find the server, and where caches may lie.
            .env("CARGO_TARGET_DIR", target)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env("MYPY_CACHE_DIR", python.with_file_name("mypy-cache"))
            .env("PYTEST_ADDOPTS", "-p no:cacheprovider")
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("`{}` could not be started", python.display()))?;
        let (said, complained) = (String::from_utf8_lossy(&ran.stdout), String::from_utf8_lossy(&ran.stderr));
        println!("{}: python {}\n{said}{complained}", package.directory, arguments.join(" "));
        is_good &= ran.status.success();
    }
    Ok(is_good)
}

fn target_directory(root: &Path) -> PathBuf {
    root.join(std::env::var_os("CARGO_TARGET_DIR").unwrap_or_else(|| "target".into()))
}

/// The interpreter of an environment that holds what the package's tests need; made where it is not there yet, or where the
/// requirements have changed.
fn environment(root: &Path, target: &Path, package: &Package) -> anyhow::Result<PathBuf> {
    let name = format!("{}-{}", package.directory, package.requirements.trim_end_matches(".txt"));
    let place = target.join("python").join(name.replace('/', "-"));
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
