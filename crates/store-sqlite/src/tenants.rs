//! Tenants, their settings and their people.

use crate::{
    SqliteStore, audit,
    sql::{Cells, Sql, json, text_of, word},
};
use async_trait::async_trait;
use interven_store::{
    Actor, Change, SettingsRow, SettingsVersion, StoreError, StoreResult, TenantRow, TenantStore, UserRow,
};
use interven_types::{TenantId, TenantSettings, Timestamp};
use rusqlite::{Connection, params};
use serde_json::{Value, json as object};
use uuid::Uuid;

const SETTINGS_NOW: &str = "SELECT version, settings, updated_at FROM tenant_settings
     WHERE tenant_id = ?1 ORDER BY version DESC LIMIT 1";

fn settings_now(db: &Connection, tenant: TenantId) -> StoreResult<SettingsRow> {
    let row = db.row(SETTINGS_NOW, [tenant.to_string()], |row| {
        Ok(SettingsRow {
            version: row.number("version")?,
            settings: row.json("settings")?,
            updated_at: row.parsed("updated_at")?,
        })
    })?;
    row.ok_or(StoreError::NotFound("tenant"))
}

fn insert_settings(db: &Connection, tenant: TenantId, row: &SettingsRow) -> StoreResult<()> {
    db.change(
        "INSERT INTO tenant_settings (tenant_id, version, settings, updated_at) VALUES (?1, ?2, ?3, ?4)",
        params![tenant.to_string(), row.version, json(&row.settings)?, row.updated_at.to_string()],
    )?;
    Ok(())
}

fn installed(db: &Connection, name: &str) -> StoreResult<Option<Vec<u8>>> {
    db.row("SELECT value FROM installation WHERE name = ?1", [name], |row| row.bytes("value"))
}

fn tenant_row(row: &Cells<'_>) -> StoreResult<TenantRow> {
    Ok(TenantRow {
        tenant_id: row.parsed("tenant_id")?,
        name: row.string("name")?,
        created_at: row.parsed("created_at")?,
    })
}

fn user_row(row: &Cells<'_>) -> StoreResult<UserRow> {
    Ok(UserRow {
        user_id: row.parsed("user_id")?,
        tenant_id: row.parsed("tenant_id")?,
        email: row.string("email")?,
        role: row.word("role")?,
        password_hash: row.string("password_hash")?,
        created_at: row.parsed("created_at")?,
        disabled_at: row.optional_parsed("disabled_at")?,
    })
}

#[async_trait]
impl TenantStore for SqliteStore {
    async fn create_tenant(&self, name: &str, actor: &Actor, now: Timestamp) -> StoreResult<TenantRow> {
        let (name, actor) = (name.to_owned(), actor.clone());
        self.write(move |tx| {
            let row = TenantRow { tenant_id: TenantId(Uuid::now_v7()), name, created_at: now };
            let id = row.tenant_id.to_string();
            let added = tx.change(
                "INSERT INTO tenants (tenant_id, name, created_at) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![id, row.name, now.to_string()],
            )?;
            if added == 0 {
                return Err(StoreError::Conflict(format!("a tenant named `{}` exists already", row.name)));
            }
            tx.change("INSERT INTO tenant_counters (tenant_id) VALUES (?1)", [&id])?;
            let settings = SettingsRow { version: 1, settings: TenantSettings::default(), updated_at: now };
            insert_settings(tx, row.tenant_id, &settings)?;
            audit::record(tx, row.tenant_id, &actor, now, "tenant.create", &row.name, &Value::Null)?;
            tx.announce(Change::Tenant(row.tenant_id));
            Ok(row)
        })
        .await
    }

    async fn tenants(&self) -> StoreResult<Vec<TenantRow>> {
        self.read(|db| db.rows("SELECT * FROM tenants ORDER BY name", [], tenant_row)).await
    }

    async fn installation_value(&self, name: &str, proposed: &[u8]) -> StoreResult<Vec<u8>> {
        let (name, proposed) = (name.to_owned(), proposed.to_vec());
        self.write(move |tx| {
            tx.change(
                "INSERT INTO installation (name, value) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
                params![name, proposed],
            )?;
            installed(tx, &name)?.ok_or(StoreError::NotFound("value"))
        })
        .await
    }

    async fn settings(&self, tenant: TenantId) -> StoreResult<SettingsRow> {
        self.read(move |db| settings_now(db, tenant)).await
    }

