//! `interven admin retention`.

use crate::{
    cli::RetentionCommand,
    terminal::{Terminal, fields, or_dash},
};
use anyhow::Result;
use interven_client::{ControlClient, RetentionStatus};
use std::time::Duration;

const LOOK: Duration = Duration::from_millis(500);

pub(super) async fn run(client: &ControlClient, command: RetentionCommand, terminal: Terminal) -> Result<()> {
    if matches!(command, RetentionCommand::Run) {
        let begun = client.run_retention().await?;
        while let Some(run) = client.retention().await?.run
            && run.started_at == begun.started_at
            && run.ended_at.is_none()
        {
            tokio::time::sleep(LOOK).await;
        }
    }
    terminal.show(&client.retention().await?, shown)
}

fn shown(status: &RetentionStatus) -> String {
    let kept = match status.retention_days {
        Some(days) => format!("{days} days"),
        None => "for ever; set it with `interven admin settings set retention_days=90`".to_owned(),
    };
    let run = status.run.as_ref();
    let took = run.map(|run| {
        let counts = run.pruned.iter().map(|(kind, count)| format!("{count} {}", kind.replace('_', " ")));
        counts.collect::<Vec<_>>().join(", ")
    });
    fields([
        ("kept", kept),
        ("last run", or_dash(run.map(|run| run.started_at))),
        ("ended", or_dash(run.and_then(|run| run.ended_at))),
        ("older than", or_dash(run.map(|run| run.older_than))),
        ("to position", or_dash(run.map(|run| run.through))),
        ("took", or_dash(took)),
        ("next run", or_dash(status.next_at)),
    ])
}
