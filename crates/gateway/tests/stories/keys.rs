//! Keys made over the gateway: an agent's own for one task, and lasting ones.

use crate::world::{Agent, Answer, World};
use interven_store::{
    AgentStore as _, ApprovalDecision, AuditStore as _, KeyRecord, KeyScope, KeyStore as _, TenantStore as _,
};
use interven_types::{KeyKind, Secret};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

const ADMIN_SECRET: &str = "the secret of whoever hands out keys, and of nobody else";

impl Agent {
    async fn mint(&self, asked: Value) -> Answer {
        self.post("/v1/keys/ephemeral", asked.to_string()).await
    }

    /// The same agent with a key of its own making.
    async fn for_a_task(&self, asked: Value) -> Agent {
        let minted = self.mint(asked).await;
        assert_eq!(minted.status, 200, "{minted:?}");
        self.with_key(&minted.body["key"])
    }

    async fn read_issues(&self) -> Answer {
        self.scan("GET", "https://api.github.com/repos/acme/site/issues", Value::Null).await
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_for_one_task_says_what_it_is_for_and_ends() {
    let world = World::start().await;
    let agent = world.agent("builder").await;
    let scope = json!({"tools": ["slack"], "verbs": ["WRITE"]});
    let minted = agent.mint(json!({"ttl_seconds": 60, "max_uses": 2, "scope": scope})).await;
    assert_eq!(minted.status, 200);
    let key = text(&minted.body["key"]);
    assert!(key.starts_with("iv_eph_") && key.starts_with(&text(&minted.body["prefix"])), "{minted:?}");
    assert_eq!((&minted.body["max_uses"], &minted.body["scope"]), (&json!(2), &scope));

    let task = agent.with_key(&minted.body["key"]);
    assert_eq!(task.say("hello").await.decision(), "ALLOW");
    assert_eq!(task.say("again").await.decision(), "ALLOW");
    let exhausted = task.say("once more").await;
    assert_eq!((exhausted.status, exhausted.code()), (401, "INVALID_KEY"));

    let by_default = agent.for_a_task(json!({})).await;
    world.clock.advance(Duration::from_secs(600));
    let expired = by_default.say("too late").await;
    assert_eq!((expired.status, expired.code()), (401, "INVALID_KEY"));
    assert_eq!(agent.say("the key that made them goes on").await.decision(), "ALLOW");
}

#[tokio::test]
async fn a_call_outside_its_scope_is_denied_before_policy_and_opens_an_incident() {
    let world = World::start().await;
    let agent = world.agent("builder").await;
    let task = agent
        .for_a_task(
            json!({"max_uses": 9, "scope": {"tools": ["slack", "github.read_issues"], "verbs": ["READ"]}}),
        )
        .await;
    assert_eq!(task.read_issues().await.decision(), "ALLOW");

    let outside = task.scan("DELETE", "https://api.github.com/repos/acme/site", Value::Null).await;
    assert_eq!(
        (outside.status, outside.decision(), outside.reasons()[0]),
        (200, "DENY", "EPHEMERAL_SCOPE_VIOLATION")
    );
    let violations = outside.body["violations"].as_array().unwrap();
    assert_eq!(violations[0]["kind"], "tool");
    assert_eq!(violations[0]["allowed"], json!(["github.read_issues", "slack"]));
    assert_eq!((&violations[1]["kind"], &violations[1]["allowed"]), (&json!("verb"), &json!(["READ"])));
    assert!(outside.body.get("policy_id").is_none(), "no policy was asked: {outside:?}");
    let skipped = outside.body["coverage"]["skipped"].to_string();
    assert!(skipped.contains("policies"), "{skipped}");

    let incidents = world.store.incidents(world.tenant, 10).await.unwrap();
    assert_eq!(incidents[0].trigger, "EPHEMERAL_SCOPE_VIOLATION", "{incidents:?}");

    let replay = world
        .live
        .replay(world.tenant, outside.body["trace_id"].as_str().unwrap().parse().unwrap())
        .await
        .unwrap();
    assert_eq!(replay.differences, Vec::<String>::new());
}

#[tokio::test]
async fn a_command_is_outside_when_any_of_what_it_does_is() {
    let world = World::start().await;
    let agent = world.agent("builder").await;
    let task = agent.for_a_task(json!({"max_uses": 9, "scope": {"tools": ["shell"]}})).await;
    let plain = task.scan("POST", "shell://exec", json!({"command": "ls -l"})).await;
    assert_eq!(plain.decision(), "ALLOW", "{plain:?}");
    let mixed = json!({"command": "ls; curl -X POST https://slack.com/api/chat.postMessage -d text=hi"});
    let outside = task.scan("POST", "shell://exec", mixed).await;
    assert_eq!((outside.decision(), outside.reasons()[0]), ("DENY", "EPHEMERAL_SCOPE_VIOLATION"));
}

#[tokio::test]
async fn a_call_that_waits_takes_its_use_when_it_is_answered_at_last() {
    let world = World::start().await;
    let agent = world.agent("builder").await;
    let task = agent.for_a_task(json!({})).await;
    let held = task.create_user("eve").await;
    assert_eq!(held.decision(), "REQUIRE_APPROVAL");
    world.decide(&held.body["approval_id"], ApprovalDecision::Approve).await;
    let status = task.get(&format!("/v1/approvals/{}/status", text(&held.body["approval_id"]))).await;
    assert_eq!(status.body["status"], "approved");
    assert_eq!(task.create_user("eve").await.decision(), "ALLOW");
    assert_eq!(task.create_user("eve").await.status, 401);
}

#[tokio::test]
async fn it_is_never_more_than_the_key_that_made_it() {
    let world = World::start().await;
    let lasting = |record: &mut KeyRecord| {
        record.scopes.insert(KeyScope::PoliciesWrite);
        record.scopes.insert(KeyScope::KeysWrite);
        record.expires_at = Some(record.created_at.saturating_add(Duration::from_secs(30)));
    };
    let agent = world.agent_with("builder", lasting).await;
    let task = agent.for_a_task(json!({"max_uses": 9})).await;
    assert_eq!(task.mint(json!({})).await.code(), "SCOPE_MISSING", "keys for one task make none");
    assert_eq!(task.post("/v1/policies/apply", "{}").await.code(), "SCOPE_MISSING");
    assert_eq!(task.post("/v1/keys", "{}").await.code(), "SCOPE_MISSING");
    let made = world.store.keys(world.tenant, KeyKind::Ephemeral).await.unwrap();
    let parent = world.store.keys(world.tenant, KeyKind::Live).await.unwrap().remove(0);
    assert_eq!(made[0].expires_at, parent.expires_at, "it does not outlive it");

    // A new name behind a new key washes nothing.
    for _ in 0..4 {
        let denied = agent
            .scan("POST", "https://slack.com/api/chat.postMessage", json!({"text": crate::world::aws_key()}))
            .await;
        assert_eq!(denied.decision(), "DENY");
    }
    let renamed =
        task.send(json!({"method": "GET", "url": "https://acme.test/", "agent_name": "somebody else"})).await;
    assert_eq!(renamed.status, 200, "{renamed:?}");
    let agents = world.store.agents(world.tenant).await.unwrap();
    let somebody = agents.iter().find(|agent| agent.name == "somebody else").unwrap();
    assert!(somebody.trust.trust_score < 1.0, "{somebody:?}");

    let actor = interven_store::Actor::system();
    world.live.revoke_key(world.tenant, agent.key_id, &actor).await.unwrap();
    assert_eq!(task.say("hello").await.code(), "INVALID_KEY");
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_by_field() {
    let world = World::start().await;
    let agent = world.agent("builder").await;
    for (asked, told) in [
        (json!({"ttl_seconds": 0}), "`ttl_seconds` must be 1 to 86400"),
        (json!({"ttl_seconds": 86_401}), "`ttl_seconds` must be 1 to 86400"),
        (json!({"max_uses": 0}), "`max_uses` must be 1 to 1000"),
        (json!({"max_uses": 1_001}), "`max_uses` must be 1 to 1000"),
        (json!({"max_uses": -1}), "`max_uses`: invalid value"),
        (json!({"ttl_seconds": "long"}), "`ttl_seconds`: invalid type"),
        (json!({"scope": {"verbs": ["PUSH"]}}), "`scope.verbs"),
        (json!({"scope": {"tool": ["slack"]}}), "`scope"),
        (json!({"scope": {"tools": [""]}}), "`scope.tools`"),
        (json!({"scope": {"tools": (0..65).map(|n| n.to_string()).collect::<Vec<_>>()}}), "names 65 tools"),
        (json!({"description": "x".repeat(201)}), "`description` is longer"),
        (json!([]), "must be a JSON object"),
        (json!({"scope": []}), "`scope`: invalid type: sequence, expected an object"),
        (json!({"scope": [["slack"], ["READ"]]}), "expected an object"),
        (json!({"scope": agent.key}), "`scope`: invalid type: a string, expected an object"),
        (json!({"scope": {"tools": ["slack*"]}}), "names, not patterns"),
    ] {
        let refused = agent.mint(asked.clone()).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_REQUEST"), "{asked}");
        let error = text(&refused.body["error"]);
        assert!(error.contains(told) && !error.contains(&agent.key), "{asked}: {refused:?}");
    }
    let none = world.store.keys(world.tenant, KeyKind::Ephemeral).await.unwrap();
    assert!(none.is_empty(), "{none:?}");
}

/// Sends with any bearer, or none.
async fn ask(
    world: &World,
    method: Method,
    path: &str,
    bearer: Option<&str>,
    headers: &[(&str, &str)],
    body: Value,
) -> Answer {
    let mut request = interven_testkit::http_client().request(method, format!("{}{path}", world.url()));
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer);
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    Answer::read(request.body(body.to_string()).send().await.unwrap()).await
}

#[tokio::test]
async fn lasting_keys_are_made_by_those_who_may() {
    let world =
        World::with_gateway(|gateway| gateway.keys_admin_secret = Some(Secret::new(ADMIN_SECRET))).await;
    let agent = world.agent("builder").await;
    let maker = world
        .agent_with("maker", |key| {
            key.scopes.insert(KeyScope::KeysWrite);
        })
        .await;
    // It cannot scan, so it makes none that can, not even by saying nothing.
    let clerk = world.agent_with("clerk", |key| key.scopes = [KeyScope::KeysWrite].into()).await;
    let other = world.tenant_named("other").await;
    let stranger = world
        .agent_in(other, "stranger", |key| {
            key.scopes.insert(KeyScope::KeysWrite);
        })
        .await;
    let new = json!({"name": "ci"});
    let post = |bearer: Option<String>, headers: Vec<(&'static str, &'static str)>, body: Value| {
        let world = &world;
        async move { ask(world, Method::POST, "/v1/keys", bearer.as_deref(), &headers, body).await }
    };
    for (bearer, headers, body, status, code) in [
        (None, vec![], new.clone(), 401, "INVALID_KEY"),
        (Some("wrong".to_owned()), vec![], new.clone(), 401, "INVALID_KEY"),
        (Some(agent.key.clone()), vec![], new.clone(), 403, "SCOPE_MISSING"),
        (
            Some(maker.key.clone()),
            vec![],
            json!({"name": "ci", "scopes": ["policies:write"]}),
            403,
            "SCOPE_MISSING",
        ),
        (Some(maker.key.clone()), vec![], json!({"name": "ci", "monitor": true}), 403, "SCOPE_MISSING"),
        (Some(clerk.key.clone()), vec![], new.clone(), 403, "SCOPE_MISSING"),
        (Some(maker.key.clone()), vec![], json!({"name": ""}), 400, "INVALID_REQUEST"),
        (Some(maker.key.clone()), vec![], json!({"name": "ci", "scope": ["scan"]}), 400, "INVALID_REQUEST"),
        (Some(ADMIN_SECRET.to_owned()), vec![], new.clone(), 400, "INVALID_REQUEST"),
        (Some(ADMIN_SECRET.to_owned()), vec![("x-interven-tenant", "nobody")], new.clone(), 404, "NOT_FOUND"),
    ] {
        let refused = post(bearer, headers, body.clone()).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{body} {refused:?}");
    }
    let by_admin = post(
        Some(ADMIN_SECRET.to_owned()),
        vec![("x-interven-tenant", "acme")],
        json!({"name": "ci", "scopes": ["scan", "policies:write"]}),
    )
    .await;
    assert_eq!(by_admin.status, 201, "{by_admin:?}");
    // A key stays in its own tenant, whatever it names.
    let by_key = post(Some(maker.key.clone()), vec![("x-interven-tenant", "other")], new).await;
    assert_eq!(by_key.body["record"]["tenant_id"], json!(world.tenant.to_string()));
    let made = agent.with_key(&by_key.body["key"]);
    assert_eq!(made.say("hello").await.decision(), "ALLOW");

    let path = format!("/v1/keys/{}", text(&by_key.body["record"]["key_id"]));
    let foreign = ask(&world, Method::DELETE, &path, Some(&stranger.key), &[], Value::Null).await;
    assert_eq!((foreign.status, foreign.code()), (404, "NOT_FOUND"));
    let unscoped = ask(&world, Method::DELETE, &path, Some(&agent.key), &[], Value::Null).await;
    assert_eq!(unscoped.code(), "SCOPE_MISSING");
    for _ in 0..2 {
        let revoked = ask(&world, Method::DELETE, &path, Some(&maker.key), &[], Value::Null).await;
        assert_eq!(revoked.status, 204);
    }
    assert_eq!(made.say("hello").await.code(), "INVALID_KEY");
    assert_eq!(world.store.tenants().await.unwrap().len(), 2);
}
