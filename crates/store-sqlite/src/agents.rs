//! Agents, their trust and what is usual for them.

use crate::{
    SqliteStore, audit,
    sql::{Cells, Sql},
    trust,
    writer::Tx,
};
use async_trait::async_trait;
use interven_store::{Actor, AgentClaim, AgentRecord, AgentStore, Change, StoreError, StoreResult};
use interven_types::{
    AgentId, AgentStatus, Baseline, KeyId, Lesson, RateWindow, RuntimeType, TenantId, Timestamp, TrustEvent,
    TrustEventKind, TrustState, window_number,
};
use rusqlite::{Connection, params};
use serde_json::{Value, json as object};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// How far back a key's agents pass their trust on to a new one.
const INHERITED_FROM: Duration = Duration::from_secs(86_400);
/// Agents of a key that a new one inherits from, and events of each: the newest. Who made more names before could as
/// well go on under one of those.
const ANCESTORS: u32 = 256;
const ANCESTOR_EVENTS: u32 = 64;

/// Conditions are appended. When an agent was last seen, the log knows best.
const AGENTS: &str = "SELECT t.*, a.agent_id AS id, a.name, a.runtime_type, a.status, a.created_at,
        b.scans, b.windows, b.window_number, b.window_count,
        (SELECT created_at FROM activity_log AS l
         WHERE l.tenant_id = a.tenant_id AND l.agent_id = a.agent_id ORDER BY ledger_seq DESC LIMIT 1) AS last_seen_at
     FROM agents AS a
     LEFT JOIN agent_trust_state AS t USING (agent_id)
     LEFT JOIN agent_baselines AS b USING (agent_id)
     WHERE a.tenant_id = ?1";

fn agent_row(row: &Cells<'_>, now: Timestamp) -> StoreResult<AgentRecord> {
    let agent_id = row.parsed("id")?;
    let mut baseline = Baseline::default();
    if let Some(scans) = row.optional_number("scans")? {
        baseline.scans = scans;
        baseline.windows = row.number("windows")?;
        baseline.current =
            RateWindow { number: row.number("window_number")?, count: row.number("window_count")? };
    }
    Ok(AgentRecord {
        agent_id,
        name: row.string("name")?,
        runtime_type: row.word("runtime_type")?,
        status: row.word("status")?,
        created_at: row.parsed("created_at")?,
        last_seen_at: row.optional_parsed("last_seen_at")?,
        trust: trust::trust_state(row, agent_id, now)?,
        baseline,
    })
}

fn add_habits(db: &Connection, agent: &mut AgentRecord) -> StoreResult<()> {
    let sql = "SELECT kind, value FROM agent_habits WHERE agent_id = ?1";
    let habits = db.rows(sql, [agent.agent_id.to_string()], |row| {
        Ok((row.text("kind")? == "destination", row.string("value")?))
    })?;
    let (destinations, operations): (Vec<_>, Vec<_>) =
        habits.into_iter().partition(|(is_destination, _)| *is_destination);
    let values = |habits: Vec<(bool, String)>| Arc::new(habits.into_iter().map(|(_, value)| value).collect());
    agent.baseline.destinations = values(destinations);
    agent.baseline.operations = values(operations);
    Ok(())
}

fn find(db: &Connection, tenant: TenantId, agent: AgentId) -> StoreResult<AgentRecord> {
    let sql = format!("{AGENTS} AND a.agent_id = ?2");
    let found = db.row(&sql, [tenant.to_string(), agent.to_string()], |row| agent_row(row, clock()))?;
    let mut found = found.ok_or(StoreError::NotFound("agent"))?;
    add_habits(db, &mut found)?;
    Ok(found)
}

/// Cells that an operator broke are read relative to now.
fn clock() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

/// The agent that a claim means, if it exists. An id of another tenant is `NotFound`.
fn claimed(db: &Connection, tenant: TenantId, claim: &AgentClaim) -> StoreResult<Option<AgentId>> {
    match claim {
        AgentClaim::Id { agent_id, .. } => {
            let sql = "SELECT tenant_id FROM agents WHERE agent_id = ?1";
            match db.row(sql, [agent_id.to_string()], |row| row.parsed::<TenantId>("tenant_id"))? {
                Some(owner) if owner == tenant => Ok(Some(*agent_id)),
                Some(_) => Err(StoreError::NotFound("agent")),
                None => Ok(None),
            }
        }
        AgentClaim::Name(name) => {
            let sql = "SELECT agent_id FROM agents WHERE tenant_id = ?1 AND name = ?2";
            db.row(sql, [&tenant.to_string(), name], |row| row.parsed("agent_id"))
        }
    }
}

