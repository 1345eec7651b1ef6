//! Agents, their trust and what is usual for them.

use crate::{
    PostgresStore, audit,
    cells::{At, Cells, word},
    session::{Session, Tx},
    trust::{self, TRUST_COLUMNS},
};
use async_trait::async_trait;
use interven_store::{Actor, AgentClaim, AgentRecord, AgentStore, Change, StoreError, StoreResult};
use interven_types::{
    AgentId, AgentStatus, Baseline, KeyId, RateWindow, RuntimeType, TenantId, Timestamp, TrustEvent,
    TrustEventKind, TrustState,
};
use serde_json::{Value, json as object};
use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
    time::{Duration, SystemTime},
};
use uuid::Uuid;

/// How far back a key's agents pass their trust on to a new one.
const INHERITED_FROM: Duration = Duration::from_secs(86_400);
/// Agents of a key that a new one inherits from, and events of each: the newest. Who made more names before could as
/// well go on under one of those.
const ANCESTORS: i64 = 256;
const ANCESTOR_EVENTS: i64 = 64;

/// One agent of this tenant, or all of them in the order of their names.
async fn find(db: &Session, tenant: TenantId, only: Option<AgentId>) -> StoreResult<Vec<AgentRecord>> {
    // When an agent was last seen, the log knows best.
    let sql = format!(
        "SELECT {TRUST_COLUMNS}, a.agent_id, a.name, a.runtime_type, a.status, a.created_at,
            b.scans, b.windows, b.window_number, b.window_count,
            (SELECT l.created_at FROM activity_log AS l WHERE l.tenant_id = a.tenant_id AND l.agent_id = a.agent_id
             ORDER BY l.ledger_seq DESC LIMIT 1) AS last_seen_at
         FROM agents AS a
         LEFT JOIN agent_trust_state AS t USING (agent_id)
         LEFT JOIN agent_baselines AS b USING (agent_id)
         WHERE a.tenant_id = $1 AND ($2::uuid IS NULL OR a.agent_id = $2) ORDER BY a.name"
    );
    // Cells that an operator broke are read relative to now.
    let now = Timestamp::from(SystemTime::now());
    let only = only.map(|agent| agent.0);
    let mut agents = db.rows(&sql, &[&tenant.0, &only], |row| agent_row(row, now)).await?;
    let ids: Vec<Uuid> = agents.iter().map(|agent| agent.agent_id.0).collect();
    let sql = "SELECT agent_id, kind, value FROM agent_habits WHERE agent_id = ANY($1)";
    let read = |row: &Cells<'_>| {
        Ok((AgentId(row.uuid("agent_id")?), row.text("kind")? == "destination", row.string("value")?))
    };
    let mut of_agent: HashMap<AgentId, Vec<(bool, String)>> = HashMap::new();
    for (agent, is_destination, value) in db.rows(sql, &[&ids], read).await? {
        of_agent.entry(agent).or_default().push((is_destination, value));
    }
    for agent in &mut agents {
        let habits = of_agent.remove(&agent.agent_id).unwrap_or_default();
        let (destinations, operations): (Vec<_>, Vec<_>) =
            habits.into_iter().partition(|(is_destination, _)| *is_destination);
        let values =
            |habits: Vec<(bool, String)>| Arc::new(habits.into_iter().map(|(_, value)| value).collect());
        agent.baseline.destinations = values(destinations);
        agent.baseline.operations = values(operations);
    }
    Ok(agents)
}

async fn find_one(db: &Session, tenant: TenantId, agent: AgentId) -> StoreResult<AgentRecord> {
    find(db, tenant, Some(agent)).await?.pop().ok_or(StoreError::NotFound("agent"))
}

fn agent_row(row: &Cells<'_>, now: Timestamp) -> StoreResult<AgentRecord> {
    let agent_id = AgentId(row.uuid("agent_id")?);
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
        created_at: row.time("created_at")?,
        last_seen_at: row.optional_time("last_seen_at")?,
        trust: trust::trust_state(row, agent_id, now)?,
        baseline,
    })
}

/// The agent that a claim means, if it exists. An id of another tenant is `NotFound`.
async fn claimed(db: &Session, tenant: TenantId, claim: &AgentClaim) -> StoreResult<Option<AgentId>> {
    match claim {
        AgentClaim::Id { agent_id, .. } => {
            let sql = "SELECT tenant_id FROM agents WHERE agent_id = $1";
            match db.row(sql, &[&agent_id.0], |row| row.uuid("tenant_id")).await? {
                Some(owner) if owner == tenant.0 => Ok(Some(*agent_id)),
                Some(_) => Err(StoreError::NotFound("agent")),
                None => Ok(None),
            }
        }
        AgentClaim::Name(name) => {
            let sql = "SELECT agent_id FROM agents WHERE tenant_id = $1 AND name = $2";
            let found = db.row(sql, &[&tenant.0, name], |row| row.uuid("agent_id")).await?;
            Ok(found.map(AgentId))
        }
    }
}

