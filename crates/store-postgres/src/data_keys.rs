//! `data_keys`, and the values of the installation that are sealed with them.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells, count},
    session::Tx,
};
use async_trait::async_trait;
use interven_store::{
    Actor, Change, DataKeyRow, DataKeyStore, KeysChange, StoreError, StoreResult, StoredKeys,
};
use interven_types::{TenantId, Timestamp};

/// The name in `installation` under which changes of the keys are counted: eight bytes, big end first.
const REVISION: &str = "key_revision";

fn key_row(row: &Cells<'_>) -> StoreResult<DataKeyRow> {
    let fingerprint = row.text("fingerprint")?.parse();
    Ok(DataKeyRow {
        fingerprint: fingerprint
            .map_err(|_| StoreError::Corrupt("column `fingerprint` cannot be read".to_owned()))?,
        tenant_id: row.optional_uuid("tenant_id")?.map(TenantId),
        number: row.number("number")?,
        wrapped_key: row.bytes("wrapped_key")?,
        created_at: row.time("created_at")?,
    })
}

fn revision_in(values: &[(String, Vec<u8>)]) -> StoreResult<u64> {
    let Some((_, bytes)) = values.iter().find(|(name, _)| name == REVISION) else { return Ok(0) };
    let bytes = bytes.as_slice().try_into();
    let bytes = bytes.map_err(|_| StoreError::Corrupt("`key_revision` is no number".to_owned()))?;
    Ok(u64::from_be_bytes(bytes))
}

fn value_row(row: &Cells<'_>) -> StoreResult<(String, Vec<u8>)> {
    Ok((row.string("name")?, row.bytes("value")?))
}

async fn set_value(tx: &Tx, name: &str, value: &[u8]) -> StoreResult<()> {
    let sql = "INSERT INTO installation (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    tx.change(sql, &[&name, &value]).await.map(drop)
}

async fn change(tx: &Tx, change: &KeysChange) -> StoreResult<()> {
    for key in &change.added {
        tx.change(
            "INSERT INTO data_keys (fingerprint, tenant_id, number, wrapped_key, created_at)
             VALUES ($1, $2, (SELECT coalesce(max(number), 0) + 1 FROM data_keys), $3, $4)",
            &[
                &key.fingerprint.to_string(),
                &key.tenant_id.map(|tenant| tenant.0),
                &key.wrapped_key,
                &At(key.created_at),
            ],
        )
        .await?;
    }
    for (fingerprint, wrapped) in &change.rewrapped {
        let sql = "UPDATE data_keys SET wrapped_key = $2 WHERE fingerprint = $1";
        if tx.change(sql, &[&fingerprint.to_string(), wrapped]).await? == 0 {
            return Err(StoreError::NotFound("data key"));
        }
    }
    for (name, value) in &change.values {
        set_value(tx, name, value).await?;
    }
    Ok(())
}

#[async_trait]
impl DataKeyStore for PostgresStore {
    async fn stored_keys(&self, after: u64) -> StoreResult<StoredKeys> {
        let tx = self.begin_unlocked().await?;
        // Keys and values as they stood at one moment.
        tx.run(tx.client().batch_execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY"))
            .await?;
        let values = tx.rows("SELECT name, value FROM installation ORDER BY name", &[], value_row).await?;
        let sql = "SELECT fingerprint, tenant_id, number, wrapped_key, created_at FROM data_keys
             WHERE number > $1 ORDER BY number";
        let keys = tx.rows(sql, &[&count(after)], key_row).await?;
        tx.commit().await?;
        Ok(StoredKeys { revision: revision_in(&values)?, keys, values })
    }

    async fn change_keys(
        &self,
        planned_on: u64,
        wanted: &KeysChange,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<bool> {
        let mut tx = self.begin_unlocked().await?;
        // Whoever changes keys at the same time waits here: the row is there, and locked.
        let first = "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING";
        tx.change(first, &[&REVISION, &0_u64.to_be_bytes().as_slice()]).await?;
        let lock = "SELECT name, value FROM installation WHERE name = $1 FOR UPDATE";
        if revision_in(&tx.rows(lock, &[&REVISION], value_row).await?)? != planned_on {
            return Ok(false);
        }
        change(&tx, wanted).await?;
        set_value(&tx, REVISION, &(planned_on + 1).to_be_bytes()).await?;
        for (tenant, entry) in &wanted.audit {
            audit::record(&tx, *tenant, actor, now, &entry.action, &entry.target, &entry.details).await?;
        }
        for tenant in wanted.added.iter().filter_map(|key| key.tenant_id) {
            tx.announce(Change::Tenant(tenant));
        }
        tx.commit().await?;
        Ok(true)
    }
}
