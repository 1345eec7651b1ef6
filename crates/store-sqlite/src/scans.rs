//! Recording one scan: what is known is read, the scan is settled on it, and all its effects are written, in the one
//! transaction. The single writer makes scans take turns, so two identical retries cannot both use one grant.

use crate::{
    agents, approvals, budgets,
    incidents::{self, Occasion},
    keys, ledger,
    sql::{Sql, count, month_of},
    trust,
    writer::Tx,
};
use interven_store::{
    Change, Log, RateTime, Receipt, ScanEntry, Settled, StoreError, StoreResult, activity_cells,
};
use interven_types::{ApprovalEffect, Precedent, PriorApproval, TenantId, Timestamp, TrustState};
use rusqlite::params;

/// Positions per row of `activity_spans`.
pub(crate) const SPAN: i64 = 1_024;

pub(crate) fn record(tx: &mut Tx<'_>, tenant: TenantId, scan: ScanEntry) -> StoreResult<Receipt> {
    let precedent = precedent(tx, tenant, &scan)?;
    take_from_rate(tx, tenant, &scan)?;
    let settled = (scan.settle)(&precedent).ok_or(StoreError::Outdated)?;
    if let Some(taken) = scan.use_of {
        keys::take_use(tx, tenant, taken, &settled)?;
    }
    write(tx, tenant, &precedent.trust, settled)
}

/// Says how many were not there yet.
pub(crate) fn append_spooled(tx: &mut Tx<'_>, tenant: TenantId, scans: Vec<Settled>) -> StoreResult<u64> {
    let mut appended = 0;
    for scan in scans {
        let sql = "SELECT 1 FROM activity_log WHERE trace_id = ?1 AND tenant_id = ?2";
        let ids = [scan.row.trace_id.to_string(), tenant.to_string()];
        if tx.row(sql, ids, |_| Ok(()))?.is_none() {
            let trust = trust::trust_of(tx, tenant, scan.row.agent_id, scan.row.created_at)?;
            write(tx, tenant, &trust, scan.onto(&trust))?;
            appended += 1;
        }
    }
    Ok(appended)
}

/// Takes the next position and writes the scan with all its effects. `stored` is the agent's trust before it.
fn write(
    tx: &mut Tx<'_>,
    tenant: TenantId,
    stored: &TrustState,
    mut settled: Settled,
) -> StoreResult<Receipt> {
    let (agent, at) = (settled.row.agent_id, settled.row.created_at);
    let place = next_place(tx, tenant, at)?;
    settled.row.ledger_seq = place.ledger_seq;
    apply_approval(tx, tenant, &settled.approval)?;
    apply_trust(tx, tenant, stored, &settled)?;
    if let Some(lesson) = &settled.lesson {
        agents::learn(tx, agent, lesson, at)?;
    }
    for spending in &settled.spendings {
        budgets::spend(tx, tenant, spending)?;
    }
    append(tx, tenant, &settled)?;
    let (trace, ledger_seq) = (settled.row.trace_id, place.ledger_seq);
    let occasion = Occasion { tenant, agent, trace, ledger_seq, at };
    for incident in &settled.incidents {
        incidents::open_or_join(tx, &occasion, incident)?;
    }
    tx.announce(Change::Activity(tenant, place.ledger_seq));
    Ok(Receipt { ledger_seq: place.ledger_seq, scans_this_month: place.scans_this_month, settled })
}

fn precedent(tx: &Tx<'_>, tenant: TenantId, scan: &ScanEntry) -> StoreResult<Precedent> {
    let (agent, now) = (scan.agent_id, scan.now);
    let trust = trust::trust_of(tx, tenant, agent, now)?;
    let prior =
        approvals::precedent(tx, tenant, agent, &scan.signature, scan.idempotency_key.as_deref(), now)?;
    let waiting = approvals::waiting(tx, tenant, agent, now)?;
    let own = u32::from(matches!(prior, Some(PriorApproval::Pending { .. })));
    let last_hour = trust::last_hour(tx, tenant, &trust, now)?;
    Ok(Precedent {
        prior,
        pending_of_agent: waiting.of_agent.saturating_sub(own),
        pending_of_tenant: waiting.of_tenant.saturating_sub(own),
        denials_1h: last_hour.denials,
        highest_trust_1h: last_hour.highest_trust,
        budgets_used: budgets::used(&**tx, tenant, &scan.budgets)?,
        trust,
    })
}

