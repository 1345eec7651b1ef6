//! Comma-separated values (RFC 4180) that are safe to open in a spreadsheet.

use interven_store::ActivityRow;
use interven_types::{DataClass, Decision};

/// A column and what stands in it.
type Column = (&'static str, fn(&ActivityRow) -> String);

const COLUMNS: &[Column] = &[
    ("ledger_seq", |row| row.ledger_seq.to_string()),
    ("created_at", |row| row.created_at.to_string()),
    ("trace_id", |row| row.trace_id.to_string()),
    ("env", |row| row.env.clone()),
    ("decision", |row| word(row.decision)),
    ("would_be", |row| word(row.would_be)),
    ("risk_score", |row| row.risk_score.to_string()),
    ("risk_band", |row| row.risk_band.as_str().to_owned()),
    ("reason_codes", |row| row.reason_codes.join(" ")),
    ("agent_id", |row| row.agent_id.to_string()),
    ("agent_name", |row| row.agent_name.clone()),
    ("tool_name", |row| row.tool_name.clone()),
    ("operation", |row| row.operation.clone()),
    ("verb", |row| row.verb.as_str().to_owned()),
    ("method", |row| row.method.clone()),
    ("url", |row| row.url.clone()),
    ("host", |row| text(&row.host)),
    ("classifications", |row| classes(&row.classifications)),
    ("policy_id", |row| text(&row.policy_id)),
    ("policy_name", |row| text(&row.policy_name)),
    ("rule_id", |row| text(&row.rule_id)),
    ("approval_id", |row| text(&row.approval_id)),
    ("trust_score", |row| row.trust_score.to_string()),
    ("key_id", |row| text(&row.key_id)),
    ("client_addr", |row| text(&row.client_addr)),
    ("engine_version", |row| row.engine_version.clone()),
    ("detectors_hash", |row| row.detectors_hash.clone()),
    ("policy_set", |row| row.policy_set.clone()),
    ("settings_version", |row| row.settings_version.to_string()),
];

fn word(decision: Option<Decision>) -> String {
    decision.map(Decision::as_str).unwrap_or_default().to_owned()
}

fn text(value: &Option<impl ToString>) -> String {
    value.as_ref().map(ToString::to_string).unwrap_or_default()
}

pub(super) fn classes(classes: &[DataClass]) -> String {
    classes.iter().map(|class| class.as_str()).collect::<Vec<_>>().join(" ")
}

pub(super) fn write_head(out: &mut Vec<u8>) {
    let names: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    out.extend(names.join(",").bytes());
    out.extend(b"\r\n");
}

pub(super) fn write_row(row: &ActivityRow, out: &mut Vec<u8>) {
    for (number, (_, cell)) in COLUMNS.iter().enumerate() {
        if number > 0 {
            out.push(b',');
        }
        write_cell(&cell(row), out);
    }
}

/// A spreadsheet takes a cell that begins like a formula for one, and runs it: an apostrophe before it keeps it text
/// (OWASP, "CSV Injection"). No column of ours begins with a sign by itself.
fn write_cell(cell: &str, out: &mut Vec<u8>) {
    let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    if !is_formula && !cell.contains([',', '"', '\r', '\n']) {
        out.extend(cell.bytes());
        return;
    }
    out.push(b'"');
    out.extend(is_formula.then_some(b'\''));
    out.extend(cell.replace('"', "\"\"").bytes());
    out.push(b'"');
}
