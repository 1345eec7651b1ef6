//! A server that runs as a child of the guard and speaks over its standard input and output.

use super::{pump::pump_lines, relay::Conversation};
use std::{
    ffi::OsString,
    process::{ExitStatus, Stdio},
    sync::Arc,
    time::Duration,
};
use tokio::{
    io,
    process::{Child, Command},
    time::timeout,
};

/// How long a server may take to end by itself once its input is closed, and again once it was told to.
const GRACE: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum ChildError {
    #[error("`{command}` could not be started: {cause}")]
    NotStarted { command: String, cause: io::Error },
    #[error("the connection to the server broke: {0}")]
    Broken(#[from] io::Error),
}

/// Why the guard ended.
#[derive(Debug)]
pub enum Ended {
    Server(ExitStatus),
    /// The client has gone.
    Client,
    /// This program was told to end.
    Signal,
}

/// Runs the command, carries frames between it and this program's own standard streams until either has gone, and sees to
/// it that nothing is left running. The child's standard error is this program's.
pub async fn guard_child(conversation: Conversation, command: &[String]) -> Result<Ended, ChildError> {
    let (program, arguments) = command.split_first().ok_or_else(|| ChildError::NotStarted {
        command: String::new(),
        cause: io::ErrorKind::InvalidInput.into(),
    })?;
    let mut starting = Command::new(OsString::from(program));
    starting
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .kill_on_drop(true);
    // The guard's own secrets are none of the server's business.
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("INTERVEN_")) {
        starting.env_remove(name);
    }
    // A group of its own, so that a launcher such as `npx` ends together with what it started.
    #[cfg(unix)]
    starting.process_group(0);
    let mut child =
        starting.spawn().map_err(|cause| ChildError::NotStarted { command: program.clone(), cause })?;
    let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(ChildError::Broken(io::ErrorKind::BrokenPipe.into()));
    };
    let conversation = Arc::new(conversation);
    let mut carrying =
        tokio::spawn(pump_lines(Arc::clone(&conversation), (io::stdin(), io::stdout()), (output, input)));
    tokio::select! {
        carried = &mut carrying => {
            let status = end(&mut child).await?;
            carried.unwrap_or(Ok(()))?;
            Ok(Ended::Server(status))
        }
        () = told_to_end() => {
            tell_to_end(&child);
            carrying.abort();
            end(&mut child).await?;
            Ok(Ended::Signal)
        }
        // A server that does not end when its client has gone would stay for ever.
        () = conversation.left_alone(GRACE, 12) => {
            tell_to_end(&child);
            let _ = timeout(GRACE, &mut carrying).await;
            Ok(Ended::Server(end(&mut child).await?))
        }
    }
}

/// Waits for the child; then tells it; then does not ask any more.
async fn end(child: &mut Child) -> io::Result<ExitStatus> {
    if let Ok(status) = timeout(GRACE, child.wait()).await {
        return status;
    }
    tell_to_end(child);
    if let Ok(status) = timeout(GRACE, child.wait()).await {
        return status;
    }
    child.start_kill()?;
    child.wait().await
}

#[cfg(unix)]
fn tell_to_end(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process_group};
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    if let Some(group) = group {
        let _ = kill_process_group(group, Signal::TERM);
    }
}

#[cfg(not(unix))]
fn tell_to_end(_: &Child) {}

/// Resolves when somebody wants this program to end.
pub(crate) async fn told_to_end() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let (Ok(mut term), Ok(mut hangup)) = (signal(SignalKind::terminate()), signal(SignalKind::hangup()))
        else {
            return std::future::pending().await;
        };
        tokio::select! {
            _ = term.recv() => {}
            _ = hangup.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    }
    #[cfg(not(unix))]
    {
        let _ = tokio::signal::ctrl_c().await;
    }
}
