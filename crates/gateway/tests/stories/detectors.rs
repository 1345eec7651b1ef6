//! A tenant controls its detectors, and agents meet what it says at once.

use crate::world::{Answer, World};
use interven_types::TenantSettings;
use serde_json::{Value, json};
use std::time::Duration;

const STRIPE: &str = "https://api.stripe.com/v1/customers";

fn settings(value: Value) -> TenantSettings {
    serde_json::from_value(value).unwrap()
}

fn badge() -> Value {
    json!({
        "id": "acme_badge", "class": "PII", "summary": "Badge number", "pattern": r"\bbadge-([0-9]{6})\b",
        "confidence": "HIGH", "positive": ["badge-204417"],
    })
}

impl World {
    /// Stores settings as another process would: the gateway only hears of it.
    async fn store_settings(&self, value: Value) {
        use interven_store::{Actor, TenantStore as _};
        let (settings, now) = (settings(value), self.clock.now());
        self.store.update_settings(self.tenant, &settings, None, &Actor::system(), now).await.unwrap();
    }
}

fn skipped(answer: &Answer) -> Vec<String> {
    let told = |s: &Value| format!("{}: {}", s["what"].as_str().unwrap(), s["why"].as_str().unwrap());
    let all = answer.body["coverage"]["skipped"].as_array().unwrap().iter().map(told);
    all.filter(|told| told.starts_with("detector")).collect()
}

#[tokio::test]
async fn a_detector_of_the_tenants_own_is_used_within_a_second_of_being_stored() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let text = "badge-204417 lost";
    assert_eq!(agent.say(text).await.body["classifications"], json!([]));
    world.store_settings(json!({ "custom_detectors": [badge()] })).await;
    let heard = async {
        loop {
            let answer = agent.say(text).await;
            if answer.decision() == "SANITIZE" {
                break answer;
            }
        }
    };
    let answer = tokio::time::timeout(Duration::from_secs(1), heard).await.expect("it is heard of in time");
    assert_eq!(answer.body["sanitized_body"]["text"], "badge-[REDACTED:acme_badge] lost");
    assert_eq!(answer.body["classifications"], json!(["PII"]));
}

#[tokio::test]
async fn settings_that_cannot_be_loaded_leave_the_last_ones_in_force() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    world.settings(settings(json!({ "custom_detectors": [badge()] }))).await;
    let mut broken = badge();
    broken["pattern"] = json!("badge-(");
    world.store_settings(json!({ "custom_detectors": [broken] })).await;
    assert!(world.live.reload(world.tenant).await.unwrap_err().to_string().contains("acme_badge"));
    assert_eq!(agent.say("badge-204417").await.decision(), "SANITIZE");
}

#[tokio::test]
async fn what_is_switched_off_or_lowered_is_said_or_counts_for_less() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let ask = || agent.say("badge-204417 lost");
    let with = async |change: Value| {
        let mut all = json!({ "custom_detectors": [badge()] });
        all.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        world.settings(settings(all)).await;
    };
    with(json!({})).await;
    ask().await;
    let before = ask().await;
    assert_eq!(before.decision(), "SANITIZE");
    with(json!({"detector_overrides": {"acme_badge": {"weight": 0}}})).await;
    let weightless = ask().await;
    assert_eq!((weightless.decision(), &weightless.body["classifications"]), ("SANITIZE", &json!(["PII"])));
    assert!(weightless.body["risk_score"].as_f64() < before.body["risk_score"].as_f64());
    with(json!({"detector_overrides": {"acme_badge": {"confidence": "LOW"}}})).await;
    assert_eq!(ask().await.body["classifications"], json!([]));
    with(json!({"disabled_detectors": ["acme_badge"]})).await;
    let off = ask().await;
    assert_eq!(off.decision(), "ALLOW");
    assert_eq!(skipped(&off), ["detector:acme_badge: switched off in the tenant's settings"]);
}

#[tokio::test]
async fn an_exception_is_named_in_the_answer_and_ends_with_its_time() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let value = interven_classify::hash_value("536-22-8417");
    let exception = json!({
        "value_sha256": value, "detector": "us_ssn", "note": "number of the test person",
        "expires_at": "2026-09-22T12:30:00Z",
    });
    world.settings(settings(json!({ "finding_exceptions": [exception] }))).await;
    let said = agent.say("her ssn is 536-22-8417").await;
    assert_eq!((said.decision(), &said.body["classifications"]), ("ALLOW", &json!([])), "{said:?}");
    assert_eq!(skipped(&said), ["detector:us_ssn: finding exception: number of the test person (1 finding)"]);
    let both = agent.say("ssn 536-22-8417 and ssn 536-22-8418").await;
    assert_eq!(both.body["sanitized_body"]["text"], "ssn 536-22-8417 and ssn [REDACTED:us_ssn]", "{both:?}");
    world.clock.advance(Duration::from_secs(30 * 60));
    let after = agent.say("her ssn is 536-22-8417").await;
    assert_eq!((after.decision(), skipped(&after).len()), ("SANITIZE", 0));
}

#[tokio::test]
async fn an_exception_for_a_tool_or_a_path_holds_there_alone() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let person = json!({"customer": {"email": "jane.doe@acme-mail.com"}, "text": "john.roe@acme-mail.com"});
    let found = async |exception: Value, url: &str| {
        world.settings(settings(json!({ "finding_exceptions": [exception] }))).await;
        let answer = agent.scan("POST", url, person.clone()).await;
        (answer.body["classifications"] != json!([]), skipped(&answer).len())
    };
    let stripe = json!({"tool": "stripe.*", "class": "PII", "note": "customers go to Stripe"});
    assert_eq!(found(stripe.clone(), STRIPE).await, (false, 1));
    assert_eq!(found(stripe, "https://api.example.org/customers").await, (true, 0));
    let path = json!({"path": "/*/email", "note": "the field is public"});
    assert_eq!(found(path, STRIPE).await, (true, 1));
}
