//! Forward-only migrations: numbered SQL files, each applied once, in a transaction, and never changed afterwards.

use crate::error::OpenError;
use interven_types::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path};

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration { version: 1, name: "initial", sql: include_str!("../migrations/0001_initial.sql") },
    Migration {
        version: 2,
        name: "content_marks",
        sql: include_str!("../migrations/0002_content_marks.sql"),
    },
    Migration {
        version: 3,
        name: "policy_history",
        sql: include_str!("../migrations/0003_policy_history.sql"),
    },
    Migration { version: 4, name: "budgets", sql: include_str!("../migrations/0004_budgets.sql") },
    Migration { version: 5, name: "data_keys", sql: include_str!("../migrations/0005_data_keys.sql") },
];

/// Brings the schema up to date; refuses one that another or a newer build made.
pub(crate) fn migrate(connection: &mut Connection, path: &Path, now: Timestamp) -> Result<(), OpenError> {
    migrate_to(connection, MIGRATIONS, path, now)
}

fn migrate_to(
    connection: &mut Connection,
    migrations: &[Migration],
    path: &Path,
    now: Timestamp,
) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
    connection
        .execute_batch(
            "CREATE TABLE IF NOT EXISTS schema_migrations (
                version INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at TEXT NOT NULL
            ) STRICT",
        )
        .map_err(failed)?;
    let applied = applied(connection).map_err(failed)?;
    let known = migrations.last().map_or(0, |last| last.version);
    if let Some(found) = applied.keys().next_back().copied().filter(|found| *found > known) {
        return Err(OpenError::NewerVersion { path: path.to_owned(), found, known });
    }
    for migration in migrations {
        let checksum = checksum(migration.sql);
        match applied.get(&migration.version) {
            Some(found) if *found == checksum => {}
            Some(_) => {
                return Err(OpenError::ChangedMigration {
                    path: path.to_owned(),
                    version: migration.version,
                    name: migration.name.to_owned(),
                });
            }
            None => apply(connection, migration, &checksum, now).map_err(failed)?,
        }
    }
    Ok(())
}

/// Version → checksum.
fn applied(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, String>> {
    let mut statement = connection.prepare("SELECT version, checksum FROM schema_migrations")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn apply(
    connection: &mut Connection,
    migration: &Migration,
    checksum: &str,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    tx.execute_batch(migration.sql)?;
    tx.execute(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
        params![migration.version, migration.name, checksum, now.to_string()],
    )?;
    tx.commit()
}

/// SHA-256 of the text, in hexadecimal, whatever line ends the checkout uses.
fn checksum(sql: &str) -> String {
    let digest = Sha256::digest(sql.replace("\r\n", "\n"));
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_count_up_from_one() {
        let versions: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.version).collect();
        assert_eq!(versions, (1..=MIGRATIONS.len() as i64).collect::<Vec<_>>());
    }

    #[test]
    fn rows_of_an_earlier_version_are_kept_and_completed() {
        let mut connection = Connection::open_in_memory().unwrap();
        let now: Timestamp = "2026-01-01T00:00:00.000Z".parse().unwrap();
        let path = Path::new("test.db");
        migrate_to(&mut connection, &MIGRATIONS[..1], path, now).unwrap();
        connection
            .execute_batch(
                "INSERT INTO scan_responses
                    (tenant_id, trace_id, at, data_classes, fields_redacted_count, content_fingerprint, injection)
                 VALUES ('t', 'r', '2026-01-01T00:00:00.000Z', '[]', 3, 'ab', 'null')",
            )
            .unwrap();
        migrate(&mut connection, path, now).unwrap();
        let row = connection.query_row(
            "SELECT fields_redacted_count, content_marks FROM scan_responses",
            [],
            |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)),
        );
        assert_eq!(row.unwrap(), (3, Vec::new()));
        let newer = migrate_to(&mut connection, &MIGRATIONS[..1], path, now);
        let known = MIGRATIONS.len() as i64;
        assert!(matches!(newer, Err(OpenError::NewerVersion { found, known: 1, .. }) if found == known));
    }

    #[test]
    fn earlier_versions_of_policies_learn_from_the_audit_log_where_they_came_from() {
        let mut connection = Connection::open_in_memory().unwrap();
        let now: Timestamp = "2026-01-01T00:00:00.000Z".parse().unwrap();
        let path = Path::new("test.db");
        migrate_to(&mut connection, &MIGRATIONS[..2], path, now).unwrap();
        connection
            .execute_batch(
                "INSERT INTO tenants VALUES ('t', 'acme', 'T0');
                INSERT INTO policies VALUES ('p', 't', 'pay', NULL, 2, 'T3'), ('q', 't', 'old', NULL, 1, NULL);
                INSERT INTO policy_versions (policy_id, version, source, updated_at, updated_by) VALUES
                    ('p', 1, '{}', 'T1', 'ada'), ('p', 2, '{}', 'T2', 'ada'), ('q', 1, '{}', 'T1', 'ada');
                INSERT INTO audit_log VALUES
                    ('t', 1, 'T1', 'ada', 'cli', NULL, 'policy.apply', 'pay', '{\"policy_id\": \"p\", \"version\": 1}'),
                    ('t', 2, 'T2', 'ada', 'api', NULL, 'policy.apply', 'pay', '{\"policy_id\": \"p\", \"version\": 2}'),
                    ('t', 3, 'T3', 'bob', 'cli', NULL, 'policy.delete', 'pay', '{\"policy_id\": \"p\"}');",
            )
            .unwrap();
        migrate(&mut connection, path, now).unwrap();
        let rows: Vec<String> = connection
            .prepare(
                "SELECT policy_id || version || ' ' || updated_from || ' ' || ifnull(deleted_at || deleted_by || deleted_from, '-')
                 FROM policy_versions ORDER BY policy_id, version",
            )
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        assert_eq!(rows, ["p1 cli -", "p2 api T3bobcli", "q1  -"]);
    }

    #[test]
    fn a_checksum_does_not_depend_on_line_ends() {
        assert_eq!(checksum("a\nb"), checksum("a\r\nb"));
        assert_ne!(checksum("a"), checksum("b"));
    }
}
