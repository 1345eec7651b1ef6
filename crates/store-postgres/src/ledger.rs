//! Rows as events of a log, the tiles of its tree, and its checkpoints.

use crate::{
    PostgresStore,
    cells::{At, Cells, Text, count},
    session::Tx,
};
use async_trait::async_trait;
use bytes::BytesMut;
use interven_ledger::{Entry, Hash, Tile, tile_bytes, tile_hashes};
use interven_store::{
    CHECKPOINTS_KEPT, Cell, ColumnKind, LedgerStore, Log, LogTable, Seal, SignedCheckpoint, StoreError,
    StoreResult,
};
use interven_types::{TenantId, Timestamp};
use std::{borrow::Cow, collections::BTreeMap, error::Error, sync::LazyLock};
use tokio_postgres::{
    Client,
    types::{IsNull, ToSql, Type, to_sql_checked},
};
use uuid::Uuid;

/// Rows whose leaf hashes are made in one go when an older database is brought up to date.
const FILLED_AT_ONCE: i64 = 1_000;

/// A cell on its way into a column, as the type that PostgreSQL keeps it in.
#[derive(Debug)]
pub(crate) struct Bound<'a>(Cell<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, column: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match &self.0 {
            Cell::Null => Ok(IsNull::Yes),
            Cell::Integer(number) => number.to_sql(column, out),
            Cell::Real(number) => number.to_sql(column, out),
            Cell::Blob(bytes) => bytes.to_sql(column, out),
            Cell::Text(text) => match *column {
                Type::UUID => text.parse::<Uuid>()?.to_sql(column, out),
                Type::TIMESTAMPTZ => At(text.parse::<Timestamp>()?).to_sql(column, out),
                _ => text.to_sql(column, out),
            },
        }
    }

    fn accepts(column: &Type) -> bool {
        [Type::UUID, Type::TIMESTAMPTZ, Type::TEXT, Type::INT8, Type::FLOAT8, Type::BYTEA].contains(column)
    }

    to_sql_checked!();
}

/// A row as it is stored, its leaf hash last. `cells` are in the order of the table's columns.
pub(crate) fn bound(log: Log, cells: Vec<Cell<'_>>) -> Vec<Bound<'_>> {
    // What is hashed is what is stored: a NUL, which PostgreSQL cannot hold, is stored as its symbol.
    let storable = |cell| match cell {
        Cell::Text(text) if text.contains('\0') => Cell::Text(Cow::Owned(Text(text).storable().into_owned())),
        other => other,
    };
    let cells: Vec<Cell<'_>> = cells.into_iter().map(storable).collect();
    let leaf = Cell::Blob(log.leaf_hash(&cells).0.to_vec().into());
    cells.into_iter().chain([leaf]).map(Bound).collect()
}

/// Writes a row of the audit log. `cells` are in the order of the table's columns.
pub(crate) async fn append_audit(tx: &Tx, cells: Vec<Cell<'_>>) -> StoreResult<()> {
    let bound = bound(Log::Audit, cells);
    let params: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|cell| cell as _).collect();
    tx.change(&INSERT_AUDIT, &params).await?;
    Ok(())
}

static INSERT_AUDIT: LazyLock<String> = LazyLock::new(|| {
    let table = Log::Audit.table();
    let marks: Vec<String> = (1..=table.columns.len() + 1).map(|place| format!("${place}")).collect();
    format!("INSERT INTO {} ({}, leaf_hash) VALUES ({})", table.name, columns(table), marks.join(", "))
});

pub(crate) fn columns(table: &LogTable) -> String {
    table.columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
}

/// The cells of a row that was selected by [`columns`], in the text that was hashed. A time that is none of ours, in
/// parts of a millisecond, is no time.
fn stored_cells<'row>(row: &Cells<'row>, table: &LogTable) -> StoreResult<Vec<Cell<'row>>> {
    let cell = |&(name, kind): &(&'static str, ColumnKind)| {
        let cell = match kind {
            ColumnKind::Id => row.optional_uuid(name)?.map(|id| id.to_string().into()),
            ColumnKind::Time => row.optional_exact_time(name)?.map(|at| at.to_string().into()),
            ColumnKind::Text | ColumnKind::Document => row.optional_text(name)?.map(Cell::from),
            ColumnKind::Integer => row.optional_number(name)?.map(Cell::Integer),
            ColumnKind::Real => row.optional_real(name)?.map(Cell::Real),
            ColumnKind::Blob => row.optional_blob(name)?.map(|bytes| Cell::Blob(Cow::Borrowed(bytes))),
        };
        Ok(cell.unwrap_or(Cell::Null))
    };
    table.columns.iter().map(cell).collect()
}

