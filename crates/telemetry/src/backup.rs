//! A copy of the whole installation, for the operator.

use crate::{ControlError, Telemetry, operator::Instance};
use axum::{extract::State, response::Response};
use bytes::Bytes;
use futures_core::Stream;
use interven_http::{ApiResult, download};
use interven_store::{AuditEntry, Backup};
use interven_types::ErrorBody;
use serde_json::json;
use std::{
    fs::File,
    io::{self, Read as _},
    pin::Pin,
    task::{Context, Poll},
};
use tokio::sync::mpsc;

const PIECE_BYTES: usize = 256 * 1024;

/// The database as it is now, in one file; scans go on meanwhile. What is sealed stays sealed: the encryption key is not in
/// it. PostgreSQL is backed up with its own tools.
#[utoipa::path(
    get, path = "/api/telemetry/backup", tag = "backup", security(("operator" = [])),
    responses(
        (status = 200, description = "A SQLite database", body = Vec<u8>, content_type = "application/vnd.sqlite3"),
        (status = 401, body = ErrorBody),
        (status = 409, description = "Not with this database", body = ErrorBody),
        (status = 503, body = ErrorBody),
    )
)]
pub(crate) async fn backup(instance: Instance, State(telemetry): State<Telemetry>) -> ApiResult<Response> {
    let live = &telemetry.live;
    let copy = live.store.backup().await.map_err(ControlError::from)?;
    let bytes = std::fs::metadata(copy.path()).map_or(0, |about| about.len());
    // Every tenant's record leaves with it.
    for tenant in live.store.tenants().await.map_err(ControlError::from)? {
        let entry = AuditEntry {
            action: "backup.create".to_owned(),
            target: "database".to_owned(),
            details: json!({"bytes": bytes}),
        };
        let noted = live.store.audit(tenant.tenant_id, &entry, &instance.actor, live.now()).await;
        noted.map_err(ControlError::from)?;
    }
    Ok(download("application/vnd.sqlite3", ("x-interven-backup-bytes", bytes), Pieces::of(copy)))
}

/// The copy, piece by piece; the file goes with the answer.
struct Pieces(mpsc::Receiver<io::Result<Bytes>>);

impl Pieces {
    fn of(copy: Backup) -> Self {
        let (sender, pieces) = mpsc::channel(2);
        tokio::task::spawn_blocking(move || {
            if let Err(error) = send(&copy, &sender) {
                tracing::error!(%error, "a backup broke off");
                let _ = sender.blocking_send(Err(error));
            }
        });
        Self(pieces)
    }
}

fn send(copy: &Backup, pieces: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let mut file = File::open(copy.path())?;
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let read = file.read(&mut piece)?;
        piece.truncate(read);
        if read == 0 || pieces.blocking_send(Ok(piece.into())).is_err() {
            return Ok(());
        }
    }
}

impl Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context)
    }
}
