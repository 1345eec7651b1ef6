use super::*;
use crate::{RedactionPlan, hash_value};
use serde_json::json;
use std::time::{Duration, Instant};

#[test]
fn offsets_are_code_points() {
    let text = format!("{}x😀y", "ü".repeat(1000));
    let span = text.find('x').unwrap()..text.len();
    assert_eq!(Offsets::default().count(0, &text, &span), 1000..1003);
}

fn employee(pattern: &str) -> CustomDetector {
    let text = json!({
        "id": "acme_employee", "class": "PII", "summary": "Employee number", "confidence": "HIGH",
        "pattern": pattern, "positive": ["emp-204417"],
    });
    serde_json::from_value(text).unwrap()
}

fn settings(value: Value) -> TenantSettings {
    serde_json::from_value(value).unwrap()
}

fn classifier(settings: &TenantSettings) -> Classifier {
    Classifier::new(&Options::from(settings)).unwrap()
}

const NOON: i64 = 1_790_078_400_000;

fn noon() -> Timestamp {
    Timestamp::from_unix_ms(NOON)
}

/// Detectors of what counts in `body`, of what is excepted, and the body with all personal data redacted.
fn judge(
    settings: &TenantSettings,
    actions: &[(&str, &str)],
    body: &Value,
) -> (Vec<String>, Vec<String>, Value) {
    let classifier = classifier(settings);
    let classifier = classifier.for_call(noon(), actions);
    let subject = Subject { url: "https://api.example.com/", host: None, headers: &BTreeMap::new(), body };
    let found = classifier.classify(&subject);
    let ids = |hits: Vec<&Hit>| hits.into_iter().map(|hit| hit.detector.clone()).collect();
    let classes = BTreeSet::from(DataClass::ALL);
    let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Low, fields: &[] };
    (
        ids(found.hits.iter().collect()),
        ids(found.excepted.iter().map(|excepted| &excepted.hit).collect()),
        classifier.redact_found(&found, &plan).body,
    )
}

#[test]
fn a_tenants_own_detector_finds_and_redacts_in_any_layer() {
    let settings =
        TenantSettings { custom_detectors: vec![employee(r"\bemp-([0-9]{6})\b")], ..Default::default() };
    let body = json!({"note": "see EMP-1 and emp-204417", "id": "ZW1wLTIwNDQxNyBpcyBoZXJlIG5vdw=="});
    let (found, _, redacted) = judge(&settings, &[], &body);
    assert_eq!(found, ["acme_employee", "acme_employee"]);
    assert_eq!(redacted["note"], "see EMP-1 and emp-[REDACTED:acme_employee]");
    assert_ne!(redacted["id"], body["id"]);
}

#[test]
fn what_is_changed_about_a_shipped_detector_holds() {
    let body = json!({"a": "jane.doe@acme-mail.com"});
    let severity = |settings: &TenantSettings| {
        let subject = Subject { url: "", host: None, headers: &BTreeMap::new(), body: &body };
        classifier(settings).classify(&subject).hits.first().map(|hit| hit.confidence)
    };
    let shipped = severity(&TenantSettings::default()).unwrap();
    let low = settings(json!({"detector_overrides": {"email": {"confidence": "LOW"}}}));
    assert!(shipped > Confidence::Low && severity(&low) == Some(Confidence::Low));
    assert_eq!(severity(&settings(json!({"disabled_detectors": ["email"]}))), None);
    // What another version stored must load.
    let stale =
        settings(json!({"disabled_detectors": ["gone"], "detector_overrides": {"gone": {"weight": 2}}}));
    assert_eq!(severity(&stale), Some(shipped));
}