fn entry(row: &Cells<'_>, log: Log) -> StoreResult<Entry> {
    let table = log.table();
    let leaf_hash = leaf_hash(row);
    let event = match (stored_cells(row, table), leaf_hash) {
        (Ok(cells), Some(_)) => Ok(log.event(&cells)),
        (Ok(_), None) => Err("its leaf hash is none".to_owned()),
        (Err(error), _) => Err(error.to_string()),
    };
    Ok(Entry { position: row.number(table.position)?, event, leaf_hash })
}

fn leaf_hash(row: &Cells<'_>) -> Option<Hash> {
    row.optional_blob("leaf_hash").ok()?.and_then(Hash::from_slice)
}

/// Gives rows that were written before the ledger their leaf hashes.
pub(crate) async fn fill_leaf_hashes(client: &Client) -> Result<(), tokio_postgres::Error> {
    for log in Log::ALL {
        let table = log.table();
        let (name, position, columns) = (table.name, table.position, columns(table));
        let page = format!(
            "SELECT {columns} FROM {name} WHERE (tenant_id, {position}) > ($1, $2)
             ORDER BY tenant_id, {position} LIMIT {FILLED_AT_ONCE}"
        );
        let update = format!(
            "UPDATE {name} AS t SET leaf_hash = made.leaf_hash
             FROM unnest($1::uuid[], $2::bigint[], $3::bytea[]) AS made (tenant_id, {position}, leaf_hash)
             WHERE t.tenant_id = made.tenant_id AND t.{position} = made.{position}"
        );
        let mut last = (Uuid::nil(), i64::MIN);
        loop {
            let rows = client.query(&page, &[&last.0, &last.1]).await?;
            let (mut tenants, mut positions, mut hashes) = (Vec::new(), Vec::new(), Vec::new());
            for row in &rows {
                last = (row.try_get("tenant_id")?, row.try_get(position)?);
                // A row that cannot be read keeps no hash: the verifier says so.
                let Ok(cells) = stored_cells(&Cells(row), table) else { continue };
                tenants.push(last.0);
                positions.push(last.1);
                hashes.push(log.leaf_hash(&cells).0.to_vec());
            }
            if rows.is_empty() {
                break;
            }
            client.execute(&update, &[&tenants, &positions, &hashes]).await?;
        }
    }
    Ok(())
}

const NEWEST: &str = "SELECT tree_size, note, signed_at FROM ledger_checkpoints
     WHERE tenant_id = $1 AND log = $2 ORDER BY tree_size DESC LIMIT 1";

fn checkpoint(row: &Cells<'_>) -> StoreResult<SignedCheckpoint> {
    Ok(SignedCheckpoint {
        size: row.number("tree_size")?,
        note: row.string("note")?,
        signed_at: row.time("signed_at")?,
    })
}

#[async_trait]
impl LedgerStore for PostgresStore {
    async fn recorded(&self, tenant: TenantId, log: Log) -> StoreResult<u64> {
        let counter = log.table().counter;
        let sql = format!("SELECT {counter} AS recorded FROM tenant_counters WHERE tenant_id = $1");
        let found = self.session().await?.row(&sql, &[&tenant.0], |row| row.number("recorded")).await?;
        found.ok_or(StoreError::NotFound("tenant"))
    }

    async fn leaves(
        &self,
        tenant: TenantId,
        log: Log,
        after: u64,
        limit: u32,
    ) -> StoreResult<Vec<(u64, Hash)>> {
        let LogTable { name, position, counter, .. } = log.table();
        let sql = format!(
            "SELECT {position} AS position, leaf_hash FROM {name} WHERE tenant_id = $1 AND {position} > $2
             AND {position} <= (SELECT {counter} FROM tenant_counters WHERE tenant_id = $1)
             ORDER BY {position} LIMIT $3"
        );
        let db = self.session().await?;
        db.rows(&sql, &[&tenant.0, &count(after), &i64::from(limit)], |row| {
            let position = row.number("position")?;
            let unreadable = || StoreError::Corrupt(format!("the leaf hash of position {position} is none"));
            Ok((position, leaf_hash(row).ok_or_else(unreadable)?))
        })
        .await
    }

