//! The schema: logically the same as the embedded backend's, and reached from every earlier version with its rows.

use crate::open;
use interven_store_postgres::{PostgresOptions, PostgresStore};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_testkit::{
    migrations::{self, Migration},
    postgres::Cluster,
};
use rusqlite::Connection;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

/// Which types of PostgreSQL stand for a type of SQLite.
const EQUIVALENTS: &[(&str, &[&str])] = &[
    ("TEXT", &["text", "uuid", "timestamp with time zone"]),
    ("INTEGER", &["bigint", "boolean"]),
    ("REAL", &["double precision"]),
    ("BLOB", &["bytea"]),
];

/// What one backend has for itself: tables, and columns as `table.column`.
const OF_POSTGRES_ALONE: &[&str] = &["changes_by_hand", "tenant_counters.revision"];
/// Partitioned by time, which every key has to include there.
const PARTITIONED: &str = "activity_log";

/// What both have to agree on.
#[derive(Debug, Default, PartialEq)]
struct Table {
    /// Name, and whether it may be NULL.
    columns: BTreeMap<String, bool>,
    /// Names in the order of the key.
    primary_key: Vec<String>,
    /// Column and the table it refers to.
    references: BTreeSet<(String, String)>,
    /// Of each further unique index; an expression is a `?`.
    unique: BTreeSet<Vec<String>>,
}

/// With the type of each column, as `table.column`.
type Schema = (BTreeMap<String, Table>, BTreeMap<String, String>);

fn of_sqlite(path: &Path) -> Schema {
    let db = Connection::open(path).unwrap();
    let rows = |sql: &str, table: &str| -> Vec<Vec<Option<String>>> {
        let mut statement = db.prepare(sql).unwrap();
        let width = statement.column_count();
        let parameters: Vec<&str> = if sql.contains("?1") { vec![table] } else { vec![] };
        let found = statement.query_map(rusqlite::params_from_iter(parameters), |row| {
            (0..width)
                .map(|place| {
                    row.get_ref(place).map(|cell| match cell {
                        rusqlite::types::ValueRef::Null => None,
                        rusqlite::types::ValueRef::Integer(number) => Some(number.to_string()),
                        cell => Some(cell.as_str().unwrap().to_owned()),
                    })
                })
                .collect()
        });
        found.unwrap().map(Result::unwrap).collect()
    };
    let (mut tables, mut types) = Schema::default();
    for name in rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", "") {
        let name = name[0].clone().unwrap();
        let mut table = Table::default();
        let mut key = BTreeMap::new();
        for column in rows("SELECT name, type, \"notnull\", pk FROM pragma_table_info(?1)", &name) {
            let [column, kind, not_null, place] = [0, 1, 2, 3].map(|at| column[at].clone().unwrap());
            table.columns.insert(column.clone(), not_null == "0" && place == "0");
            types.insert(format!("{name}.{column}"), kind);
            if place != "0" {
                key.insert(place.parse::<u32>().unwrap(), column);
            }
        }
        table.primary_key = key.into_values().collect();
        for reference in rows("SELECT \"from\", \"table\" FROM pragma_foreign_key_list(?1)", &name) {
            table.references.insert((reference[0].clone().unwrap(), reference[1].clone().unwrap()));
        }
        let unique = "SELECT (SELECT group_concat(ifnull(name, '?')) FROM (
                SELECT name FROM pragma_index_xinfo(l.name) WHERE key = 1 ORDER BY seqno))
             FROM pragma_index_list(?1) AS l WHERE \"unique\" = 1 AND origin <> 'pk'";
        table.unique =
            rows(unique, &name).into_iter().map(|index| split(index[0].as_deref().unwrap())).collect();
        tables.insert(name, table);
    }
    (tables, types)
}

fn of_postgres(cluster: &Cluster, url: &str) -> Schema {
    let rows = |sql: &str| -> Vec<Vec<String>> {
        let text = cluster.sql(url, sql);
        text.lines().map(|line| line.split('|').map(str::to_owned).collect()).collect()
    };
    let (mut tables, mut types) = Schema::default();
    let columns = "SELECT table_name, column_name, is_nullable, data_type FROM information_schema.columns
         WHERE table_schema = 'public' AND table_name NOT IN (SELECT inhrelid::regclass::text FROM pg_inherits)";
    for row in rows(columns) {
        let [table, column, nullable, kind] = row.try_into().unwrap();
        types.insert(format!("{table}.{column}"), kind);
        tables.entry(table).or_default().columns.insert(column, nullable == "YES");
    }
    let keys = "SELECT indrelid::regclass, indisprimary, (
            SELECT string_agg(coalesce(attname::text, '?'), ',' ORDER BY place)
            FROM unnest(indkey) WITH ORDINALITY AS k (number, place)
            LEFT JOIN pg_attribute ON attrelid = indrelid AND attnum = number AND number > 0)
         FROM pg_index WHERE indisunique AND indrelid::regclass::text NOT LIKE 'pg_%'
           AND indrelid NOT IN (SELECT inhrelid FROM pg_inherits)";
    for row in rows(keys) {
        let [table, is_primary, columns] = row.try_into().unwrap();
        let Some(table) = tables.get_mut(&table) else { continue };
        match is_primary == "t" {
            true => table.primary_key = split(&columns),
            false => _ = table.unique.insert(split(&columns)),
        }
    }
    let references = "SELECT conrelid::regclass, attname, confrelid::regclass FROM pg_constraint
         JOIN pg_attribute ON attrelid = conrelid AND attnum = ANY(conkey) WHERE contype = 'f'";
    for row in rows(references) {
        let [table, column, target] = row.try_into().unwrap();
        tables.get_mut(&table).unwrap().references.insert((column, target));
    }
    (tables, types)
}

