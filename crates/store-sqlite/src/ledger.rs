//! Rows as events of a log, the tiles of its tree, and its checkpoints.

use crate::{
    SqliteStore,
    sql::{Cells, Sql, count},
};
use async_trait::async_trait;
use interven_ledger::{Entry, Hash, Source, Tile, tile_bytes, tile_hashes};
use interven_store::{
    CHECKPOINTS_KEPT, Cell, LedgerStore, Log, LogTable, Seal, SignedCheckpoint, StoreError, StoreResult,
};
use interven_types::TenantId;
use rusqlite::{
    Connection, params, params_from_iter,
    types::{ToSql, ToSqlOutput, ValueRef},
};
use std::{borrow::Cow, collections::BTreeMap};

/// Rows that are read in one go where all of them are.
const ROWS_AT_ONCE: u32 = 1_000;

/// A cell on its way into a statement.
struct Bound<'a>(&'a Cell<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self.0 {
            Cell::Null => ValueRef::Null,
            Cell::Integer(number) => ValueRef::Integer(*number),
            Cell::Real(number) => ValueRef::Real(*number),
            Cell::Text(text) => ValueRef::Text(text.as_bytes()),
            Cell::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

/// Writes a row of a log with its leaf hash. `cells` are in the order of the table's columns.
pub(crate) fn append(db: &Connection, log: Log, cells: &[Cell<'_>]) -> StoreResult<()> {
    let hash = log.leaf_hash(cells);
    let leaf = Cell::Blob(Cow::Borrowed(&hash.0));
    let sql = match log {
        Log::Activity => &*INSERT_ACTIVITY,
        Log::Audit => &*INSERT_AUDIT,
    };
    db.change(sql, params_from_iter(cells.iter().chain([&leaf]).map(Bound)))?;
    Ok(())
}

static INSERT_ACTIVITY: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| insert(Log::Activity));
static INSERT_AUDIT: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| insert(Log::Audit));

fn insert(log: Log) -> String {
    let table = log.table();
    let marks = vec!["?"; table.columns.len() + 1].join(", ");
    format!("INSERT INTO {} ({}, leaf_hash) VALUES ({marks})", table.name, columns(table))
}

