//! The log of scans, read back: filters over it by position, never by offset.

use crate::{
    PostgresStore,
    book::month_of,
    cells::{At, Cells, Text, count, json},
    conditions::Conditions,
    record::{
        self, SPAN,
        read::{BUDGETS, BudgetArrays, budget_agent, budget_used},
    },
    recorder,
    session::Session,
};
use async_trait::async_trait;
use interven_store::{
    ActivityExtent, ActivityFilter, ActivityRow, ActivityStore, Receipt, ScanEntry, ScanResponseRow,
    SealedRow, Settled, StoreError, StoreResult,
};
use interven_types::{
    AgentId, ApprovalId, BudgetKey, Decision, KeyId, Millionths, PolicyId, RiskBand, TenantId, Timestamp,
    TraceId,
};
use std::collections::BTreeMap;
use tokio_postgres::types::Type;

/// Everything but the sealed request.
const COLUMNS: &str = "trace_id, ledger_seq, created_at, env, key_id, client_addr, agent_id, agent_name, decision,
    would_be, risk_score, risk_band, reason_codes, tool_name, operation, verb, method, url, host, classifications,
    policy_id, policy_name, rule_id, approval_id, trust_score, engine_version, detectors_hash, policy_set,
    settings_version, verdict, facts, timings";

fn activity_row(row: &Cells<'_>) -> StoreResult<ActivityRow> {
    Ok(ActivityRow {
        trace_id: TraceId(row.uuid("trace_id")?),
        ledger_seq: row.number("ledger_seq")?,
        created_at: row.time("created_at")?,
        env: row.string("env")?,
        key_id: row.optional_uuid("key_id")?.map(KeyId),
        client_addr: row.optional_string("client_addr")?,
        agent_id: AgentId(row.uuid("agent_id")?),
        agent_name: row.string("agent_name")?,
        decision: row.optional_word("decision")?,
        would_be: row.optional_word("would_be")?,
        risk_score: row.real("risk_score")?,
        risk_band: row.word("risk_band")?,
        reason_codes: row.json("reason_codes")?,
        tool_name: row.string("tool_name")?,
        operation: row.string("operation")?,
        verb: row.word("verb")?,
        method: row.string("method")?,
        url: row.string("url")?,
        host: row.optional_string("host")?,
        classifications: row.json("classifications")?,
        policy_id: row.optional_uuid("policy_id")?.map(PolicyId),
        policy_name: row.optional_string("policy_name")?,
        rule_id: row.optional_string("rule_id")?,
        approval_id: row.optional_uuid("approval_id")?.map(ApprovalId),
        trust_score: row.real("trust_score")?,
        engine_version: row.string("engine_version")?,
        detectors_hash: row.string("detectors_hash")?,
        policy_set: row.string("policy_set")?,
        settings_version: row.number("settings_version")?,
        verdict: row.json("verdict")?,
        facts: row.json("facts")?,
        timings: row.json("timings")?,
        sealed_request: Vec::new(),
    })
}

fn sealed_row(row: &Cells<'_>) -> SealedRow {
    Ok(ActivityRow { sealed_request: row.bytes("sealed_request")?, ..activity_row(row)? })
}

fn response_row(row: &Cells<'_>) -> StoreResult<ScanResponseRow> {
    Ok(ScanResponseRow {
        trace_id: TraceId(row.uuid("trace_id")?),
        at: row.time("at")?,
        response_status: row.optional_number("response_status")?,
        data_classes: row.json("data_classes")?,
        fields_redacted_count: row.number("fields_redacted_count")?,
        content_fingerprint: row.string("content_fingerprint")?,
        content_marks: row.bytes("content_marks")?,
        injection: row.json("injection")?,
    })
}