async fn has_spoken(db: &Session, tenant: TenantId, key: KeyId, agent: AgentId) -> StoreResult<bool> {
    let sql = "SELECT 1 FROM key_agents WHERE tenant_id = $1 AND key_id = $2 AND agent_id = $3";
    Ok(db.row(sql, &[&tenant.0, &key.0, &agent.0], |_| Ok(())).await?.is_some())
}

/// A caller to find or to create, in a transaction that holds the tenant's lock: two gateways that meet it at once
/// create it once.
struct Newcomer<'a> {
    tenant: TenantId,
    key: Option<KeyId>,
    claim: &'a AgentClaim,
    runtime_type: RuntimeType,
    now: Timestamp,
}

impl Newcomer<'_> {
    async fn ensure(&self, tx: &mut Tx) -> StoreResult<AgentRecord> {
        let agent = match claimed(tx, self.tenant, self.claim).await? {
            Some(agent) => agent,
            None => self.create(tx).await?,
        };
        if let Some(key) = self.key {
            tx.change(
                "INSERT INTO key_agents (tenant_id, key_id, agent_id, first_seen_at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                &[&self.tenant.0, &key.0, &agent.0, &At(self.now)],
            )
            .await?;
        }
        find_one(tx, self.tenant, agent).await
    }

    async fn create(&self, tx: &mut Tx) -> StoreResult<AgentId> {
        let agent = match self.claim {
            AgentClaim::Id { agent_id, .. } => *agent_id,
            AgentClaim::Name(_) => AgentId(Uuid::now_v7()),
        };
        let name = self.free_name(tx, agent).await?;
        let added = tx
            .change(
                "INSERT INTO agents (agent_id, tenant_id, name, runtime_type, created_at)
                 VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agent_id) DO NOTHING",
                &[&agent.0, &self.tenant.0, &name, &self.runtime_type.as_str(), &At(self.now)],
            )
            .await?;
        if added == 0 {
            // Another tenant claimed the id at the same moment.
            return Err(StoreError::NotFound("agent"));
        }
        let mut trust = TrustState::fresh(agent, self.now);
        if let Some(lowest) = self.lowest_trust(tx).await?.filter(|lowest| *lowest < trust.trust_score) {
            let delta = lowest - trust.trust_score;
            trust.trust_score = lowest;
            let kind = TrustEventKind::Inherited;
            let event = TrustEvent { at: self.now, kind, delta, score_after: lowest, trace_id: None };
            trust::add_event(tx, self.tenant, agent, &event).await?;
        }
        trust::save(tx, self.tenant, &trust).await?;
        tx.announce(Change::Agent(self.tenant, agent));
        Ok(agent)
    }

    /// The claimed name, or one made of the id when there is none or another agent has it.
    async fn free_name(&self, db: &Session, agent: AgentId) -> StoreResult<String> {
        let name = match self.claim {
            AgentClaim::Name(name) => return Ok(name.clone()),
            AgentClaim::Id { name, .. } => name.as_deref().unwrap_or("agent"),
        };
        let is_named = matches!(self.claim, AgentClaim::Id { name: Some(_), .. });
        let is_taken = claimed(db, self.tenant, &AgentClaim::Name(name.to_owned())).await?.is_some();
        Ok(if is_named && !is_taken { name.to_owned() } else { format!("{name}-{agent}") })
    }

    /// Over the agents of this key: as they stand, and as they stood within a day.
    async fn lowest_trust(&self, db: &Session) -> StoreResult<Option<f64>> {
        let Some(key) = self.key else { return Ok(None) };
        let since = At(self.now.saturating_sub(INHERITED_FROM));
        let lowest = db
            .row(
                "SELECT min(least(
                    CASE WHEN a.status = 'active' THEN coalesce(nullif(t.trust_score, 'NaN'), 0.0) ELSE 0.0 END,
                    coalesce((SELECT min(score_after) FROM (
                        SELECT score_after FROM trust_events AS e
                        WHERE e.agent_id = k.agent_id AND e.at > $3 ORDER BY e.at DESC LIMIT $5) AS recent), 1.0)
                 )) AS lowest
                 FROM (SELECT agent_id FROM key_agents WHERE tenant_id = $1 AND key_id = $2
                       ORDER BY first_seen_at DESC LIMIT $4) AS k
                 JOIN agents AS a USING (agent_id)
                 LEFT JOIN agent_trust_state AS t USING (agent_id)",
                &[&self.tenant.0, &key.0, &since, &ANCESTORS, &ANCESTOR_EVENTS],
                |row| row.optional_real("lowest"),
            )
            .await?;
        Ok(lowest.flatten().map(|lowest| lowest.clamp(0.0, 1.0)))
    }
}