    async fn settings_at(&self, tenant: TenantId, version: u32) -> StoreResult<TenantSettings> {
        self.read(move |db| {
            let settings = db.row(
                "SELECT settings FROM tenant_settings WHERE tenant_id = ?1 AND version = ?2",
                params![tenant.to_string(), version],
                |row| row.json("settings"),
            )?;
            settings.ok_or(StoreError::NotFound("settings version"))
        })
        .await
    }

    async fn settings_versions(&self, tenant: TenantId, limit: u32) -> StoreResult<Vec<SettingsVersion>> {
        self.read(move |db| {
            let sql = "SELECT version, updated_at FROM tenant_settings WHERE tenant_id = ?1
                 ORDER BY version DESC LIMIT ?2";
            let versions = db.rows(sql, params![tenant.to_string(), limit], |row| {
                Ok(SettingsVersion { version: row.number("version")?, updated_at: row.parsed("updated_at")? })
            })?;
            if versions.is_empty() { Err(StoreError::NotFound("tenant")) } else { Ok(versions) }
        })
        .await
    }

    async fn update_settings(
        &self,
        tenant: TenantId,
        settings: &TenantSettings,
        if_version: Option<u32>,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<SettingsRow> {
        let (settings, actor) = (settings.clone(), actor.clone());
        self.write(move |tx| {
            let before = settings_now(tx, tenant)?;
        let current = before.version;
            if let Some(expected) = if_version.filter(|expected| *expected != current) {
                return Err(StoreError::Conflict(format!(
                    "the settings are at version {current} by now, and the change was made from {expected}; read them \
                     again and repeat it"
                )));
            }
            let details = object!({"version": current + 1, "changed": before.changed(&settings)});
            let row = SettingsRow { version: current + 1, settings, updated_at: now };
            insert_settings(tx, tenant, &row)?;
            audit::record(tx, tenant, &actor, now, "settings.update", "settings", &details)?;
            tx.announce(Change::Tenant(tenant));
            Ok(row)
        })
        .await
    }

    async fn create_user(&self, tenant: TenantId, user: &UserRow, actor: &Actor) -> StoreResult<()> {
        let (user, actor) = (user.clone(), actor.clone());
        self.write(move |tx| {
            // First, because it also proves that the tenant exists.
            let details = object!({"role": user.role});
            audit::record(tx, tenant, &actor, user.created_at, "user.create", &user.email, &details)?;
            let added = tx.change(
                "INSERT INTO users (user_id, tenant_id, email, email_folded, role, password_hash, created_at, disabled_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO NOTHING",
                params![
                    user.user_id.to_string(),
                    tenant.to_string(),
                    user.email,
                    UserRow::folded(&user.email),
                    word(&user.role)?,
                    user.password_hash,
                    user.created_at.to_string(),
                    text_of(&user.disabled_at)
                ],
            )?;
            if added == 0 {
                return Err(StoreError::Conflict(format!("`{}` has an account already", user.email)));
            }
            tx.announce(Change::Tenant(tenant));
            Ok(())
        })
        .await
    }

    async fn users(&self, tenant: TenantId) -> StoreResult<Vec<UserRow>> {
        self.read(move |db| {
            let sql = "SELECT * FROM users WHERE tenant_id = ?1 ORDER BY email_folded";
            db.rows(sql, [tenant.to_string()], user_row)
        })
        .await
    }

    async fn set_password(
        &self,
        tenant: TenantId,
        email: &str,
        password_hash: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let (email, hash, actor) = (email.to_owned(), password_hash.to_owned(), actor.clone());
        self.write(move |tx| {
            let changed = tx.change(
                "UPDATE users SET password_hash = ?3 WHERE tenant_id = ?1 AND email_folded = ?2",
                params![tenant.to_string(), UserRow::folded(&email), hash],
            )?;
            if changed == 0 {
                return Err(StoreError::NotFound("user"));
            }
            audit::record(tx, tenant, &actor, now, "user.set_password", &email, &Value::Null)?;
            tx.announce(Change::Tenant(tenant));
            Ok(())
        })
        .await
    }

    async fn disable_user(
        &self,
        tenant: TenantId,
        email: &str,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<()> {
        let (email, actor) = (email.to_owned(), actor.clone());
        self.write(move |tx| {
            let changed = tx.change(
                "UPDATE users SET disabled_at = ifnull(disabled_at, ?3) WHERE tenant_id = ?1 AND email_folded = ?2",
                params![tenant.to_string(), UserRow::folded(&email), now.to_string()],
            )?;
            if changed == 0 {
                return Err(StoreError::NotFound("user"));
            }
            audit::record(tx, tenant, &actor, now, "user.disable", &email, &Value::Null)?;
            tx.announce(Change::Tenant(tenant));
            Ok(())
        })
        .await
    }
}
