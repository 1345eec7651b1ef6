//! The tenant's say over detectors, as an operator changes it.

use crate::world::World;
use serde_json::{Value, json};

fn badge() -> Value {
    json!({
        "id": "acme_badge", "class": "PII", "summary": "Badge number", "pattern": r"\bbadge-([0-9]{6})\b",
        "confidence": "HIGH", "positive": ["badge-204417"], "negative": ["badge-20441"],
    })
}

impl World {
    async fn put_settings(&self, settings: Value) -> crate::world::Answer {
        self.ask("PUT", "settings").json(&json!({ "settings": settings })).send().await
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_by_its_field_and_nothing_is_stored() {
    let world = World::new().await;
    let with = |name: &str, value: Value| {
        let mut detector = badge();
        detector[name] = value;
        json!({ "custom_detectors": [badge(), detector] })
    };
    for (settings, told) in [
        (with("pattern", json!("(?=x)")), "`custom_detectors[1].id` stands twice"),
        (json!({"custom_detectors": [{"id": "x"}]}), "missing field"),
        (
            json!({"custom_detectors": [badge()], "detector_overrides": {"acme_bage": {"weight": 2}}}),
            "did you mean `acme_badge`?",
        ),
        (json!({"detector_overrides": {"email": {"severity": "LOW"}}}), "severity"),
        (
            json!({"detector_overrides": {"email": {"weight": 5}}}),
            "`detector_overrides.email.weight` must be 0 to 4",
        ),
        (json!({"disabled_detectors": ["emial"]}), "did you mean `email`?"),
        (
            json!({"finding_exceptions": [{"detector": "email", "note": "n"}]}),
            "`finding_exceptions[0]` must be limited",
        ),
        (json!({"finding_exceptions": [{"path": "/a"}]}), "note"),
        (json!({"finding_exceptions": [{"path": "/a", "note": ""}]}), "`finding_exceptions[0].note` must be"),
        (json!({"finding_exceptions": [{"path": "/a", "note": "n", "expires_at": "soon"}]}), "expires_at"),
    ] {
        let answer = world.put_settings(settings).await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST"), "{told}");
        assert!(answer.message().contains(told), "expected `{told}` in `{}`", answer.message());
    }
    let mut wrong = badge();
    wrong["positive"] = json!(["badge-204417", "card 204417"]);
    let answer = world.put_settings(json!({ "custom_detectors": [wrong] })).await;
    let told = "`custom_detectors[0].positive[1]` is not found in `card 204417`: the pattern does not match";
    assert_eq!(answer.message(), told);
    assert_eq!(world.get("settings").await["version"], 1);
}

#[tokio::test]
async fn the_hash_follows_the_detectors_and_every_scan_records_it() {
    let world = World::new().await;
    let caller = world.caller().await;
    let shipped = world.get("settings").await["secret_patterns_hash"].clone();
    let build = world.ask("GET", "/debug/build").send().await.ok();
    assert_eq!(build["secret_patterns_hash"], shipped);

    let changed = world.put_settings(json!({ "custom_detectors": [badge()] })).await.ok();
    let own = changed["secret_patterns_hash"].clone();
    assert_ne!(own, shipped);
    let verdict = world.scan(&caller, "https://api.example.com/", json!({"a": "badge-204417"})).await;
    let trace = world.get(&format!("activity/{}", verdict.trace_id)).await;
    assert_eq!((&trace["detectors_hash"], &trace["settings_version"]), (&own, &json!(2)));
    let explained = trace["explanation"].to_string();
    assert!(explained.contains(&own.as_str().unwrap()[..12]), "{explained}");

    // Something else changes, then the detectors go back: the hash says so each time.
    let other = json!({ "custom_detectors": [badge()], "own_domains": ["acme.example"] });
    assert_eq!(world.put_settings(other).await.ok()["secret_patterns_hash"], own);
    assert_eq!(world.post("settings/reset", json!({})).await.ok()["secret_patterns_hash"], shipped);
    // The old scan is explained with the detectors of its time.
    let again = world.post(&format!("activity/{}/explain", verdict.trace_id), json!({})).await.ok();
    assert_eq!(
        (&again["same"], &again["again"]["classifications"]),
        (&json!(true), &json!(["PII"])),
        "{again}"
    );
}

#[tokio::test]
async fn the_list_shows_each_detector_as_it_counts_here() {
    let world = World::new().await;
    let settings = json!({
        "custom_detectors": [badge()],
        "disabled_detectors": ["us_ssn"],
        "detector_overrides": {"email": {"confidence": "LOW", "weight": 0.5}},
    });
    world.put_settings(settings).await.ok();
    let list = world.get("detectors").await;
    assert_eq!(list["settings_version"], 2);
    let all = list["detectors"].as_array().unwrap();
    let told = |id: &str| {
        let entry = all.iter().find(|entry| entry["id"] == id).unwrap();
        json!([entry["origin"], entry["enabled"], entry["confidence"], entry["weight"]])
    };
    assert_eq!(all[0]["id"], "acme_badge");
    assert_eq!(told("acme_badge"), json!(["custom", true, "HIGH", 1.0]));
    assert_eq!(told("us_ssn")[1], json!(false));
    assert_eq!(told("email"), json!(["shipped", true, "LOW", 0.5]));
}

#[tokio::test]
async fn an_earlier_version_is_listed_read_and_restored() {
    let world = World::new().await;
    world.put_settings(json!({ "custom_detectors": [badge()] })).await.ok();
    world.put_settings(json!({ "monitor": true })).await.ok();
    let versions = world.get("settings/versions").await;
    let numbers: Vec<_> =
        versions.as_array().unwrap().iter().map(|v| v["version"].as_u64().unwrap()).collect();
    assert_eq!(numbers, [3, 2, 1]);
    assert_eq!(world.get("settings/versions/2").await["custom_detectors"][0]["id"], "acme_badge");
    let restored = world.post("settings/versions/2/restore", json!({})).await.ok();
    assert_eq!((&restored["version"], &restored["settings"]["monitor"]), (&json!(4), &json!(false)));
    assert_eq!(restored["settings"]["custom_detectors"][0]["id"], "acme_badge");
    assert_eq!(world.post("settings/versions/9/restore", json!({})).await.refusal(), (404, "NOT_FOUND"));
    let log = world.get("audit").await;
    assert!(log.to_string().contains(r#""changed":["custom_detectors","monitor"]"#), "{log}");
}
