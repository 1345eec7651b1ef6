//! The log of scans, read back: filters over it by position, never by offset.

use crate::{
    SqliteStore, budgets, scans,
    sql::{Cells, Sql, count, json, month_of},
};
use async_trait::async_trait;
use interven_store::{
    ActivityExtent, ActivityFilter, ActivityRow, ActivityStore, Receipt, ScanEntry, ScanResponseRow,
    SealedRow, Settled, StoreError, StoreResult,
};
use interven_types::{AgentId, BudgetKey, Decision, Millionths, RiskBand, TenantId, Timestamp, TraceId};
use rusqlite::{Connection, params, params_from_iter, types::Value as Cell};
use std::collections::BTreeMap;

/// Everything but the sealed request.
const COLUMNS: &str = "trace_id, ledger_seq, created_at, env, key_id, client_addr, agent_id, agent_name, decision,
    would_be, risk_score, risk_band, reason_codes, tool_name, operation, verb, method, url, host, classifications,
    policy_id, policy_name, rule_id, approval_id, trust_score, engine_version, detectors_hash, policy_set,
    settings_version, verdict, facts, timings";

fn activity_row(row: &Cells<'_>) -> StoreResult<ActivityRow> {
    Ok(ActivityRow {
        trace_id: row.parsed("trace_id")?,
        ledger_seq: row.number("ledger_seq")?,
        created_at: row.parsed("created_at")?,
        env: row.string("env")?,
        key_id: row.optional_parsed("key_id")?,
        client_addr: row.optional_string("client_addr")?,
        agent_id: row.parsed("agent_id")?,
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
        policy_id: row.optional_parsed("policy_id")?,
        policy_name: row.optional_string("policy_name")?,
        rule_id: row.optional_string("rule_id")?,
        approval_id: row.optional_parsed("approval_id")?,
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
        trace_id: row.parsed("trace_id")?,
        at: row.parsed("at")?,
        response_status: row.optional_number("response_status")?,
        data_classes: row.json("data_classes")?,
        fields_redacted_count: row.number("fields_redacted_count")?,
        content_fingerprint: row.string("content_fingerprint")?,
        content_marks: row.bytes("content_marks")?,
        injection: row.json("injection")?,
    })
}

/// Conditions and their values, in the order of the question marks.
struct Conditions {
    sql: String,
    values: Vec<Cell>,
}

impl Conditions {
    fn of(tenant: TenantId) -> Self {
        Self { sql: "tenant_id = ?".to_owned(), values: vec![Cell::Text(tenant.to_string())] }
    }

    /// `condition` holds one question mark for each value.
    fn and(&mut self, condition: &str, values: impl IntoIterator<Item = Cell>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.extend(values);
    }
}

/// A filter on one value, which has an index of its own.
struct Equality {
    column: &'static str,
    /// The condition of a partial index: repeating it is what lets SQLite use it.
    sparse: &'static str,
    value: String,
}

fn equalities(filter: &ActivityFilter) -> Vec<Equality> {
    let text = |column, value: Option<String>| value.map(|value| Equality { column, sparse: "", value });
    let one_env = if let [env] = filter.envs.as_slice() { Some(env.clone()) } else { None };
    let decision = filter.decision.filter(|decision| *decision != Decision::Allow);
    let band = filter.risk_band.filter(|band| *band != RiskBand::Low);
    let sparse = |column, sparse, value: Option<&str>| {
        value.map(|value| Equality { column, sparse, value: value.to_owned() })
    };
    let all = [
        text("agent_id", filter.agent_id.map(|agent| agent.to_string())),
        text("tool_name", filter.tool_name.clone()),
        text("operation", filter.operation.clone()),
        text("env", one_env),
        sparse("decision", " AND decision <> 'ALLOW'", decision.map(Decision::as_str)),
        sparse("risk_band", " AND risk_band <> 'LOW'", band.map(RiskBand::as_str)),
    ];
    all.into_iter().flatten().collect()
}

/// Puts the rarest value first, as far as a short look into each index tells. Without statistics SQLite would walk
/// the index of a value that every row has as readily as that of a rare one.
fn rarest_first(db: &Connection, tenant: TenantId, equalities: &mut [Equality]) -> StoreResult<()> {
    const LOOK: u32 = 1_000;
    if equalities.len() < 2 {
        return Ok(());
    }
    let mut counts = BTreeMap::new();
    for Equality { column, sparse, value } in equalities.iter() {
        let sql = format!(
            "SELECT count(*) AS rows FROM (
                SELECT 1 FROM activity_log WHERE tenant_id = ?1 AND {column} = ?2{sparse} LIMIT ?3)"
        );
        let rows: Option<u32> =
            db.row(&sql, params![tenant.to_string(), value, LOOK], |row| row.number("rows"))?;
        counts.insert(*column, rows);
    }
    equalities.sort_by_key(|equality| counts.get(equality.column).copied().flatten());
    Ok(())
}

