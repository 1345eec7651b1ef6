//! ArcSight Common Event Format, version 0 (Micro Focus, "Implementing ArcSight Common Event Format", revision 25).

use super::{csv::classes, json::sentence};
use interven_store::ActivityRow;
use interven_types::{Decision, RiskBand};
use std::net::IpAddr;

/// One event: seven fields of the header, then `key=value` pairs.
pub(super) fn write(row: &ActivityRow, out: &mut Vec<u8>) {
    let (id, name) = match row.decision {
        Some(Decision::Allow) => ("allow", "Agent call allowed"),
        Some(Decision::Sanitize) => ("sanitize", "Agent call allowed without its sensitive parts"),
        Some(Decision::RequireApproval) => ("require_approval", "Agent call held for approval"),
        Some(Decision::Deny) => ("deny", "Agent call denied"),
        None => ("not_evaluated", "Agent call not evaluated"),
    };
    // 0–3 low, 4–6 medium, 7–8 high, 9–10 very high.
    let severity = match row.risk_band {
        RiskBand::Low => "2",
        RiskBand::Medium => "5",
        RiskBand::High => "8",
        RiskBand::Critical => "10",
    };
    out.extend(b"CEF:0");
    for field in ["Interven", "Interven", &row.engine_version, id, name, severity] {
        out.push(b'|');
        escape(field, &['\\', '|'], out);
    }
    out.push(b'|');
    for (number, (key, value)) in extension(row).iter().filter(|(_, value)| !value.is_empty()).enumerate() {
        if number > 0 {
            out.push(b' ');
        }
        out.extend(key.bytes());
        out.push(b'=');
        escape(value, &['\\', '='], out);
    }
}

/// Keys of the standard dictionary, and labelled ones for what it has no key for.
fn extension(row: &ActivityRow) -> Vec<(&'static str, String)> {
    let mut pairs = vec![
        ("rt", row.created_at.unix_ms().to_string()),
        ("externalId", row.ledger_seq.to_string()),
        ("act", row.decision.map(Decision::as_str).unwrap_or_default().to_owned()),
        ("suser", row.agent_name.clone()),
        ("suid", row.agent_id.to_string()),
        ("app", row.tool_name.clone()),
        ("requestMethod", row.method.clone()),
        ("request", row.url.clone()),
        ("dhost", row.host.clone().unwrap_or_default()),
    ];
    pairs.extend(source(row.client_addr.as_deref().unwrap_or_default()));
    let labelled = [
        ("cs1Label", "traceId", "cs1", row.trace_id.to_string()),
        ("cs2Label", "reasonCodes", "cs2", row.reason_codes.join(" ")),
        ("cs3Label", "rule", "cs3", rule(row)),
        ("cs4Label", "operation", "cs4", row.operation.clone()),
        ("cs5Label", "dataClasses", "cs5", classes(&row.classifications)),
        ("cs6Label", "environment", "cs6", row.env.clone()),
        ("cfp1Label", "riskScore", "cfp1", row.risk_score.to_string()),
        ("cfp2Label", "trustScore", "cfp2", row.trust_score.to_string()),
    ];
    for (label_key, label, key, value) in labelled.into_iter().filter(|(.., value)| !value.is_empty()) {
        pairs.extend([(label_key, label.to_owned()), (key, value)]);
    }
    pairs.push(("msg", sentence(row)));
    pairs
}

/// `src` holds IPv4 alone; an IPv6 address has a labelled key.
fn source(addr: &str) -> Vec<(&'static str, String)> {
    match addr.parse() {
        Ok(IpAddr::V4(addr)) => vec![("src", addr.to_string())],
        Ok(IpAddr::V6(addr)) => {
            vec![("c6a2Label", "Source IPv6 Address".to_owned()), ("c6a2", addr.to_string())]
        }
        Err(_) => Vec::new(),
    }
}

fn rule(row: &ActivityRow) -> String {
    match (&row.policy_name, &row.rule_id) {
        (Some(policy), Some(rule)) => format!("{policy}/{rule}"),
        _ => String::new(),
    }
}

/// Line breaks as `\n` and `\r`: an event is one line. Other control characters have no place in it.
fn escape(text: &str, special: &[char], out: &mut Vec<u8>) {
    for c in text.chars() {
        match c {
            '\n' => out.extend(b"\\n"),
            '\r' => out.extend(b"\\r"),
            c if c.is_control() => out.push(b' '),
            c => {
                out.extend(special.contains(&c).then_some(b'\\'));
                out.extend(c.encode_utf8(&mut [0; 4]).bytes());
            }
        }
    }
}
