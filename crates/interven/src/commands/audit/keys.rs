//! Keys of logs, from the command line, from files, or from whoever is to be verified.

use super::read_named;
use crate::exit::{UsageError, tell};
use anyhow::Result;
use interven_client::LedgerStatus;
use interven_ledger::VerifierKey;
use std::path::Path;

/// Keys by the log that they are named after.
#[derive(Debug)]
pub(super) struct Keys(Vec<VerifierKey>);

impl Keys {
    /// Each a key, or a file with one a line.
    pub(super) fn given(texts: &[String]) -> Result<Self> {
        let mut keys = Vec::new();
        for text in texts {
            let path = Path::new(text);
            let lines = if path.exists() { read_named(path)? } else { text.clone() };
            keys.extend(parse(&lines)?);
        }
        Ok(Self(keys))
    }

    /// What the server says its keys are: enough against whoever changes the database, not against whoever runs the server.
    pub(super) fn of_server(logs: &[LedgerStatus]) -> Result<Self> {
        tell(
            "interven: the keys come from the server itself; keep what `interven audit key` prints, and give it with --key",
        );
        Self::quietly_of_server(logs)
    }

    pub(super) fn quietly_of_server(logs: &[LedgerStatus]) -> Result<Self> {
        let lines: Vec<&str> = logs.iter().map(|status| status.key.as_str()).collect();
        Ok(Self(parse(&lines.join("\n"))?))
    }

    pub(super) fn of_export(dir: &Path) -> Result<Self> {
        tell(
            "interven: the keys come from the directory itself; give those that were kept elsewhere with --key",
        );
        Ok(Self(parse(&read_named(&dir.join("keys"))?)?))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The key of a log, `activity` or `audit`, of whichever tenant it is.
    pub(super) fn of_log(&self, log: &str) -> Result<&VerifierKey> {
        let mut of_log = self.0.iter().filter(|key| key.name().ends_with(&format!("/{log}")));
        match (of_log.next(), of_log.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(UsageError(format!("--key names no key of the {log} log")).into()),
            (Some(_), Some(_)) => Err(UsageError(format!(
                "--key names several keys of the {log} log; give those of one tenant"
            ))
            .into()),
        }
    }

    pub(super) fn of_origin(&self, origin: &str) -> Option<&VerifierKey> {
        self.0.iter().find(|key| key.name() == origin)
    }
}

fn parse(lines: &str) -> Result<Vec<VerifierKey>> {
    let lines = lines.lines().map(str::trim).filter(|line| !line.is_empty());
    Ok(lines
        .map(VerifierKey::parse)
        .collect::<Result<_, _>>()
        .map_err(|error| UsageError(error.to_string()))?)
}
