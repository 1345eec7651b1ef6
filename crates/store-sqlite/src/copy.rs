//! Reading a whole database, to move it elsewhere.

use crate::{error::OpenError, migrate, open};
use interven_store::{COPIED_TABLES, Cell, CopiedRows, CopiedTable};
use rusqlite::{Connection, types::ValueRef};
use std::{
    borrow::Cow,
    fs::File,
    path::{Path, PathBuf},
};

/// Rows that travel together; those of the log are a few kilobytes each.
const BATCH: usize = 512;

/// A database that no server has, as it is at one moment. A server that is started meanwhile is refused.
#[derive(Debug)]
pub struct CopySource {
    path: PathBuf,
    connection: Connection,
    _lock: File,
}

impl CopySource {
    /// Takes the place of a server, without changing anything.
    ///
    /// # Errors
    /// When there is no such file, a server has it, or its schema is not this build's.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if !path.is_file() {
            return Err(OpenError::Missing { path: path.to_owned() });
        }
        let lock = open::lock(path)?;
        let source = Self {
            path: path.to_owned(),
            connection: open::reading_connection(path).map_err(failed(path))?,
            _lock: lock,
        };
        // One transaction: a database shell may write, and none of that is seen.
        source.connection.execute_batch("BEGIN").map_err(failed(path))?;
        migrate::require_current(&source.connection, path)?;
        Ok(source)
    }

    /// Rows of all tables.
    pub fn count(&self) -> Result<u64, OpenError> {
        COPIED_TABLES.iter().map(|table| self.count_of(table)).sum()
    }

    fn count_of(&self, table: &CopiedTable) -> Result<u64, OpenError> {
        let sql = format!("SELECT count(*) FROM {}", table.name);
        let count: i64 = self.connection.query_row(&sql, [], |row| row.get(0)).map_err(failed(&self.path))?;
        Ok(count.try_into().unwrap_or_default())
    }

    /// Reads every table from its first row to its last, and hands the rows over in batches. Each table is handed over at
    /// least once, if only with no rows. Ends early when `take` does not want more.
    pub fn read(&self, mut take: impl FnMut(CopiedRows) -> bool) -> Result<(), OpenError> {
        for table in COPIED_TABLES {
            if !self.read_table(table, &mut take).map_err(failed(&self.path))? {
                break;
            }
        }
        Ok(())
    }

    fn read_table(
        &self,
        table: &CopiedTable,
        take: &mut impl FnMut(CopiedRows) -> bool,
    ) -> rusqlite::Result<bool> {
        let sql = format!("SELECT * FROM {} ORDER BY {}", table.name, table.order);
        let mut statement = self.connection.prepare(&sql)?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let batch =
            || CopiedRows { table: table.name, columns: columns.clone(), rows: Vec::with_capacity(BATCH) };
        let mut copied = batch();
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let cells = (0..columns.len()).map(|index| Ok(cell(row.get_ref(index)?)?));
            copied.rows.push(cells.collect::<rusqlite::Result<_>>()?);
            if copied.rows.len() >= BATCH && !take(std::mem::replace(&mut copied, batch())) {
                return Ok(false);
            }
        }
        Ok(take(copied))
    }
}

fn failed(path: &Path) -> impl Fn(rusqlite::Error) -> OpenError {
    move |error| OpenError::from_sqlite(path.to_owned(), &error)
}

fn cell(value: ValueRef<'_>) -> Result<Cell<'static>, rusqlite::types::FromSqlError> {
    Ok(match value {
        ValueRef::Null => Cell::Null,
        ValueRef::Integer(number) => Cell::Integer(number),
        ValueRef::Real(number) => Cell::Real(number),
        ValueRef::Text(_) => Cell::from(value.as_str()?.to_owned()),
        ValueRef::Blob(bytes) => Cell::Blob(Cow::Owned(bytes.to_vec())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_table_of_the_schema_is_copied_in_the_order_of_its_key() {
        let directory = tempfile::tempdir().unwrap();
        let options = crate::SqliteOptions::new(directory.path().join("data.db"));
        drop(open::open(&options).unwrap());
        let source = CopySource::open(&options.path).unwrap();
        let listed: BTreeSet<String> = COPIED_TABLES.iter().map(|table| table.name.to_owned()).collect();
        let sql =
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
             AND name <> 'schema_migrations'";
        let mut statement = source.connection.prepare(sql).unwrap();
        let stored = statement.query_map([], |row| row.get(0)).unwrap().collect::<Result<_, _>>().unwrap();
        assert_eq!(listed, stored);
        let mut told = Vec::new();
        source
            .read(|batch| {
                told.push(batch.table);
                true
            })
            .unwrap();
        assert_eq!(told.len(), COPIED_TABLES.len());
        assert!(matches!(open::open(&options), Err(OpenError::AlreadyRunning { .. })));
    }
}
