//! The two logs of a tenant as a ledger: which columns an event is made of, and what a backend keeps for sealing them.

use crate::{ActivityRow, AuditRow, StoreError, StoreResult};
use async_trait::async_trait;
use interven_ledger::{Checkpoint, Entry, Field, Hash, Tile, event_bytes};
use interven_types::{TenantId, Timestamp};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::BTreeMap};

/// Which of a tenant's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Log {
    /// `activity_log`: every scan.
    Activity,
    /// `audit_log`: every change of the control plane.
    Audit,
}

/// What a column holds, and so how it stands in an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// A hyphenated UUID in small letters.
    Id,
    /// RFC 3339, UTC, milliseconds.
    Time,
    /// Stands in the event as it is, or as its hash when it is long.
    Text,
    /// JSON text as it is stored; in the event its SHA-256.
    Document,
    Integer,
    Real,
    /// In the event its SHA-256.
    Blob,
}

/// A log's table as its events see it.
#[derive(Clone, Copy, Debug)]
pub struct LogTable {
    pub name: &'static str,
    /// The column that counts from 1 without gaps.
    pub position: &'static str,
    /// The counter of it in `tenant_counters`.
    pub counter: &'static str,
    /// Every column that the event commits to, sorted by name. A column that is added later is not part of it.
    pub columns: &'static [(&'static str, ColumnKind)],
}

impl Log {
    pub const ALL: [Self; 2] = [Self::Activity, Self::Audit];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Activity => "activity",
            Self::Audit => "audit",
        }
    }

    pub fn table(self) -> &'static LogTable {
        match self {
            Self::Activity => &ACTIVITY,
            Self::Audit => &AUDIT,
        }
    }

    /// The first line of this log's checkpoints and the name of its key.
    pub fn origin(self, tenant: TenantId) -> String {
        format!("interven/{tenant}/{}", self.as_str())
    }

    /// The canonical bytes of a row, from its cells in the order of the table's columns.
    pub fn event(self, cells: &[Cell<'_>]) -> Vec<u8> {
        event_bytes(
            self.table().columns.iter().zip(cells).map(|((name, kind), cell)| (*name, cell.field(*kind))),
        )
    }

    /// What stands in `leaf_hash` beside a row with these cells.
    pub fn leaf_hash(self, cells: &[Cell<'_>]) -> Hash {
        Hash::of_leaf(&self.event(cells))
    }
}

const ACTIVITY: LogTable = LogTable {
    name: "activity_log",
    position: "ledger_seq",
    counter: "ledger_seq",
    columns: &[
        ("agent_id", ColumnKind::Id),
        ("agent_name", ColumnKind::Text),
        ("approval_id", ColumnKind::Id),
        ("classifications", ColumnKind::Text),
        ("client_addr", ColumnKind::Text),
        ("created_at", ColumnKind::Time),
        ("decision", ColumnKind::Text),
        ("detectors_hash", ColumnKind::Text),
        ("engine_version", ColumnKind::Text),
        ("env", ColumnKind::Text),
        ("facts", ColumnKind::Document),
        ("host", ColumnKind::Text),
        ("key_id", ColumnKind::Id),
        ("ledger_seq", ColumnKind::Integer),
        ("method", ColumnKind::Text),
        ("operation", ColumnKind::Text),
        ("policy_id", ColumnKind::Id),
        ("policy_name", ColumnKind::Text),
        ("policy_set", ColumnKind::Text),
        ("reason_codes", ColumnKind::Text),
        ("risk_band", ColumnKind::Text),
        ("risk_score", ColumnKind::Real),
        ("rule_id", ColumnKind::Text),
        ("sealed_request", ColumnKind::Blob),
        ("settings_version", ColumnKind::Integer),
        ("tenant_id", ColumnKind::Id),
        ("timings", ColumnKind::Document),
        ("tool_name", ColumnKind::Text),
        ("trace_id", ColumnKind::Id),
        ("trust_score", ColumnKind::Real),
        ("url", ColumnKind::Text),
        ("verb", ColumnKind::Text),
        ("verdict", ColumnKind::Document),
        ("would_be", ColumnKind::Text),
    ],
};

const AUDIT: LogTable = LogTable {
    name: "audit_log",
    position: "seq",
    counter: "audit_seq",
    columns: &[
        ("action", ColumnKind::Text),
        ("actor", ColumnKind::Text),
        ("at", ColumnKind::Time),
        ("client_addr", ColumnKind::Text),
        ("details", ColumnKind::Text),
        ("origin", ColumnKind::Text),
        ("seq", ColumnKind::Integer),
        ("target", ColumnKind::Text),
        ("tenant_id", ColumnKind::Id),
    ],
};

/// One column of a row, as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    Null,
    Integer(i64),
    Real(f64),
    Text(Cow<'a, str>),
    Blob(Cow<'a, [u8]>),
}

impl Cell<'_> {
    fn field(&self, kind: ColumnKind) -> Field<'_> {
        match self {
            Self::Null => Field::Null,
            Self::Integer(number) => Field::Integer(*number),
            Self::Real(number) => Field::Real(*number),
            Self::Text(text) if kind == ColumnKind::Document => Field::Digest(text.as_bytes()),
            Self::Text(text) => Field::Text(text),
            Self::Blob(bytes) => Field::Digest(bytes),
        }
    }
}

impl<'a> From<&'a str> for Cell<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Cell<'_> {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

/// An id, a word or a time, when there is one.
fn optional<'a, T: Into<Cell<'a>>>(value: Option<T>) -> Cell<'a> {
    value.map_or(Cell::Null, T::into)
}

