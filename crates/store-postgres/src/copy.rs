//! Taking in a whole installation that was another database's, in one transaction: all of it or nothing.

use crate::{OpenError, PostgresOptions, connections::Connection, migrate::migrate, open};
use bytes::{BufMut as _, Bytes, BytesMut};
use futures_util::SinkExt as _;
use interven_store::{COPIED_TABLES, Cell, CopiedRows};
use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
};

/// Why a copy was not made. Nothing of it is in the database then.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("{place} is not empty: `{table}` has rows; name a new database")]
    NotEmpty { place: String, table: &'static str },
    #[error("the two schemas disagree: `{table}` has no column `{column}` here")]
    NoColumn { table: &'static str, column: String },
    #[error("`{table}` took {copied} of {read} rows")]
    Incomplete { table: &'static str, read: u64, copied: u64 },
    #[error("{place} refuses what is to become `{table}`: {reason}")]
    Refused { place: String, table: &'static str, reason: String },
}

/// No limit hurries it, nor ends it while rows are read elsewhere.
const BEGIN: &str =
    "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";

/// An empty database in an open transaction. Dropped before it was committed, it stays empty.
pub struct CopyTarget {
    place: String,
    connection: Connection,
    /// Rows handed over, by table.
    read: BTreeMap<&'static str, u64>,
    months: BTreeSet<String>,
}

impl CopyTarget {
    /// Brings the schema up and begins. Services that are started meanwhile wait, and find all of it or nothing.
    ///
    /// # Errors
    /// When any of the tables has a row.
    pub async fn open(options: PostgresOptions) -> Result<Self, CopyError> {
        let (place, connections) = open::connections(&options)?;
        let connection = open::connect(&connections, &options, &place).await?;
        migrate(&connection, &place).await?;
        let target = Self { place, connection, read: BTreeMap::new(), months: BTreeSet::new() };
        let tables: Vec<_> = COPIED_TABLES.iter().map(|table| table.name).collect();
        // Nobody writes beside it, and whoever reads waits.
        target
            .run("all tables", &format!("{BEGIN}; LOCK TABLE {} IN ACCESS EXCLUSIVE MODE", tables.join(", ")))
            .await?;
        for table in tables {
            if target
                .count(&format!("SELECT count(*) FROM (SELECT 1 FROM {table} LIMIT 1) AS any_row"), table)
                .await?
                > 0
            {
                return Err(CopyError::NotEmpty { place: target.place, table });
            }
        }
        Ok(target)
    }

    /// Takes rows in.
    pub async fn take(&mut self, copied: &CopiedRows) -> Result<(), CopyError> {
        let kinds = self.kinds(copied).await?;
        self.make_partitions(copied).await?;
        let columns = copied.columns.join(", ");
        let sql = format!("COPY {} ({columns}) FROM STDIN (FORMAT text)", copied.table);
        let refused = |error| self.refused(copied.table, &error);
        let mut sink = pin!(self.connection.copy_in::<_, Bytes>(&sql).await.map_err(refused)?);
        sink.send(lines(&copied.rows, &kinds)).await.map_err(refused)?;
        let taken = sink.finish().await.map_err(refused)?;
        *self.read.entry(copied.table).or_default() += copied.rows.len() as u64;
        match copied.rows.len() as u64 {
            read if read == taken => Ok(()),
            read => Err(CopyError::Incomplete { table: copied.table, read, copied: taken }),
        }
    }

    /// Counts what is there and makes it durable.
    pub async fn commit(self) -> Result<u64, CopyError> {
        for (table, read) in &self.read {
            let copied = self.count(&format!("SELECT count(*) FROM {table}"), table).await?;
            if copied != *read {
                return Err(CopyError::Incomplete { table, read: *read, copied });
            }
        }
        // Numbers that the database gives out go on behind those that were copied.
        for (table, column) in [("trust_events", "event_id"), ("scan_responses", "response_id")] {
            let sql = format!(
                "SELECT setval(pg_get_serial_sequence('{table}', '{column}'), max({column})) FROM {table} HAVING count(*) > 0"
            );
            self.run(table, &sql).await?;
        }
        self.run("all tables", "COMMIT").await?;
        // The copy is made: without statistics the first queries are only slower.
        if let Err(error) = self.run("all tables", "ANALYZE").await {
            tracing::warn!(%error, "no statistics of what was copied");
        }
        Ok(self.read.values().sum())
    }

    /// How the cells of each column are written.
    async fn kinds(&self, copied: &CopiedRows) -> Result<Vec<Kind>, CopyError> {
        let sql = "SELECT attname, atttypid::regtype::text FROM pg_attribute
            WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
        let rows = self.connection.query(sql, &[&copied.table]).await;
        let rows = rows.map_err(|error| self.refused(copied.table, &error))?;
        let kind_of = |column: &String| {
            let found = rows.iter().find(|row| row.try_get::<_, &str>(0).is_ok_and(|name| name == column));
            let kind = found.and_then(|row| row.try_get::<_, &str>(1).ok()).map(Kind::of);
            kind.ok_or_else(|| CopyError::NoColumn { table: copied.table, column: column.clone() })
        };
        copied.columns.iter().map(kind_of).collect()
    }

    /// The log is partitioned by the month of `created_at`: each of its months gets a partition before its first row.
    async fn make_partitions(&mut self, copied: &CopiedRows) -> Result<(), CopyError> {
        if copied.table != "activity_log" {
            return Ok(());
        }
        let Some(column) = copied.columns.iter().position(|column| column == "created_at") else {
            return Ok(());
        };
        for row in &copied.rows {
            let Some(Cell::Text(at)) = row.get(column) else { continue };
            let Some((year, month)) = at.get(..7).and_then(|month| month.split_once('-')) else { continue };
            let name = format!("activity_log_{year}_{month}");
            if year.parse::<u16>().is_err()
                || month.parse::<u8>().is_err()
                || !self.months.insert(name.clone())
            {
                continue;
            }
            let sql = format!(
                "CREATE TABLE IF NOT EXISTS {name} PARTITION OF activity_log
                 FOR VALUES FROM ('{year}-{month}-01T00:00:00Z') TO (timestamptz '{year}-{month}-01T00:00:00Z' + interval '1 month')"
            );
            self.run("activity_log", &sql).await?;
        }
        Ok(())
    }

    async fn run(&self, table: &'static str, sql: &str) -> Result<(), CopyError> {
        self.connection.batch_execute(sql).await.map_err(|error| self.refused(table, &error))
    }

    async fn count(&self, sql: &str, table: &'static str) -> Result<u64, CopyError> {
        let row = self.connection.query_one(sql, &[]).await.map_err(|error| self.refused(table, &error))?;
        let count: i64 = row.try_get(0).map_err(|error| self.refused(table, &error))?;
        Ok(count.try_into().unwrap_or_default())
    }

    fn refused(&self, table: &'static str, error: &tokio_postgres::Error) -> CopyError {
        let reason = match error.as_db_error() {
            Some(told) => match told.where_() {
                Some(place) => format!("{} ({})", told.message(), place.replace('\n', ", ")),
                None => told.message().to_owned(),
            },
            None => error.to_string(),
        };
        CopyError::Refused { place: self.place.clone(), table, reason }
    }
}

impl std::fmt::Debug for CopyTarget {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("CopyTarget").field(&self.place).finish()
    }
}

/// Types whose text is not that of the cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Flag,
    Bytes,
    Other,
}

impl Kind {
    fn of(name: &str) -> Self {
        match name {
            "boolean" => Self::Flag,
            "bytea" => Self::Bytes,
            _ => Self::Other,
        }
    }
}

/// Rows in the text format of COPY (PostgreSQL documentation, "COPY", "Text Format").
fn lines(rows: &[Vec<Cell<'_>>], kinds: &[Kind]) -> Bytes {
    let mut text = BytesMut::new();
    for row in rows {
        for (place, (cell, kind)) in row.iter().zip(kinds).enumerate() {
            if place > 0 {
                text.put_u8(b'\t');
            }
            write(&mut text, cell, *kind);
        }
        text.put_u8(b'\n');
    }
    text.freeze()
}

fn write(text: &mut BytesMut, cell: &Cell<'_>, kind: Kind) {
    match (cell, kind) {
        (Cell::Null, _) => text.put_slice(b"\\N"),
        (Cell::Integer(0), Kind::Flag) => text.put_u8(b'f'),
        (Cell::Integer(_), Kind::Flag) => text.put_u8(b't'),
        (Cell::Integer(number), _) => text.put_slice(number.to_string().as_bytes()),
        // The shortest text that reads as the same number.
        (Cell::Real(number), _) => text.put_slice(format!("{number:?}").as_bytes()),
        (Cell::Text(value), Kind::Bytes) => write_bytes(text, value.as_bytes()),
        (Cell::Blob(bytes), _) => write_bytes(text, bytes),
        (Cell::Text(value), _) => value.bytes().for_each(|byte| match byte {
            b'\\' => text.put_slice(b"\\\\"),
            b'\n' => text.put_slice(b"\\n"),
            b'\r' => text.put_slice(b"\\r"),
            b'\t' => text.put_slice(b"\\t"),
            _ => text.put_u8(byte),
        }),
    }
}

fn write_bytes(text: &mut BytesMut, bytes: &[u8]) {
    text.put_slice(b"\\\\x");
    bytes.iter().for_each(|byte| text.put_slice(format!("{byte:02x}").as_bytes()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_written_as_copy_reads_them() {
        let text = Cell::from("a\\b\tc\nd\re");
        let blob = Cell::Blob(vec![0, 255].into());
        let row = vec![
            Cell::Null,
            Cell::Integer(1),
            Cell::Integer(0),
            Cell::Integer(-7),
            Cell::Real(0.1),
            text,
            blob,
        ];
        let kinds = [Kind::Other, Kind::Flag, Kind::Flag, Kind::Other, Kind::Other, Kind::Other, Kind::Bytes];
        assert_eq!(lines(&[row], &kinds), "\\N\tt\tf\t-7\t0.1\ta\\\\b\\tc\\nd\\re\t\\\\x00ff\n");
    }
}