fn has_spoken(db: &Connection, tenant: TenantId, key: KeyId, agent: AgentId) -> StoreResult<bool> {
    let sql = "SELECT 1 FROM key_agents WHERE tenant_id = ?1 AND key_id = ?2 AND agent_id = ?3";
    let met = db.row(sql, [tenant.to_string(), key.to_string(), agent.to_string()], |_| Ok(()))?;
    Ok(met.is_some())
}

/// A caller to find or to create.
struct Newcomer<'a> {
    tenant: TenantId,
    key: Option<KeyId>,
    claim: &'a AgentClaim,
    runtime_type: RuntimeType,
    now: Timestamp,
}

impl Newcomer<'_> {
    fn ensure(&self, tx: &mut Tx<'_>) -> StoreResult<AgentRecord> {
        let agent = match claimed(tx, self.tenant, self.claim)? {
            Some(agent) => agent,
            None => self.create(tx)?,
        };
        if let Some(key) = self.key {
            tx.change(
                "INSERT INTO key_agents (tenant_id, key_id, agent_id, first_seen_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO NOTHING",
                params![self.tenant.to_string(), key.to_string(), agent.to_string(), self.now.to_string()],
            )?;
        }
        find(tx, self.tenant, agent)
    }

    fn create(&self, tx: &mut Tx<'_>) -> StoreResult<AgentId> {
        let agent = match self.claim {
            AgentClaim::Id { agent_id, .. } => *agent_id,
            AgentClaim::Name(_) => AgentId(Uuid::now_v7()),
        };
        tx.change(
            "INSERT INTO agents (agent_id, tenant_id, name, runtime_type, created_at)
             SELECT ?1, tenant_id, ?3, ?4, ?5 FROM tenants WHERE tenant_id = ?2",
            params![
                agent.to_string(),
                self.tenant.to_string(),
                self.free_name(tx, agent)?,
                self.runtime_type.as_str(),
                self.now.to_string()
            ],
        )
        .and_then(|added| if added == 0 { Err(StoreError::NotFound("tenant")) } else { Ok(()) })?;
        let mut trust = TrustState::fresh(agent, self.now);
        if let Some(lowest) = self.lowest_trust(tx)?.filter(|lowest| *lowest < trust.trust_score) {
            let delta = lowest - trust.trust_score;
            trust.trust_score = lowest;
            let kind = TrustEventKind::Inherited;
            let event = TrustEvent { at: self.now, kind, delta, score_after: lowest, trace_id: None };
            trust::add_event(tx, self.tenant, agent, &event)?;
        }
        trust::save(tx, self.tenant, &trust)?;
        tx.announce(Change::Agent(self.tenant, agent));
        Ok(agent)
    }

    /// The claimed name, or one made of the id when there is none or another agent has it.
    fn free_name(&self, db: &Connection, agent: AgentId) -> StoreResult<String> {
        let name = match self.claim {
            AgentClaim::Name(name) => return Ok(name.clone()),
            AgentClaim::Id { name, .. } => name.as_deref().unwrap_or("agent"),
        };
        let is_named = matches!(self.claim, AgentClaim::Id { name: Some(_), .. });
        let is_taken = claimed(db, self.tenant, &AgentClaim::Name(name.to_owned()))?.is_some();
        Ok(if is_named && !is_taken { name.to_owned() } else { format!("{name}-{agent}") })
    }

    /// Over the agents of this key: as they stand, and as they stood within a day.
    fn lowest_trust(&self, db: &Connection) -> StoreResult<Option<f64>> {
        let Some(key) = self.key else { return Ok(None) };
        let since = self.now.saturating_sub(INHERITED_FROM).to_string();
        let lowest = db.row(
            "SELECT min(least) AS lowest FROM (
                SELECT min(
                    CASE WHEN a.status = 'active' AND typeof(t.trust_score) IN ('real', 'integer')
                         THEN t.trust_score ELSE 0.0 END,
                    ifnull((SELECT min(score_after) FROM (
                        SELECT score_after FROM trust_events AS e
                        WHERE e.agent_id = k.agent_id AND e.at > ?3 ORDER BY e.at DESC LIMIT ?5)), 1.0)
                ) AS least
                FROM (SELECT agent_id FROM key_agents WHERE tenant_id = ?1 AND key_id = ?2
                      ORDER BY first_seen_at DESC LIMIT ?4) AS k
                JOIN agents AS a USING (agent_id)
                LEFT JOIN agent_trust_state AS t USING (agent_id))",
            params![self.tenant.to_string(), key.to_string(), since, ANCESTORS, ANCESTOR_EVENTS],
            |row| Ok(row.real("lowest").ok()),
        )?;
        Ok(lowest.flatten().map(|lowest| lowest.clamp(0.0, 1.0)))
    }
}