fn split(columns: &str) -> Vec<String> {
    columns.split(',').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn both_backends_have_the_same_logical_schema() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("data.db");
    SqliteStore::open(SqliteOptions::new(&path)).await.unwrap().close().await;
    let cluster = Cluster::shared();
    let url = cluster.database();
    open(&url).await.close().await;
    let ((mut expected, sqlite_types), (mut found, postgres_types)) =
        (of_sqlite(&path), of_postgres(&cluster, &url));

    for own in OF_POSTGRES_ALONE {
        let was_there = match own.split_once('.') {
            Some((table, column)) => found.get_mut(table).unwrap().columns.remove(column).is_some(),
            None => found.remove(*own).is_some(),
        };
        assert!(was_there, "{own}");
    }
    for tables in [&mut expected, &mut found] {
        let log = tables.get_mut(PARTITIONED).unwrap();
        log.primary_key.clear();
        log.unique.clear();
    }
    assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
    for (name, table) in &expected {
        assert_eq!(&found[name], table, "{name}");
    }
    for (column, kind) in &sqlite_types {
        let (_, equivalents) = EQUIVALENTS.iter().find(|(sqlite, _)| sqlite == kind).unwrap();
        let postgres = &postgres_types[column];
        assert!(equivalents.contains(&postgres.as_str()), "{column}: {kind} and {postgres}");
    }
}

/// Puts a row into every table: the same id everywhere, so that what refers finds what it refers to; of a vocabulary the
/// first word, elsewhere an empty document.
const FILL: &str = "SET session_replication_role = replica;
    DO $$
    DECLARE
        of_table record;
    BEGIN
        FOR of_table IN
            SELECT table_name, string_agg(quote_ident(column_name), ', ') AS names, string_agg(
                CASE WHEN word IS NOT NULL THEN quote_literal(word)
                     WHEN data_type = 'uuid' THEN '''00000000-0000-7000-8000-000000000001'''
                     WHEN data_type = 'timestamp with time zone' THEN '''2026-01-01T00:00:00.123Z'''
                     WHEN data_type = 'text' THEN '''{}'''
                     WHEN data_type = 'bytea' THEN '''\\x0102'''
                     WHEN data_type = 'boolean' THEN 'true'
                     ELSE '1' END, ', ') AS values
            FROM information_schema.columns LEFT JOIN (VALUES
                ('agent_habits', 'kind', 'destination'), ('approvals', 'status', 'pending'),
                ('incidents', 'status', 'open'), ('ledger_tiles', 'log', 'activity'),
                ('ledger_checkpoints', 'log', 'activity')
            ) AS vocabulary (table_name, column_name, word) USING (table_name, column_name)
            WHERE table_schema = 'public' AND table_name <> 'schema_migrations' AND is_identity = 'NO'
              AND table_name NOT IN (SELECT inhrelid::regclass::text FROM pg_inherits)
            GROUP BY table_name
        LOOP
            EXECUTE format('INSERT INTO %I (%s) VALUES (%s)', of_table.table_name, of_table.names, of_table.values);
        END LOOP;
    END
    $$";

/// Every cell there is, as `table.column = value`.
fn cells(cluster: &Cluster, url: &str) -> BTreeSet<String> {
    let sql = "SELECT table_name || '.' || column_name || ' = ' || coalesce((xpath('//c/text()', query_to_xml(format(
            'SELECT %I::text AS c FROM %I', column_name, table_name), false, false, '')))[1]::text, 'NULL')
         FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'schema_migrations'
           AND table_name NOT IN (SELECT inhrelid::regclass::text FROM pg_inherits)";
    cluster.sql(url, sql).lines().map(str::to_owned).collect()
}

/// What a later migration takes away or fills in, with its number.
const CHANGED_SINCE: &[(i64, &str)] =
    &[(3, "policies.deleted_at"), (6, "activity_log.leaf_hash"), (6, "audit_log.leaf_hash")];

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_every_earlier_version_is_brought_up_to_date_with_its_rows() {
    let cluster = Cluster::shared();
    let migrations = migrations::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("migrations"));
    for Migration { version: last, .. } in &migrations {
        let url = cluster.database();
        let mut script = "CREATE TABLE schema_migrations (
            version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL);"
            .to_owned();
        for Migration { version, sql, checksum } in migrations.iter().filter(|step| step.version <= *last) {
            script += &format!(
                "{sql};\nINSERT INTO schema_migrations VALUES ({version}, 'n', '{checksum}', now());\n"
            );
        }
        cluster.sql(&url, &script);
        cluster.sql(&url, FILL);
        let before = cells(&cluster, &url);
        assert!(!before.is_empty() && !before.iter().any(|cell| cell.ends_with("= NULL")), "{before:?}");

        let store = PostgresStore::open(PostgresOptions::new(&url)).await.unwrap();
        store.close().await;
        let after = cells(&cluster, &url);
        let is_taken = |cell: &&String| {
            CHANGED_SINCE.iter().any(|(number, column)| number > last && cell.starts_with(column))
        };
        let lost: Vec<&String> = before.difference(&after).filter(|cell| !is_taken(cell)).collect();
        assert!(lost.is_empty(), "from {last}: {lost:?}");
        let steps = PostgresStore::schema_steps(PostgresOptions::new(&url)).await.unwrap();
        assert!(steps.iter().all(|step| step.applied_at.is_some()), "from {last}: {steps:?}");
    }
}
