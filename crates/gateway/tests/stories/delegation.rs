//! One agent hands a task to another.

use crate::world::{Agent, Answer, World, aws_key};
use interven_store::{Actor, AgentOverride, AgentStore as _, ApprovalDecision};
use interven_types::AgentStatus;
use serde_json::{Value, json};

impl Agent {
    async fn hand(&self, to: &Agent, method: &str, payload: Value) -> Answer {
        let task = json!({
            "from_agent_id": self.agent_id, "to_agent_id": to.agent_id, "method": method,
            "intent": "as the customer asked", "payload": payload,
        });
        self.post("/v1/a2a/scan", task.to_string()).await
    }
}

#[tokio::test]
async fn a_task_is_judged_like_any_call() {
    let world = World::start().await;
    let (planner, worker) = (world.agent("planner").await, world.agent("worker").await);
    let allowed = planner.hand(&worker, "summarize_tickets", json!({"queue": "billing"})).await;
    assert_eq!((allowed.status, allowed.decision()), (200, "ALLOW"), "{allowed:?}");
    assert_eq!(
        (&allowed.body["tool_name"], &allowed.body["operation"]),
        (&json!("a2a"), &json!("summarize_tickets"))
    );
    assert!(allowed.body["ledger_seq"].is_u64());
    use interven_store::ActivityStore as _;
    let row = world
        .store
        .trace(world.tenant, allowed.body["trace_id"].as_str().unwrap().parse().unwrap())
        .await
        .unwrap();
    assert_eq!((row.agent_id, row.agent_name.as_str()), (planner.agent_id, "planner"));

    let rules = json!({"name": "tasks", "rules": [
        {"rule_id": "no-secrets", "match": {"tools": ["a2a"]}, "condition": {"has_data_class": ["SECRETS"]}, "action": "DENY", "reason_code": "SECRET_IN_TASK"},
        {"rule_id": "mask", "match": {"tools": ["a2a"]}, "condition": {"has_data_class": ["PII"]}, "action": "SANITIZE", "reason_code": "MASKED"},
        {"rule_id": "ask", "match": {"tools": ["a2a"], "operations": ["delete_branch"]}, "action": "REQUIRE_APPROVAL", "reason_code": "ASK"},
    ]});
    world.apply(interven_policy::parse_json(rules).unwrap()).await;
    let denied = planner.hand(&worker, "deploy", json!({"key": aws_key()})).await;
    assert_eq!((denied.decision(), denied.reasons()[0]), ("DENY", "SECRET_IN_TASK"));
    let masked = planner.hand(&worker, "write_mail", json!({"to": "ana@acme.test"})).await;
    assert_eq!(masked.decision(), "SANITIZE", "{masked:?}");
    assert_eq!(masked.body["sanitized_body"]["intent"], "as the customer asked");
    assert!(!masked.body["sanitized_body"].to_string().contains("ana@acme"));
    let held = planner.hand(&worker, "delete_branch", json!({"branch": "old"})).await;
    assert_eq!(held.decision(), "REQUIRE_APPROVAL");
    world.decide(&held.body["approval_id"], ApprovalDecision::Approve).await;
    assert_eq!(planner.hand(&worker, "delete_branch", json!({"branch": "old"})).await.decision(), "ALLOW");
    // To another agent it is another task.
    let third = world.agent("third").await;
    assert_eq!(
        planner.hand(&third, "delete_branch", json!({"branch": "old"})).await.decision(),
        "REQUIRE_APPROVAL"
    );
}

#[tokio::test]
async fn nothing_is_handed_across_tenants_environments_or_to_the_suspended() {
    let world = World::start().await;
    let planner = world.agent("planner").await;
    let foreign = world.agent_in(world.tenant_named("other").await, "worker", |_| {}).await;
    let elsewhere = world.agent_with("deployer", |key| key.env = "production".to_owned()).await;
    let suspended = world.agent("suspended").await;
    let now = world.clock.now();
    world
        .store
        .set_agent_status(world.tenant, suspended.agent_id, AgentStatus::Suspended, &Actor::system(), now)
        .await
        .unwrap();
    let nobody = foreign.called("0190a000-0000-7000-8000-000000000000".parse().unwrap());
    for target in [&foreign, &elsewhere, &nobody, &suspended] {
        let refused = planner.hand(target, "summarize", json!({})).await;
        assert_eq!((refused.status, refused.code()), (403, "AGENT_NOT_REACHABLE"), "{refused:?}");
    }
    // Whoever may name any environment can be reached from any.
    let roaming = world
        .agent_with("roaming", |key| {
            key.env = "production".to_owned();
            key.env_override = true;
        })
        .await;
    assert_eq!(planner.hand(&roaming, "summarize", json!({})).await.status, 200);
    // An agent that was named by a key of this environment is in it.
    planner.send(json!({"method": "GET", "url": "https://acme.test/", "agent_name": "helper"})).await;
    let helper = world
        .store
        .agents(world.tenant)
        .await
        .unwrap()
        .into_iter()
        .find(|agent| agent.name == "helper")
        .unwrap();
    let helper = planner.called(helper.agent_id);
    assert_eq!(planner.hand(&helper, "summarize", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_task_that_cannot_be_judged_is_refused() {
    let world = World::start().await;
    let (planner, worker) = (world.agent("planner").await, world.agent("worker").await);
    let bound = world.agent_with("bound", |key| key.agent_override = AgentOverride::None).await;
    let (from, to) = (planner.agent_id.to_string(), worker.agent_id.to_string());
    for (agent, task, status, code) in [
        (&planner, json!({"to_agent_id": to, "method": "a"}), 400, "INVALID_REQUEST"),
        (&planner, json!({"from_agent_id": from, "method": "a"}), 400, "INVALID_REQUEST"),
        (
            &planner,
            json!({"from_agent_id": from, "to_agent_id": "worker", "method": "a"}),
            400,
            "INVALID_REQUEST",
        ),
        (&planner, json!({"from_agent_id": from, "to_agent_id": to}), 400, "INVALID_REQUEST"),
        (&planner, json!({"from_agent_id": from, "to_agent_id": to, "method": ""}), 400, "INVALID_REQUEST"),
        (
            &planner,
            json!({"from_agent_id": from, "to_agent_id": to, "method": "x".repeat(201)}),
            400,
            "INVALID_REQUEST",
        ),
        (
            &planner,
            json!({"from_agent_id": from, "to_agent_id": to, "method": "a", "intent": 7}),
            400,
            "INVALID_REQUEST",
        ),
        (&bound, json!({"from_agent_id": from, "to_agent_id": to, "method": "a"}), 403, "AGENT_NOT_ALLOWED"),
    ] {
        let refused = agent.post("/v1/a2a/scan", task.to_string()).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{task}: {refused:?}");
    }
    world.live.revoke_key(world.tenant, planner.key_id, &Actor::system()).await.unwrap();
    assert_eq!(planner.hand(&worker, "a", json!({})).await.code(), "INVALID_KEY");
    let unscoped = world.agent_with("unscoped", |key| key.scopes.clear()).await;
    assert_eq!(unscoped.hand(&worker, "a", json!({})).await.code(), "SCOPE_MISSING");
}
