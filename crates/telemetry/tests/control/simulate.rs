//! A draft of policies, tried on what was recorded.

use crate::world::{Answer, TOKEN, World};
use axum::{body::Body, http::Request};
use http_body_util::BodyExt as _;
use interven_live::{
    Caller, Draft, Ended, NewKeyRequest, ScanRequestContext, SimulationEvent, SimulationWindow,
};
use interven_policy::parse_json;
use interven_store::{ActivityFilter, Actor, ScanEntry, Settled};
use interven_telemetry::seed_tenant;
use interven_types::{ApprovalEffect, ScanRequest, TraceId};
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::sync::mpsc;
use tower::ServiceExt as _;

const SLACK: &str = "https://slack.com/api/chat.postMessage";

/// No real key: put together here, so that no text of this repository looks like one.
fn planted_key() -> String {
    format!("AKIA{}", "Q3EGRZ7XK2MNV4TY")
}

impl World {
    async fn say(&self, caller: &Caller, text: &str) -> String {
        let verdict = self.scan(caller, SLACK, json!({"channel": "c", "text": text})).await;
        verdict.trace_id.to_string()
    }

    async fn try_out(&self, query: &str, draft: Value) -> Answer {
        self.post(&format!("policies/simulate{query}"), draft).await
    }

    /// What a simulation tells at its end.
    async fn simulated(&self, query: &str, draft: Value) -> Value {
        let answer = self.try_out(query, draft).await;
        assert_eq!(answer.status, 200, "{}", answer.json);
        answer.lines.last().unwrap()["report"].clone()
    }
}

/// `SLACK_IS_QUIET` for messages with personal data.
fn quiet() -> Value {
    json!({"name": "Quiet", "rules": [{
        "rule_id": "no-pii", "match": {"tool_names": ["slack"]}, "condition": {"has_data_class": ["PII"]},
        "action": "DENY", "reason_code": "SLACK_IS_QUIET"
    }]})
}

/// The changes of a report: from, to, how many.
fn changes(report: &Value) -> Vec<(&str, &str, u64)> {
    let change = |c: &'_ Value| c["scans"].as_u64().unwrap();
    let list = report["changes"].as_array().unwrap();
    list.iter().map(|c| (c["from"].as_str().unwrap(), c["to"].as_str().unwrap(), change(c))).collect()
}

fn named(example: &Value) -> &str {
    example["trace_id"].as_str().unwrap()
}

#[tokio::test]
async fn a_draft_says_which_calls_it_would_have_decided_otherwise() {
    let world = World::new().await;
    world.hold_payments().await;
    let caller = world.caller().await;
    world.say(&caller, "hello").await;
    let redacted = world.say(&caller, "write to bob@example.org").await;
    let held = world.held_call(&caller, 5).await;
    world.post(&format!("approvals/{held}/approve"), json!({})).await.ok();
    let granted = world.scan(&caller, "https://pay.example/transfers", json!({"amount": 5})).await;
    assert_eq!(granted.reason_codes[0], "RECENT_APPROVAL_GRANT");
    let watched = world.caller_with(NewKeyRequest { monitor: true, ..NewKeyRequest::default() }).await;
    let monitored = world.scan(&watched, SLACK, json!({"channel": "c", "text": planted_key()})).await;
    assert_eq!(monitored.would_be.map(|decision| decision.as_str()), Some("DENY"));

    let draft = json!({"policies": [
        quiet(),
        {"name": "Payments", "rules": [
            {"rule_id": "watch", "mode": "shadow", "match": {"host_patterns": ["pay.example"]}, "action": "DENY"},
            {"rule_id": "large", "condition": {"body_path_gt": {"path": "$.amount", "value": 100}},
             "match": {"host_patterns": ["pay.example"]}, "action": "REQUIRE_APPROVAL"}
        ]}
    ]});
    let answer = world.try_out("", draft).await;
    let report = &answer.lines.last().unwrap()["report"];
    assert_eq!(answer.lines[0], json!({"progress": {"scans": 5, "of": 5}}));
    assert_eq!(changes(report), [("REQUIRE_APPROVAL", "ALLOW", 2), ("SANITIZE", "DENY", 1)], "{report}");
    let [released, stopped] = &report["changes"].as_array().unwrap()[..] else { panic!("{report}") };
    assert_eq!(named(&released["examples"][0]), granted.trace_id.to_string(), "the newest comes first");
    let example = &stopped["examples"][0];
    assert_eq!(named(example), redacted);
    assert_eq!((&example["tool_name"], &example["operation"]), (&json!("slack"), &json!("post_message")));
    assert_eq!((&example["agent_name"], &example["env"]), (&json!("bot"), &json!("default")));
    assert_eq!(example["to"]["rule"], json!({"policy": "Quiet", "rule_id": "no-pii"}));
    assert_eq!(example["to"]["reason_code"], "SLACK_IS_QUIET");
    assert!(example["from"]["rule"]["policy"].as_str().unwrap().starts_with("P5 "), "{example}");

    assert_eq!(
        [&report["scans"], &report["changed"], &report["unchanged"], &report["monitored"]],
        [5, 3, 2, 1].map(|n| json!(n)).each_ref()
    );
    assert_eq!(report["recorded_otherwise"], json!([]), "what a person said is not the core's");
    let used: Vec<_> = report["rules"].as_array().unwrap().iter().collect();
    let counts = used.iter().map(|r| (r["rule_id"].as_str().unwrap(), r["matched"].as_u64().unwrap()));
    assert_eq!(counts.collect::<Vec<_>>(), [("no-pii", 1), ("watch", 2), ("large", 0)], "{report}");
    assert!(!report.to_string().contains("bob@example.org"), "the report holds no content");
}

