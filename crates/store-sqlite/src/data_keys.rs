//! `data_keys`, and the values of the installation that are sealed with them.

use crate::{
    SqliteStore, audit,
    sql::{Cells, Sql, count, text_of},
};
use async_trait::async_trait;
use interven_store::{
    Actor, Change, DataKeyRow, DataKeyStore, KeysChange, StoreError, StoreResult, StoredKeys,
};
use interven_types::Timestamp;
use rusqlite::{Connection, params};

/// The name in `installation` under which changes of the keys are counted: eight bytes, big end first.
const REVISION: &str = "key_revision";

pub(crate) fn key_row(row: &Cells<'_>) -> StoreResult<DataKeyRow> {
    Ok(DataKeyRow {
        fingerprint: row.parsed("fingerprint")?,
        tenant_id: row.optional_parsed("tenant_id")?,
        number: row.number("number")?,
        wrapped_key: row.bytes("wrapped_key")?,
        created_at: row.parsed("created_at")?,
    })
}

fn revision(db: &Connection) -> StoreResult<u64> {
    let sql = "SELECT value FROM installation WHERE name = ?1";
    let Some(bytes) = db.row(sql, [REVISION], |row| row.bytes("value"))? else { return Ok(0) };
    let bytes =
        bytes.try_into().map_err(|_| StoreError::Corrupt("`key_revision` is no number".to_owned()))?;
    Ok(u64::from_be_bytes(bytes))
}

fn set_value(db: &Connection, name: &str, value: &[u8]) -> StoreResult<()> {
    db.change(
        "INSERT INTO installation (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    Ok(())
}

fn change(db: &Connection, change: &KeysChange) -> StoreResult<()> {
    for key in &change.added {
        db.change(
            "INSERT INTO data_keys (fingerprint, tenant_id, number, wrapped_key, created_at)
             VALUES (?1, ?2, (SELECT ifnull(max(number), 0) + 1 FROM data_keys), ?3, ?4)",
            params![
                key.fingerprint.to_string(),
                text_of(&key.tenant_id),
                key.wrapped_key,
                key.created_at.to_string()
            ],
        )?;
    }
    for (fingerprint, wrapped) in &change.rewrapped {
        let sql = "UPDATE data_keys SET wrapped_key = ?2 WHERE fingerprint = ?1";
        if db.change(sql, params![fingerprint.to_string(), wrapped])? == 0 {
            return Err(StoreError::NotFound("data key"));
        }
    }
    change.values.iter().try_for_each(|(name, value)| set_value(db, name, value))
}

#[async_trait]
impl DataKeyStore for SqliteStore {
    async fn stored_keys(&self, after: u64) -> StoreResult<StoredKeys> {
        self.read(move |db| {
            Ok(StoredKeys {
                revision: revision(db)?,
                keys: db.rows(
                    "SELECT * FROM data_keys WHERE number > ?1 ORDER BY number",
                    [count(after)],
                    key_row,
                )?,
                values: db.rows("SELECT name, value FROM installation ORDER BY name", [], |row| {
                    Ok((row.string("name")?, row.bytes("value")?))
                })?,
            })
        })
        .await
    }

    async fn change_keys(
        &self,
        planned_on: u64,
        wanted: &KeysChange,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let (wanted, actor) = (wanted.clone(), actor.clone());
        self.write(move |tx| {
            if revision(tx)? != planned_on {
                return Ok(false);
            }
            change(tx, &wanted)?;
            set_value(tx, REVISION, &(planned_on + 1).to_be_bytes())?;
            for (tenant, entry) in &wanted.audit {
                audit::record(tx, *tenant, &actor, now, &entry.action, &entry.target, &entry.details)?;
            }
            for tenant in wanted.added.iter().filter_map(|key| key.tenant_id) {
                tx.announce(Change::Tenant(tenant));
            }
            Ok(true)
        })
        .await
    }
}
