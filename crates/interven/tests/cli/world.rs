//! A running server in a directory of its own, on ports of its own, stopped at the end.

use serde_json::Value;
use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Output, Stdio},
    rc::Rc,
};
use tempfile::TempDir;

/// The command, with nothing of the environment that it reads.
pub(crate) fn interven() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_interven"));
    for (name, _) in std::env::vars() {
        let is_ours = ["INTERVEN_", "AIF_", "ADMIN_", "GATEWAY_", "TELEMETRY_"]
            .iter()
            .any(|start| name.starts_with(start));
        if is_ours || ["DATABASE_URL", "RUST_LOG", "LOG_FORMAT"].contains(&name.as_str()) {
            command.env_remove(name);
        }
    }
    command.env("GATEWAY_ADDR", "127.0.0.1:0").env("TELEMETRY_ADDR", "127.0.0.1:0").env("NO_COLOR", "1");
    command
}

/// Runs a command to its end, `input` on its standard input.
pub(crate) fn run(command: &mut Command, input: &str) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A command that fails early does not read.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    Ran::from(child.wait_with_output().unwrap())
}

#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Ran {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn json_lines(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[track_caller]
    pub(crate) fn must_exit(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:?}");
        self
    }
}

pub(crate) struct World {
    home: Rc<TempDir>,
    child: Child,
    /// What the start printed.
    pub(crate) banner: String,
    _stdout: BufReader<ChildStdout>,
}

impl World {
    pub(crate) fn start() -> Self {
        Self::start_in(&Rc::new(TempDir::new().unwrap()))
    }

    /// Starts in `<home>/data`, and returns once the banner is printed: then both ports take connections.
    pub(crate) fn start_in(home: &Rc<TempDir>) -> Self {
        Self::start_with(home, |_| {})
    }

    /// The same, with what `prepare` adds to the command.
    pub(crate) fn start_with(home: &Rc<TempDir>, prepare: impl FnOnce(&mut Command)) -> Self {
        let log = home.path().join("stderr.log");
        let mut serve = interven();
        serve.args(["serve", "--data-dir"]).arg(home.path().join("data"));
        prepare(&mut serve);
        let mut child = serve.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut banner = String::new();
        while !banner.contains("curl ") {
            let read = stdout.read_line(&mut banner).unwrap();
            assert_ne!(read, 0, "it ended early: {banner}{}", std::fs::read_to_string(&log).unwrap());
        }
        Self { home: Rc::clone(home), child, banner, _stdout: stdout }
    }

    pub(crate) fn home(&self) -> Rc<TempDir> {
        Rc::clone(&self.home)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    pub(crate) fn bootstrap(&self) -> Value {
        read_json(&self.data_dir().join("bootstrap.json"))
    }

    pub(crate) fn text(&self, name: &str) -> String {
        self.bootstrap()[name].as_str().unwrap().to_owned()
    }

    /// `host:port` of the gateway.
    pub(crate) fn gateway_addr(&self) -> String {
        self.text("gateway_url").strip_prefix("http://").unwrap().to_owned()
    }

    /// A command that acts on this server.
    pub(crate) fn interven(&self, arguments: &[&str]) -> Ran {
        self.interven_with(arguments, "")
    }

    pub(crate) fn interven_with(&self, arguments: &[&str], input: &str) -> Ran {
        run(interven().args(arguments).arg("--data-dir").arg(self.data_dir()), input)
    }

    /// Asks with the first key; `--json`.
    pub(crate) fn scan(&self, method: &str, url: &str, body: &str) -> Ran {
        self.interven(&["scan", "--method", method, "--url", url, "--body", body, "--json"])
    }

    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status();
        assert!(sent.unwrap().success());
    }

    /// Waits for the end and returns its exit code and log.
    pub(crate) fn ended(mut self) -> (Option<i32>, String) {
        let status = self.child.wait().unwrap();
        (status.code(), std::fs::read_to_string(self.home.path().join("stderr.log")).unwrap())
    }

    pub(crate) fn stop(self) -> (Option<i32>, String) {
        self.signal("TERM");
        self.ended()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The shape of a cloud access key; in pieces, so that none stands in the source.
pub(crate) fn leaked_key() -> String {
    ["AK", "IA", "Q3EGZKXW", "2TNLYB7H"].concat()
}

pub(crate) const SLACK: &str = "https://slack.com/api/chat.postMessage";
pub(crate) const MERGE: &str = "https://api.github.com/repos/acme/app/pulls/7/merge";
