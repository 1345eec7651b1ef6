//! The record for other systems: streamed oldest first, in a format of their own, in constant memory.
//!
//! An export ends where the log ended when it began. Each row carries its position, so one that was cut off goes on after
//! the last whole row that arrived (`after`), to the same end (`through`).

mod cef;
mod csv;
mod format;
mod json;
mod ocsf;
#[cfg(test)]
mod tests;

pub use format::ExportFormat;

use crate::Live;
use bytes::Bytes;
use format::Writer;
use futures_core::Stream;
use interven_store::{ActivityFilter, ActivityRow, Store, StoreError, StoreResult};
use interven_types::{AgentId, DataClass, Decision, RiskBand, TenantId, Timestamp};
use serde::Deserialize;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};
use tokio::sync::mpsc;

/// Rows read and written in one go. A row is a few KiB, so what is held at any time is a few MiB.
const PAGE: u32 = 500;

/// Which scans to export, and how; all that is given must hold.
#[derive(Clone, Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExportQuery {
    /// `json` (one document), or a line each: `ndjson`, `csv`, `splunk`, `datadog`, `ocsf`, `cef`.
    pub format: ExportFormat,
    pub agent_id: Option<AgentId>,
    pub tool: Option<String>,
    pub operation: Option<String>,
    pub decision: Option<Decision>,
    pub band: Option<RiskBand>,
    pub class: Option<DataClass>,
    pub env: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Goes on after this position, the last that arrived of an export that was cut off. CSV has no head line then.
    pub after: Option<u64>,
    /// Ends at this position: what `X-Interven-Through` said of the export that was cut off. Absent: where the log ends now.
    pub through: Option<u64>,
}

impl ExportQuery {
    /// Everything, in this format.
    pub fn all(format: ExportFormat) -> Self {
        Self {
            format,
            agent_id: None,
            tool: None,
            operation: None,
            decision: None,
            band: None,
            class: None,
            env: None,
            since: None,
            until: None,
            after: None,
            through: None,
        }
    }

    fn filter(&self, after: u64, through: u64) -> ActivityFilter {
        ActivityFilter {
            agent_id: self.agent_id,
            tool_name: self.tool.clone(),
            operation: self.operation.clone(),
            decision: self.decision,
            risk_band: self.band,
            class: self.class,
            envs: self.env.iter().cloned().collect(),
            since: self.since,
            until: self.until,
            before_seq: Some(through.saturating_add(1)),
            after_seq: Some(after),
            limit: PAGE,
        }
    }
}

/// An export under way. Dropping it ends it.
#[derive(Debug)]
pub struct Export {
    /// The position where it ends.
    pub through: u64,
    pieces: mpsc::Receiver<StoreResult<Bytes>>,
}

impl Stream for Export {
    type Item = StoreResult<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.pieces.poll_recv(context)
    }
}

impl Live {
    /// Begins an export of the tenant's log.
    pub async fn export(&self, tenant: TenantId, query: ExportQuery) -> StoreResult<Export> {
        let newest = ActivityFilter { limit: 1, ..ActivityFilter::default() };
        let newest = self.store.activity(tenant, &newest).await?.first().map_or(0, |row| row.ledger_seq);
        let through = query.through.map_or(newest, |through| through.min(newest));
        // One piece waits while the next is made.
        let (sender, pieces) = mpsc::channel(1);
        let store = Arc::clone(&self.store);
        tokio::spawn(async move {
            if let Err(error) = write(store, tenant, query, through, &sender).await {
                tracing::error!(%error, tenant_id = %tenant, "an export broke off");
                // Whoever reads sees an answer that ends too early, never one that looks whole.
                let _ = sender.send(Err(error)).await;
            }
        });
        Ok(Export { through, pieces })
    }
}

async fn write(
    store: Arc<dyn Store>,
    tenant: TenantId,
    query: ExportQuery,
    through: u64,
    pieces: &mpsc::Sender<StoreResult<Bytes>>,
) -> StoreResult<()> {
    let mut writer = Writer::new(query.format, tenant, query.after.is_some());
    let mut after = query.after.unwrap_or(0);
    loop {
        let rows = match after < through {
            true => store.activity(tenant, &query.filter(after, through)).await?,
            false => Vec::new(),
        };
        let last = rows.last().map(|row| row.ledger_seq);
        let (piece, returned) = piece(writer, rows).await?;
        writer = returned;
        if !piece.is_empty() && pieces.send(Ok(piece)).await.is_err() {
            return Ok(());
        }
        match last {
            Some(last) => after = last,
            None => {
                let _ = pieces.send(Ok(writer.end(through).into())).await;
                return Ok(());
            }
        }
    }
}

/// Writes a page, away from the threads that answer calls.
async fn piece(mut writer: Writer, rows: Vec<ActivityRow>) -> StoreResult<(Bytes, Writer)> {
    let write = move || {
        let mut piece = Vec::new();
        for row in &rows {
            writer.write(row, &mut piece);
        }
        (Bytes::from(piece), writer)
    };
    let written = tokio::task::spawn_blocking(write).await;
    written.map_err(|error| StoreError::Unavailable(error.to_string()))
}