#[test]
fn the_hash_changes_exactly_when_the_active_detectors_do() {
    let hash = |value: Value| classifier(&settings(value)).patterns_hash().to_owned();
    let shipped = Classifier::builtin().patterns_hash().to_owned();
    let own = json!([employee(r"emp-[0-9]{6}")]);
    for (value, is_same) in [
        (json!({}), true),
        (json!({"finding_exceptions": [{"tool": "slack", "note": "n"}]}), true),
        (json!({"detector_overrides": {"gone": {"weight": 2}}}), true),
        (json!({"detector_overrides": {"email": {"weight": 1}}}), true),
        (json!({"custom_detectors": own, "disabled_detectors": ["acme_employee"]}), true),
        (json!({"detector_overrides": {"email": {"weight": 2}}}), false),
        (json!({"detector_overrides": {"email": {"confidence": "LOW"}}}), false),
        (json!({"disabled_detectors": ["email"]}), false),
        (json!({"custom_detectors": own}), false),
        (json!({"internal_markers": ["Nightingale"]}), false),
    ] {
        assert_eq!(hash(value.clone()) == shipped, is_same, "{value}");
    }
    let with = |pattern| hash(json!({"custom_detectors": [employee(pattern)]}));
    assert_eq!(with("emp-[0-9]{6}"), with("emp-[0-9]{6}"));
    assert_ne!(with("emp-[0-9]{6}"), with("emp-[0-9]{7}"));
}

#[test]
fn an_exception_silences_only_what_it_names() {
    let (jane, john) = ("jane.doe@acme-mail.com", "john.roe@acme-mail.com");
    let body = json!({"people": [{"mail": jane, "phone": "+49 30 901820"}, {"mail": john}], "text": jane});
    let sandbox: &[(&str, &str)] = &[("stripe", "create_customer")];
    let except = |exception: Value| settings(json!({ "finding_exceptions": [exception] }));
    let hash = hash_value(jane);
    for (exception, excepted, mails) in [
        (json!({"value_sha256": hash, "note": "n"}), 2, [true, false, true]),
        (json!({"value_sha256": hash, "path": "/text", "note": "n"}), 1, [false, false, true]),
        (json!({"value_sha256": hash, "detector": "us_ssn", "note": "n"}), 0, [false, false, false]),
        (json!({"value_sha256": hash_value("jane.doe"), "note": "n"}), 0, [false, false, false]),
        (json!({"path": "/people/*/mail", "note": "n"}), 2, [true, true, false]),
        (json!({"path": "/people/1/mail", "note": "n"}), 1, [false, true, false]),
        (json!({"path": "/people", "note": "n"}), 0, [false, false, false]),
        (json!({"path": "/*/*/*", "detector": "email", "note": "n"}), 2, [true, true, false]),
        (json!({"tool": "stripe", "detector": "email", "note": "n"}), 3, [true, true, true]),
        (json!({"tool": "stripe.create_*", "class": "SECRETS", "note": "n"}), 0, [false, false, false]),
        (json!({"tool": "slack", "note": "n"}), 0, [false, false, false]),
        (
            json!({"tool": "stripe", "detector": "email", "note": "n", "expires_at": "2026-09-22T12:00:00Z"}),
            0,
            [false, false, false],
        ),
    ] {
        let (found, silenced, redacted) = judge(&except(exception.clone()), sandbox, &body);
        assert_eq!(silenced, vec!["email"; excepted], "{exception}");
        assert_eq!(found.iter().filter(|id| *id == "email").count(), 3 - excepted, "{exception}");
        assert!(found.iter().any(|id| id.starts_with("phone")), "{exception}: {found:?}");
        let is_kept = [
            redacted["people"][0]["mail"] == jane,
            redacted["people"][1]["mail"] == john,
            redacted["text"] == jane,
        ];
        assert_eq!(is_kept, mails, "{exception}");
    }
    // What the same call does with another tool is not excepted.
    let stripe = except(json!({"tool": "stripe", "note": "n"}));
    let (found, silenced, _) = judge(&stripe, &[("shell", "exec"), ("stripe", "create_customer")], &body);
    assert_eq!((found.len(), silenced.len()), (4, 0));
}

#[test]
fn an_excepted_value_is_known_under_an_encoding_and_its_parts_are_no_findings() {
    let token = "ghp_1234567890abcdefghijABCDEFGHIJ0cEqCi";
    let settings = settings(json!({
        "finding_exceptions": [{"value_sha256": hash_value("jane.doe@acme-mail.com"), "note": "n"}],
    }));
    let body =
        json!({"a": "amFuZS5kb2VAYWNtZS1tYWlsLmNvbSBhbmQgbW9yZSB0ZXh0", "b": format!("token={token}")});
    let (found, silenced, redacted) = judge(&settings, &[], &body);
    assert_eq!(silenced, ["email"]);
    assert_eq!(redacted["a"], body["a"]);
    assert!(!found.contains(&"email".to_owned()) && redacted["b"] != body["b"], "{found:?} {redacted}");
}

