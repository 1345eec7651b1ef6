//! Open Cybersecurity Schema Framework 1.3.0, class API Activity (6003) with the profile Security Control
//! (<https://schema.ocsf.io/1.3.0/classes/api_activity?profiles=security_control>).

use super::json::{sentence, write as write_json};
use interven_store::ActivityRow;
use interven_types::{Decision, RiskBand, TenantId, Verb};
use serde_json::{Map, Value, json};

const VERSION: &str = "1.3.0";
const CATEGORY: (u32, &str) = (6, "Application Activity");
const CLASS: (u32, &str) = (6003, "API Activity");

pub(super) fn write(row: &ActivityRow, tenant: TenantId, out: &mut Vec<u8>) {
    write_json(&event(row, tenant), out);
}

fn event(row: &ActivityRow, tenant: TenantId) -> Value {
    let (activity_id, activity) = activity(row);
    let (severity_id, severity) = severity(row);
    let Outcome { action, disposition } = outcome(row);
    let mut event = json!({
        "category_uid": CATEGORY.0,
        "category_name": CATEGORY.1,
        "class_uid": CLASS.0,
        "class_name": CLASS.1,
        "activity_id": activity_id,
        "activity_name": activity,
        "type_uid": CLASS.0 * 100 + activity_id,
        "type_name": format!("{}: {activity}", CLASS.1),
        "time": row.created_at.unix_ms(),
        "severity_id": severity_id,
        "severity": severity,
        "message": sentence(row),
        "metadata": {
            "version": VERSION,
            "profiles": ["security_control"],
            "product": {"name": "Interven", "vendor_name": "Interven", "version": row.engine_version},
            "uid": row.trace_id,
            "sequence": row.ledger_seq,
            "tenant_uid": tenant,
            "log_name": "activity_log",
        },
        "actor": {"app_name": row.agent_name, "app_uid": row.agent_id},
        "api": {"operation": operation(row), "service": {"name": row.tool_name}},
        "src_endpoint": {"uid": row.agent_id, "name": row.agent_name, "ip": row.client_addr},
        "dst_endpoint": row.host.as_ref().map(|host| json!({"hostname": host})),
        "http_request": {
            "http_method": row.method,
            "url": if row.url.is_empty() { Value::Null } else { json!({"url_string": row.url}) },
        },
        "action_id": action.0,
        "action": action.1,
        "disposition_id": disposition.0,
        "disposition": disposition.1,
        "policy": row.policy_name.as_ref().map(|name| json!({"name": name, "uid": row.policy_id})),
        "firewall_rule": row.rule_id.as_ref().map(|rule| json!({"uid": rule})),
        "risk_level_id": risk_level(row.risk_band).0,
        "risk_level": risk_level(row.risk_band).1,
        "risk_score": (row.risk_score * 100.0).round() as i64,
        "unmapped": {
            "decision": row.decision,
            "would_be": row.would_be,
            "reason_codes": row.reason_codes,
            "classifications": row.classifications,
            "env": row.env,
            "verb": row.verb,
            "risk_score": row.risk_score,
            "trust_score": row.trust_score,
            "approval_id": row.approval_id,
            "key_id": row.key_id,
            "policy_set": row.policy_set,
            "settings_version": row.settings_version,
            "detectors_hash": row.detectors_hash,
        },
    });
    drop_absent(&mut event);
    event
}

/// An attribute without a value is left out.
fn drop_absent(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.values_mut().for_each(drop_absent);
        fields.retain(|_, value| !is_absent(value));
    }
}

fn is_absent(value: &Value) -> bool {
    value.is_null() || value.as_object().is_some_and(Map::is_empty) || value.as_str() == Some("")
}

/// Create, read, update and delete are told by the method; what a write does beyond that is not known.
fn activity(row: &ActivityRow) -> (u32, &'static str) {
    match (row.verb, row.method.as_str()) {
        _ if row.decision.is_none() => (0, "Unknown"),
        (Verb::Read, _) => (2, "Read"),
        (_, "POST") => (1, "Create"),
        (_, "PUT" | "PATCH") => (3, "Update"),
        (_, "DELETE") => (4, "Delete"),
        _ => (99, "Other"),
    }
}

/// Required, so that a call that was not evaluated has one too.
fn operation(row: &ActivityRow) -> &str {
    if row.operation.is_empty() { &row.method } else { &row.operation }
}

/// What someone has to do about it: nothing, when a harmless call was allowed.
fn severity(row: &ActivityRow) -> (u32, &'static str) {
    match (row.risk_band, row.decision) {
        (RiskBand::Low, Some(Decision::Allow)) if row.would_be.is_none() => (1, "Informational"),
        (RiskBand::Low, _) => (2, "Low"),
        (RiskBand::Medium, _) => (3, "Medium"),
        (RiskBand::High, _) => (4, "High"),
        (RiskBand::Critical, _) => (5, "Critical"),
    }
}

fn risk_level(band: RiskBand) -> (u32, &'static str) {
    match band {
        RiskBand::Low => (1, "Low"),
        RiskBand::Medium => (2, "Medium"),
        RiskBand::High => (3, "High"),
        RiskBand::Critical => (4, "Critical"),
    }
}

struct Outcome {
    action: (u32, &'static str),
    disposition: (u32, &'static str),
}

/// `action_id` knows allowed and denied; a call that waits is neither.
fn outcome(row: &ActivityRow) -> Outcome {
    let (unknown, allowed, denied) = ((0, "Unknown"), (1, "Allowed"), (2, "Denied"));
    let (action, disposition) = match row.decision {
        Some(Decision::Allow) if row.would_be.is_some() => (allowed, (17, "Logged")),
        Some(Decision::Allow) => (allowed, (1, "Allowed")),
        Some(Decision::Sanitize) => (allowed, (99, "Sanitized")),
        Some(Decision::RequireApproval) => (unknown, (14, "Delayed")),
        Some(Decision::Deny) => (denied, (2, "Blocked")),
        None => (denied, (25, "Rejected")),
    };
    Outcome { action, disposition }
}
