//! `budget_usage`: what the calls of a day came to.

use crate::{
    sql::{Sql, text_of},
    writer::Tx,
};
use interven_store::StoreResult;
use interven_types::{AgentId, BudgetKey, Millionths, Spending, TenantId};
use rusqlite::params;
use std::collections::BTreeMap;

pub(crate) fn used(
    db: &impl Sql,
    tenant: TenantId,
    keys: &[BudgetKey],
) -> StoreResult<BTreeMap<BudgetKey, Millionths>> {
    let tenant = tenant.to_string();
    let mut used = BTreeMap::new();
    for key in keys {
        let found = db.row(
            "SELECT millionths FROM budget_usage WHERE tenant_id = ?1 AND name = ?2 AND day = ?3 AND agent_id = ?4",
            params![tenant, key.name, key.day, agent_of(key)],
            |row| row.number("millionths"),
        )?;
        used.extend(found.map(|millionths| (key.clone(), Millionths(millionths))));
    }
    Ok(used)
}

pub(crate) fn used_on(
    db: &impl Sql,
    tenant: TenantId,
    name: &str,
    day: &str,
) -> StoreResult<Vec<(Option<AgentId>, Millionths)>> {
    db.rows(
        "SELECT nullif(agent_id, '') AS agent_id, millionths FROM budget_usage
         WHERE tenant_id = ?1 AND name = ?2 AND day = ?3 ORDER BY millionths DESC, agent_id",
        params![tenant.to_string(), name, day],
        |row| Ok((row.optional_parsed("agent_id")?, Millionths(row.number("millionths")?))),
    )
}

/// A sum that is too large to count stays the largest.
pub(crate) fn spend(tx: &Tx<'_>, tenant: TenantId, spending: &Spending) -> StoreResult<()> {
    let Spending { key, amount: Millionths(amount) } = spending;
    tx.change(
        "INSERT INTO budget_usage (tenant_id, name, day, agent_id, millionths) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (tenant_id, name, day, agent_id) DO UPDATE SET millionths =
            iif(millionths > 9223372036854775807 - excluded.millionths, 9223372036854775807, millionths + excluded.millionths)",
        params![tenant.to_string(), key.name, key.day, agent_of(key), amount],
    )?;
    Ok(())
}

fn agent_of(key: &BudgetKey) -> String {
    text_of(&key.agent_id).unwrap_or_default()
}
