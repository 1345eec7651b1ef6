//! What is written, read back by readers that know nothing of the writers.

use super::{ExportFormat, format::Writer};
use interven_store::ActivityRow;
use interven_types::TenantId;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NASTY: &str = "=cmd|' /C calc'!A0, \"quoted\" a=b c\\d e|f\nsecond line";

/// A row whose texts are made to break formats.
fn nasty_row() -> ActivityRow {
    serde_json::from_value(json!({
        "trace_id": "0190f3a4-0000-7000-8000-000000000001", "ledger_seq": 7,
        "created_at": "2026-11-22T12:00:00.123Z", "env": "prod, eu", "key_id": null, "client_addr": "10.1.2.3",
        "agent_id": "0190f3a4-0000-7000-8000-000000000002", "agent_name": NASTY, "decision": "DENY", "would_be": null,
        "risk_score": 0.75, "risk_band": "HIGH", "reason_codes": ["SECRETS_DETECTED", "X"], "tool_name": "slack",
        "operation": "post_message", "verb": "WRITE", "method": "POST", "url": "https://a.example/x?y=1|2",
        "host": "a.example", "classifications": ["SECRETS", "PII"],
        "policy_id": "0190f3a4-0000-7000-8000-000000000003", "policy_name": "P3 | Deny=all", "rule_id": "r1",
        "approval_id": null, "trust_score": 1.0, "engine_version": "1|0", "detectors_hash": "ab", "policy_set": "cd",
        "settings_version": 1, "verdict": null, "facts": {}, "timings": {}
    }))
    .unwrap()
}

/// The row of a call that was not evaluated.
fn bare_row() -> ActivityRow {
    ActivityRow {
        ledger_seq: 8,
        decision: None,
        agent_name: "bot".to_owned(),
        env: "default".to_owned(),
        client_addr: Some("2001:db8::1".to_owned()),
        tool_name: String::new(),
        operation: String::new(),
        url: String::new(),
        host: None,
        reason_codes: vec!["QUOTA_EXCEEDED".to_owned()],
        classifications: Vec::new(),
        policy_id: None,
        policy_name: None,
        rule_id: None,
        ..nasty_row()
    }
}

fn exported(format: ExportFormat, rows: &[ActivityRow], is_continued: bool) -> String {
    let mut writer = Writer::new(format, TenantId(Default::default()), is_continued);
    let mut out = Vec::new();
    rows.iter().for_each(|row| writer.write(row, &mut out));
    out.extend(writer.end(8));
    String::from_utf8(out).unwrap()
}

fn lines(format: ExportFormat) -> Vec<Value> {
    let text = exported(format, &[nasty_row(), bare_row()], false);
    assert!(text.ends_with('\n'));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn json_is_one_document_and_ndjson_a_row_in_each_line() {
    let row = serde_json::to_value(nasty_row()).unwrap();
    let document = exported(ExportFormat::Json, &[nasty_row(), bare_row()], false);
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!((&document["rows"][0], &document["through"]), (&row, &json!(8)));
    let empty: Value = serde_json::from_str(&exported(ExportFormat::Json, &[], false)).unwrap();
    assert_eq!(empty, json!({"rows": [], "through": 8}));
    assert_eq!(lines(ExportFormat::Ndjson)[0], row);
    assert_eq!(exported(ExportFormat::Ndjson, &[], false), "");
}

#[test]
fn csv_is_read_back_and_no_cell_is_a_formula() {
    let text = exported(ExportFormat::Csv, &[nasty_row(), bare_row()], false);
    let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(text.as_bytes());
    let heads = reader.headers().unwrap().clone();
    let rows: Vec<BTreeMap<String, String>> = reader
        .records()
        .map(|row| heads.iter().map(str::to_owned).zip(row.unwrap().iter().map(str::to_owned)).collect())
        .collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0]["agent_name"], format!("'{NASTY}"));
    assert_eq!(
        (rows[0]["env"].as_str(), rows[0]["reason_codes"].as_str()),
        ("prod, eu", "SECRETS_DETECTED X")
    );
    assert_eq!((rows[1]["ledger_seq"].as_str(), rows[1]["decision"].as_str()), ("8", ""));
    for cell in rows.iter().flat_map(BTreeMap::values) {
        assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
    }
    // What goes on has no second head; an empty export has its first.
    assert!(exported(ExportFormat::Csv, &[bare_row()], true).starts_with("8,"));
    assert!(exported(ExportFormat::Csv, &[], false).starts_with("ledger_seq,"));
}

#[test]
fn splunk_and_datadog_get_the_row_with_the_attributes_that_they_read() {
    let splunk = &lines(ExportFormat::Splunk)[0];
    assert_eq!(splunk["time"], json!(1_795_348_800.123));
    assert_eq!(
        (&splunk["sourcetype"], &splunk["event"]["ledger_seq"]),
        (&json!("interven:decision"), &json!(7))
    );
    let datadog = &lines(ExportFormat::Datadog)[0];
    assert_eq!(datadog["ddtags"], "env:prod__eu,decision:deny,risk:high,tool:slack");
    assert_eq!((&datadog["status"], &datadog["timestamp"]), (&json!("error"), &json!(1_795_348_800_123_i64)));
    assert_eq!(datadog["interven"]["trace_id"], "0190f3a4-0000-7000-8000-000000000001");
    assert!(datadog["message"].as_str().unwrap().starts_with("DENY slack.post_message by "));
    assert_eq!(lines(ExportFormat::Datadog)[1]["message"], "NOT EVALUATED POST by bot: QUOTA_EXCEEDED");
}

