//! Forward-only migrations: numbered SQL files, each applied once, in a transaction, and never changed afterwards.
//! Their numbers are those of the embedded backend.

use crate::{OpenError, cells::At, ledger};
use interven_store::SchemaStep;
use interven_types::Timestamp;
use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, time::SystemTime};
use tokio_postgres::Client;

#[derive(Debug)]
pub(crate) struct Migration {
    version: i64,
    name: &'static str,
    sql: &'static str,
}

macro_rules! migrations {
    ($($version:literal $name:literal $file:literal)+) => {
        &[$(Migration { version: $version, name: $name, sql: include_str!(concat!("../migrations/", $file)) }),+]
    };
}

pub(crate) const MIGRATIONS: &[Migration] = migrations! {
    1 "initial" "0001_initial.sql"
    2 "content_marks" "0002_content_marks.sql"
    3 "policy_history" "0003_policy_history.sql"
    4 "budgets" "0004_budgets.sql"
    5 "data_keys" "0005_data_keys.sql"
    6 "ledger" "0006_ledger.sql"
    7 "rate_limit" "0007_rate_limit.sql"
    8 "retention" "0008_retention.sql"
    9 "ephemeral_keys" "0009_ephemeral_keys.sql"
    10 "tool_credentials" "0010_tool_credentials.sql"
    11 "signed_requests" "0011_signed_requests.sql"
};

/// After this one, rows that were there before get what SQL cannot make, in the same transaction.
const LEDGER: i64 = 6;

/// Held while the schema changes, so that many processes may start at once; it ends with the connection. The digits of
/// "interven" on a telephone.
const LOCK: i64 = 46_837_836;

/// Brings the schema up to date; refuses one that another or a newer build made. The connection is of no further use.
pub(crate) async fn migrate(client: &Client, place: &str) -> Result<(), OpenError> {
    migrate_to(client, MIGRATIONS, place).await
}

async fn migrate_to(client: &Client, migrations: &[Migration], place: &str) -> Result<(), OpenError> {
    let failed = |error: tokio_postgres::Error| OpenError::from_postgres(place, &error);
    // Who may not change the schema may well use one that is up to date.
    if pending(&applied(client).await.map_err(failed)?, migrations, place)?.is_empty() {
        return Ok(());
    }
    client.execute("SELECT pg_advisory_lock($1)", &[&LOCK]).await.map_err(failed)?;
    client
        .batch_execute(
            "CREATE TABLE IF NOT EXISTS schema_migrations (
                version bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL
            )",
        )
        .await
        .map_err(failed)?;
    // Another process may have been faster.
    for migration in pending(&applied(client).await.map_err(failed)?, migrations, place)? {
        apply(client, migration).await.map_err(failed)?;
    }
    Ok(())
}

/// Refuses a schema that lacks something, without changing it.
pub(crate) async fn require_current(client: &Client, place: &str) -> Result<(), OpenError> {
    let applied = applied(client).await.map_err(|error| OpenError::from_postgres(place, &error))?;
    if pending(&applied, MIGRATIONS, place)?.is_empty() {
        return Ok(());
    }
    let found = applied.keys().next_back().copied().unwrap_or_default();
    Err(OpenError::Behind { place: place.to_owned(), found, known: newest(MIGRATIONS) })
}

/// The migrations of this build, and what newer builds have added.
pub(crate) fn steps(applied: &BTreeMap<i64, Applied>) -> Vec<SchemaStep> {
    let known = MIGRATIONS.iter().map(|migration| SchemaStep {
        version: migration.version.try_into().unwrap_or_default(),
        name: migration.name.to_owned(),
        applied_at: applied.get(&migration.version).map(|row| row.at),
        is_known: true,
    });
    let newer = applied.range(newest(MIGRATIONS) + 1..).map(|(version, row)| SchemaStep {
        version: (*version).try_into().unwrap_or_default(),
        name: row.name.clone(),
        applied_at: Some(row.at),
        is_known: false,
    });
    known.chain(newer).collect()
}

fn newest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |last| last.version)
}

/// A row of `schema_migrations`.
pub(crate) struct Applied {
    name: String,
    checksum: String,
    at: Timestamp,
}

/// By version. A database without the table has none.
pub(crate) async fn applied(client: &Client) -> Result<BTreeMap<i64, Applied>, tokio_postgres::Error> {
    let there = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(BTreeMap::new());
    }
    let rows = client.query("SELECT version, name, checksum, applied_at FROM schema_migrations", &[]).await?;
    let row = |row: &tokio_postgres::Row| {
        let At(at) = row.try_get(3)?;
        Ok((row.try_get(0)?, Applied { name: row.try_get(1)?, checksum: row.try_get(2)?, at }))
    };
    rows.iter().map(row).collect()
}

/// What is still to be applied, in order.
fn pending<'all>(
    applied: &BTreeMap<i64, Applied>,
    migrations: &'all [Migration],
    place: &str,
) -> Result<Vec<&'all Migration>, OpenError> {
    let known = newest(migrations);
    if let Some(found) = applied.keys().next_back().copied().filter(|found| *found > known) {
        return Err(OpenError::NewerVersion { place: place.to_owned(), found, known });
    }
    let mut pending = Vec::new();
    for migration in migrations {
        match applied.get(&migration.version) {
            Some(found) if found.checksum == checksum(migration.sql) => {}
            Some(_) => {
                return Err(OpenError::ChangedMigration {
                    place: place.to_owned(),
                    version: migration.version,
                    name: migration.name.to_owned(),
                });
            }
            None => pending.push(migration),
        }
    }
    Ok(pending)
}

async fn apply(client: &Client, migration: &Migration) -> Result<(), tokio_postgres::Error> {
    client.batch_execute("BEGIN").await?;
    client.batch_execute(migration.sql).await?;
    if migration.version == LEDGER {
        ledger::fill_leaf_hashes(client).await?;
    }
    client
        .execute(
            "INSERT INTO schema_migrations (version, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
            &[
                &migration.version,
                &migration.name,
                &checksum(migration.sql),
                &At(Timestamp::from(SystemTime::now())),
            ],
        )
        .await?;
    client.batch_execute("COMMIT").await
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
    fn only_what_is_missing_is_applied_and_only_onto_what_is_known() {
        let row =
            |checksum| Applied { name: String::new(), checksum, at: Timestamp::from(SystemTime::now()) };
        let all: BTreeMap<i64, Applied> =
            MIGRATIONS.iter().map(|migration| (migration.version, row(checksum(migration.sql)))).collect();
        let known = MIGRATIONS.len() as i64;
        assert_eq!(pending(&BTreeMap::new(), MIGRATIONS, "x").unwrap().len(), MIGRATIONS.len());
        assert!(pending(&all, MIGRATIONS, "x").unwrap().is_empty());
        let newer = pending(&all, &MIGRATIONS[..1], "x");
        assert!(matches!(newer, Err(OpenError::NewerVersion { found, known: 1, .. }) if found == known));
        let other = BTreeMap::from([(1, row("0".repeat(64)))]);
        let changed = pending(&other, MIGRATIONS, "x");
        assert!(matches!(changed, Err(OpenError::ChangedMigration { version: 1, .. })));
    }
}