fn document<'a>(value: &impl Serialize) -> StoreResult<Cell<'a>> {
    serde_json::to_string(value).map(Cell::from).map_err(|error| StoreError::Corrupt(error.to_string()))
}

fn integer<'a>(number: u64) -> Cell<'a> {
    Cell::Integer(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The row as it is stored, in the order of the table's columns. Each document is serialised here, once: what is bound
/// and what is hashed are the same bytes.
pub fn activity_cells(tenant: TenantId, row: &ActivityRow) -> StoreResult<Vec<Cell<'_>>> {
    Ok(vec![
        row.agent_id.to_string().into(),
        row.agent_name.as_str().into(),
        optional(row.approval_id.map(|id| id.to_string())),
        document(&row.classifications)?,
        optional(row.client_addr.as_deref()),
        row.created_at.to_string().into(),
        optional(row.decision.map(|decision| decision.as_str())),
        row.detectors_hash.as_str().into(),
        row.engine_version.as_str().into(),
        row.env.as_str().into(),
        document(&row.facts)?,
        optional(row.host.as_deref()),
        optional(row.key_id.map(|id| id.to_string())),
        integer(row.ledger_seq),
        row.method.as_str().into(),
        row.operation.as_str().into(),
        optional(row.policy_id.map(|id| id.to_string())),
        optional(row.policy_name.as_deref()),
        row.policy_set.as_str().into(),
        document(&row.reason_codes)?,
        row.risk_band.as_str().into(),
        Cell::Real(row.risk_score),
        optional(row.rule_id.as_deref()),
        Cell::Blob(Cow::Borrowed(&row.sealed_request)),
        Cell::Integer(row.settings_version.into()),
        tenant.to_string().into(),
        document(&row.timings)?,
        row.tool_name.as_str().into(),
        row.trace_id.to_string().into(),
        Cell::Real(row.trust_score),
        row.url.as_str().into(),
        row.verb.as_str().into(),
        document(&row.verdict)?,
        optional(row.would_be.map(|decision| decision.as_str())),
    ])
}

/// The row as it is stored, in the order of the table's columns.
pub fn audit_cells(tenant: TenantId, row: &AuditRow) -> StoreResult<Vec<Cell<'_>>> {
    Ok(vec![
        row.action.as_str().into(),
        row.actor.name.as_str().into(),
        row.at.to_string().into(),
        optional(row.actor.client_addr.as_deref()),
        document(&row.details)?,
        row.actor.origin.as_str().into(),
        integer(row.seq),
        row.target.as_str().into(),
        tenant.to_string().into(),
    ])
}

/// Puts more of a log under a signed checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Seal {
    /// The size that the log was sealed to before: 0 at first.
    pub from: u64,
    pub checkpoint: Checkpoint,
    /// The checkpoint, signed.
    pub note: String,
    /// Every tile that changed, whole.
    pub tiles: BTreeMap<Tile, Vec<Hash>>,
    pub at: Timestamp,
}

/// A signed checkpoint and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    pub size: u64,
    pub note: String,
    pub signed_at: Timestamp,
}

/// Every recorded row has its `leaf_hash` from the transaction that recorded it. Retention takes rows only below the
/// sealed size, whole runs of 256 positions, and says so in the audit log (`retention.prune`); hashes stay in the tiles.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// How many positions of the log were given out.
    async fn recorded(&self, tenant: TenantId, log: Log) -> StoreResult<u64>;
    /// Stored leaf hashes with their positions, from after `after` in order, none beyond what was given out. What
    /// is no hash of 32 bytes is `Corrupt`.
    async fn leaves(
        &self,
        tenant: TenantId,
        log: Log,
        after: u64,
        limit: u32,
    ) -> StoreResult<Vec<(u64, Hash)>>;
    /// Events made again from the rows from a position on, in order, whatever stands there: positions that nobody gave
    /// out too. An event that cannot be made says why. A page ends between two positions, never between rows that
    /// somebody gave the same.
    async fn entries(&self, tenant: TenantId, log: Log, from: i64, limit: u32) -> StoreResult<Vec<Entry>>;
    /// Those of the tiles that are there.
    async fn tiles(
        &self,
        tenant: TenantId,
        log: Log,
        tiles: &[Tile],
    ) -> StoreResult<BTreeMap<Tile, Vec<Hash>>>;
    async fn newest_checkpoint(&self, tenant: TenantId, log: Log) -> StoreResult<Option<SignedCheckpoint>>;
    /// Writes tiles and checkpoint together. False, and nothing written, when the log is not sealed to `from` any more:
    /// somebody else was first.
    async fn seal(&self, tenant: TenantId, log: Log, seal: &Seal) -> StoreResult<bool>;
}

/// Checkpoints kept in the store for each log; earlier ones are dropped. Keep those that matter elsewhere.
pub const CHECKPOINTS_KEPT: u32 = 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_sorted_also_when_one_stands_as_its_hash() {
        for log in Log::ALL {
            let columns = log.table().columns;
            let names: Vec<String> = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
            for place in 0..names.len() {
                let mut names = names.clone();
                names[place].push_str("_sha256");
                assert!(names.is_sorted(), "{names:?}");
            }
        }
    }

    #[test]
    fn the_largest_event_fits_an_entry_of_a_tiled_log() {
        for log in Log::ALL {
            for text in ["x".repeat(100_000), "x".repeat(interven_ledger::LONGEST_TEXT - 2)] {
                let cells: Vec<_> = log.table().columns.iter().map(|_| Cell::from(text.as_str())).collect();
                assert!(log.event(&cells).len() < 65_535);
            }
        }
    }
}
