//! The ledger: its checkpoints, tiles and events, laid out so that any reader of tiled logs (C2SP tlog-tiles) can check
//! them below `/api/telemetry/ledger/<log>`.

use crate::{
    ControlError, Telemetry,
    error::Answer,
    extract::{Path, Query},
    operator::Operator,
};
use axum::{
    Json,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use interven_ledger::{TILE_WIDTH, Tile, TilePath, bundle_bytes, tile_bytes};
use interven_store::{Log, StoreError};
use interven_types::{ErrorBody, Timestamp, TraceId};
use serde::{Deserialize, Serialize};

/// Events in one answer: what a bundle has.
const ENTRIES_AT_ONCE: u32 = 1_024;

fn text(body: String) -> Response {
    ([(CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

fn bytes(body: Vec<u8>) -> Response {
    ([(CONTENT_TYPE, "application/octet-stream")], body).into_response()
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct LedgerStatus {
    log: Log,
    /// What its checkpoints are checked with.
    key: String,
    /// Positions that were given out so far.
    recorded: u64,
    /// How many of them are under the newest checkpoint.
    sealed: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    signed_at: Option<Timestamp>,
}

/// How far both logs are recorded and sealed, and their keys.
#[utoipa::path(
    get, path = "/api/telemetry/ledger", tag = "ledger", security(("operator" = [])),
    responses((status = 200, body = Vec<LedgerStatus>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn status(
    operator: Operator,
    State(telemetry): State<Telemetry>,
) -> Answer<Vec<LedgerStatus>> {
    let live = &telemetry.live;
    let mut logs = Vec::new();
    for log in Log::ALL {
        let newest = live.store.newest_checkpoint(operator.tenant, log).await?;
        logs.push(LedgerStatus {
            log,
            key: live.ledger_key(operator.tenant, log).to_string(),
            recorded: live.store.recorded(operator.tenant, log).await?,
            sealed: newest.as_ref().map_or(0, |checkpoint| checkpoint.size),
            signed_at: newest.map(|checkpoint| checkpoint.signed_at),
        });
    }
    Ok(Json(logs))
}

/// The newest checkpoint, a signed note. What was recorded until now is sealed for it; when that cannot be, the answer is
/// what was sealed last.
#[utoipa::path(
    get, path = "/api/telemetry/ledger/{log}/checkpoint", tag = "ledger", security(("operator" = [])),
    params(("log" = Log, Path)),
    responses((status = 200, body = String, content_type = "text/plain"), (status = 401, body = ErrorBody))
)]
pub(crate) async fn checkpoint(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(log): Path<Log>,
) -> Result<Response, ControlError> {
    let sealed = telemetry.live.seal(operator.tenant, log).await;
    // A log that does not match has a checkpoint to be held against all the same.
    let newest = match sealed {
        Ok(newest) => newest,
        Err(error) => telemetry.live.store.newest_checkpoint(operator.tenant, log).await?.ok_or(error)?,
    };
    Ok(text(newest.note))
}

/// Hashes of the tree, or events in a bundle, under the path that the tile layout gives them.
#[utoipa::path(
    get, path = "/api/telemetry/ledger/{log}/tile/{*path}", tag = "ledger", security(("operator" = [])),
    params(("log" = Log, Path), ("*path" = String, Path)),
    responses(
        (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody)
    )
)]
pub(crate) async fn tile(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path((log, path)): Path<(Log, String)>,
) -> Result<Response, ControlError> {
    let store = &telemetry.live.store;
    let not_found = || ControlError::Store(StoreError::NotFound("tile"));
    match TilePath::parse(&format!("tile/{path}")).ok_or_else(not_found)? {
        TilePath::Hashes { tile, width } => {
            let found = store.tiles(operator.tenant, log, &[tile]).await?;
            let hashes = found.get(&tile).and_then(|hashes| hashes.get(..usize::try_from(width).ok()?));
            hashes.map(|hashes| bytes(tile_bytes(hashes))).ok_or_else(not_found)
        }
        TilePath::Entries { index, width } => {
            let newest = store.newest_checkpoint(operator.tenant, log).await?;
            let bundle = Tile { level: 0, index };
            // Only what is under a checkpoint is part of the tree.
            newest.filter(|newest| bundle.width(newest.size) >= width).ok_or_else(not_found)?;
            let first = i64::try_from(index * TILE_WIDTH + 1).map_err(|_| not_found())?;
            let limit = u32::try_from(width).map_err(|_| not_found())?;
            let entries = store.entries(operator.tenant, log, first, limit).await?;
            let events: Option<Vec<Vec<u8>>> = (first..)
                .zip(entries)
                .map(|(position, entry)| entry.event.ok().filter(|_| entry.position == position))
                .collect();
            let events = events.filter(|events| events.len() as u64 == width).ok_or_else(not_found)?;
            bundle_bytes(events.iter().map(Vec::as_slice)).map(bytes).ok_or_else(not_found)
        }
    }
}

#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct EntriesQuery {
    /// The first position of what is wanted; nothing stands below 1 in a log that is sound.
    from: i64,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct StoredEntry {
    position: i64,
    /// The canonical event, made again from the row: a JSON object as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<String>,
    /// Why there is no event.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// The hash that stands beside the row, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    leaf_hash: Option<String>,
}

/// Events as they are stored now, in order, with the hashes beside them; empty at the end.
#[utoipa::path(
    get, path = "/api/telemetry/ledger/{log}/entries", tag = "ledger", security(("operator" = [])),
    params(("log" = Log, Path), EntriesQuery),
    responses((status = 200, body = Vec<StoredEntry>), (status = 401, body = ErrorBody))
)]
pub(crate) async fn entries(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(log): Path<Log>,
    Query(query): Query<EntriesQuery>,
) -> Answer<Vec<StoredEntry>> {
    let entries = telemetry.live.store.entries(operator.tenant, log, query.from, ENTRIES_AT_ONCE).await?;
    let stored = entries.into_iter().map(|entry| {
        let event = entry.event.and_then(|bytes| String::from_utf8(bytes).map_err(|error| error.to_string()));
        let (event, error) = match event {
            Ok(event) => (Some(event), None),
            Err(error) => (None, Some(error)),
        };
        let leaf_hash = entry.leaf_hash.map(|hash| hash.to_string());
        StoredEntry { position: entry.position, event, error, leaf_hash }
    });
    Ok(Json(stored.collect()))
}

/// Proves that a scan is in the log: its event, its place, the hashes up to the root, and the signed checkpoint, as text
/// that stands alone (C2SP tlog-proof).
#[utoipa::path(
    get, path = "/api/telemetry/ledger/activity/proof/{trace}", tag = "ledger", security(("operator" = [])),
    params(("trace" = TraceId, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)
    )
)]
pub(crate) async fn proof(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(trace): Path<TraceId>,
) -> Result<Response, ControlError> {
    let row = telemetry.live.store.trace(operator.tenant, trace).await?;
    let receipt = telemetry.live.prove(operator.tenant, Log::Activity, row.ledger_seq).await?;
    Ok(text(receipt.to_string()))
}
