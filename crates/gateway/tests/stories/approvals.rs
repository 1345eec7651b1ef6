//! A human decides once; the identical retry follows.

use crate::world::{Agent, World};
use interven_store::ApprovalDecision::{Approve, Deny};
use interven_types::{ApprovalSettings, TenantSettings};
use serde_json::json;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_approved_call_passes_once() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let held = agent.create_user("carol").await;
    world.decide(&held.body["approval_id"], Approve).await;
    let retry = agent.create_user("carol").await;
    assert_eq!((retry.decision(), retry.reasons()[0]), ("ALLOW", "RECENT_APPROVAL_GRANT"), "{retry:?}");
    let again = agent.create_user("carol").await;
    assert_eq!(again.decision(), "REQUIRE_APPROVAL");
    assert_ne!(again.body["approval_id"], held.body["approval_id"]);
}

#[tokio::test]
async fn two_retries_at_once_do_not_share_one_grant() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    for round in 0..20 {
        let name = format!("user{round}");
        let held = agent.create_user(&name).await;
        world.decide(&held.body["approval_id"], Approve).await;
        let (one, two) = tokio::join!(agent.create_user(&name), agent.create_user(&name));
        let mut decisions = [one.decision(), two.decision()];
        decisions.sort_unstable();
        assert_eq!(decisions, ["ALLOW", "REQUIRE_APPROVAL"], "round {round}");
    }
}

#[tokio::test]
async fn a_clients_own_retry_counts_as_one_use() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let held = agent.create_user("dave").await;
    world.decide(&held.body["approval_id"], Approve).await;
    let send = async |key: &str| {
        let request = json!({"method": "POST", "url": "https://iam.amazonaws.com/",
            "body": {"Action": "CreateUser", "UserName": "dave", "Version": "2010-05-08"}});
        agent.post_with("/v1/scan", request.to_string(), &[("Idempotency-Key", key)]).await
    };
    assert_eq!(send("attempt-1").await.decision(), "ALLOW");
    assert_eq!(send("attempt-1").await.decision(), "ALLOW");
    assert_eq!(send("attempt-2").await.decision(), "REQUIRE_APPROVAL");
}

#[tokio::test]
async fn while_pending_the_same_approval_answers() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let (one, two) = tokio::join!(agent.create_user("erin"), agent.create_user("erin"));
    assert_eq!(one.body["approval_id"], two.body["approval_id"]);
    let differently_written = json!({"method": "post", "url": "HTTPS://IAM.amazonaws.com:443/",
        "body": {"Version": "2010-05-08", "UserName": "erin", "Action": "CreateUser"}});
    assert_eq!(agent.send(differently_written).await.body["approval_id"], one.body["approval_id"]);
    assert_ne!(agent.create_user("erin2").await.body["approval_id"], one.body["approval_id"]);
}

#[tokio::test]
async fn a_denied_call_stays_denied_for_its_window() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let held = agent.create_user("frank").await;
    world.decide(&held.body["approval_id"], Deny).await;
    let retry = agent.create_user("frank").await;
    assert_eq!((retry.decision(), retry.reasons()[0]), ("DENY", "RECENT_APPROVAL_DENIED"));
    world.clock.advance(11 * MINUTE);
    assert_eq!(agent.create_user("frank").await.decision(), "REQUIRE_APPROVAL");
}

#[tokio::test]
async fn another_agents_identical_call_profits_nothing() {
    let world = World::start().await;
    let (agent, other) = (world.agent("bot").await, world.agent("other").await);
    let held = agent.create_user("grace").await;
    world.decide(&held.body["approval_id"], Approve).await;
    assert_eq!(other.create_user("grace").await.decision(), "REQUIRE_APPROVAL");
    assert_eq!(agent.create_user("grace").await.decision(), "ALLOW");
}

#[tokio::test]
async fn a_grant_ends_with_its_window_and_waiting_with_its_ttl() {
    let world = World::start().await;
    let approvals =
        ApprovalSettings { default_ttl_seconds: 120, grant_window_seconds: 60, ..Default::default() };
    world.settings(TenantSettings { approvals, ..Default::default() }).await;
    let agent = world.agent("bot").await;
    let held = agent.create_user("heidi").await;
    world.decide(&held.body["approval_id"], Approve).await;
    world.clock.advance(MINUTE);
    let late = agent.create_user("heidi").await;
    assert_eq!(late.decision(), "REQUIRE_APPROVAL");

    world.clock.advance(2 * MINUTE);
    let status =
        agent.get(&format!("/v1/approvals/{}/status", late.body["approval_id"].as_str().unwrap())).await;
    assert_eq!(status.body["status"], "expired", "{status:?}");
    assert_ne!(agent.create_user("heidi").await.body["approval_id"], late.body["approval_id"]);
}

#[tokio::test]
async fn a_full_queue_denies_that_agent_alone() {
    let world = World::start().await;
    let approvals = ApprovalSettings { max_pending_per_agent: 2, ..Default::default() };
    world.settings(TenantSettings { approvals, ..Default::default() }).await;
    let (noisy, other) = (world.agent("noisy").await, world.agent("other").await);
    noisy.create_user("a").await;
    noisy.create_user("b").await;
    let third = noisy.create_user("c").await;
    assert_eq!((third.decision(), third.reasons()[0]), ("DENY", "APPROVAL_QUEUE_FULL"));
    assert_eq!(noisy.create_user("a").await.decision(), "REQUIRE_APPROVAL");
    assert_eq!(other.create_user("c").await.decision(), "REQUIRE_APPROVAL");
}

