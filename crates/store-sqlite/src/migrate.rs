//! Forward-only migrations: numbered SQL files, each applied once, in a transaction, and never changed afterwards.

use crate::{error::OpenError, ledger};
use interven_store::{SchemaStep, StoreResult};
use interven_types::Timestamp;
use rusqlite::{Connection, TransactionBehavior, params};
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, path::Path};

struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
    /// What SQL cannot do, in the same transaction.
    then: Option<fn(&Connection) -> StoreResult<()>>,
}

const fn migration(version: i64, name: &'static str, sql: &'static str) -> Migration {
    Migration { version, name, sql, then: None }
}

const MIGRATIONS: &[Migration] = &[
    migration(1, "initial", include_str!("../migrations/0001_initial.sql")),
    migration(2, "content_marks", include_str!("../migrations/0002_content_marks.sql")),
    migration(3, "policy_history", include_str!("../migrations/0003_policy_history.sql")),
    migration(4, "budgets", include_str!("../migrations/0004_budgets.sql")),
    migration(5, "data_keys", include_str!("../migrations/0005_data_keys.sql")),
    Migration {
        then: Some(ledger::fill_leaf_hashes),
        ..migration(6, "ledger", include_str!("../migrations/0006_ledger.sql"))
    },
    migration(7, "rate_limit", include_str!("../migrations/0007_rate_limit.sql")),
    migration(8, "retention", include_str!("../migrations/0008_retention.sql")),
    migration(9, "ephemeral_keys", include_str!("../migrations/0009_ephemeral_keys.sql")),
    migration(10, "tool_credentials", include_str!("../migrations/0010_tool_credentials.sql")),
    migration(11, "signed_requests", include_str!("../migrations/0011_signed_requests.sql")),
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
    let missing = compare(&applied, migrations, path)?;
    missing.into_iter().try_for_each(|migration| apply(connection, migration, path, now))
}

/// Refuses a schema that lacks something, without changing it.
pub(crate) fn require_current(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let applied = applied(connection).map_err(|error| OpenError::from_sqlite(path.to_owned(), &error))?;
    if compare(&applied, MIGRATIONS, path)?.is_empty() {
        return Ok(());
    }
    let found = applied.keys().next_back().copied().unwrap_or_default();
    Err(OpenError::Behind { path: path.to_owned(), found, known: newest(MIGRATIONS) })
}

/// The newest migration that was applied, 0 when none was. Refuses what another or a newer build made.
pub(crate) fn version(connection: &Connection, path: &Path) -> Result<i64, OpenError> {
    let applied = applied(connection).map_err(|error| OpenError::from_sqlite(path.to_owned(), &error))?;
    compare(&applied, MIGRATIONS, path)?;
    Ok(applied.keys().next_back().copied().unwrap_or_default())
}

/// The migrations of this build, and what newer builds have added.
pub(crate) fn steps(applied: &BTreeMap<i64, Applied>) -> Vec<SchemaStep> {
    let known = MIGRATIONS.iter().map(|migration| SchemaStep {
        version: migration.version.try_into().unwrap_or_default(),
        name: migration.name.to_owned(),
        applied_at: applied.get(&migration.version).and_then(|row| row.at),
        is_known: true,
    });
    let newer = applied.range(newest(MIGRATIONS) + 1..).map(|(version, row)| SchemaStep {
        version: (*version).try_into().unwrap_or_default(),
        name: row.name.clone(),
        applied_at: row.at,
        is_known: false,
    });
    known.chain(newer).collect()
}

fn newest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |last| last.version)
}

/// What is missing. Refuses what another or a newer build made.
fn compare<'m>(
    applied: &BTreeMap<i64, Applied>,
    migrations: &'m [Migration],
    path: &Path,
) -> Result<Vec<&'m Migration>, OpenError> {
    let known = newest(migrations);
    if let Some(found) = applied.keys().next_back().copied().filter(|found| *found > known) {
        return Err(OpenError::NewerVersion { path: path.to_owned(), found, known });
    }
    let is_changed = |migration: &&Migration| {
        applied.get(&migration.version).is_some_and(|row| row.checksum != checksum(migration.sql))
    };
    if let Some(Migration { version, name, .. }) = migrations.iter().find(is_changed) {
        let (path, name) = (path.to_owned(), (*name).to_owned());
        return Err(OpenError::ChangedMigration { path, version: *version, name });
    }
    Ok(migrations.iter().filter(|migration| !applied.contains_key(&migration.version)).collect())
}

/// A row of `schema_migrations`.
pub(crate) struct Applied {
    name: String,
    checksum: String,
    at: Option<Timestamp>,
}

/// By version. A file without the table has none.
pub(crate) fn applied(connection: &Connection) -> rusqlite::Result<BTreeMap<i64, Applied>> {
    if !connection.table_exists(None, "schema_migrations")? {
        return Ok(BTreeMap::new());
    }
    let mut statement =
        connection.prepare("SELECT version, name, checksum, applied_at FROM schema_migrations")?;
    let rows = statement.query_map([], |row| {
        let at: String = row.get(3)?;
        Ok((row.get(0)?, Applied { name: row.get(1)?, checksum: row.get(2)?, at: at.parse().ok() }))
    })?;
    rows.collect()
}

