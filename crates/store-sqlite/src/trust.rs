//! `agent_trust_state` and the events that move it.
//!
//! Operators mend the table by SQL, so its cells are read leniently and on the safe side: what cannot be read is no
//! trust, or scrutiny for an hour, never an error that stops an agent's scans.

use crate::{
    sql::{Cells, Sql, text_of, word},
    writer::Tx,
};
use interven_store::{HOUR, LastHour, RECENT_EVENTS, StoreError, StoreResult, TRUST_COUNTERS, TrustCounter};
use interven_types::{AgentId, TenantId, Timestamp, TrustEvent, TrustState};
use rusqlite::{Connection, params, types::ValueRef};

/// Trust beside the agent it belongs to; an agent whose row is gone has no trust.
const TRUST: &str = "SELECT t.* FROM agents AS a LEFT JOIN agent_trust_state AS t USING (agent_id)
     WHERE a.agent_id = ?1 AND a.tenant_id = ?2";

/// The trust of an agent of this tenant.
pub(crate) fn trust_of(
    db: &Connection,
    tenant: TenantId,
    agent: AgentId,
    now: Timestamp,
) -> StoreResult<TrustState> {
    let found = db.row(TRUST, [agent.to_string(), tenant.to_string()], |row| trust_state(row, agent, now))?;
    found.ok_or(StoreError::NotFound("agent"))
}

/// Reads one row, whatever an operator wrote into it.
pub(crate) fn trust_state(row: &Cells<'_>, agent_id: AgentId, now: Timestamp) -> StoreResult<TrustState> {
    let tally = |column| -> StoreResult<u32> {
        Ok(match row.raw(column)? {
            ValueRef::Integer(value) => u32::try_from(value.max(0)).unwrap_or(u32::MAX),
            ValueRef::Real(value) => value as u32,
            _ => 0,
        })
    };
    let trust_score = match row.raw("trust_score")? {
        ValueRef::Real(value) => value.clamp(0.0, 1.0),
        ValueRef::Integer(value) => value.clamp(0, 1) as f64,
        _ => 0.0,
    };
    let scrutiny_until = match row.raw("scrutiny_until")? {
        ValueRef::Null => None,
        cell => Some(time(cell).unwrap_or_else(|| now.saturating_add(HOUR))),
    };
    Ok(TrustState {
        agent_id,
        trust_score,
        scrutiny_until,
        high_risk_count_1h: tally("high_risk_count_1h")?,
        critical_count_24h: tally("critical_count_24h")?,
        ti_match_count_24h: tally("ti_match_count_24h")?,
        semantic_match_count_24h: tally("semantic_match_count_24h")?,
        deny_count_24h: tally("deny_count_24h")?,
        approval_count_24h: tally("approval_count_24h")?,
        clean_streak: tally("clean_streak")?,
        updated_at: time(row.raw("updated_at")?).unwrap_or(now),
    })
}

fn time(cell: ValueRef<'_>) -> Option<Timestamp> {
    cell.as_str().ok()?.parse().ok()
}

pub(crate) fn save(tx: &Tx<'_>, tenant: TenantId, trust: &TrustState) -> StoreResult<()> {
    tx.change(
        "INSERT INTO agent_trust_state (
            agent_id, tenant_id, trust_score, scrutiny_until, high_risk_count_1h, critical_count_24h,
            ti_match_count_24h, semantic_match_count_24h, deny_count_24h, approval_count_24h, clean_streak, updated_at
         ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (agent_id) DO UPDATE SET
            trust_score = excluded.trust_score, scrutiny_until = excluded.scrutiny_until,
            high_risk_count_1h = excluded.high_risk_count_1h, critical_count_24h = excluded.critical_count_24h,
            ti_match_count_24h = excluded.ti_match_count_24h,
            semantic_match_count_24h = excluded.semantic_match_count_24h,
            deny_count_24h = excluded.deny_count_24h, approval_count_24h = excluded.approval_count_24h,
            clean_streak = excluded.clean_streak, updated_at = excluded.updated_at",
        params![
            trust.agent_id.to_string(),
            tenant.to_string(),
            trust.trust_score,
            text_of(&trust.scrutiny_until),
            trust.high_risk_count_1h,
            trust.critical_count_24h,
            trust.ti_match_count_24h,
            trust.semantic_match_count_24h,
            trust.deny_count_24h,
            trust.approval_count_24h,
            trust.clean_streak,
            trust.updated_at.to_string()
        ],
    )?;
    Ok(())
}

