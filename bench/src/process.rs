//! Services as processes of their own, so that they can be compared fairly and killed honestly.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, bail, ensure};
use serde::Deserialize;

use crate::connection::Target;
use crate::database::Database;

/// How long a start may take, recovery after a kill included.
const START: Duration = Duration::from_secs(60);
/// Between two looks at a service that starts.
const LOOK: Duration = Duration::from_millis(5);

/// A program that was built together with the one that runs.
///
/// # Errors
/// When it is not there.
pub fn program_beside_this_one(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let path = own.with_file_name(name);
    ensure!(path.is_file(), "`{}` is not built", path.display());
    Ok(path)
}

/// What `interven serve` writes for those who want to call it.
#[derive(Deserialize)]
struct Bootstrap {
    gateway_url: String,
    api_key: String,
}

/// A running `interven serve`, on ports that the system chose. Killed when dropped.
#[derive(Debug)]
pub struct Serving {
    child: Child,
    target: Target,
    start: Duration,
}

impl Serving {
    /// Starts the program on a data directory and the database in it. See [`Self::start_on`].
    ///
    /// # Errors
    /// When it ends early, or is not healthy within a minute.
    pub async fn start(program: &Path, data_dir: &Path) -> anyhow::Result<Self> {
        Self::start_on(program, data_dir, &Database::Sqlite(data_dir.join("interven.db"))).await
    }

    /// Starts the program and waits until it is healthy. What it prints is appended to `serve.log` in the data directory.
    ///
    /// # Errors
    /// When it ends early, or is not healthy within a minute.
    pub async fn start_on(program: &Path, data_dir: &Path, database: &Database) -> anyhow::Result<Self> {
        fs::create_dir_all(data_dir)?;
        let bootstrap = data_dir.join("bootstrap.json");
        let before = last_change(&bootstrap);
        let log = File::options().create(true).append(true).open(data_dir.join("serve.log"))?;
        let begun = Instant::now();
        let child = Command::new(program)
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .env("DATABASE_URL", database.url())
            .env("GATEWAY_ADDR", "127.0.0.1:0")
            .env("TELEMETRY_ADDR", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("`{}` could not be started", program.display()))?;
        let mut starting = Killed(Some(child));
        while begun.elapsed() < START {
            if let Some(status) = starting.child()?.try_wait()? {
                bail!("`interven serve` ended with {status}; see `{}`", data_dir.join("serve.log").display());
            }
            // An older file names the port of a process that is gone.
            if last_change(&bootstrap) != before
                && let Some(target) = read_target(&bootstrap)
                && target.is_healthy().await
            {
                return Ok(Self { child: starting.keep()?, target, start: begun.elapsed() });
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("`interven serve` was not healthy within {} s", START.as_secs())
    }

    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Waits until the gateway can decide and record; says how long that took.
    ///
    /// # Errors
    /// When it does not come to that within a minute.
    pub async fn healthy_again(&self) -> anyhow::Result<Duration> {
        let begun = Instant::now();
        while begun.elapsed() < START {
            if self.target.is_healthy().await {
                return Ok(begun.elapsed());
            }
            tokio::time::sleep(LOOK).await;
        }
        bail!("the gateway was not healthy again within {} s", START.as_secs())
    }

    /// From the start of the process to its first healthy answer.
    #[must_use]
    pub fn start_time(&self) -> Duration {
        self.start
    }

    /// What the process keeps in memory, in bytes; none where the system has no `/proc`.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches("kB").trim().parse::<u64>().ok()?.checked_mul(1024)
    }

    /// `kill -9`: the process gets no chance to say goodbye.
    ///
    /// # Errors
    /// When the process had ended by itself, which it should not have.
    pub fn kill(mut self) -> anyhow::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("`interven serve` had ended by itself with {status}");
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A running `null_handler`. Killed when dropped.
#[derive(Debug)]
pub struct NullHandler {
    child: Child,
    target: Target,
}

impl NullHandler {
    /// # Errors
    /// When the program is missing or names no address.
    pub fn start() -> anyhow::Result<Self> {
        let mut child = Command::new(program_beside_this_one("null_handler")?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = child.stdout.take();
        let mut starting = Killed(Some(child));
        let mut line = String::new();
        BufReader::new(output.context("the handler has no output")?).read_line(&mut line)?;
        let target = Target::new(line.trim(), None)?;
        Ok(Self { child: starting.keep()?, target })
    }

    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }
}

impl Drop for NullHandler {
    fn drop(&mut self) {
        end(&mut self.child);
    }
}

/// A process that is killed unless somebody keeps it: a start that fails leaves nothing behind.
struct Killed(Option<Child>);

impl Killed {
    fn child(&mut self) -> anyhow::Result<&mut Child> {
        self.0.as_mut().context("the process is kept elsewhere")
    }

    fn keep(&mut self) -> anyhow::Result<Child> {
        self.0.take().context("the process is kept elsewhere")
    }
}

impl Drop for Killed {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            end(child);
        }
    }
}

/// Failure means that it has ended already.
fn end(child: &mut Child) {
    drop(child.kill());
    drop(child.wait());
}

fn last_change(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|file| file.modified()).ok()
}

/// None while the file is half written.
fn read_target(bootstrap: &Path) -> Option<Target> {
    let bootstrap: Bootstrap = serde_json::from_slice(&fs::read(bootstrap).ok()?).ok()?;
    Target::new(&bootstrap.gateway_url, Some(&bootstrap.api_key)).ok()
}