fn apply(
    connection: &mut Connection,
    migration: &Migration,
    path: &Path,
    now: Timestamp,
) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| OpenError::from_sqlite(path.to_owned(), &error);
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(failed)?;
    tx.execute_batch(migration.sql).map_err(failed)?;
    if let Some(then) = migration.then {
        then(&tx).map_err(|error| OpenError::Other { path: path.to_owned(), reason: error.to_string() })?;
    }
    tx.execute(
        "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES (?1, ?2, ?3, ?4)",
        params![migration.version, migration.name, checksum(migration.sql), now.to_string()],
    )
    .map_err(failed)?;
    tx.commit().map_err(failed)
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
    fn a_schema_that_is_behind_is_told_step_by_step_and_refused_where_it_may_not_change() {
        let mut connection = Connection::open_in_memory().unwrap();
        let now: Timestamp = "2026-01-01T00:00:00.000Z".parse().unwrap();
        let path = Path::new("test.db");
        let known = newest(MIGRATIONS);
        let behind = |found| move |result| matches!(result, Err(OpenError::Behind { found: f, known: k, .. }) if f == found && k == known);
        assert!(behind(0)(require_current(&connection, path)));
        migrate_to(&mut connection, &MIGRATIONS[..2], path, now).unwrap();
        assert!(behind(2)(require_current(&connection, path)));
        let told: Vec<_> =
            steps(&applied(&connection).unwrap()).into_iter().map(|step| step.applied_at).collect();
        assert_eq!(told[..3], [Some(now), Some(now), None]);
        migrate(&mut connection, path, now).unwrap();
        require_current(&connection, path).unwrap();
        let newer = "INSERT INTO schema_migrations VALUES (9999, 'later', '', '2027-01-01T00:00:00.000Z')";
        connection.execute_batch(newer).unwrap();
        let last = steps(&applied(&connection).unwrap()).pop().unwrap();
        assert_eq!((last.version, last.name.as_str(), last.is_known), (9999, "later", false));
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
    fn rows_from_before_the_ledger_get_the_leaf_hashes_of_their_events() {
        let mut connection = Connection::open_in_memory().unwrap();
        let now: Timestamp = "2026-01-01T00:00:00.000Z".parse().unwrap();
        let path = Path::new("test.db");
        migrate_to(&mut connection, &MIGRATIONS[..5], path, now).unwrap();
        connection
            .execute_batch(
                "INSERT INTO tenants VALUES ('t', 'acme', 'T0'), ('u', 'other', 'T0');
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
                INSERT INTO audit_log SELECT 't', i, 'T1', 'ada', 'cli', NULL, 'key.revoke', 'k' || i, '{}' FROM n;
                INSERT INTO audit_log VALUES ('u', 1, 'T1', 'bob', 'cli', '::1', 'key.revoke', 'k', 'null');
                INSERT INTO activity_log VALUES ('t', 1, 'r', 'T1', 'prod', NULL, NULL, 'a', 'worker', 'ALLOW', NULL, 0.25,
                    'LOW', '[]', 'slack', 'post', 'WRITE', 'POST', 'https://a', 'a', '[]', NULL, NULL, NULL, NULL, 1.0, '1',
                    'd', 'p', 1, 'null', '{}', '{}', x'0102');",
            )
            .unwrap();
        migrate(&mut connection, path, now).unwrap();
        let leaf = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, [u8; 32]>(0)).unwrap();
        let of = |event: &str| interven_ledger::Hash::of_leaf(event.as_bytes()).0;
        assert_eq!(
            leaf("SELECT leaf_hash FROM audit_log WHERE tenant_id = 't' AND seq = 1500"),
            of(
                "{\"action\":\"key.revoke\",\"actor\":\"ada\",\"at\":\"T1\",\"client_addr\":null,\"details\":\"{}\",\
                \"origin\":\"cli\",\"seq\":1500,\"target\":\"k1500\",\"tenant_id\":\"t\",\"v\":1}"
            )
        );
        assert_eq!(
            leaf("SELECT leaf_hash FROM audit_log WHERE tenant_id = 'u'"),
            of(
                "{\"action\":\"key.revoke\",\"actor\":\"bob\",\"at\":\"T1\",\"client_addr\":\"::1\",\"details\":\"null\",\
                \"origin\":\"cli\",\"seq\":1,\"target\":\"k\",\"tenant_id\":\"u\",\"v\":1}"
            )
        );
        let (object, bytes) = (
            "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
            "a12871fee210fb8619291eaea194581cbd2531e4b23759d225f6806923f63222",
        );
        let null = "74234e98afe7498fb5daf1f36ac2d78acc339464f950703b8c019892f982b90b";
        assert_eq!(
            leaf("SELECT leaf_hash FROM activity_log"),
            of(&format!(
                "{{\"agent_id\":\"a\",\"agent_name\":\"worker\",\"approval_id\":null,\"classifications\":\"[]\",\
                 \"client_addr\":null,\"created_at\":\"T1\",\"decision\":\"ALLOW\",\"detectors_hash\":\"d\",\
                 \"engine_version\":\"1\",\"env\":\"prod\",\"facts_sha256\":\"{object}\",\"host\":\"a\",\"key_id\":null,\
                 \"ledger_seq\":1,\"method\":\"POST\",\"operation\":\"post\",\"policy_id\":null,\"policy_name\":null,\
                 \"policy_set\":\"p\",\"reason_codes\":\"[]\",\"risk_band\":\"LOW\",\"risk_score\":\"0.25\",\"rule_id\":null,\
                 \"sealed_request_sha256\":\"{bytes}\",\"settings_version\":1,\"tenant_id\":\"t\",\
                 \"timings_sha256\":\"{object}\",\"tool_name\":\"slack\",\"trace_id\":\"r\",\"trust_score\":\"1\",\
                 \"url\":\"https://a\",\"v\":1,\"verb\":\"WRITE\",\"verdict_sha256\":\"{null}\",\"would_be\":null}}"
            ))
        );
    }

    #[test]
    fn a_checksum_does_not_depend_on_line_ends() {
        assert_eq!(checksum("a\nb"), checksum("a\r\nb"));
        assert_ne!(checksum("a"), checksum("b"));
    }
}
