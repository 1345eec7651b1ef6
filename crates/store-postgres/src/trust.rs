//! `agent_trust_state` and the events that move it.
//!
//! Operators mend the table by SQL, so its cells are read leniently and on the safe side: what says nothing is no trust,
//! never an error that stops an agent's scans.

use crate::{
    cells::{At, Cells, word},
    session::{Session, Tx},
};
use interven_store::{StoreError, StoreResult};
use interven_types::{AgentId, TenantId, Timestamp, TraceId, TrustEvent, TrustState};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(86_400);

/// What [`trust_state`] reads, of the table `t`.
pub(crate) const TRUST_COLUMNS: &str = "t.trust_score, t.scrutiny_until, t.high_risk_count_1h,
    t.critical_count_24h, t.ti_match_count_24h, t.semantic_match_count_24h, t.deny_count_24h, t.approval_count_24h,
    t.clean_streak, t.updated_at";

/// Reads one row, whatever an operator wrote into it; an agent whose row is gone has no trust.
pub(crate) fn trust_state(row: &Cells<'_>, agent_id: AgentId, now: Timestamp) -> StoreResult<TrustState> {
    let tally = |column| -> StoreResult<u32> {
        let count = row.optional_number::<i64>(column)?.unwrap_or(0);
        Ok(u32::try_from(count.max(0)).unwrap_or(u32::MAX))
    };
    let trust_score = row.optional_real("trust_score")?.filter(|score| !score.is_nan()).unwrap_or(0.0);
    Ok(TrustState {
        agent_id,
        trust_score: trust_score.clamp(0.0, 1.0),
        scrutiny_until: row.optional_time("scrutiny_until")?,
        high_risk_count_1h: tally("high_risk_count_1h")?,
        critical_count_24h: tally("critical_count_24h")?,
        ti_match_count_24h: tally("ti_match_count_24h")?,
        semantic_match_count_24h: tally("semantic_match_count_24h")?,
        deny_count_24h: tally("deny_count_24h")?,
        approval_count_24h: tally("approval_count_24h")?,
        clean_streak: tally("clean_streak")?,
        updated_at: row.optional_time("updated_at")?.unwrap_or(now),
    })
}

/// The trust of an agent of this tenant.
pub(crate) async fn trust_of(
    db: &Session,
    tenant: TenantId,
    agent: AgentId,
    now: Timestamp,
) -> StoreResult<TrustState> {
    let sql = format!(
        "SELECT {TRUST_COLUMNS} FROM agents AS a LEFT JOIN agent_trust_state AS t USING (agent_id)
         WHERE a.agent_id = $1 AND a.tenant_id = $2"
    );
    let found = db.row(&sql, &[&agent.0, &tenant.0], |row| trust_state(row, agent, now)).await?;
    found.ok_or(StoreError::NotFound("agent"))
}

pub(crate) async fn save(tx: &Tx, tenant: TenantId, trust: &TrustState) -> StoreResult<()> {
    tx.change(
        "INSERT INTO agent_trust_state (
            agent_id, tenant_id, trust_score, scrutiny_until, high_risk_count_1h, critical_count_24h,
            ti_match_count_24h, semantic_match_count_24h, deny_count_24h, approval_count_24h, clean_streak, updated_at
         ) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
         ON CONFLICT (agent_id) DO UPDATE SET
            trust_score = excluded.trust_score, scrutiny_until = excluded.scrutiny_until,
            high_risk_count_1h = excluded.high_risk_count_1h, critical_count_24h = excluded.critical_count_24h,
            ti_match_count_24h = excluded.ti_match_count_24h,
            semantic_match_count_24h = excluded.semantic_match_count_24h,
            deny_count_24h = excluded.deny_count_24h, approval_count_24h = excluded.approval_count_24h,
            clean_streak = excluded.clean_streak, updated_at = excluded.updated_at",
        &[
            &trust.agent_id.0,
            &tenant.0,
            &trust.trust_score,
            &trust.scrutiny_until.map(At),
            &i64::from(trust.high_risk_count_1h),
            &i64::from(trust.critical_count_24h),
            &i64::from(trust.ti_match_count_24h),
            &i64::from(trust.semantic_match_count_24h),
            &i64::from(trust.deny_count_24h),
            &i64::from(trust.approval_count_24h),
            &i64::from(trust.clean_streak),
            &At(trust.updated_at),
        ],
    )
    .await?;
    Ok(())
}