#[test]
fn what_an_excepted_finding_stood_before_does_not_take_its_place_unless_it_goes_on() {
    let mut longer = employee(r"\bemp-[0-9]{6}-[A-Z]+\b");
    longer.id = "acme_longer".to_owned();
    longer.confidence = Confidence::Low;
    let mut shorter = employee(r"\bemp-[0-9]{3}");
    shorter.id = "acme_shorter".to_owned();
    let all = [employee(r"\bemp-[0-9]{6}"), longer, shorter];
    let except = json!({
        "custom_detectors": all,
        "finding_exceptions": [{"value_sha256": hash_value("emp-204417"), "detector": "acme_employee", "note": "n"}],
    });
    let judged = |text: &str| {
        let (found, _, redacted) = judge(&settings(except.clone()), &[], &json!({ "a": text }));
        (found, redacted["a"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(judged("emp-204417."), (Vec::new(), "emp-204417.".to_owned()));
    assert_eq!(
        judged("emp-204417-XY"),
        (vec!["acme_longer".to_owned()], "[REDACTED:acme_longer]".to_owned())
    );
}

#[test]
fn without_a_call_nothing_is_excepted() {
    let settings = settings(json!({"finding_exceptions": [{"path": "/a", "note": "n"}]}));
    let body = json!({"a": "jane.doe@acme-mail.com"});
    let subject = Subject { url: "", host: None, headers: &BTreeMap::new(), body: &body };
    assert_eq!(classifier(&settings).classify(&subject).hits.len(), 1);
}

/// Patterns that look to the end of the text for every match, on a text full of their keyword: were the search quadratic,
/// these would take minutes.
#[test]
fn a_tenants_pattern_costs_time_linear_in_the_text() {
    for (pattern, text) in [
        (r"(emp-)[^z]*z", "emp-"),
        (r"emp-(?:.*Z)?", "emp-"),
        (r"(emp)[\s\S]{0,1000}Z|(e)mp-", "emp-"),
        (r"emp-[a-z-]*", "emp-"),
    ] {
        let settings = TenantSettings { custom_detectors: vec![employee(pattern)], ..Default::default() };
        let classifier = classifier(&settings);
        // What the patterns look for stands at the very end.
        let text = text.repeat(400_000 / text.len()) + "zZ";
        let start = Instant::now();
        classifier.classify_text(&text);
        assert!(start.elapsed() < Duration::from_secs(30), "{pattern}: {:?}", start.elapsed());
    }
}

#[test]
fn a_tenants_detector_wins_over_a_general_one_and_has_hosts_of_its_own() {
    let mut own = employee(r"\btoken[=: ]+(acme-[0-9a-f]{32})\b");
    own.class = DataClass::Secrets;
    own.hosts = vec!["*.acme.example".to_owned()];
    let settings = TenantSettings { custom_detectors: vec![own], ..Default::default() };
    let classifier = classifier(&settings);
    let at = |host: &str| {
        let headers = BTreeMap::from([(
            "x-token".to_owned(),
            "token=acme-5f3c9a1e7b2d4c6f8a0b1c2d3e4f5a6b".to_owned(),
        )]);
        let url = format!("https://{host}/");
        let subject = Subject { url: &url, host: Some(host), headers: &headers, body: &Value::Null };
        let hits = classifier.classify(&subject).hits;
        hits.iter().map(|hit| (hit.detector.clone(), hit.confidence)).collect::<Vec<_>>()
    };
    assert_eq!(at("api.acme.example"), [("acme_employee".to_owned(), Confidence::Low)]);
    assert_eq!(at("api.other.example"), [("acme_employee".to_owned(), Confidence::High)]);
}

#[test]
fn equal_values_are_judged_by_their_own_places() {
    let filler = "and so on, ".repeat(60);
    let text =
        format!("e-mail and name: Jane Doe; {filler}name: Jane Doe; {filler}e-mail and name: Jane Doe;");
    let classifier = Classifier::builtin();
    let findings = classifier.classify_text(&text);
    let found: Vec<Confidence> =
        findings.hits.iter().filter(|hit| hit.detector == "person_name").map(|hit| hit.confidence).collect();
    assert_eq!(found, [Confidence::Medium, Confidence::Low, Confidence::Medium]);
}