fn take_from_rate(tx: &Tx<'_>, tenant: TenantId, scan: &ScanEntry) -> StoreResult<()> {
    let Some(limit) = scan.rate_limit else { return Ok(()) };
    let sql = "SELECT rate_time FROM tenant_counters WHERE tenant_id = ?1";
    let taken = tx.row(sql, [tenant.to_string()], |row| row.number("rate_time"))?;
    let taken = limit.take(RateTime(taken.unwrap_or(0)), scan.now).map_err(StoreError::RateLimited)?;
    let sql = "UPDATE tenant_counters SET rate_time = ?2 WHERE tenant_id = ?1";
    tx.change(sql, params![tenant.to_string(), taken.0])?;
    Ok(())
}

struct Place {
    ledger_seq: u64,
    scans_this_month: u64,
}

/// Takes the tenant's next position and counts the scan. A clock that steps back over the turn of a month
/// counts into the later one.
fn next_place(tx: &Tx<'_>, tenant: TenantId, now: Timestamp) -> StoreResult<Place> {
    let place = tx.row(
        "UPDATE tenant_counters SET ledger_seq = ledger_seq + 1,
            scans_this_month = CASE WHEN month >= ?2 THEN scans_this_month + 1 ELSE 1 END, month = max(month, ?2)
         WHERE tenant_id = ?1 RETURNING ledger_seq, scans_this_month",
        [tenant.to_string(), month_of(now)],
        |row| {
            Ok(Place {
                ledger_seq: row.number("ledger_seq")?,
                scans_this_month: row.number("scans_this_month")?,
            })
        },
    )?;
    place.ok_or(StoreError::NotFound("tenant"))
}

fn apply_approval(tx: &mut Tx<'_>, tenant: TenantId, effect: &ApprovalEffect) -> StoreResult<()> {
    let changed = match effect {
        ApprovalEffect::None => return Ok(()),
        ApprovalEffect::Create(approval) => {
            approvals::create(tx, tenant, approval)?;
            approval.approval_id
        }
        ApprovalEffect::Use { approval_id, idempotency_key } => {
            approvals::use_once(tx, tenant, *approval_id, idempotency_key.as_deref())?;
            *approval_id
        }
    };
    tx.announce(Change::Approval(tenant, changed));
    Ok(())
}

/// Not announced: whoever recorded the scan has the receipt, and nobody else writes to this file while we run.
fn apply_trust(tx: &mut Tx<'_>, tenant: TenantId, stored: &TrustState, settled: &Settled) -> StoreResult<()> {
    if settled.trust != *stored {
        trust::save(tx, tenant, &settled.trust)?;
    }
    for event in &settled.trust_events {
        trust::add_event(tx, tenant, settled.trust.agent_id, event)?;
    }
    Ok(())
}

fn append(tx: &Tx<'_>, tenant: TenantId, settled: &Settled) -> StoreResult<()> {
    let row = &settled.row;
    ledger::append(tx, Log::Activity, &activity_cells(tenant, row)?)?;
    tx.change(
        "INSERT INTO activity_spans (tenant_id, span, earliest, latest) VALUES (?1, ?2, ?3, ?3)
         ON CONFLICT (tenant_id, span) DO UPDATE SET
            earliest = min(earliest, excluded.earliest), latest = max(latest, excluded.latest)",
        params![tenant.to_string(), count(row.ledger_seq) / SPAN, row.created_at.to_string()],
    )?;
    Ok(())
}
