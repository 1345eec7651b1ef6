//! The first round trip: locks the tenant, and reads its book.

use super::Ask;
use crate::{
    book::{Book, Counters, KnownAgent},
    cells::{At, Cells, Text},
    connections::Connection,
    session::{Params, Sent, Tx, all_at_once},
    trust::{self, TRUST_COLUMNS},
};
use interven_store::{HOUR, KnownApproval, PRECEDENTS, RECENT_EVENTS, RateTime, StoreError, StoreResult};
use interven_types::{AgentId, ApprovalId, BudgetKey, KeyId, Millionths, TenantId, Timestamp, TraceId};
use std::sync::LazyLock;
use tokio_postgres::{Error, Row};
use uuid::Uuid;

/// Plans are made once for each connection, for any values: to plan for those of one batch costs more than to run, and rows
/// that are looked up by their keys are found in no other way.
const BEGIN: &str = "BEGIN; SET LOCAL plan_cache_mode = force_generic_plan";

/// The lock comes first: what the others read is as the transaction before left it.
const COUNTERS: &str = "SELECT ledger_seq, month, scans_this_month, rate_time FROM tenant_counters
     WHERE tenant_id = $1 FOR NO KEY UPDATE";

const AGENTS: &str = "SELECT agent_id FROM agents WHERE tenant_id = $1 AND agent_id = ANY($2)";

/// Locked in the order of the agents, as everyone does who mends several rows by hand in that order.
static TRUST: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT t.agent_id, {TRUST_COLUMNS} FROM agent_trust_state AS t JOIN agents AS a USING (agent_id)
         WHERE a.tenant_id = $1 AND t.agent_id = ANY($2) ORDER BY t.agent_id FOR NO KEY UPDATE OF t"
    )
});

static EVENTS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT e.agent_id, e.at, e.kind, e.delta, e.score_after, e.trace_id
         FROM unnest($2::uuid[]) AS asked (agent_id) CROSS JOIN LATERAL (
            SELECT agent_id, event_id, at, kind, delta, score_after, trace_id FROM trust_events
            WHERE agent_id = asked.agent_id AND tenant_id = $1 AND at > $3
            ORDER BY at DESC, event_id DESC LIMIT {RECENT_EVENTS}) AS e
         ORDER BY e.agent_id, e.at DESC, e.event_id DESC"
    )
});

static APPROVALS: LazyLock<String> = LazyLock::new(|| {
    format!(
        "SELECT a.agent_id, a.signature, a.approval_id, a.status, a.created_at, a.expires_at, a.window_ends_at, a.uses,
            a.max_uses
         FROM unnest($2::uuid[], $3::bytea[]) AS asked (agent_id, signature) CROSS JOIN LATERAL (
            SELECT agent_id, signature, approval_id, status, created_at, expires_at, window_ends_at, uses, max_uses
            FROM approvals
            WHERE agent_id = asked.agent_id AND signature = asked.signature AND tenant_id = $1
            ORDER BY created_at DESC, approval_id DESC LIMIT {PRECEDENTS}) AS a
         ORDER BY a.agent_id, a.signature, a.created_at DESC, a.approval_id DESC"
    )
});

const USES: &str = "SELECT u.approval_id, u.idempotency_key
     FROM unnest($2::uuid[], $3::bytea[], $4::text[]) AS asked (agent_id, signature, idempotency_key)
     JOIN approvals AS a ON a.agent_id = asked.agent_id AND a.signature = asked.signature AND a.tenant_id = $1
     JOIN approval_uses AS u ON u.approval_id = a.approval_id AND u.idempotency_key = asked.idempotency_key";

/// All that wait, counted together as far as the batch's scans cannot tell them apart.
const WAITING: &str = "SELECT CASE WHEN agent_id = ANY($2) THEN agent_id END AS agent_id,
        CASE WHEN expires_at <= $4 THEN expires_at END AS expires_at, count(*) AS many
     FROM approvals WHERE tenant_id = $1 AND status = 'pending' AND expires_at > $3 GROUP BY 1, 2";