fn conditions(tenant: TenantId, filter: &ActivityFilter, equalities: &[Equality]) -> Conditions {
    let mut all = Conditions::of(tenant);
    for (rank, Equality { column, sparse, value }) in equalities.iter().enumerate() {
        // A plus sign keeps SQLite off the index of a column.
        let sign = if rank == 0 { "" } else { "+" };
        all.and(&format!("{sign}{column} = ?{sparse}"), [Cell::Text(value.clone())]);
    }
    if filter.envs.len() > 1 {
        let marks = vec!["?"; filter.envs.len()].join(", ");
        all.and(&format!("+env IN ({marks})"), filter.envs.iter().cloned().map(Cell::Text));
    }
    if filter.decision == Some(Decision::Allow) {
        all.and("+decision = 'ALLOW'", []);
    }
    if filter.risk_band == Some(RiskBand::Low) {
        all.and("+risk_band = 'LOW'", []);
    }
    if let Some(class) = filter.class {
        let quoted = format!("\"{}\"", class.as_str());
        all.and("classifications <> '[]' AND instr(classifications, ?) > 0", [Cell::Text(quoted)]);
    }
    // The spans turn a range of time into a range of positions; the times themselves are then exact.
    let tenant = Cell::Text(tenant.to_string());
    let span = Cell::Integer(scans::SPAN);
    if let Some(since) = filter.since {
        let since = Cell::Text(since.to_string());
        let first = "created_at >= ? AND ledger_seq >= (SELECT min(span) * ? FROM activity_spans
             WHERE tenant_id = ? AND latest >= ?)";
        all.and(first, [since.clone(), span.clone(), tenant.clone(), since]);
    }
    if let Some(until) = filter.until {
        let until = Cell::Text(until.to_string());
        let last = "created_at < ? AND ledger_seq < (SELECT (max(span) + 1) * ? FROM activity_spans
             WHERE tenant_id = ? AND earliest < ?)";
        all.and(last, [until.clone(), span, tenant, until]);
    }
    if let Some(before) = filter.before_seq {
        all.and("ledger_seq < ?", [Cell::Integer(count(before))]);
    }
    if let Some(after) = filter.after_seq {
        all.and("ledger_seq > ?", [Cell::Integer(count(after))]);
    }
    all
}

/// The conditions of a filter, in the order in which SQLite should try them.
fn planned(db: &Connection, tenant: TenantId, filter: &ActivityFilter) -> StoreResult<Conditions> {
    let mut equalities = equalities(filter);
    rarest_first(db, tenant, &mut equalities)?;
    Ok(conditions(tenant, filter, &equalities))
}