#[tokio::test]
async fn what_is_in_force_already_changes_nothing() {
    let world = World::new().await;
    let caller = world.caller().await;
    for text in ["hello", "write to bob@example.org", &planted_key()] {
        world.say(&caller, text).await;
    }
    let in_force = world.get("policies").await;
    let policies: Vec<_> = in_force.as_array().unwrap().iter().map(|row| row["policy"].clone()).collect();
    let report = world.simulated("", json!({"policies": policies})).await;
    assert_eq!((&report["scans"], &report["unchanged"]), (&json!(3), &json!(3)), "{report}");
    assert_eq!((&report["changes"], &report["by_another_rule"]), (&json!([]), &json!(0)), "{report}");
}

#[tokio::test]
async fn only_what_the_draft_is_about_is_read() {
    let world = World::new().await;
    let caller = world.caller().await;
    let production = NewKeyRequest { env: Some("production".into()), ..NewKeyRequest::default() };
    let production = world.caller_with(production).await;
    let other = seed_tenant(&world.live, "other", &Actor::system()).await.unwrap().tenant_id;
    let key = NewKeyRequest { name: "ci".into(), ..NewKeyRequest::default() };
    let foreign = world.live.mint_key(other, key, &Actor::system()).await.unwrap();
    let foreign = world.authenticate(&foreign.key).await.unwrap();
    world.say(&foreign, "carol@example.org").await;
    let start = world.clock.now();
    let first = world.say(&caller, "ann@example.org").await;
    world.clock.advance(std::time::Duration::from_secs(60));
    let middle = world.clock.now();
    let second = world.say(&caller, "bob@example.org").await;
    let third = world.say(&production, "dan@example.org").await;
    world.scan(&caller, "https://api.github.com/user", json!({})).await;

    let mut in_production = quiet();
    in_production["env_names"] = json!(["production"]);
    let agents = world.get("agents").await;
    let nobody = uuid::Uuid::nil();
    let bot = agents.as_array().unwrap().iter().find(|agent| agent["name"] == "bot").unwrap();
    let bot = bot["agent_id"].as_str().unwrap();
    let (all, none): (&[&String], &[&String]) = (&[&third, &second, &first], &[]);
    for (query, draft, scans, changed) in [
        (String::new(), quiet(), 4, all),
        ("?env=production".to_owned(), quiet(), 1, &[&third]),
        (String::new(), in_production, 1, &[&third]),
        ("?env=staging".to_owned(), quiet(), 0, none),
        ("?limit=2".to_owned(), quiet(), 2, &[&third]),
        ("?tool=slack".to_owned(), quiet(), 3, all),
        (format!("?since={middle}"), quiet(), 3, &[&third, &second]),
        (format!("?since={start}&until={middle}"), quiet(), 1, &[&first]),
        (format!("?agent_id={bot}&limit=3"), quiet(), 3, &[&third, &second]),
        (format!("?agent_id={nobody}"), quiet(), 0, none),
    ] {
        let report = world.simulated(&query, draft).await;
        let examples = report["changes"].pointer("/0/examples").and_then(Value::as_array);
        let found: Vec<_> = examples.into_iter().flatten().map(named).collect();
        assert_eq!(
            (&report["scans"], found),
            (&json!(scans), changed.iter().map(|id| id.as_str()).collect()),
            "{query}"
        );
    }
    let alone = world.simulated("?alone=true&tool=github", quiet()).await;
    assert_eq!((&alone["alone"], &alone["changed"]), (&json!(true), &json!(0)));
}