    async fn entries(&self, tenant: TenantId, log: Log, from: i64, limit: u32) -> StoreResult<Vec<Entry>> {
        let table = log.table();
        let (name, position, columns) = (table.name, table.position, columns(table));
        let sql = format!(
            "SELECT {columns}, leaf_hash FROM {name} WHERE tenant_id = $1 AND {position} >= $2
             ORDER BY {position} FETCH FIRST $3 ROWS WITH TIES"
        );
        let db = self.session().await?;
        db.rows(&sql, &[&tenant.0, &from, &i64::from(limit)], |row| entry(row, log)).await
    }

    async fn tiles(
        &self,
        tenant: TenantId,
        log: Log,
        tiles: &[Tile],
    ) -> StoreResult<BTreeMap<Tile, Vec<Hash>>> {
        let levels: Vec<i64> = tiles.iter().map(|tile| tile.level.into()).collect();
        let indexes: Vec<i64> = tiles.iter().map(|tile| count(tile.index)).collect();
        let sql = "SELECT level, tile_index, hashes FROM ledger_tiles
             JOIN unnest($3::bigint[], $4::bigint[]) AS wanted (level, tile_index) USING (level, tile_index)
             WHERE tenant_id = $1 AND log = $2";
        let db = self.session().await?;
        let read = |row: &Cells<'_>| {
            let tile = Tile { level: row.number("level")?, index: row.number("tile_index")? };
            // Half a hash is no tile.
            Ok(tile_hashes(&row.bytes("hashes")?).map(|hashes| (tile, hashes)))
        };
        let found = db.rows(sql, &[&tenant.0, &log.as_str(), &levels, &indexes], read).await?;
        Ok(found.into_iter().flatten().collect())
    }

    async fn newest_checkpoint(&self, tenant: TenantId, log: Log) -> StoreResult<Option<SignedCheckpoint>> {
        self.session().await?.row(NEWEST, &[&tenant.0, &log.as_str()], checkpoint).await
    }

    async fn seal(&self, tenant: TenantId, log: Log, seal: &Seal) -> StoreResult<bool> {
        let tx = self.begin_unlocked().await?;
        let log = log.as_str();
        // Who seals the same log waits for this transaction, who records does not.
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1 || $2, 0))";
        tx.rows(lock, &[&tenant.to_string(), &log], |_| Ok(())).await?;
        let newest = tx.row(NEWEST, &[&tenant.0, &log], checkpoint).await?;
        if newest.map_or(0, |checkpoint| checkpoint.size) != seal.from {
            return Ok(false);
        }
        let levels: Vec<i64> = seal.tiles.keys().map(|tile| tile.level.into()).collect();
        let indexes: Vec<i64> = seal.tiles.keys().map(|tile| count(tile.index)).collect();
        let hashes: Vec<Vec<u8>> = seal.tiles.values().map(|hashes| tile_bytes(hashes)).collect();
        tx.change(
            "INSERT INTO ledger_tiles (tenant_id, log, level, tile_index, hashes)
             SELECT $1, $2, * FROM unnest($3::bigint[], $4::bigint[], $5::bytea[])
             ON CONFLICT (tenant_id, log, level, tile_index) DO UPDATE SET hashes = excluded.hashes",
            &[&tenant.0, &log, &levels, &indexes, &hashes],
        )
        .await?;
        let Seal { checkpoint, note, at, .. } = seal;
        tx.change(
            "INSERT INTO ledger_checkpoints (tenant_id, log, tree_size, root, note, signed_at)
             VALUES ($1, $2, $3, $4, $5, $6)",
            &[&tenant.0, &log, &count(checkpoint.size), &checkpoint.root.0.as_slice(), note, &At(*at)],
        )
        .await?;
        tx.change(
            "DELETE FROM ledger_checkpoints WHERE tenant_id = $1 AND log = $2 AND tree_size <
                (SELECT tree_size FROM ledger_checkpoints WHERE tenant_id = $1 AND log = $2
                 ORDER BY tree_size DESC LIMIT 1 OFFSET $3)",
            &[&tenant.0, &log, &(i64::from(CHECKPOINTS_KEPT) - 1)],
        )
        .await?;
        tx.commit().await?;
        Ok(true)
    }
}
