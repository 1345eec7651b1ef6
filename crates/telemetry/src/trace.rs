//! One scan: what was asked, what was answered, why, and whether the same would be answered again.

use crate::{Telemetry, error::Answer, explain::explain, extract::Path, operator::Operator};
use axum::{Json, extract::State};
use interven_live::{Replay, RulePart};
use interven_store::{ActivityRow, AuditEntry, ScanResponseRow};
use interven_types::{
    Coverage, DataClass, Decision, ErrorBody, Factor, RiskBand, RuleRef, ScanRequest, Signal, TraceId,
    Verdict,
};
use serde::Serialize;
use serde_json::{Value, json};

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Trace {
    /// The row of `activity_log`.
    #[serde(flatten)]
    #[schema(value_type = Object)]
    row: ActivityRow,
    /// What the agent asked, with everything found in it redacted.
    #[schema(value_type = Object)]
    request: Value,
    /// What came back to the agent: findings, no content.
    #[schema(value_type = Vec<Object>)]
    responses: Vec<ScanResponseRow>,
    /// In sentences.
    explanation: Vec<String>,
}

/// One scan, with its request as it may be shown and its explanation.
#[utoipa::path(
    get, path = "/api/telemetry/activity/{trace_id}", tag = "activity", security(("operator" = [])),
    params(("trace_id" = TraceId, Path)),
    responses((status = 200, body = Trace), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn show(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<TraceId>,
) -> Answer<Trace> {
    let live = &telemetry.live;
    let row = live.store.trace(operator.tenant, id).await?;
    let request = live.shown_request(operator.tenant, &row).await?;
    let responses = live.store.responses(operator.tenant, id).await?;
    let explanation = explanation_of(&row);
    Ok(Json(Trace { row, request, responses, explanation }))
}

fn explanation_of(row: &ActivityRow) -> Vec<String> {
    match &row.verdict {
        Some(verdict) => explain(row, verdict),
        None => vec!["Nothing was evaluated: the tenant's monthly quota was used up.".to_owned()],
    }
}

/// The request as the agent sent it. That someone looked is written down first.
#[utoipa::path(
    get, path = "/api/telemetry/activity/{trace_id}/original", tag = "activity", security(("operator" = [])),
    params(("trace_id" = TraceId, Path)),
    responses((status = 200, body = ScanRequest), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody))
)]
pub(crate) async fn original(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<TraceId>,
) -> Answer<ScanRequest> {
    let live = &telemetry.live;
    let row = live.store.trace(operator.tenant, id).await?;
    let entry = AuditEntry {
        action: "body.reveal".to_owned(),
        target: id.to_string(),
        details: json!({"agent_id": row.agent_id, "ledger_seq": row.ledger_seq}),
    };
    live.store.audit(operator.tenant, &entry, &operator.actor, live.now()).await?;
    Ok(Json(live.open_request(operator.tenant, &row).await?))
}

/// What the core says of a call before anyone is asked about identical ones.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Again {
    decision: Decision,
    risk_score: f64,
    risk_band: RiskBand,
    reason_codes: Vec<String>,
    classifications: Vec<DataClass>,
    rule: Option<RuleRef>,
    signals: Vec<Signal>,
    determined_by: Vec<Factor>,
    coverage: Coverage,
}

#[derive(Debug, Serialize, utoipa::ToSchema)]
pub(crate) struct Explained {
    /// Whether the recorded decision came out again.
    same: bool,
    /// The recorded verdict.
    #[schema(value_type = Object)]
    recorded: Verdict,
    again: Again,
    /// What each rule of the policies in force then did, those that decided first.
    rules: Vec<RulePart>,
    /// What differs, in sentences.
    differences: Vec<String>,
    explanation: Vec<String>,
}

/// Makes the recorded decision again: same request, policies, settings, facts and time, this engine.
#[utoipa::path(
    post, path = "/api/telemetry/activity/{trace_id}/explain", tag = "activity", security(("operator" = [])),
    params(("trace_id" = TraceId, Path)),
    responses(
        (status = 200, body = Explained),
        (status = 401, body = ErrorBody),
        (status = 404, body = ErrorBody),
        (status = 409, description = "Nothing was evaluated", body = ErrorBody),
    )
)]
pub(crate) async fn replay(
    operator: Operator,
    State(telemetry): State<Telemetry>,
    Path(id): Path<TraceId>,
) -> Answer<Explained> {
    let live = &telemetry.live;
    let Replay { recorded, judgement, rules, differences } = live.replay(operator.tenant, id).await?;
    let row = live.store.trace(operator.tenant, id).await?;
    Ok(Json(Explained {
        same: differences.is_empty(),
        explanation: explain(&row, &recorded),
        recorded,
        rules,
        again: Again {
            decision: judgement.decision,
            risk_score: judgement.risk_score,
            risk_band: judgement.risk_band,
            reason_codes: judgement.reason_codes,
            classifications: judgement.classifications,
            rule: judgement.rule,
            signals: judgement.signals,
            determined_by: judgement.determined_by,
            coverage: judgement.coverage,
        },
        differences,
    }))
}
