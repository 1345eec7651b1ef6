//! Exit codes: a contract with scripts, told by `interven --help`.

use interven_client::ClientError;
use interven_types::Decision;
use std::{io, process::ExitCode};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Ok,
    /// Something was found, differs, or did not work.
    Findings,
    Usage,
    /// The server is not there, or refused.
    Server,
    /// `interven hook`: the one code at which every client blocks.
    Blocked,
    /// `interven scan` of one call.
    Decided(Decision),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Ok | Exit::Decided(Decision::Allow) => 0,
            Exit::Findings => 1,
            Exit::Usage | Exit::Blocked => 2,
            Exit::Server => 3,
            Exit::Decided(Decision::Sanitize) => 10,
            Exit::Decided(Decision::RequireApproval) => 11,
            Exit::Decided(Decision::Deny) => 12,
        })
    }
}

/// The command line asks for something that cannot be done as asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct UsageError(pub(crate) String);

/// Ends a failed command: one line on the standard error, or none when the reader of the output simply went away.
pub(crate) fn report(error: &anyhow::Error) -> Exit {
    if is_closed_pipe(error) {
        return Exit::Ok;
    }
    tell(&format!("interven: {error:#}"));
    if error.is::<UsageError>() {
        Exit::Usage
    } else if error.chain().any(|cause| cause.is::<ClientError>()) {
        Exit::Server
    } else {
        Exit::Findings
    }
}

/// One line on the standard error. When nobody can hear it there is nobody to tell.
pub(crate) fn tell(line: &str) {
    let _ = io::Write::write_all(&mut io::stderr().lock(), format!("{line}\n").as_bytes());
}

pub(crate) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let io = cause.downcast_ref::<io::Error>().map(io::Error::kind);
        let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        io.or(json) == Some(io::ErrorKind::BrokenPipe)
    })
}