fn conditions(tenant: TenantId, filter: &ActivityFilter) -> Conditions {
    let mut all = Conditions::of(tenant);
    if let Some(agent) = filter.agent_id {
        all.and_with("agent_id = ?", agent.0, Type::UUID);
    }
    if let Some(tool) = &filter.tool_name {
        all.and_with("tool_name = ?", tool.clone(), Type::TEXT);
    }
    if let Some(operation) = &filter.operation {
        all.and_with("operation = ?", operation.clone(), Type::TEXT);
    }
    match filter.envs.as_slice() {
        [] => {}
        [env] => all.and_with("env = ?", env.clone(), Type::TEXT),
        envs => all.and_with("env = ANY(?)", envs.to_vec(), Type::TEXT_ARRAY),
    }
    // Repeating the condition of a partial index is what lets it be used.
    match filter.decision {
        None => {}
        Some(Decision::Allow) => all.and("decision = 'ALLOW'"),
        Some(other) => all.and_with("decision <> 'ALLOW' AND decision = ?", other.as_str(), Type::TEXT),
    }
    match filter.risk_band {
        None => {}
        Some(RiskBand::Low) => all.and("risk_band = 'LOW'"),
        Some(other) => all.and_with("risk_band <> 'LOW' AND risk_band = ?", other.as_str(), Type::TEXT),
    }
    if let Some(class) = filter.class {
        // Word for word the condition of the class's index.
        all.and(&format!("strpos(classifications, '\"{}\"') > 0", class.as_str()));
    }
    // The spans turn a range of time into a range of positions; the times themselves are then exact.
    if let Some(since) = filter.since {
        let first = format!(
            "created_at >= ? AND ledger_seq >= (SELECT min(span) * {SPAN} FROM activity_spans
                WHERE tenant_id = $1 AND latest >= ?)"
        );
        all.and_with(&first, At(since), Type::TIMESTAMPTZ);
    }
    if let Some(until) = filter.until {
        let last = format!(
            "created_at < ? AND ledger_seq < (SELECT (max(span) + 1) * {SPAN} FROM activity_spans
                WHERE tenant_id = $1 AND earliest < ?)"
        );
        all.and_with(&last, At(until), Type::TIMESTAMPTZ);
    }
    if let Some(before) = filter.before_seq {
        all.and_with("ledger_seq < ?", count(before), Type::INT8);
    }
    if let Some(after) = filter.after_seq {
        all.and_with("ledger_seq > ?", count(after), Type::INT8);
    }
    all
}

