//! `audit_log`: who changed what, written in the transaction of the change.

use crate::{
    cells::{At, json},
    session::Tx,
};
use interven_store::{Actor, StoreError, StoreResult};
use interven_types::{TenantId, Timestamp};
use serde_json::Value;

/// Writes one row at the tenant's next position. An unknown tenant is `NotFound`, which undoes the whole change.
pub(crate) async fn record(
    tx: &Tx,
    tenant: TenantId,
    actor: &Actor,
    now: Timestamp,
    action: &str,
    target: &str,
    details: &Value,
) -> StoreResult<()> {
    let written = tx
        .change(
            "WITH next AS (
                UPDATE tenant_counters SET audit_seq = audit_seq + 1 WHERE tenant_id = $1 RETURNING audit_seq
             )
             INSERT INTO audit_log (tenant_id, seq, at, actor, origin, client_addr, action, target, details)
             SELECT $1, audit_seq, $2, $3, $4, $5, $6, $7, $8 FROM next",
            &[
                &tenant.0,
                &At(now),
                &actor.name,
                &actor.origin,
                &actor.client_addr,
                &action,
                &target,
                &json(details)?,
            ],
        )
        .await?;
    if written == 0 { Err(StoreError::NotFound("tenant")) } else { Ok(()) }
}
