//! Rows as JSON: as they are, for Splunk and for Datadog.

use interven_store::ActivityRow;
use interven_types::{Decision, Timestamp};
use serde::Serialize;

const PRODUCT: &str = "interven";

pub(super) fn write(value: &impl Serialize, out: &mut Vec<u8>) {
    let begun = out.len();
    if serde_json::to_writer(&mut *out, value).is_err() {
        // Rows have text for keys and finite numbers: nothing in them cannot be written.
        out.truncate(begun);
        out.extend(b"null");
    }
}

pub(super) fn write_row(row: &ActivityRow, out: &mut Vec<u8>) {
    write(row, out);
}

/// Event metadata and event, see "Format events for HTTP Event Collector" in Splunk's manual "Getting Data In".
#[derive(Serialize)]
struct SplunkEvent<'a> {
    /// Seconds since 1970 with milliseconds.
    time: serde_json::Number,
    source: &'static str,
    sourcetype: &'static str,
    event: &'a ActivityRow,
}

pub(super) fn write_splunk(row: &ActivityRow, out: &mut Vec<u8>) {
    let event = SplunkEvent {
        time: seconds(row.created_at),
        source: PRODUCT,
        sourcetype: "interven:decision",
        event: row,
    };
    write(&event, out);
}

/// Exact to the millisecond up to the year 287396.
fn seconds(at: Timestamp) -> serde_json::Number {
    serde_json::Number::from_f64(at.unix_ms() as f64 / 1_000.0).unwrap_or_else(|| 0.into())
}

/// A log with Datadog's reserved attributes; the row stands under an attribute of its own. See "Send logs" in Datadog's API
/// reference: up to 1,000 of them, 5 MB together, may be sent as one array.
#[derive(Serialize)]
struct DatadogLog<'a> {
    ddsource: &'static str,
    ddtags: String,
    service: &'static str,
    message: String,
    status: &'static str,
    timestamp: i64,
    interven: &'a ActivityRow,
}

pub(super) fn write_datadog(row: &ActivityRow, out: &mut Vec<u8>) {
    let log = DatadogLog {
        ddsource: PRODUCT,
        ddtags: tags(row),
        service: PRODUCT,
        message: sentence(row),
        status: match row.decision {
            Some(Decision::Deny) | None => "error",
            Some(Decision::RequireApproval | Decision::Sanitize) => "warn",
            Some(Decision::Allow) => "info",
        },
        timestamp: row.created_at.unix_ms(),
        interven: row,
    };
    write(&log, out);
}

/// `DENY slack.post_message by bot: SECRETS_DETECTED`.
pub(super) fn sentence(row: &ActivityRow) -> String {
    let decision = row.decision.map_or("NOT EVALUATED", Decision::as_str);
    let call = match row.tool_name.as_str() {
        "" => row.method.clone(),
        tool => format!("{tool}.{}", row.operation),
    };
    match row.reason_codes.first() {
        Some(reason) => format!("{decision} {call} by {}: {reason}", row.agent_name),
        None => format!("{decision} {call} by {}", row.agent_name),
    }
}

fn tags(row: &ActivityRow) -> String {
    let decision = row.decision.map_or("none", Decision::as_str);
    let pairs = [
        ("env", row.env.as_str()),
        ("decision", decision),
        ("risk", row.risk_band.as_str()),
        ("tool", &row.tool_name),
    ];
    let tag = |(name, value): &(&str, &str)| format!("{name}:{}", tag_value(value));
    pairs.iter().filter(|(_, value)| !value.is_empty()).map(tag).collect::<Vec<_>>().join(",")
}

/// What may stand in a tag: lower-case letters, digits and `_-./:`; at most 200 characters ("Getting Started with Tags").
fn tag_value(value: &str) -> String {
    let may_stand = |c: char| c.is_alphanumeric() || "_-./:".contains(c);
    value.to_lowercase().chars().map(|c| if may_stand(c) { c } else { '_' }).take(180).collect()
}