/// Rows that the filter admits, `columns` of them.
async fn list<T>(
    db: &Session,
    tenant: TenantId,
    filter: &ActivityFilter,
    columns: &str,
    read: impl FnMut(&Cells<'_>) -> StoreResult<T>,
) -> StoreResult<Vec<T>> {
    let conditions = conditions(tenant, filter);
    let order = if filter.after_seq.is_some() { "ASC" } else { "DESC" };
    let limit = filter.limit.clamp(1, 1_000);
    let sql = format!(
        "SELECT {columns} FROM activity_log WHERE {} ORDER BY ledger_seq {order} LIMIT {limit}",
        conditions.sql
    );
    conditions.rows(db, &sql, read).await
}

async fn has_trace(db: &Session, tenant: TenantId, trace: TraceId) -> StoreResult<()> {
    let sql = "SELECT 1 FROM activity_log WHERE trace_id = $1 AND tenant_id = $2";
    let found = db.row(sql, &[&trace.0, &tenant.0], |_| Ok(())).await?;
    found.ok_or(StoreError::NotFound("trace"))
}

#[async_trait]
impl ActivityStore for PostgresStore {
    async fn record_scan(&self, tenant: TenantId, scan: ScanEntry) -> StoreResult<Receipt> {
        recorder::record(&self.0, tenant, scan).await
    }

    async fn append_spooled(&self, tenant: TenantId, scans: &[Settled]) -> StoreResult<u64> {
        record::append(&self.0, tenant, scans).await
    }

    async fn activity(&self, tenant: TenantId, filter: &ActivityFilter) -> StoreResult<Vec<ActivityRow>> {
        list(&self.session().await?, tenant, filter, COLUMNS, activity_row).await
    }

    async fn activity_extent(
        &self,
        tenant: TenantId,
        filter: &ActivityFilter,
    ) -> StoreResult<ActivityExtent> {
        let conditions = conditions(tenant, filter);
        let sql = format!(
            "SELECT count(*) AS rows, max(ledger_seq) AS newest FROM activity_log WHERE {}",
            conditions.sql
        );
        let read = |row: &Cells<'_>| {
            Ok(ActivityExtent { rows: row.number("rows")?, newest: row.optional_number("newest")? })
        };
        let counted = conditions.rows(&self.session().await?, &sql, read).await?;
        Ok(counted.into_iter().next().unwrap_or_default())
    }

    async fn sealed_activity(
        &self,
        tenant: TenantId,
        filter: &ActivityFilter,
    ) -> StoreResult<Vec<(u64, SealedRow)>> {
        let columns = format!("{COLUMNS}, sealed_request");
        let read = |row: &Cells<'_>| Ok((row.number("ledger_seq")?, sealed_row(row)));
        list(&self.session().await?, tenant, filter, &columns, read).await
    }

    async fn trace(&self, tenant: TenantId, trace: TraceId) -> StoreResult<ActivityRow> {
        let sql = format!(
            "SELECT {COLUMNS}, sealed_request FROM activity_log WHERE trace_id = $1 AND tenant_id = $2"
        );
        let found = self.session().await?.row(&sql, &[&trace.0, &tenant.0], sealed_row).await?;
        found.ok_or(StoreError::NotFound("trace"))
    }

    async fn scans_in_month(&self, tenant: TenantId, now: Timestamp) -> StoreResult<u64> {
        let month = month_of(now);
        let db = self.session().await?;
        let sql = "SELECT month, scans_this_month FROM tenant_counters WHERE tenant_id = $1";
        let current = db
            .row(sql, &[&tenant.0], |row| {
                Ok((row.text("month")? == month).then_some(row.number("scans_this_month")?))
            })
            .await?;
        match current {
            Some(Some(scans)) => Ok(scans),
            None => Ok(0),
            // Another month than the counted one: the log knows.
            Some(None) => {
                let sql = "SELECT count(*) AS scans FROM activity_log WHERE tenant_id = $1
                    AND created_at >= to_timestamp($2, 'YYYY-MM')
                    AND created_at < to_timestamp($2, 'YYYY-MM') + interval '1 month'";
                let counted = db.row(sql, &[&tenant.0, &month], |row| row.number("scans")).await?;
                Ok(counted.unwrap_or(0))
            }
        }
    }

    async fn budgets_used(
        &self,
        tenant: TenantId,
        keys: &[BudgetKey],
    ) -> StoreResult<BTreeMap<BudgetKey, Millionths>> {
        let BudgetArrays { names, days, agents } = BudgetArrays::of(keys.iter());
        let used =
            self.session().await?.rows(BUDGETS, &[&tenant.0, &names, &days, &agents], budget_used).await?;
        Ok(used.into_iter().collect())
    }

    async fn budget_of_day(
        &self,
        tenant: TenantId,
        name: &str,
        day: &str,
    ) -> StoreResult<Vec<(Option<AgentId>, Millionths)>> {
        let sql = "SELECT agent_id, millionths FROM budget_usage
             WHERE tenant_id = $1 AND name = $2 AND day = $3 ORDER BY millionths DESC, agent_id";
        let read = |row: &Cells<'_>| Ok((budget_agent(row)?, Millionths(row.number("millionths")?)));
        self.session().await?.rows(sql, &[&tenant.0, &Text::from(name), &Text::from(day)], read).await
    }

    async fn attach_response(&self, tenant: TenantId, response: &ScanResponseRow) -> StoreResult<()> {
        let attached = self
            .session()
            .await?
            .change(
                "INSERT INTO scan_responses (
                    tenant_id, trace_id, at, response_status, data_classes, fields_redacted_count,
                    content_fingerprint, content_marks, injection
                 )
                 SELECT tenant_id, trace_id, $3, $4, $5, $6, $7, $8, $9 FROM activity_log
                 WHERE tenant_id = $1 AND trace_id = $2",
                &[
                    &tenant.0,
                    &response.trace_id.0,
                    &At(response.at),
                    &response.response_status.map(i64::from),
                    &json(&response.data_classes)?,
                    &i64::from(response.fields_redacted_count),
                    &response.content_fingerprint,
                    &response.content_marks,
                    &json(&response.injection)?,
                ],
            )
            .await?;
        if attached == 0 { Err(StoreError::NotFound("trace")) } else { Ok(()) }
    }

    async fn responses(&self, tenant: TenantId, trace: TraceId) -> StoreResult<Vec<ScanResponseRow>> {
        let db = self.session().await?;
        has_trace(&db, tenant, trace).await?;
        db.rows(
            "SELECT trace_id, at, response_status, data_classes, fields_redacted_count, content_fingerprint,
                content_marks, injection
             FROM scan_responses WHERE trace_id = $1 ORDER BY response_id",
            &[&trace.0],
            response_row,
        )
        .await
    }
}