#[tokio::test]
async fn approval_and_redaction_are_both_kept() {
    let world = World::start().await;
    let hold = json!({"name": "Hold Slack", "rules": [
        {"rule_id": "hold", "tool_names": ["slack"], "action": "REQUIRE_APPROVAL"}]});
    world.apply(interven_policy::parse_json(hold).unwrap()).await;
    let agent = world.agent("bot").await;
    let held = agent.say("ssn 536-22-8417").await;
    assert_eq!(held.decision(), "REQUIRE_APPROVAL");
    assert!(held.body.get("sanitized_body").is_none());
    world.decide(&held.body["approval_id"], Approve).await;
    let granted = agent.say("ssn 536-22-8417").await;
    assert_eq!(granted.decision(), "SANITIZE", "{granted:?}");
    assert_eq!(granted.body["sanitized_body"]["text"], "ssn [REDACTED:us_ssn]");
}

#[tokio::test]
async fn a_grant_does_not_outrank_a_deny_rule() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let held = agent.create_user("ivan").await;
    world.decide(&held.body["approval_id"], Approve).await;
    let deny =
        json!({"name": "No IAM", "rules": [{"rule_id": "iam", "tool_names": ["aws"], "action": "DENY"}]});
    world.apply(interven_policy::parse_json(deny).unwrap()).await;
    assert_eq!(agent.create_user("ivan").await.decision(), "DENY");
}

#[tokio::test]
async fn a_waiting_poll_answers_the_moment_a_human_decides() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let held = agent.create_user("judy").await;
    let path = status_path(&held.body["approval_id"]);
    let waiting = tokio::spawn({
        let (agent, path) = (agent.clone(), format!("{path}?wait=25"));
        async move { agent.get(&path).await }
    });
    world.decide(&held.body["approval_id"], Approve).await;
    let answer = tokio::time::timeout(Duration::from_secs(5), waiting).await.unwrap().unwrap();
    assert_eq!((&answer.body["status"], &answer.body["decision"]), (&json!("approved"), &json!("ALLOW")));
}

#[tokio::test]
async fn plain_polls_are_limited_and_strangers_see_nothing() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let held = agent.create_user("ken").await;
    let path = status_path(&held.body["approval_id"]);
    let first = agent.get(&path).await;
    assert_eq!((first.status, &first.body["status"]), (200, &json!("pending")));
    assert_eq!(first.body["remaining_seconds"], 600);
    let second = agent.get(&path).await;
    assert_eq!((second.status, second.code(), second.retry_after), (429, "RATE_LIMITED", Some(2)));
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(agent.get(path.strip_prefix("/v1").unwrap()).await.status, 200);

    let colleague = world.agent("colleague").await;
    assert_eq!(colleague.get(&path).await.status, 404);
    for broken in ["/v1/approvals/xyz/status".to_owned(), format!("{path}?wait=abc")] {
        assert_eq!(agent.get(&broken).await.code(), "INVALID_REQUEST", "{broken}");
    }
    let foreign = world.tenant_named("other").await;
    let stranger: Agent = world.agent_in(foreign, "spy", |_| {}).await;
    assert_eq!(stranger.get(&path).await.status, 404);
}

fn status_path(approval: &serde_json::Value) -> String {
    format!("/v1/approvals/{}/status", approval.as_str().unwrap())
}

#[tokio::test]
async fn what_a_double_or_a_header_hides_is_another_call() {
    let world = World::start().await;
    let agent = world.agent("bot").await;
    let hold = json!({"name": "hold", "rules": [{"rule_id": "hold", "match": {"tools": ["custom_proxy"]}, "action": "REQUIRE_APPROVAL", "reason_code": "HELD"}]});
    world.apply(interven_policy::parse_json(hold).unwrap()).await;
    let call = |extra: &str| format!(r#"{{"method":"PATCH","url":"https://bank.example/accounts"{extra}}}"#);
    let overrides = |name: &str| format!(r#","headers":{{"{name}":"DELETE"}}"#);
    for (approved, other) in [
        (r#","body":{"to":12345678901234567}"#.to_owned(), r#","body":{"to":12345678901234568}"#.to_owned()),
        (r#","body":[9007199254740992]"#.to_owned(), r#","body":[9007199254740993]"#.to_owned()),
        (r#","body":1"#.to_owned(), format!(r#","body":1{}"#, overrides("X-HTTP-Method-Override"))),
        (r#","body":2"#.to_owned(), format!(r#","body":2{}"#, overrides("X-HTTP-Method"))),
        (r#","body":3"#.to_owned(), format!(r#","body":3{}"#, overrides("X-Method-Override"))),
    ] {
        let held = agent.post("/v1/scan", call(&approved)).await;
        world.decide(&held.body["approval_id"], Approve).await;
        let retry = agent.post("/v1/scan", call(&other)).await;
        assert_eq!(retry.decision(), "REQUIRE_APPROVAL", "{other} is not {approved}");
        assert_eq!(agent.post("/v1/scan", call(&approved)).await.decision(), "ALLOW", "{approved}");
    }
    let beyond = agent.post("/v1/scan", call(r#","body":{"to":123456789012345678901234}"#)).await;
    assert_eq!((beyond.status, beyond.code()), (400, "INVALID_REQUEST"));
}