/// Rows that the filter admits, `columns` of them.
fn list<T>(
    db: &Connection,
    tenant: TenantId,
    filter: &ActivityFilter,
    columns: &str,
    read: impl FnMut(&Cells<'_>) -> StoreResult<T>,
) -> StoreResult<Vec<T>> {
    let Conditions { sql, values } = planned(db, tenant, filter)?;
    let order = if filter.after_seq.is_some() { "ASC" } else { "DESC" };
    let limit = filter.limit.clamp(1, 1_000);
    let sql =
        format!("SELECT {columns} FROM activity_log WHERE {sql} ORDER BY ledger_seq {order} LIMIT {limit}");
    db.rows(&sql, params_from_iter(values), read)
}

fn extent(db: &Connection, tenant: TenantId, filter: &ActivityFilter) -> StoreResult<ActivityExtent> {
    let Conditions { sql, values } = planned(db, tenant, filter)?;
    let sql = format!("SELECT count(*) AS rows, max(ledger_seq) AS newest FROM activity_log WHERE {sql}");
    let counted = db.row(&sql, params_from_iter(values), |row| {
        Ok(ActivityExtent { rows: row.number("rows")?, newest: row.optional_number("newest")? })
    })?;
    Ok(counted.unwrap_or_default())
}

fn scans_in(db: &Connection, tenant: TenantId, month: &str) -> StoreResult<u64> {
    let sql = "SELECT month, scans_this_month FROM tenant_counters WHERE tenant_id = ?1";
    let current = db.row(sql, [tenant.to_string()], |row| {
        Ok((row.text("month")? == month).then_some(row.number("scans_this_month")?))
    })?;
    match current {
        Some(Some(scans)) => Ok(scans),
        None => Ok(0),
        // Another month than the counted one: the log knows.
        Some(None) => {
            let counted = db.row(
                "SELECT count(*) AS scans FROM activity_log WHERE tenant_id = ?1 AND substr(created_at, 1, 7) = ?2
                 AND ledger_seq >= (SELECT min(span) * ?3 FROM activity_spans
                                    WHERE tenant_id = ?1 AND substr(latest, 1, 7) >= ?2)
                 AND ledger_seq < (SELECT (max(span) + 1) * ?3 FROM activity_spans
                                   WHERE tenant_id = ?1 AND substr(earliest, 1, 7) <= ?2)",
                params![tenant.to_string(), month, scans::SPAN],
                |row| row.number("scans"),
            )?;
            Ok(counted.unwrap_or(0))
        }
    }
}

fn has_trace(db: &Connection, tenant: TenantId, trace: TraceId) -> StoreResult<()> {
    let sql = "SELECT 1 FROM activity_log WHERE trace_id = ?1 AND tenant_id = ?2";
    let found = db.row(sql, [trace.to_string(), tenant.to_string()], |_| Ok(()))?;
    found.ok_or(StoreError::NotFound("trace"))
}

#[async_trait]
impl ActivityStore for SqliteStore {
    async fn record_scan(&self, tenant: TenantId, scan: ScanEntry) -> StoreResult<Receipt> {
        self.write(move |tx| scans::record(tx, tenant, scan)).await
    }

    async fn append_spooled(&self, tenant: TenantId, scans: &[Settled]) -> StoreResult<u64> {
        let scans = scans.to_vec();
        self.write(move |tx| scans::append_spooled(tx, tenant, scans)).await
    }

    async fn activity(&self, tenant: TenantId, filter: &ActivityFilter) -> StoreResult<Vec<ActivityRow>> {
        let filter = filter.clone();
        self.read(move |db| list(db, tenant, &filter, COLUMNS, activity_row)).await
    }

    async fn activity_extent(
        &self,
        tenant: TenantId,
        filter: &ActivityFilter,
    ) -> StoreResult<ActivityExtent> {
        let filter = filter.clone();
        self.read(move |db| extent(db, tenant, &filter)).await
    }

    async fn sealed_activity(
        &self,
        tenant: TenantId,
        filter: &ActivityFilter,
    ) -> StoreResult<Vec<(u64, SealedRow)>> {
        let filter = filter.clone();
        let columns = format!("{COLUMNS}, sealed_request");
        let read = |row: &Cells<'_>| Ok((row.number("ledger_seq")?, sealed_row(row)));
        self.read(move |db| list(db, tenant, &filter, &columns, read)).await
    }

    async fn trace(&self, tenant: TenantId, trace: TraceId) -> StoreResult<ActivityRow> {
        self.read(move |db| {
            let sql = format!(
                "SELECT {COLUMNS}, sealed_request FROM activity_log WHERE trace_id = ?1 AND tenant_id = ?2"
            );
            let found = db.row(&sql, [trace.to_string(), tenant.to_string()], sealed_row)?;
            found.ok_or(StoreError::NotFound("trace"))
        })
        .await
    }

    async fn scans_in_month(&self, tenant: TenantId, now: Timestamp) -> StoreResult<u64> {
        self.read(move |db| scans_in(db, tenant, &month_of(now))).await
    }

    async fn budgets_used(
        &self,
        tenant: TenantId,
        keys: &[BudgetKey],
    ) -> StoreResult<BTreeMap<BudgetKey, Millionths>> {
        let keys = keys.to_vec();
        self.read(move |db| budgets::used(db, tenant, &keys)).await
    }

    async fn budget_of_day(
        &self,
        tenant: TenantId,
        name: &str,
        day: &str,
    ) -> StoreResult<Vec<(Option<AgentId>, Millionths)>> {
        let (name, day) = (name.to_owned(), day.to_owned());
        self.read(move |db| budgets::used_on(db, tenant, &name, &day)).await
    }

    async fn attach_response(&self, tenant: TenantId, response: &ScanResponseRow) -> StoreResult<()> {
        let response = response.clone();
        self.write(move |tx| {
            has_trace(tx, tenant, response.trace_id)?;
            tx.change(
                "INSERT INTO scan_responses (
                    tenant_id, trace_id, at, response_status, data_classes, fields_redacted_count,
                    content_fingerprint, content_marks, injection
                 ) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
                params![
                    tenant.to_string(),
                    response.trace_id.to_string(),
                    response.at.to_string(),
                    response.response_status,
                    json(&response.data_classes)?,
                    response.fields_redacted_count,
                    response.content_fingerprint,
                    response.content_marks,
                    json(&response.injection)?
                ],
            )?;
            Ok(())
        })
        .await
    }

    async fn responses(&self, tenant: TenantId, trace: TraceId) -> StoreResult<Vec<ScanResponseRow>> {
        self.read(move |db| {
            has_trace(db, tenant, trace)?;
            db.rows(
                "SELECT * FROM scan_responses WHERE trace_id = ?1 ORDER BY response_id",
                [trace.to_string()],
                response_row,
            )
        })
        .await
    }
}