#[async_trait]
impl AgentStore for PostgresStore {
    async fn ensure_agent(
        &self,
        tenant: TenantId,
        key: Option<KeyId>,
        claim: &AgentClaim,
        runtime_type: RuntimeType,
        now: Timestamp,
    ) -> StoreResult<AgentRecord> {
        let db = self.session().await?;
        if let Some(agent) = claimed(&db, tenant, claim).await? {
            let is_met = match key {
                Some(key) => has_spoken(&db, tenant, key, agent).await?,
                None => true,
            };
            if is_met {
                return find_one(&db, tenant, agent).await;
            }
        }
        // Given back first: whoever holds one connection and waits for another may wait for ever.
        drop(db);
        let mut tx = self.begin(tenant).await?;
        let agent = Newcomer { tenant, key, claim, runtime_type, now }.ensure(&mut tx).await?;
        tx.commit().await?;
        Ok(agent)
    }

    async fn agent(&self, tenant: TenantId, agent: AgentId) -> StoreResult<AgentRecord> {
        find_one(&self.session().await?, tenant, agent).await
    }

    async fn agents(&self, tenant: TenantId) -> StoreResult<Vec<AgentRecord>> {
        find(&self.session().await?, tenant, None).await
    }

    async fn set_agent_status(
        &self,
        tenant: TenantId,
        agent: AgentId,
        status: AgentStatus,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<AgentRecord> {
        let action = match status {
            AgentStatus::Active => "agent.reactivate",
            AgentStatus::Suspended => "agent.suspend",
        };
        let sql = "UPDATE agents SET status = $3 WHERE tenant_id = $1 AND agent_id = $2";
        let mut tx = self.begin(tenant).await?;
        if tx.change(sql, &[&tenant.0, &agent.0, &word(&status)?]).await? == 0 {
            return Err(StoreError::NotFound("agent"));
        }
        audit::record(&tx, tenant, actor, now, action, &agent.to_string(), &Value::Null).await?;
        tx.announce(Change::Agent(tenant, agent));
        let record = find_one(&tx, tenant, agent).await?;
        tx.commit().await?;
        Ok(record)
    }

    async fn reset_trust(
        &self,
        tenant: TenantId,
        agent: AgentId,
        actor: &Actor,
        now: Timestamp,
    ) -> StoreResult<AgentRecord> {
        let mut tx = self.begin(tenant).await?;
        let before = trust::trust_of(&tx, tenant, agent, now).await?.trust_score;
        let kind = TrustEventKind::Reset;
        let event = TrustEvent { at: now, kind, delta: 1.0 - before, score_after: 1.0, trace_id: None };
        trust::add_event(&tx, tenant, agent, &event).await?;
        trust::save(&tx, tenant, &TrustState::fresh(agent, now)).await?;
        let details = object!({"from": before});
        audit::record(&tx, tenant, actor, now, "agent.reset_trust", &agent.to_string(), &details).await?;
        tx.announce(Change::Agent(tenant, agent));
        let record = find_one(&tx, tenant, agent).await?;
        tx.commit().await?;
        Ok(record)
    }

    async fn trust_events(
        &self,
        tenant: TenantId,
        agent: AgentId,
        limit: u32,
    ) -> StoreResult<Vec<TrustEvent>> {
        trust::events(&self.session().await?, tenant, agent, limit).await
    }

    /// Looks without a lock first: of many gateways that age the counters, one finds something to do.
    async fn age_trust_counters(&self, now: Timestamp) -> StoreResult<u64> {
        let mut by_tenant: BTreeMap<TenantId, Vec<AgentId>> = BTreeMap::new();
        for (tenant, agent) in trust::overcounted(&self.session().await?, now).await? {
            by_tenant.entry(tenant).or_default().push(agent);
        }
        let mut changed = 0;
        for (tenant, agents) in by_tenant {
            let mut tx = self.begin(tenant).await?;
            changed += trust::age_counters(&tx, &agents, now).await?;
            tx.announce(Change::Tenant(tenant));
            tx.commit().await?;
        }
        Ok(changed)
    }
}
