//! A file of every earlier version is brought up to date with its rows.

use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_testkit::migrations;
use rusqlite::{Connection, types::Value};
use std::{collections::BTreeMap, path::Path};

/// Columns that hold a word of a vocabulary: any other value would be refused.
const WORDS: &[(&str, &str)] = &[
    ("agent_habits.kind", "destination"),
    ("approvals.status", "pending"),
    ("incidents.status", "open"),
    ("ledger_tiles.log", "activity"),
    ("ledger_checkpoints.log", "activity"),
];

/// What a later migration takes away or fills in, with its number.
const CHANGED_SINCE: &[(i64, &str)] =
    &[(3, "policies.deleted_at"), (6, "activity_log.leaf_hash"), (6, "audit_log.leaf_hash")];

/// Names and types of the columns of every table.
fn columns(db: &Connection) -> Vec<(String, String, String)> {
    let sql = "SELECT m.name, c.name, c.type FROM sqlite_master AS m, pragma_table_info(m.name) AS c
         WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' AND m.name <> 'schema_migrations'";
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

/// Puts a row into every table: the same id everywhere, so that what refers finds what it refers to.
fn fill(db: &Connection) {
    let mut tables: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    for (table, column, kind) in columns(db) {
        let name = format!("{table}.{column}");
        let word = WORDS.iter().find(|(place, _)| *place == name).map(|(_, word)| format!("'{word}'"));
        let value = word.unwrap_or_else(|| match kind.as_str() {
            "INTEGER" => "1".to_owned(),
            "REAL" => "0.5".to_owned(),
            "BLOB" => "x'0102'".to_owned(),
            _ if column.ends_with("_id") => "'00000000-0000-7000-8000-000000000001'".to_owned(),
            _ => "'{}'".to_owned(),
        });
        tables.entry(table).or_default().push((column, value));
    }
    for (table, cells) in tables {
        let (names, values): (Vec<_>, Vec<_>) = cells.into_iter().unzip();
        let sql = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), values.join(", "));
        db.execute_batch(&sql).unwrap();
    }
}

/// The cells of the one row of every table.
fn cells(db: &Connection) -> BTreeMap<String, Value> {
    let cell = |(table, column, _): (String, String, String)| {
        let value = db.query_row(&format!("SELECT {column} FROM {table}"), [], |row| row.get(0));
        (format!("{table}.{column}"), value.unwrap_or(Value::Null))
    };
    columns(db).into_iter().map(cell).collect()
}

#[tokio::test]
async fn a_file_of_every_earlier_version_is_brought_up_to_date_with_its_rows() {
    let migrations = migrations::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations"));
    for last in &migrations {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.db");
        let before = {
            let db = Connection::open(&path).unwrap();
            db.execute_batch(
                "PRAGMA foreign_keys = OFF;
                CREATE TABLE schema_migrations (
                    version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL
                ) STRICT;",
            )
            .unwrap();
            for step in migrations.iter().filter(|step| step.version <= last.version) {
                db.execute_batch(&step.sql).unwrap();
                let sql = "INSERT INTO schema_migrations VALUES (?1, 'n', ?2, '2026-01-01T00:00:00.000Z')";
                db.execute(sql, (step.version, &step.checksum)).unwrap();
            }
            fill(&db);
            cells(&db)
        };
        assert!(before.values().all(|value| *value != Value::Null), "{before:?}");

        SqliteStore::open(SqliteOptions::new(&path)).await.unwrap().close().await;
        let after = cells(&Connection::open(&path).unwrap());
        let is_taken = |column: &str| {
            CHANGED_SINCE.iter().any(|(number, name)| *number > last.version && *name == column)
        };
        for (column, value) in before.iter().filter(|(column, _)| !is_taken(column)) {
            assert_eq!(after.get(column), Some(value), "{column}, from {}", last.version);
        }
        let steps = SqliteStore::schema_steps(&path).await.unwrap();
        assert!(steps.iter().all(|step| step.applied_at.is_some()), "from {}: {steps:?}", last.version);
    }
}