fn columns(table: &LogTable) -> String {
    table.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// The cells of a row that was selected by [`columns`].
fn stored_cells<'row>(row: &'row Cells<'_>, table: &LogTable) -> StoreResult<Vec<Cell<'row>>> {
    let cell = |(place, (name, _)): (usize, &(&str, _))| {
        Ok(match row.at(place)? {
            ValueRef::Null => Cell::Null,
            ValueRef::Integer(number) => Cell::Integer(number),
            ValueRef::Real(number) => Cell::Real(number),
            ValueRef::Blob(bytes) => Cell::Blob(Cow::Borrowed(bytes)),
            ValueRef::Text(text) => std::str::from_utf8(text)
                .map_err(|_| StoreError::Corrupt(format!("column `{name}` is no text")))?
                .into(),
        })
    };
    table.columns.iter().enumerate().map(cell).collect()
}

fn entry(row: &Cells<'_>, log: Log) -> StoreResult<Entry> {
    let event = match stored_cells(row, log.table()) {
        Ok(cells) => Ok(log.event(&cells)),
        Err(error) => Err(error.to_string()),
    };
    let leaf_hash = leaf_hash(row);
    let event = if leaf_hash.is_some() { event } else { Err("its leaf hash is none".to_owned()) };
    Ok(Entry { position: row.number(log.table().position)?, event, leaf_hash })
}

fn leaf_hash(row: &Cells<'_>) -> Option<Hash> {
    row.raw("leaf_hash").ok()?.as_blob().ok().and_then(Hash::from_slice)
}

/// Gives rows that were written before the ledger their leaf hashes.
pub(crate) fn fill_leaf_hashes(db: &Connection) -> StoreResult<()> {
    for log in Log::ALL {
        let table = log.table();
        let (name, position, columns) = (table.name, table.position, columns(table));
        let page = format!(
            "SELECT {columns} FROM {name} WHERE (tenant_id, {position}) > (?1, ?2)
             ORDER BY tenant_id, {position} LIMIT {ROWS_AT_ONCE}"
        );
        let update = format!("UPDATE {name} SET leaf_hash = ?3 WHERE tenant_id = ?1 AND {position} = ?2");
        let mut last = (String::new(), i64::MIN);
        loop {
            let rows = db.rows(&page, params![last.0, last.1], |row| {
                let at = (row.string("tenant_id")?, row.number::<i64>(position)?);
                Ok((at, log.leaf_hash(&stored_cells(row, table)?)))
            })?;
            let Some((end, _)) = rows.last() else { break };
            last = end.clone();
            for ((tenant, position), hash) in rows {
                db.change(&update, params![tenant, position, hash.0])?;
            }
        }
    }
    Ok(())
}

pub(crate) fn newest(db: &Connection, tenant: TenantId, log: Log) -> StoreResult<Option<SignedCheckpoint>> {
    db.row(
        "SELECT tree_size, note, signed_at FROM ledger_checkpoints WHERE tenant_id = ?1 AND log = ?2
         ORDER BY tree_size DESC LIMIT 1",
        params![tenant.to_string(), log.as_str()],
        |row| {
            Ok(SignedCheckpoint {
                size: row.number("tree_size")?,
                note: row.string("note")?,
                signed_at: row.parsed("signed_at")?,
            })
        },
    )
}

fn save(db: &Connection, tenant: TenantId, log: Log, seal: &Seal) -> StoreResult<bool> {
    if newest(db, tenant, log)?.map_or(0, |checkpoint| checkpoint.size) != seal.from {
        return Ok(false);
    }
    let (tenant, log) = (tenant.to_string(), log.as_str());
    for (tile, hashes) in &seal.tiles {
        db.change(
            "INSERT INTO ledger_tiles (tenant_id, log, level, tile_index, hashes) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT DO UPDATE SET hashes = excluded.hashes",
            params![tenant, log, tile.level, count(tile.index), tile_bytes(hashes)],
        )?;
    }
    let Seal { checkpoint, note, at, .. } = seal;
    db.change(
        "INSERT INTO ledger_checkpoints (tenant_id, log, tree_size, root, note, signed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![tenant, log, count(checkpoint.size), checkpoint.root.0, note, at.to_string()],
    )?;
    db.change(
        "DELETE FROM ledger_checkpoints WHERE tenant_id = ?1 AND log = ?2 AND tree_size <
            (SELECT tree_size FROM ledger_checkpoints WHERE tenant_id = ?1 AND log = ?2
             ORDER BY tree_size DESC LIMIT 1 OFFSET ?3)",
        params![tenant, log, CHECKPOINTS_KEPT - 1],
    )?;
    Ok(true)
}

fn recorded(db: &Connection, tenant: TenantId, log: Log) -> StoreResult<u64> {
    let sql = format!("SELECT {} AS recorded FROM tenant_counters WHERE tenant_id = ?1", log.table().counter);
    db.row(&sql, [tenant.to_string()], |row| row.number("recorded"))?.ok_or(StoreError::NotFound("tenant"))
}

/// A log as it lies in a database file, for whoever has that open.
#[derive(Debug)]
pub struct StoredLog<'db> {
    db: &'db Connection,
    tenant: TenantId,
    log: Log,
}

impl<'db> StoredLog<'db> {
    pub fn new(db: &'db Connection, tenant: TenantId, log: Log) -> Self {
        Self { db, tenant, log }
    }