/// Takes in one allowed call, as [`Baseline::learn`] does, without reading the whole baseline.
pub(crate) fn learn(tx: &Tx<'_>, agent: AgentId, lesson: &Lesson, now: Timestamp) -> StoreResult<()> {
    let agent = agent.to_string();
    tx.change(
        "INSERT INTO agent_baselines (agent_id, scans, windows, window_number, window_count)
         VALUES (?1, 1, 1, ?2, 1)
         ON CONFLICT (agent_id) DO UPDATE SET
            scans = scans + 1,
            windows = windows + (window_number <> excluded.window_number),
            window_count = CASE WHEN window_number = excluded.window_number THEN window_count + 1 ELSE 1 END,
            window_number = excluded.window_number",
        params![agent, window_number(now)],
    )?;
    let habits = [("destination", &lesson.new_destinations), ("operation", &lesson.new_operations)];
    for (kind, value) in habits.into_iter().flat_map(|(kind, values)| values.iter().map(move |v| (kind, v))) {
        let sql =
            "INSERT INTO agent_habits (agent_id, kind, value) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        tx.change(sql, params![agent, kind, value])?;
    }
    Ok(())
}

#[async_trait]
impl AgentStore for SqliteStore {
    async fn ensure_agent(
        &self,
        tenant: TenantId,
        key: Option<KeyId>,
        claim: &AgentClaim,
        runtime_type: RuntimeType,
        now: Timestamp,
    ) -> StoreResult<AgentRecord> {
        let wanted = claim.clone();
        let known = self.read(move |db| {
            let Some(agent) = claimed(db, tenant, &wanted)? else { return Ok(None) };
            let is_met = key.map_or(Ok(true), |key| has_spoken(db, tenant, key, agent))?;
            if is_met { find(db, tenant, agent).map(Some) } else { Ok(None) }
        });
        if let Some(agent) = known.await? {
            return Ok(agent);
        }
        let claim = claim.clone();
        self.write(move |tx| Newcomer { tenant, key, claim: &claim, runtime_type, now }.ensure(tx)).await
    }

    async fn agent(&self, tenant: TenantId, agent: AgentId) -> StoreResult<AgentRecord> {
        self.read(move |db| find(db, tenant, agent)).await
    }

    async fn agents(&self, tenant: TenantId) -> StoreResult<Vec<AgentRecord>> {
        self.read(move |db| {
            let sql = format!("{AGENTS} ORDER BY a.name");
            let mut agents = db.rows(&sql, [tenant.to_string()], |row| agent_row(row, clock()))?;
            agents.iter_mut().try_for_each(|agent| add_habits(db, agent))?;
            Ok(agents)
        })
        .await
    }

    async fn set_agent_status(
        &self,
        tenant: TenantId,
        agent: AgentId,
        status: AgentStatus,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<AgentRecord> {
        let actor = actor.clone();
        let (word, action) = match status {
            AgentStatus::Active => ("active", "agent.reactivate"),
            AgentStatus::Suspended => ("suspended", "agent.suspend"),
        };
        self.write(move |tx| {
            let changed = tx.change(
                "UPDATE agents SET status = ?3 WHERE tenant_id = ?1 AND agent_id = ?2",
                params![tenant.to_string(), agent.to_string(), word],
            )?;
            if changed == 0 {
                return Err(StoreError::NotFound("agent"));
            }
            audit::record(tx, tenant, &actor, now, action, &agent.to_string(), &Value::Null)?;
            tx.announce(Change::Agent(tenant, agent));
            find(tx, tenant, agent)
        })
        .await
    }

    async fn reset_trust(
        &self,
        tenant: TenantId,
        agent: AgentId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<AgentRecord> {
        let actor = actor.clone();
        self.write(move |tx| {
            let before = trust::trust_of(tx, tenant, agent, now)?.trust_score;
            let kind = TrustEventKind::Reset;
            let event = TrustEvent { at: now, kind, delta: 1.0 - before, score_after: 1.0, trace_id: None };
            trust::add_event(tx, tenant, agent, &event)?;
            trust::save(tx, tenant, &TrustState::fresh(agent, now))?;
            let details = object!({"from": before});
            audit::record(tx, tenant, &actor, now, "agent.reset_trust", &agent.to_string(), &details)?;
            tx.announce(Change::Agent(tenant, agent));
            find(tx, tenant, agent)
        })
        .await
    }

    async fn trust_events(
        &self,
        tenant: TenantId,
        agent: AgentId,
        limit: u32,
    ) -> StoreResult<Vec<TrustEvent>> {
        self.read(move |db| trust::events(db, tenant, agent, limit)).await
    }

    async fn age_trust_counters(&self, now: Timestamp) -> StoreResult<u64> {
        self.write(move |tx| {
            let mut tenants = trust::age_counters(tx, now)?;
            let changed = tenants.len() as u64;
            tenants.sort_unstable();
            tenants.dedup();
            tenants.into_iter().for_each(|tenant| tx.announce(Change::Tenant(tenant)));
            Ok(changed)
        })
        .await
    }
}