/// A reader of CEF as the specification describes it: header fields end at a bare pipe; a value of the extension ends
/// before the next word that is followed by a bare equals sign.
fn parse_cef(line: &str) -> (Vec<String>, BTreeMap<String, String>) {
    let (mut fields, mut field, mut chars) = (Vec::new(), String::new(), line.chars());
    while fields.len() < 7 {
        match chars.next().expect("seven fields") {
            '\\' => field.push(chars.next().unwrap()),
            '|' => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    let rest = chars.as_str();
    let bare = |at: usize| rest[..at].chars().rev().take_while(|c| *c == '\\').count() % 2 == 0;
    let signs: Vec<usize> = rest.match_indices('=').map(|(at, _)| at).filter(|at| bare(*at)).collect();
    let key_start = |sign: usize| rest[..sign].rfind(' ').map_or(0, |space| space + 1);
    let mut pairs = BTreeMap::new();
    for (number, sign) in signs.iter().enumerate() {
        let end = signs.get(number + 1).map_or(rest.len(), |next| key_start(*next) - 1);
        let mut value = String::new();
        let mut escaped = rest[sign + 1..end].chars();
        while let Some(c) = escaped.next() {
            value.push(match c {
                '\\' => match escaped.next().unwrap() {
                    'n' => '\n',
                    'r' => '\r',
                    c => c,
                },
                c => c,
            });
        }
        pairs.insert(rest[key_start(*sign)..*sign].to_owned(), value);
    }
    (fields, pairs)
}

#[test]
fn cef_is_read_back_as_it_was_meant() {
    let text = exported(ExportFormat::Cef, &[nasty_row(), bare_row()], false);
    let rows: Vec<_> = text.lines().map(parse_cef).collect();
    assert_eq!(rows.len(), 2, "one line each: {text}");
    let (header, pairs) = &rows[0];
    assert_eq!(header[..6], ["CEF:0", "Interven", "Interven", "1|0", "deny", "Agent call denied"]);
    for (key, expected) in [
        ("suser", NASTY),
        ("request", "https://a.example/x?y=1|2"),
        ("cs3", "P3 | Deny=all/r1"),
        ("cs3Label", "rule"),
        ("act", "DENY"),
        ("src", "10.1.2.3"),
        ("rt", "1795348800123"),
        ("externalId", "7"),
        ("cs5", "SECRETS PII"),
    ] {
        assert_eq!(pairs[key], expected, "{key}");
    }
    let (_, bare) = &rows[1];
    assert_eq!((bare["c6a2"].as_str(), bare.get("src"), bare.get("act")), ("2001:db8::1", None, None));
}

/// What the schema of OCSF 1.3.0 requires of API Activity with the profile Security Control, and which numbers it knows.
#[test]
fn ocsf_events_have_what_the_schema_requires() {
    let known = [
        ("/activity_id", &[0, 1, 2, 3, 4, 99][..]),
        ("/severity_id", &[0, 1, 2, 3, 4, 5, 6, 99]),
        ("/action_id", &[0, 1, 2]),
        ("/disposition_id", &[0, 1, 2, 14, 17, 25, 99]),
        ("/risk_level_id", &[0, 1, 2, 3, 4]),
    ];
    for event in lines(ExportFormat::Ocsf) {
        for (pointer, expected) in
            [("/category_uid", json!(6)), ("/class_uid", json!(6003)), ("/metadata/version", json!("1.3.0"))]
        {
            assert_eq!(event.pointer(pointer), Some(&expected), "{pointer}");
        }
        for (pointer, numbers) in known {
            let number = event.pointer(pointer).and_then(Value::as_i64).unwrap();
            assert!(numbers.contains(&number), "{pointer}: {number}");
        }
        assert_eq!(event["type_uid"], 600_300 + event["activity_id"].as_i64().unwrap());
        assert!(event["time"].is_i64());
        for required in [
            "/metadata/product/name",
            "/metadata/product/vendor_name",
            "/actor/app_name",
            "/api/operation",
            "/src_endpoint/ip",
        ] {
            assert!(event.pointer(required).is_some_and(|value| value != ""), "{required}: {event}");
        }
        assert!(event["risk_score"].is_i64() && !event.to_string().contains("null"), "{event}");
    }
    let denied = &lines(ExportFormat::Ocsf)[0];
    assert_eq!((&denied["action"], &denied["severity"]), (&json!("Denied"), &json!("High")));
    assert_eq!((&denied["metadata"]["sequence"], &denied["activity_name"]), (&json!(7), &json!("Create")));
}