pub(crate) async fn add_event(
    tx: &Tx,
    tenant: TenantId,
    agent: AgentId,
    event: &TrustEvent,
) -> StoreResult<()> {
    tx.change(
        "INSERT INTO trust_events (tenant_id, agent_id, at, kind, delta, score_after, trace_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        &[
            &tenant.0,
            &agent.0,
            &At(event.at),
            &word(&event.kind)?,
            &event.delta,
            &event.score_after,
            &event.trace_id.map(|trace| trace.0),
        ],
    )
    .await?;
    Ok(())
}

/// Newest first.
pub(crate) async fn events(
    db: &Session,
    tenant: TenantId,
    agent: AgentId,
    limit: u32,
) -> StoreResult<Vec<TrustEvent>> {
    let sql = "SELECT at, kind, delta, score_after, trace_id FROM trust_events
         WHERE agent_id = $1 AND tenant_id = $2 ORDER BY at DESC, event_id DESC LIMIT $3";
    db.rows(sql, &[&agent.0, &tenant.0, &i64::from(limit)], |row| {
        Ok(TrustEvent {
            at: row.time("at")?,
            kind: row.word("kind")?,
            delta: row.real("delta")?,
            score_after: row.real("score_after")?,
            trace_id: row.optional_uuid("trace_id")?.map(TraceId),
        })
    })
    .await
}

/// The agents with a counter above what its window still holds, with what it holds: `$1` begins the last hour, `$2` the
/// last day. Events before the last reset do not count.
const OVERCOUNTED: &str = "SELECT t.agent_id, a.tenant_id, e.high_risk, e.critical, e.ti_match, e.semantic_match, e.deny,
        e.approval
     FROM agent_trust_state AS t JOIN agents AS a USING (agent_id)
     CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE at > $1 AND kind IN ('high_risk', 'critical_deny')) AS high_risk,
            count(*) FILTER (WHERE kind = 'critical_deny') AS critical,
            count(*) FILTER (WHERE kind = 'threat_match') AS ti_match,
            count(*) FILTER (WHERE kind = 'semantic_match') AS semantic_match,
            count(*) FILTER (WHERE kind IN ('deny', 'critical_deny')) AS deny,
            count(*) FILTER (WHERE kind = 'approval_requested') AS approval
        FROM trust_events WHERE agent_id = t.agent_id AND at > $2 AND event_id > coalesce(
            (SELECT max(event_id) FROM trust_events WHERE agent_id = t.agent_id AND at > $2 AND kind = 'reset'), 0)
     ) AS e
     WHERE (t.high_risk_count_1h > 0 OR t.critical_count_24h > 0 OR t.ti_match_count_24h > 0
            OR t.semantic_match_count_24h > 0 OR t.deny_count_24h > 0 OR t.approval_count_24h > 0)
       AND (t.high_risk_count_1h > e.high_risk OR t.critical_count_24h > e.critical
            OR t.ti_match_count_24h > e.ti_match OR t.semantic_match_count_24h > e.semantic_match
            OR t.deny_count_24h > e.deny OR t.approval_count_24h > e.approval)";

/// The agents whose counters hold events that left their window, with their tenants.
pub(crate) async fn overcounted(db: &Session, now: Timestamp) -> StoreResult<Vec<(TenantId, AgentId)>> {
    db.rows(OVERCOUNTED, &[&At(now.saturating_sub(HOUR)), &At(now.saturating_sub(DAY))], |row| {
        Ok((TenantId(row.uuid("tenant_id")?), AgentId(row.uuid("agent_id")?)))
    })
    .await
}

/// Lowers each counter of these agents to the events still inside its window. Never raises one: what an operator zeroed
/// stays so. `updated_at` stands, because trust recovers from it. Returns how many agents changed.
pub(crate) async fn age_counters(tx: &Tx, agents: &[AgentId], now: Timestamp) -> StoreResult<u64> {
    let sql = format!(
        "WITH overcounted AS ({OVERCOUNTED} AND t.agent_id = ANY($3))
         UPDATE agent_trust_state AS t SET
            high_risk_count_1h = least(t.high_risk_count_1h, o.high_risk),
            critical_count_24h = least(t.critical_count_24h, o.critical),
            ti_match_count_24h = least(t.ti_match_count_24h, o.ti_match),
            semantic_match_count_24h = least(t.semantic_match_count_24h, o.semantic_match),
            deny_count_24h = least(t.deny_count_24h, o.deny),
            approval_count_24h = least(t.approval_count_24h, o.approval)
         FROM overcounted AS o WHERE t.agent_id = o.agent_id"
    );
    let ids: Vec<_> = agents.iter().map(|agent| agent.0).collect();
    tx.change(&sql, &[&At(now.saturating_sub(HOUR)), &At(now.saturating_sub(DAY)), &ids]).await
}