#[tokio::test]
async fn a_draft_for_one_agent_is_not_the_policy_of_that_name_for_all() {
    let world = World::new().await;
    let caller = world.caller().await;
    world.say(&caller, "write to bob@example.org").await;
    world.post("policies/apply", quiet()).await.ok();
    let mut draft = quiet();
    draft["agent"] = json!(caller.key().agent_id);
    let report = world.simulated("?alone=true", draft).await;
    assert_eq!(report["rules"].as_array().map(Vec::len), Some(1), "{report}");
}

#[tokio::test]
async fn what_changed_since_is_not_blamed_on_the_draft() {
    let world = World::new().await;
    let caller = world.caller().await;
    let trace = world.say(&caller, "write to bob@example.org").await;
    world.post("policies/apply", quiet()).await.ok();
    let draft = json!({"name": "Unrelated", "rules": [
        {"rule_id": "r", "match": {"tool_names": ["stripe"]}, "action": "DENY"}
    ]});
    let report = world.simulated("", draft.clone()).await;
    assert_eq!(report["changed"], 0, "{report}");
    let expected = json!([{"changed_since": ["policies"], "scans": 1, "examples": [trace]}]);
    assert_eq!(report["recorded_otherwise"], expected);

    let settings = json!({"settings": {"disabled_detectors": ["email"]}});
    let changed = world.ask("PUT", "settings").json(&settings).send().await;
    assert_eq!(changed.status, 200, "{}", changed.json);
    let report = world.simulated("", draft).await;
    let since = &report["recorded_otherwise"][0]["changed_since"];
    assert_eq!(since, &json!(["detectors", "settings", "policies"]), "{report}");
}

#[tokio::test]
async fn what_cannot_be_judged_is_counted_and_named() {
    let world = World::new().await;
    let caller = world.caller().await;
    let whole = world.say(&caller, "write to bob@example.org").await;
    let row = world.live.store.trace(world.tenant, whole.parse().unwrap()).await.unwrap();
    let damaged = TraceId(uuid::Uuid::from_u128(7));
    let entry = ScanEntry {
        trace_id: damaged,
        agent_id: row.agent_id,
        env: row.env.clone(),
        signature: [0; 32],
        idempotency_key: None,
        budgets: Vec::new(),
        rate_limit: None,
        use_of: None,
        now: row.created_at,
        // What was sealed for one row does not open in another.
        settle: Box::new(move |precedent| {
            Some(Settled {
                row: interven_store::ActivityRow { trace_id: damaged, ..row },
                approval: ApprovalEffect::None,
                trust: precedent.trust.clone(),
                trust_events: Vec::new(),
                lesson: None,
                incidents: Vec::new(),
                spendings: Vec::new(),
            })
        }),
    };
    world.live.store.record_scan(world.tenant, entry).await.unwrap();
    let settings = json!({"settings": {"limits": {"scans_per_month": 1}}});
    world.ask("PUT", "settings").json(&settings).send().await.ok();
    let request = ScanRequest::new("POST", SLACK, json!({"text": "over the quota"}));
    world.live.scan(&caller, request, ScanRequestContext::default()).await.unwrap_err();

    let report = world.simulated("", quiet()).await;
    assert_eq!(
        (&report["scans"], &report["changed"], &report["unchanged"]),
        (&json!(3), &json!(1), &json!(0))
    );
    let left_out = &report["not_judged"];
    assert_eq!((&left_out["nothing_evaluated"], &left_out["unreadable"]), (&json!(1), &json!(1)), "{report}");
    assert_eq!(left_out["examples"][0]["trace_id"], damaged.to_string());
    assert_eq!(left_out["examples"][0]["ledger_seq"], 2);
}

