//! Who may do what, of every route that there is.

use crate::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The routes that answer anybody.
const OPEN: [&str; 6] = [
    "GET /approvals/{approval_id}",
    "GET /approvals/{approval_id}/status",
    "GET /debug/build",
    "GET /health",
    "GET /metrics",
    "GET /openapi.json",
];

/// POSTs that change nothing. The list may only shrink.
const UNAUDITED: [&str; 1] = ["POST /api/telemetry/activity/{trace_id}/explain"];

/// Every operation of the API description, as `METHOD /path`.
fn operations() -> BTreeSet<String> {
    let description = serde_json::to_value(interven_telemetry::openapi()).unwrap();
    let paths = description["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let methods = ["get", "put", "post", "delete", "patch"].into_iter().filter(|m| item.get(m).is_some());
        methods.map(|method| format!("{} {path}", method.to_uppercase())).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[tokio::test]
async fn no_route_but_the_open_ones_answers_without_the_operators_token() {
    let world = World::new().await;
    let key = world
        .post("keys", json!({"name": "agent", "scopes": ["scan", "policies:write", "keys:write"]}))
        .await
        .ok();
    let key = key["key"].as_str().unwrap();
    let all = operations();
    assert!(OPEN.iter().all(|open| all.contains(*open)), "{all:?}");
    for operation in all.iter().filter(|operation| !OPEN.contains(&operation.as_str())) {
        let (method, template) = operation.split_once(' ').unwrap();
        let path: String = template
            .split('/')
            .map(|part| if part.starts_with('{') { uuid::Uuid::nil().to_string() } else { part.to_owned() })
            .collect::<Vec<_>>()
            .join("/");
        let ask = || world.ask(method, &path).json(&json!({"not": "even read"}));
        for answer in [
            ask().anonymous().send().await,
            ask().with_token("").send().await,
            ask().with_token("the-operator's-tokem").send().await,
            ask().with_token(key).send().await,
        ] {
            assert_eq!(answer.refusal(), (401, "INVALID_KEY"), "{operation}");
        }
    }
}

#[tokio::test]
async fn the_open_routes_need_nothing() {
    let world = World::new().await;
    for path in ["/health", "/debug/build", "/openapi.json"] {
        world.ask("GET", path).anonymous().send().await.ok();
    }
    let metrics = world.ask("GET", "/metrics").anonymous().send().await;
    assert_eq!(metrics.status, 200);
    let build = world.ask("GET", "/debug/build").anonymous().send().await.ok();
    assert_eq!(build["secret_patterns_hash"].as_str().map(str::len), Some(64));
}

#[tokio::test]
async fn every_change_leaves_an_audit_row_with_who_made_it() {
    let world = World::new().await;
    world.hold_payments().await;
    let caller = world.caller().await;
    let [to_approve, to_deny] = [world.held_call(&caller, 1).await, world.held_call(&caller, 2).await];
    let agent = caller.key().agent_id;
    let policy = world.get("policies").await[0]["policy_id"].as_str().unwrap().to_owned();
    let key = caller.key().key_id;
    let credential = json!({"tool": "github", "kind": "bearer", "secret": "ghp-old"});
    let credential = world.post("credentials", credential).await.ok()["credential_id"].clone();
    let credential = credential.as_str().unwrap();
    let changes = [
        ("POST /api/telemetry/tenants", "tenants".into(), json!({"name": "other"})),
        ("POST /api/telemetry/users", "users".into(), json!({"email": "ada@acme.example", "role": "admin"})),
        ("POST /api/telemetry/users/password", "users/password".into(), json!({"email": "ada@acme.example"})),
        ("POST /api/telemetry/users/disable", "users/disable".into(), json!({"email": "ada@acme.example"})),
        ("POST /api/telemetry/keys", "keys".into(), json!({"name": "second"})),
        ("DELETE /api/telemetry/keys/{key}", format!("keys/{key}"), json!({})),
        (
            "POST /api/telemetry/credentials",
            "credentials".into(),
            json!({"tool": "slack", "kind": "bearer", "secret": "xoxb-new"}),
        ),
        ("DELETE /api/telemetry/credentials/{id}", format!("credentials/{credential}"), json!({})),
        (
            "POST /api/telemetry/agents/{agent_id}/trust/reset",
            format!("agents/{agent}/trust/reset"),
            json!({}),
        ),
        ("POST /api/telemetry/agents/{agent_id}/suspend", format!("agents/{agent}/suspend"), json!({})),
        ("POST /api/telemetry/agents/{agent_id}/reactivate", format!("agents/{agent}/reactivate"), json!({})),
        (
            "POST /api/telemetry/approvals/{approval_id}/approve",
            format!("approvals/{to_approve}/approve"),
            json!({}),
        ),
        ("POST /api/telemetry/approvals/{approval_id}/deny", format!("approvals/{to_deny}/deny"), json!({})),
        (
            "POST /api/telemetry/policies/apply",
            "policies/apply".into(),
            json!({"name": "N", "rules": [{"rule_id": "r", "match": {"verbs": ["READ"]}, "action": "ALLOW"}]}),
        ),
        (
            "POST /api/telemetry/policies/simulate",
            "policies/simulate".into(),
            json!({"name": "N", "rules": [{"rule_id": "r", "match": {"verbs": ["READ"]}, "action": "ALLOW"}]}),
        ),
        ("POST /api/telemetry/policies/seed-defaults", "policies/seed-defaults".into(), json!({})),
        ("DELETE /api/telemetry/policies/{policy_id}", format!("policies/{policy}"), json!({})),
        (
            "POST /api/telemetry/policies/{policy_id}/versions/{version}/restore",
            format!("policies/{policy}/versions/1/restore"),
            json!({}),
        ),
        ("PUT /api/telemetry/settings", "settings".into(), json!({"settings": {"retention_days": 30}})),
        ("POST /api/telemetry/retention/run", "retention/run".into(), json!({})),
        ("POST /api/telemetry/settings/reset", "settings/reset".into(), json!({})),
        ("POST /api/telemetry/encryption/rotate", "encryption/rotate".into(), json!({})),
        (
            "POST /api/telemetry/settings/versions/{version}/restore",
            "settings/versions/1/restore".into(),
            json!({}),
        ),
    ];
    let covered: BTreeSet<String> =
        changes.iter().map(|(operation, ..)| *operation).chain(UNAUDITED).map(str::to_owned).collect();
    let mutating: BTreeSet<String> = operations().into_iter().filter(|o| !o.starts_with("GET ")).collect();
    assert_eq!(covered, mutating, "a new mutation needs a case here");
    for (operation, path, body) in changes {
        let by_operator = async || world.audit().await.iter().filter(|(_, who)| who == "operator").count();
        let before = by_operator().await;
        let (method, _) = operation.split_once(' ').unwrap();
        world.ask(method, &path).json(&body).send().await.ok();
        assert!(by_operator().await > before, "{operation} left no audit row");
    }
    let log = world.get("audit?limit=1").await;
    assert_eq!(
        (log[0]["actor"]["name"].as_str(), log[0]["actor"]["origin"].as_str()),
        (Some("operator"), Some("api"))
    );
}

#[tokio::test]
async fn what_cannot_be_read_is_answered_in_the_shape_of_errors() {
    let world = World::new().await;
    let cases = [
        (world.ask("GET", "agents/bob").send().await, (400, "INVALID_REQUEST")),
        (world.ask("GET", "activity?limit=0").send().await, (400, "INVALID_REQUEST")),
        (world.ask("GET", "activity?agnet_id=1").send().await, (400, "INVALID_REQUEST")),
        (world.ask("GET", "activity?wait=5").send().await, (400, "INVALID_REQUEST")),
        (world.ask("POST", "keys").yaml("name: x").send().await, (400, "INVALID_REQUEST")),
        (
            world.post("keys", json!({"name": "x", "ip_alowlist": ["10.0.0.0/8"]})).await,
            (400, "INVALID_REQUEST"),
        ),
        (world.ask("PATCH", "keys").send().await, (405, "METHOD_NOT_ALLOWED")),
        (world.ask("GET", "nothing").send().await, (404, "NOT_FOUND")),
    ];
    for (answer, expected) in cases {
        assert_eq!(answer.refusal(), expected, "{}", answer.json);
        assert!(!answer.message().is_empty());
    }
}
