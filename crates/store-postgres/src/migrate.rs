//! Forward-only migrations: numbered SQL files, each applied once, in a transaction, and never changed afterwards.
//! Their numbers are those of the embedded backend.

use crate::{OpenError, cells::At};
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
};

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

/// Version → checksum.
async fn applied(client: &Client) -> Result<BTreeMap<i64, String>, tokio_postgres::Error> {
    let there = client.query_one("SELECT to_regclass('schema_migrations') IS NOT NULL", &[]).await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(BTreeMap::new());
    }
    let rows = client.query("SELECT version, checksum FROM schema_migrations", &[]).await?;
    rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
}

/// What is still to be applied, in order.
fn pending<'all>(
    applied: &BTreeMap<i64, String>,
    migrations: &'all [Migration],
    place: &str,
) -> Result<Vec<&'all Migration>, OpenError> {
    let known = migrations.last().map_or(0, |last| last.version);
    if let Some(found) = applied.keys().next_back().copied().filter(|found| *found > known) {
        return Err(OpenError::NewerVersion { place: place.to_owned(), found, known });
    }
    let mut pending = Vec::new();
    for migration in migrations {
        match applied.get(&migration.version) {
            Some(found) if *found == checksum(migration.sql) => {}
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
        let all: BTreeMap<i64, String> =
            MIGRATIONS.iter().map(|migration| (migration.version, checksum(migration.sql))).collect();
        let known = MIGRATIONS.len() as i64;
        assert_eq!(pending(&BTreeMap::new(), MIGRATIONS, "x").unwrap().len(), MIGRATIONS.len());
        assert!(pending(&all, MIGRATIONS, "x").unwrap().is_empty());
        let newer = pending(&all, &MIGRATIONS[..1], "x");
        assert!(matches!(newer, Err(OpenError::NewerVersion { found, known: 1, .. }) if found == known));
        let other = BTreeMap::from([(1, "0".repeat(64))]);
        let changed = pending(&other, MIGRATIONS, "x");
        assert!(matches!(changed, Err(OpenError::ChangedMigration { version: 1, .. })));
    }
}
