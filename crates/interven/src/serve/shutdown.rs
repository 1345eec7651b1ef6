//! When to stop.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Turns true at the first SIGINT or SIGTERM. The second ends the process at once: whoever asks twice does not want to
/// wait for requests under way.
pub(crate) fn on_signal() -> std::io::Result<watch::Receiver<bool>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let (sender, receiver) = watch::channel(false);
    tokio::spawn(async move {
        for is_second in [false, true] {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if is_second {
                std::process::exit(130);
            }
            tracing::info!("stopping: requests under way may finish");
            sender.send_replace(true);
        }
    });
    Ok(receiver)
}

/// Resolves once `stop` is true.
pub(crate) async fn stopped(mut stop: watch::Receiver<bool>) {
    // A sender that is gone can no longer ask for anything: stop as well.
    let _ = stop.wait_for(|is_asked| *is_asked).await;
}