pub(crate) const BUDGETS: &str = "SELECT b.name, b.day, b.agent_id, b.millionths
     FROM unnest($2::text[], $3::text[], $4::text[]) AS asked (name, day, agent_id)
     JOIN budget_usage AS b ON b.tenant_id = $1 AND b.name = asked.name AND b.day = asked.day
        AND b.agent_id = asked.agent_id";

const KEY_USES: &str = "SELECT key_id, uses FROM ephemeral_keys WHERE tenant_id = $1 AND key_id = ANY($2)";

/// By their time too, so that each looks into one partition.
const RECORDED: &str =
    "SELECT asked.trace_id FROM unnest($2::uuid[], $3::timestamptz[]) AS asked (trace_id, at)
     CROSS JOIN LATERAL (
        SELECT 1 FROM activity_log AS l
        WHERE l.trace_id = asked.trace_id AND l.created_at = asked.at AND l.tenant_id = $1 LIMIT 1) AS l";

/// Begins the transaction and reads all that the batch asks for.
pub(super) async fn book(tx: &Tx, tenant: TenantId, ask: &Ask) -> StoreResult<Book> {
    let tenant_id = tenant.0;
    let agents: Vec<Uuid> = ask.agents.iter().map(|agent| agent.0).collect();
    let (callers, signatures): (Vec<Uuid>, Vec<&[u8]>) =
        ask.calls.iter().map(|(agent, signature)| (agent.0, signature.as_slice())).unzip();
    let keyed = ask.keyed_calls.iter();
    let (keyed_callers, keyed_signatures): (Vec<Uuid>, Vec<&[u8]>) =
        keyed.clone().map(|((agent, signature), _)| (agent.0, signature.as_slice())).unzip();
    let keys: Vec<Text<'_>> = keyed.map(|(_, key)| Text::from(key)).collect();
    let budgets = BudgetArrays::of(ask.budgets.iter());
    let (traces, times): (Vec<Uuid>, Vec<At>) =
        ask.traces.iter().map(|(trace, at)| (trace.0, At(*at))).unzip();
    let earliest = ask.earliest.unwrap_or(Timestamp::from_unix_ms(0));
    let latest = At(ask.latest.unwrap_or(earliest));
    let (hour_ago, earliest) = (At(earliest.saturating_sub(HOUR)), At(earliest));

    let keys_used: Vec<Uuid> = ask.keys.iter().map(|key| key.0).collect();
    let asked: [(&str, Params<'_>, bool); 10] = [
        (COUNTERS, &[&tenant_id], true),
        (AGENTS, &[&tenant_id, &agents], true),
        (&TRUST, &[&tenant_id, &agents], true),
        (&EVENTS, &[&tenant_id, &agents, &hour_ago], true),
        (&APPROVALS, &[&tenant_id, &callers, &signatures], !callers.is_empty()),
        (USES, &[&tenant_id, &keyed_callers, &keyed_signatures, &keys], !keys.is_empty()),
        (WAITING, &[&tenant_id, &agents, &earliest, &latest], true),
        (BUDGETS, &[&tenant_id, &budgets.names, &budgets.days, &budgets.agents], !ask.budgets.is_empty()),
        (KEY_USES, &[&tenant_id, &keys_used], !keys_used.is_empty()),
        (RECORDED, &[&tenant_id, &traces, &times], true),
    ];
    let [counters, agents, trust, events, approvals, uses, waiting, budgets, key_uses, recorded] =
        tx.run(begin_and_ask(tx.client(), asked)).await?;

    let counters = counters.first().map(Cells).ok_or(StoreError::NotFound("tenant"))?;
    let mut book = Book {
        counters: Counters {
            ledger_seq: counters.number("ledger_seq")?,
            month: counters.string("month")?,
            scans_this_month: counters.number("scans_this_month")?,
            rate_time: RateTime(counters.number("rate_time")?),
        },
        ..Book::default()
    };
    for row in agents.iter().map(Cells) {
        book.agents.insert(AgentId(row.uuid("agent_id")?), KnownAgent::default());
    }
    for row in trust.iter().map(Cells) {
        if let Some(agent) = book.agents.get_mut(&AgentId(row.uuid("agent_id")?)) {
            agent.trust = trust::stored_trust(&row)?;
        }
    }
    for row in events.iter().map(Cells) {
        if let Some(agent) = book.agents.get_mut(&AgentId(row.uuid("agent_id")?)) {
            // One that somebody made by hand and that cannot be read counts for nothing.
            agent.events.extend(trust::event(&row).ok());
        }
    }
    for row in approvals.iter().map(Cells) {
        let signature = row.bytes("signature")?.try_into();
        let signature = signature.map_err(|_| StoreError::Corrupt("a signature is too short".to_owned()))?;
        book.approvals.know(AgentId(row.uuid("agent_id")?), signature, known_approval(&row)?);
    }
    for row in uses.iter().map(Cells) {
        book.approvals.know_use(ApprovalId(row.uuid("approval_id")?), row.string("idempotency_key")?);
    }
    for row in waiting.iter().map(Cells) {
        let agent = row.optional_uuid("agent_id")?.map(AgentId);
        book.waiting.know(agent, row.optional_time("expires_at")?, row.number("many")?);
    }
    for row in budgets.iter().map(Cells) {
        let (key, used) = budget_used(&row)?;
        book.budgets.insert(key, used);
    }
    for row in key_uses.iter().map(Cells) {
        book.key_uses.insert(KeyId(row.uuid("key_id")?), row.number("uses")?);
    }
    for row in recorded.iter().map(Cells) {
        book.recorded.insert(TraceId(row.uuid("trace_id")?));
    }
    Ok(book)
}

/// Sends BEGIN and the queries in their order, all before the first answer is awaited. One that is not to be asked
/// finds nothing.
async fn begin_and_ask<const MANY: usize>(
    client: &Connection,
    asked: [(&str, Params<'_>, bool); MANY],
) -> Result<[Vec<Row>; MANY], Error> {
    let mut queries: Vec<Sent<'_, Vec<Row>>> =
        vec![Box::pin(async { client.batch_execute(BEGIN).await.map(|()| Vec::new()) })];
    for (sql, params, is_asked) in asked {
        let statement = client.prepare_cached(sql).await?;
        queries.push(Box::pin(async move {
            if is_asked { client.query(&statement, params).await } else { Ok(Vec::new()) }
        }));
    }
    let mut answers = all_at_once(queries).await?.into_iter().skip(1);
    Ok(std::array::from_fn(|_| answers.next().unwrap_or_default()))
}

fn known_approval(row: &Cells<'_>) -> StoreResult<KnownApproval> {
    Ok(KnownApproval {
        approval_id: ApprovalId(row.uuid("approval_id")?),
        status: row.word("status")?,
        created_at: row.time("created_at")?,
        expires_at: row.time("expires_at")?,
        window_ends_at: row.optional_time("window_ends_at")?,
        uses: row.number("uses")?,
        max_uses: row.optional_number("max_uses")?,
    })
}

/// Budgets as arrays of their columns. Without an agent, the empty text: it is the tenant's.
pub(crate) struct BudgetArrays<'a> {
    pub names: Vec<&'a str>,
    pub days: Vec<&'a str>,
    pub agents: Vec<String>,
}

impl<'a> BudgetArrays<'a> {
    pub(crate) fn of(keys: impl Iterator<Item = &'a BudgetKey> + Clone) -> Self {
        let agent = |key: &BudgetKey| key.agent_id.map(|agent| agent.to_string()).unwrap_or_default();
        Self {
            names: keys.clone().map(|key| key.name.as_str()).collect(),
            days: keys.clone().map(|key| key.day.as_str()).collect(),
            agents: keys.map(agent).collect(),
        }
    }
}

pub(crate) fn budget_used(row: &Cells<'_>) -> StoreResult<(BudgetKey, Millionths)> {
    let key = BudgetKey { name: row.string("name")?, day: row.string("day")?, agent_id: budget_agent(row)? };
    Ok((key, Millionths(row.number("millionths")?)))
}

pub(crate) fn budget_agent(row: &Cells<'_>) -> StoreResult<Option<AgentId>> {
    let unreadable = |_| StoreError::Corrupt("column `agent_id` cannot be read".to_owned());
    match row.text("agent_id")? {
        "" => Ok(None),
        agent => agent.parse().map(Some).map_err(unreadable),
    }
}
