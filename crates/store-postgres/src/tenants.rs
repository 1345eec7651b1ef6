//! Tenants, their settings and their people.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells, json, word},
    session::{Session, Tx},
};
use async_trait::async_trait;
use interven_store::{
    Actor, Change, SettingsRow, SettingsVersion, StoreError, StoreResult, TenantRow, TenantStore, UserRow,
};
use interven_types::{TenantId, TenantSettings, Timestamp, UserId};
use serde_json::{Value, json as object};
use uuid::Uuid;

const SETTINGS_NOW: &str = "SELECT version, settings, updated_at FROM tenant_settings
     WHERE tenant_id = $1 ORDER BY version DESC LIMIT 1";

async fn settings_now(db: &Session, tenant: TenantId) -> StoreResult<SettingsRow> {
    let read = |row: &Cells<'_>| {
        Ok(SettingsRow {
            version: row.number("version")?,
            settings: row.json("settings")?,
            updated_at: row.time("updated_at")?,
        })
    };
    db.row(SETTINGS_NOW, &[&tenant.0], read).await?.ok_or(StoreError::NotFound("tenant"))
}

async fn insert_settings(tx: &Tx, tenant: TenantId, row: &SettingsRow) -> StoreResult<()> {
    tx.change(
        "INSERT INTO tenant_settings (tenant_id, version, settings, updated_at) VALUES ($1, $2, $3, $4)",
        &[&tenant.0, &i64::from(row.version), &json(&row.settings)?, &At(row.updated_at)],
    )
    .await?;
    Ok(())
}

fn tenant_row(row: &Cells<'_>) -> StoreResult<TenantRow> {
    Ok(TenantRow {
        tenant_id: TenantId(row.uuid("tenant_id")?),
        name: row.string("name")?,
        created_at: row.time("created_at")?,
    })
}

fn user_row(row: &Cells<'_>) -> StoreResult<UserRow> {
    Ok(UserRow {
        user_id: UserId(row.uuid("user_id")?),
        tenant_id: TenantId(row.uuid("tenant_id")?),
        email: row.string("email")?,
        role: row.word("role")?,
        password_hash: row.string("password_hash")?,
        created_at: row.time("created_at")?,
        disabled_at: row.optional_time("disabled_at")?,
    })
}

impl PostgresStore {
    /// Takes a value of the installation away, so that the next that is proposed is stored. False when there is none.
    pub async fn forget_installation_value(&self, name: &str) -> StoreResult<bool> {
        Ok(self.session().await?.change("DELETE FROM installation WHERE name = $1", &[&name]).await? > 0)
    }
}

#[async_trait]
impl TenantStore for PostgresStore {
    async fn create_tenant(&self, name: &str, actor: &Actor, now: Timestamp) -> StoreResult<TenantRow> {
        let mut tx = self.begin_unlocked().await?;
        let row = TenantRow { tenant_id: TenantId(Uuid::now_v7()), name: name.to_owned(), created_at: now };
        let tenant = row.tenant_id;
        let added = tx
            .change(
                "INSERT INTO tenants (tenant_id, name, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
                &[&tenant.0, &row.name, &At(now)],
            )
            .await?;
        if added == 0 {
            return Err(StoreError::Conflict(format!("a tenant named `{name}` exists already")));
        }
        tx.change("INSERT INTO tenant_counters (tenant_id) VALUES ($1)", &[&tenant.0]).await?;
        let settings = SettingsRow { version: 1, settings: TenantSettings::default(), updated_at: now };
        insert_settings(&tx, tenant, &settings).await?;
        audit::record(&tx, tenant, actor, now, "tenant.create", name, &Value::Null).await?;
        tx.announce(Change::Tenant(tenant));
        tx.commit().await?;
        Ok(row)
    }

    async fn tenants(&self) -> StoreResult<Vec<TenantRow>> {
        self.session()
            .await?
            .rows("SELECT tenant_id, name, created_at FROM tenants ORDER BY name", &[], tenant_row)
            .await
    }

    async fn installation_value(&self, name: &str, proposed: &[u8]) -> StoreResult<Vec<u8>> {
        let db = self.session().await?;
        db.change(
            "INSERT INTO installation (name, value) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[&name, &proposed],
        )
        .await?;
        let sql = "SELECT value FROM installation WHERE name = $1";
        db.row(sql, &[&name], |row| row.bytes("value")).await?.ok_or(StoreError::NotFound("value"))
    }

    async fn settings(&self, tenant: TenantId) -> StoreResult<SettingsRow> {
        settings_now(&self.session().await?, tenant).await
    }