#[tokio::test]
async fn a_redaction_that_changes_is_a_change() {
    let world = World::new().await;
    let caller = world.caller().await;
    world.say(&caller, "write to bob@example.org").await;
    let draft = json!({"name": "Also the channel", "rules": [{
        "rule_id": "channel", "match": {"tool_names": ["slack"]}, "action": "SANITIZE", "sanitize_fields": ["$.channel"]
    }]});
    let report = world.simulated("", draft).await;
    assert_eq!(changes(&report), [("SANITIZE", "SANITIZE", 1)], "{report}");
    assert_eq!(report["changes"][0]["redacts_otherwise"], true);
}

#[tokio::test]
async fn nothing_is_changed_and_the_audit_log_says_who_looked() {
    let world = World::new().await;
    let caller = world.caller().await;
    world.say(&caller, "write to bob@example.org").await;
    let state = async || {
        let all = ActivityFilter { limit: 100, ..ActivityFilter::default() };
        let rows = world.live.store.activity(world.tenant, &all).await.unwrap();
        (rows, world.get("policies").await, world.get("agents").await, world.get("approvals").await)
    };
    let before = state().await;
    for (query, draft, code) in [
        ("", json!({"name": "x", "rules": [{"rule_id": "r", "action": "DENNY"}]}), "INVALID_POLICY"),
        ("", json!({"policies": []}), "INVALID_POLICY"),
        ("?limit=0", quiet(), "INVALID_REQUEST"),
        ("?sinse=2026-01-01T00:00:00Z", quiet(), "INVALID_REQUEST"),
        ("?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z", quiet(), "INVALID_REQUEST"),
    ] {
        assert_eq!(world.try_out(query, draft).await.refusal(), (400, code), "{query}");
    }
    let simulations = async || {
        let log = world.get("audit").await;
        let rows = log.as_array().or_else(|| log["rows"].as_array()).unwrap().clone();
        rows.into_iter().filter(|row| row["action"] == "policy.simulate").collect::<Vec<_>>()
    };
    assert!(simulations().await.is_empty(), "a refused draft opens nothing");
    world.simulated("?tool=slack", quiet()).await;
    assert_eq!(state().await, before);
    let [row] = &simulations().await[..] else { panic!("one row") };
    assert_eq!((&row["target"], &row["details"]["tool"]), (&json!("Quiet"), &json!("slack")), "{row}");
    assert_eq!(row["details"]["scans"], 1);
    assert!(!row.to_string().contains("bob@example.org"), "{row}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_simulation_that_nobody_waits_for_ends() {
    const SCANS: u64 = 500;
    let world = Arc::new(World::new().await);
    let caller = world.caller().await;
    let mut recording = tokio::task::JoinSet::new();
    for _ in 0..SCANS {
        let (world, caller) = (Arc::clone(&world), caller.clone());
        recording.spawn(async move { world.say(&caller, "hello").await });
    }
    recording.join_all().await;
    // Nobody simulates yet: what a simulation keeps hold of shows in this count.
    let before = Arc::strong_count(&world.live);
    let prepare = async || {
        let draft = Draft { policies: parse_json(quiet()).unwrap().into(), is_alone: false };
        let window = SimulationWindow::default();
        world.live.prepare_simulation(world.tenant, draft, window, &Actor::system()).await.unwrap()
    };
    let (events, mut heard) = mpsc::channel(1);
    let running = tokio::spawn(prepare().await.run(events));
    let first = heard.recv().await;
    assert!(matches!(first, Some(SimulationEvent::Progress(so_far)) if so_far.of == SCANS), "{first:?}");
    drop(heard);
    let Ended::Abandoned { scans } = running.await.unwrap() else { panic!("it went on to its end") };
    assert!(scans < SCANS, "{scans}");

    // So does one whose answer is dropped: left alone it would wait for its reader, and keep what it works with.
    let request = Request::post("/api/telemetry/policies/simulate")
        .header("authorization", format!("Bearer {TOKEN}"))
        .body(Body::from(quiet().to_string()));
    let mut answer = world.router.clone().oneshot(request.unwrap()).await.unwrap().into_body();
    let line = answer.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(line.starts_with(br#"{"progress":"#), "{line:?}");
    assert!(Arc::strong_count(&world.live) > before);
    drop(answer);
    let is_over = async {
        while Arc::strong_count(&world.live) > before {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), is_over).await.expect("it ends");

    // Its places are free again.
    let (events, mut heard) = mpsc::channel(1);
    let running = tokio::spawn(prepare().await.run(events));
    while heard.recv().await.is_some() {}
    assert_eq!(running.await.unwrap(), Ended::Told);
}
