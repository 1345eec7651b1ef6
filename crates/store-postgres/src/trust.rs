//! `agent_trust_state` and the events that move it.
//!
//! Operators mend the table by SQL, so its cells are read leniently and on the safe side: what says nothing is no trust,
//! never an error that stops an agent's scans.

use crate::{
    book::StoredTrust,
    cells::{At, Cells},
    columns,
    session::{Session, Tx},
};
use interven_store::{DAY, HOUR, StoreError, StoreResult, TRUST_COUNTERS};
use interven_types::{AgentId, TenantId, Timestamp, TraceId, TrustEvent, TrustState};

/// What [`trust_state`] reads, of the table `t`.
pub(crate) const TRUST_COLUMNS: &str = "t.trust_score, t.scrutiny_until, t.high_risk_count_1h,
    t.critical_count_24h, t.ti_match_count_24h, t.semantic_match_count_24h, t.deny_count_24h, t.approval_count_24h,
    t.clean_streak, t.updated_at";

/// Reads one row, whatever an operator wrote into it; an agent whose row is gone has no trust.
pub(crate) fn trust_state(row: &Cells<'_>, agent_id: AgentId, now: Timestamp) -> StoreResult<TrustState> {
    Ok(stored_trust(row)?.at(agent_id, now))
}

pub(crate) fn stored_trust(row: &Cells<'_>) -> StoreResult<StoredTrust> {
    let mut counts = [None; 7];
    let columns = TRUST_COUNTERS.iter().map(|counter| counter.column).chain(["clean_streak"]);
    for (count, column) in counts.iter_mut().zip(columns) {
        *count = row.optional_number(column)?;
    }
    Ok(StoredTrust {
        trust_score: row.optional_real("trust_score")?,
        scrutiny_until: row.optional_time("scrutiny_until")?,
        counts,
        updated_at: row.optional_time("updated_at")?,
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
    columns::TRUST.add(tx, tenant, trust).await
}

pub(crate) async fn add_event(
    tx: &Tx,
    tenant: TenantId,
    agent: AgentId,
    event: &TrustEvent,
) -> StoreResult<()> {
    columns::EVENTS.add(tx, tenant, &(agent, event.clone())).await
}

/// Newest first. A row that cannot be read hides no other.
pub(crate) async fn events(
    db: &Session,
    tenant: TenantId,
    agent: AgentId,
    limit: u32,
) -> StoreResult<Vec<TrustEvent>> {
    let sql = "SELECT at, kind, delta, score_after, trace_id FROM trust_events
         WHERE agent_id = $1 AND tenant_id = $2 ORDER BY at DESC, event_id DESC LIMIT $3";
    let rows = db.rows(sql, &[&agent.0, &tenant.0, &i64::from(limit)], |row| Ok(event(row).ok())).await?;
    Ok(rows.into_iter().flatten().collect())
}

pub(crate) fn event(row: &Cells<'_>) -> StoreResult<TrustEvent> {
    Ok(TrustEvent {
        at: row.time("at")?,
        kind: row.word("kind")?,
        delta: row.real("delta")?,
        score_after: row.real("score_after")?,
        trace_id: row.optional_uuid("trace_id")?.map(TraceId),
    })
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