    /// As [`LedgerStore::entries`].
    pub fn page(&self, from: i64, limit: u32) -> StoreResult<Vec<Entry>> {
        let table = self.log.table();
        let (name, position, columns) = (table.name, table.position, columns(table));
        let sql = format!(
            "SELECT {columns}, leaf_hash FROM {name} WHERE tenant_id = ?1 AND {position} >= ?2
                AND {position} <= ifnull((SELECT {position} FROM {name} WHERE tenant_id = ?1 AND {position} >= ?2
                                          ORDER BY {position} LIMIT 1 OFFSET ?3), ?4)
             ORDER BY {position}"
        );
        let bounds = params![self.tenant.to_string(), from, limit.saturating_sub(1), i64::MAX];
        self.db.rows(&sql, bounds, |row| entry(row, self.log))
    }

    /// Half a hash is no tile.
    fn hashes(&self, tile: Tile) -> StoreResult<Option<Vec<Hash>>> {
        let sql = "SELECT hashes FROM ledger_tiles
             WHERE tenant_id = ?1 AND log = ?2 AND level = ?3 AND tile_index = ?4";
        let place = params![self.tenant.to_string(), self.log.as_str(), tile.level, count(tile.index)];
        Ok(self.db.row(sql, place, |row| row.bytes("hashes"))?.and_then(|bytes| tile_hashes(&bytes)))
    }
}

impl Source for StoredLog<'_> {
    type Error = StoreError;

    fn recorded(&mut self) -> StoreResult<u64> {
        recorded(self.db, self.tenant, self.log)
    }

    fn tile(&mut self, tile: Tile, width: u64) -> StoreResult<Vec<Hash>> {
        let mut hashes = self.hashes(tile)?.unwrap_or_default();
        hashes.truncate(usize::try_from(width).unwrap_or(0));
        Ok(hashes)
    }

    fn entries(&mut self, from: i64) -> StoreResult<Vec<Entry>> {
        self.page(from, ROWS_AT_ONCE)
    }
}

#[async_trait]
impl LedgerStore for SqliteStore {
    async fn recorded(&self, tenant: TenantId, log: Log) -> StoreResult<u64> {
        self.read(move |db| recorded(db, tenant, log)).await
    }

    async fn leaves(
        &self,
        tenant: TenantId,
        log: Log,
        after: u64,
        limit: u32,
    ) -> StoreResult<Vec<(u64, Hash)>> {
        self.read(move |db| {
            let LogTable { name, position, .. } = log.table();
            let sql = format!(
                "SELECT {position} AS position, leaf_hash FROM {name}
                 WHERE tenant_id = ?1 AND {position} > ?2 AND {position} <= ?3 ORDER BY {position} LIMIT ?4"
            );
            let last = recorded(db, tenant, log)?;
            db.rows(&sql, params![tenant.to_string(), count(after), count(last), limit], |row| {
                let position = row.number("position")?;
                let unreadable =
                    || StoreError::Corrupt(format!("the leaf hash of position {position} is none"));
                Ok((position, leaf_hash(row).ok_or_else(unreadable)?))
            })
        })
        .await
    }

    async fn entries(&self, tenant: TenantId, log: Log, from: i64, limit: u32) -> StoreResult<Vec<Entry>> {
        self.read(move |db| StoredLog::new(db, tenant, log).page(from, limit)).await
    }

    async fn tiles(
        &self,
        tenant: TenantId,
        log: Log,
        tiles: &[Tile],
    ) -> StoreResult<BTreeMap<Tile, Vec<Hash>>> {
        let tiles = tiles.to_vec();
        self.read(move |db| {
            let stored = StoredLog::new(db, tenant, log);
            let mut found = BTreeMap::new();
            for tile in tiles {
                found.extend(stored.hashes(tile)?.map(|hashes| (tile, hashes)));
            }
            Ok(found)
        })
        .await
    }

    async fn newest_checkpoint(&self, tenant: TenantId, log: Log) -> StoreResult<Option<SignedCheckpoint>> {
        self.read(move |db| newest(db, tenant, log)).await
    }

    async fn seal(&self, tenant: TenantId, log: Log, seal: &Seal) -> StoreResult<bool> {
        let seal = seal.clone();
        self.write(move |tx| save(tx, tenant, log, &seal)).await
    }
}
