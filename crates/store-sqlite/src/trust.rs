//! `agent_trust_state` and the events that move it.
//!
//! Operators mend the table by SQL, so its cells are read leniently and on the safe side: what cannot be read is no
//! trust, or scrutiny for an hour, never an error that stops an agent's scans.

use crate::{
    sql::{Cells, Sql, text_of, word},
    writer::Tx,
};
use interven_store::{StoreError, StoreResult};
use interven_types::{AgentId, TenantId, Timestamp, TrustEvent, TrustEventKind, TrustState};
use rusqlite::{Connection, params, types::ValueRef};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// Events of the last hour that a scan looks at: beyond them an agent is far past every threshold.
const RECENT_EVENTS: u32 = 256;

/// Trust beside the agent it belongs to; an agent whose row is gone has no trust.
const TRUST: &str = "SELECT t.* FROM agents AS a LEFT JOIN agent_trust_state AS t USING (agent_id)
     WHERE a.agent_id = ?1 AND a.tenant_id = ?2";

/// A counter, the window in which an event counts, and the events that count.
struct Counter {
    column: &'static str,
    window: Duration,
    kinds: &'static str,
}

const COUNTERS: [Counter; 6] = [
    Counter { column: "high_risk_count_1h", window: HOUR, kinds: "'high_risk', 'critical_deny'" },
    Counter { column: "critical_count_24h", window: DAY, kinds: "'critical_deny'" },
    Counter { column: "ti_match_count_24h", window: DAY, kinds: "'threat_match'" },
    Counter { column: "semantic_match_count_24h", window: DAY, kinds: "'semantic_match'" },
    Counter { column: "deny_count_24h", window: DAY, kinds: "'deny', 'critical_deny'" },
    Counter { column: "approval_count_24h", window: DAY, kinds: "'approval_requested'" },
];

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
    db.rows(
        "SELECT at, kind, delta, score_after, trace_id FROM trust_events
         WHERE agent_id = ?1 AND tenant_id = ?2 ORDER BY at DESC, event_id DESC LIMIT ?3",
        params![agent.to_string(), tenant.to_string(), limit],
        |row| {
            Ok(TrustEvent {
                at: row.parsed("at")?,
                kind: row.word("kind")?,
                delta: row.real("delta")?,
                score_after: row.real("score_after")?,
                trace_id: row.optional_parsed("trace_id")?,
            })
        },
    )
}

/// What the last hour of an agent shows.
pub(crate) struct LastHour {
    pub denials: u32,
    pub highest_trust: f64,
}

pub(crate) fn last_hour(db: &Connection, trust: &TrustState, now: Timestamp) -> StoreResult<LastHour> {
    let newest_first = db.rows(
        "SELECT kind, delta, score_after FROM trust_events
         WHERE agent_id = ?1 AND at > ?2 ORDER BY at DESC, event_id DESC LIMIT ?3",
        params![trust.agent_id.to_string(), now.saturating_sub(HOUR).to_string(), RECENT_EVENTS],
        |row| Ok((row.word::<TrustEventKind>("kind")?, row.real("delta")?, row.real("score_after")?)),
    )?;
    let is_denial =
        |kind: &TrustEventKind| matches!(kind, TrustEventKind::Deny | TrustEventKind::CriticalDeny);
    let since_reset = newest_first.iter().take_while(|(kind, ..)| *kind != TrustEventKind::Reset);
    let denials = since_reset.filter(|(kind, ..)| is_denial(kind)).count();
    let before_all = newest_first.last().map_or(0.0, |(kind, delta, after)| match kind {
        // There was no trust before it.
        TrustEventKind::Inherited => *after,
        _ => (after - delta).clamp(0.0, 1.0),
    });
    let scores = newest_first.iter().map(|(.., after)| *after).chain([before_all, trust.trust_score]);
    Ok(LastHour {
        denials: u32::try_from(denials).unwrap_or(u32::MAX),
        highest_trust: scores.fold(0.0, f64::max),
    })
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
        for (counter, stored) in COUNTERS.iter().zip(stored).filter(|(_, stored)| *stored > 0) {
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
    counter: &Counter,
    at_most: u32,
    now: Timestamp,
) -> StoreResult<u32> {
    let sql = format!(
        "SELECT count(*) AS events FROM (
            SELECT 1 FROM trust_events WHERE agent_id = ?1 AND at > ?2 AND kind IN ({})
               AND event_id > ifnull((SELECT max(event_id) FROM trust_events
                                      WHERE agent_id = ?1 AND at > ?2 AND kind = 'reset'), 0)
            LIMIT ?3)",
        counter.kinds
    );
    let since = now.saturating_sub(counter.window).to_string();
    let counted = db.row(&sql, params![agent.to_string(), since, at_most], |row| row.number("events"))?;
    Ok(counted.unwrap_or(0))
}