    async fn settings_at(&self, tenant: TenantId, version: u32) -> StoreResult<TenantSettings> {
        let sql = "SELECT settings FROM tenant_settings WHERE tenant_id = $1 AND version = $2";
        let db = self.session().await?;
        let settings = db.row(sql, &[&tenant.0, &i64::from(version)], |row| row.json("settings")).await?;
        settings.ok_or(StoreError::NotFound("settings version"))
    }

    async fn settings_versions(&self, tenant: TenantId, limit: u32) -> StoreResult<Vec<SettingsVersion>> {
        let sql = "SELECT version, updated_at FROM tenant_settings WHERE tenant_id = $1
             ORDER BY version DESC LIMIT $2";
        let db = self.session().await?;
        let read = |row: &Cells<'_>| {
            Ok(SettingsVersion { version: row.number("version")?, updated_at: row.time("updated_at")? })
        };
        let versions = db.rows(sql, &[&tenant.0, &i64::from(limit)], read).await?;
        if versions.is_empty() { Err(StoreError::NotFound("tenant")) } else { Ok(versions) }
    }

    async fn update_settings(
        &self,
        tenant: TenantId,
        settings: &TenantSettings,
        if_version: Option<u32>,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<SettingsRow> {
        let mut tx = self.begin(tenant).await?;
        let before = settings_now(&tx, tenant).await?;
        let current = before.version;
        if let Some(expected) = if_version.filter(|expected| *expected != current) {
            return Err(StoreError::Conflict(format!(
                "the settings are at version {current} by now, and the change was made from {expected}; read them \
                 again and repeat it"
            )));
        }
        let details = object!({"version": current + 1, "changed": before.changed(settings)});
        let row = SettingsRow { version: current + 1, settings: settings.clone(), updated_at: now };
        insert_settings(&tx, tenant, &row).await?;
        audit::record(&tx, tenant, actor, now, "settings.update", "settings", &details).await?;
        tx.announce(Change::Tenant(tenant));
        tx.commit().await?;
        Ok(row)
    }

    async fn create_user(&self, tenant: TenantId, user: &UserRow, actor: &Actor) -> StoreResult<()> {
        let mut tx = self.begin(tenant).await?;
        let details = object!({"role": user.role});
        audit::record(&tx, tenant, actor, user.created_at, "user.create", &user.email, &details).await?;
        let added = tx
            .change(
                "INSERT INTO users
                 (user_id, tenant_id, email, email_folded, role, password_hash, created_at, disabled_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
                &[
                    &user.user_id.0,
                    &tenant.0,
                    &user.email,
                    &UserRow::folded(&user.email),
                    &word(&user.role)?,
                    &user.password_hash,
                    &At(user.created_at),
                    &user.disabled_at.map(At),
                ],
            )
            .await?;
        if added == 0 {
            return Err(StoreError::Conflict(format!("`{}` has an account already", user.email)));
        }
        tx.announce(Change::Tenant(tenant));
        tx.commit().await
    }

    async fn users(&self, tenant: TenantId) -> StoreResult<Vec<UserRow>> {
        let sql = "SELECT user_id, tenant_id, email, role, password_hash, created_at, disabled_at
             FROM users WHERE tenant_id = $1 ORDER BY email_folded";
        self.session().await?.rows(sql, &[&tenant.0], user_row).await
    }

    async fn set_password(
        &self,
        tenant: TenantId,
        email: &str,
        password_hash: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let sql = "UPDATE users SET password_hash = $3 WHERE tenant_id = $1 AND email_folded = $2";
        let mut tx = self.begin(tenant).await?;
        if tx.change(sql, &[&tenant.0, &UserRow::folded(email), &password_hash]).await? == 0 {
            return Err(StoreError::NotFound("user"));
        }
        audit::record(&tx, tenant, actor, now, "user.set_password", email, &Value::Null).await?;
        tx.announce(Change::Tenant(tenant));
        tx.commit().await
    }

    async fn disable_user(
        &self,
        tenant: TenantId,
        email: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let sql = "UPDATE users SET disabled_at = coalesce(disabled_at, $3) WHERE tenant_id = $1 AND email_folded = $2";
        let mut tx = self.begin(tenant).await?;
        if tx.change(sql, &[&tenant.0, &UserRow::folded(email), &At(now)]).await? == 0 {
            return Err(StoreError::NotFound("user"));
        }
        audit::record(&tx, tenant, actor, now, "user.disable", email, &Value::Null).await?;
        tx.announce(Change::Tenant(tenant));
        tx.commit().await
    }
}