pub(crate) fn add_event(
    tx: &Tx<'_>,
    tenant: TenantId,
    agent: AgentId,
    event: &TrustEvent,
) -> StoreResult<()> {
    tx.change(
        "INSERT INTO trust_events (tenant_id, agent_id, at, kind, delta, score_after, trace_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            tenant.to_string(),
            agent.to_string(),
            event.at.to_string(),
            word(&event.kind)?,
            event.delta,
            event.score_after,
            text_of(&event.trace_id)
        ],
    )?;
    Ok(())
}

/// Newest first.
pub(crate) fn events(
    db: &Connection,
    tenant: TenantId,
    agent: AgentId,
    limit: u32,
) -> StoreResult<Vec<TrustEvent>> {
    list(db, tenant, agent, None, limit)
}

/// A row that cannot be read counts for nothing, and hides no other.
fn list(
    db: &Connection,
    tenant: TenantId,
    agent: AgentId,
    since: Option<Timestamp>,
    limit: u32,
) -> StoreResult<Vec<TrustEvent>> {
    let rows = db.rows(
        "SELECT at, kind, delta, score_after, trace_id FROM trust_events
         WHERE agent_id = ?1 AND tenant_id = ?2 AND at > ?3 ORDER BY at DESC, event_id DESC LIMIT ?4",
        params![agent.to_string(), tenant.to_string(), text_of(&since).unwrap_or_default(), limit],
        |row| Ok(event(row).ok()),
    )?;
    Ok(rows.into_iter().flatten().collect())
}

fn event(row: &Cells<'_>) -> StoreResult<TrustEvent> {
    Ok(TrustEvent {
        at: row.parsed("at")?,
        kind: row.word("kind")?,
        delta: row.real("delta")?,
        score_after: row.real("score_after")?,
        trace_id: row.optional_parsed("trace_id")?,
    })
}

pub(crate) fn last_hour(
    db: &Connection,
    tenant: TenantId,
    trust: &TrustState,
    now: Timestamp,
) -> StoreResult<LastHour> {
    let newest_first = list(db, tenant, trust.agent_id, Some(now.saturating_sub(HOUR)), RECENT_EVENTS)?;
    Ok(LastHour::of(newest_first.iter(), trust.trust_score))
}

/// Lowers each counter to the events still inside its window and after the last reset. Never raises one: what an
/// operator zeroed stays so. `updated_at` stands, because trust recovers from it. Returns each changed agent's tenant.
pub(crate) fn age_counters(tx: &Tx<'_>, now: Timestamp) -> StoreResult<Vec<TenantId>> {
    let counting = tx.rows(
        "SELECT t.*, a.tenant_id AS owner
         FROM agent_trust_state AS t JOIN agents AS a USING (agent_id)
         WHERE t.high_risk_count_1h > 0 OR t.critical_count_24h > 0 OR t.ti_match_count_24h > 0
            OR t.semantic_match_count_24h > 0 OR t.deny_count_24h > 0 OR t.approval_count_24h > 0",
        [],
        |row| Ok((row.parsed::<TenantId>("owner")?, trust_state(row, row.parsed("agent_id")?, now)?)),
    )?;
    let mut changed = Vec::new();
    for (tenant, trust) in counting {
        let mut has_changed = false;
        let stored = [
            trust.high_risk_count_1h,
            trust.critical_count_24h,
            trust.ti_match_count_24h,
            trust.semantic_match_count_24h,
            trust.deny_count_24h,
            trust.approval_count_24h,
        ];
        for (counter, stored) in TRUST_COUNTERS.iter().zip(stored).filter(|(_, stored)| *stored > 0) {
            let counted = count_events(tx, trust.agent_id, counter, stored, now)?;
            if counted < stored {
                let sql = format!("UPDATE agent_trust_state SET {} = ?2 WHERE agent_id = ?1", counter.column);
                tx.change(&sql, params![trust.agent_id.to_string(), counted])?;
                has_changed = true;
            }
        }
        changed.extend(has_changed.then_some(tenant));
    }
    Ok(changed)
}

/// Counts no further than `at_most`.
fn count_events(
    db: &Connection,
    agent: AgentId,
    counter: &TrustCounter,
    at_most: u32,
    now: Timestamp,
) -> StoreResult<u32> {
    let kinds = counter.kinds.join("', '");
    let sql = format!(
        "SELECT count(*) AS events FROM (
            SELECT 1 FROM trust_events WHERE agent_id = ?1 AND at > ?2 AND kind IN ('{kinds}')
               AND event_id > ifnull((SELECT max(event_id) FROM trust_events
                                      WHERE agent_id = ?1 AND at > ?2 AND kind = 'reset'), 0)
            LIMIT ?3)"
    );
    let since = now.saturating_sub(counter.window).to_string();
    let counted = db.row(&sql, params![agent.to_string(), since, at_most], |row| row.number("events"))?;
    Ok(counted.unwrap_or(0))
}
