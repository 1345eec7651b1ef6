//! Every call to the store fails once, before or after it did its work. Nothing is claimed that is not so, and the same
//! request succeeds afterwards.

use crate::world::{Answer, World, eventually, faulty_sqlite};
use interven_store::{KeyStore as _, Store};
use interven_testkit::{Fault, FaultyStore};
use interven_types::TraceId;
use serde_json::{Value, json};
use std::sync::Arc;

/// More calls than any one request makes.
const MOST_CALLS: u64 = 60;

struct Story {
    world: World,
    store: Arc<FaultyStore>,
    fault: Fault,
}

impl Story {
    /// Sends the same request with the first call failing, then the second, until none fails; gives that answer to `check`, and every
    /// other 200 too. `is_done` are answers that say it was done before.
    async fn tell(
        &self,
        what: &str,
        is_done: &[(u16, &str)],
        mut send: impl AsyncFnMut(&World, u64) -> Answer,
        mut check: impl AsyncFnMut(&World, &Answer),
    ) -> Answer {
        let mut failed = Vec::new();
        for number in 1..MOST_CALLS {
            // Whatever is remembered of the caller is looked up again.
            eventually("the tenant loads", async || self.world.live.reload(self.world.tenant).await.is_ok())
                .await;
            self.store.fail_nth(number, self.fault);
            let answer = send(&self.world, number).await;
            let method = self.store.failed();
            self.store.pass();
            let context = format!("{what}, call {number} ({method:?}) failing {:?}: {answer:?}", self.fault);
            match answer.status {
                200 => check(&self.world, &answer).await,
                503 => {
                    assert!(method.is_some(), "refused for nothing: {context}");
                    assert!(matches!(answer.code().1, "AUDIT_UNAVAILABLE" | "UNAVAILABLE"), "{context}");
                    assert!(answer.body.get("decision").is_none(), "{context}");
                    let sentence = answer.text("error");
                    assert!(!sentence.contains("nothing was changed"), "{context}");
                }
                _ => assert!(is_done.contains(&answer.code()), "{context}"),
            }
            match method {
                Some(method) => failed.push(method),
                None => {
                    assert!(answer.status == 200 || is_done.contains(&answer.code()), "{context}");
                    assert!(!failed.is_empty() || what == "health", "the store was never asked: {context}");
                    return answer;
                }
            }
        }
        panic!("{what} never passed: {failed:?}");
    }

    fn stored(&self) -> &dyn Store {
        self.store.as_ref()
    }
}

/// The record of an answered scan says what the answer said.
async fn is_recorded(world: &World, answer: &Answer) {
    let trace: TraceId = answer.text("trace_id").parse().unwrap();
    let row = world.live.store.trace(world.tenant, trace).await.unwrap();
    assert_eq!(json!(row.decision), answer.body["decision"]);
    assert_eq!(json!(row.ledger_seq), answer.body["ledger_seq"]);
}

async fn any(_: &World, _: &Answer) {}

async fn whole_story(fault: Fault) {
    let directory = tempfile::tempdir().unwrap();
    let store = faulty_sqlite(directory.path()).await;
    let world = World::start(store.clone(), None).await;
    let story = Story { world, store, fault };

    let said = story.tell("a scan", &[], async |world, _| world.say("hello").await, is_recorded).await;
    let trace = said.text("trace_id");
    let by_name = async |world: &World, number| {
        let call = json!({"method": "GET", "url": "https://api.github.com/user", "agent_name": format!("new {number}")});
        world.agent("POST", "/v1/scan", call).await
    };
    story.tell("a scan of a new agent", &[], by_name, is_recorded).await;
    let respond = async |world: &World, _| {
        let body = json!({"trace_id": trace, "response_body": {"ok": true}, "response_status": 200});
        world.agent("POST", "/v1/scan/response", body).await
    };
    story.tell("a response", &[], respond, any).await;

    let held =
        story.tell("a held scan", &[], async |world, _| world.create_user("eve").await, is_recorded).await;
    let approval = held.text("approval_id");
    let poll = async |world: &World, _| {
        world.clock.advance(std::time::Duration::from_secs(2));
        world.agent("GET", &format!("/v1/approvals/{approval}/status"), Value::Null).await
    };
    let polled = story.tell("a poll", &[], poll, any).await;
    assert_eq!(polled.text("status"), "pending");
    let approve = async |world: &World, _| {
        world.operator("POST", &format!("/api/telemetry/approvals/{approval}/approve"), json!({})).await
    };
    let approved = async |world: &World, answer: &Answer| {
        assert_eq!(answer.text("status"), "approved");
        let id = approval.parse().unwrap();
        let row = world.live.store.approval(world.tenant, id, world.live.now()).await.unwrap();
        assert_eq!(json!(row.status), answer.body["status"]);
    };
    story.tell("approve", &[(409, "CONFLICT")], approve, approved).await;
    // The use may have been counted though nobody heard of it: then a human is asked again, and nothing passes twice.
    let retried =
        story.tell("a retry", &[], async |world, _| world.create_user("eve").await, is_recorded).await;
    assert!(["ALLOW", "REQUIRE_APPROVAL"].contains(&retried.text("decision").as_str()), "{retried:?}");
    let log = story.stored().activity(story.world.tenant, &everything()).await.unwrap();
    let allowed =
        log.iter().filter(|row| row.operation == held.text("operation") && json!(row.decision) == "ALLOW");
    assert_eq!(allowed.count(), 1, "one grant, one use");

    let other = story.tell(
        "another held scan",
        &[],
        async |world, _| world.create_user("mallory").await,
        is_recorded,
    );
    let other = other.await.text("approval_id");
    let deny = async |world: &World, _| {
        world.operator("POST", &format!("/api/telemetry/approvals/{other}/deny"), json!({})).await
    };
    story.tell("deny", &[(409, "CONFLICT")], deny, any).await;
    let denied = story
        .tell("a denied scan", &[], async |world, _| world.create_user("mallory").await, is_recorded)
        .await;
    assert_eq!(denied.text("decision"), "DENY");

    let policy = json!({"name": "no slack", "rules": [
        {"rule_id": "r", "match": {"tools": ["slack"]}, "action": "DENY"}]});
    let apply = async |world: &World, _| {
        world.operator("POST", "/api/telemetry/policies/apply", policy.clone()).await
    };
    story.tell("apply a policy", &[], apply, any).await;
    eventually("the policy is in force", async || story.world.say("hello").await.body["decision"] == "DENY")
        .await;

    let limits = json!({"settings": {"limits": {"scans_per_minute": 100_000}}});
    let change =
        async |world: &World, _| world.operator("PUT", "/api/telemetry/settings", limits.clone()).await;
    let changed = async |world: &World, answer: &Answer| {
        let row = world.live.store.settings(world.tenant).await.unwrap();
        assert_eq!(json!(row.version), answer.body["version"]);
    };
    story.tell("change the settings", &[], change, changed).await;
    eventually("they are in force", async || {
        let tenant = story.world.live.tenant(story.world.tenant).unwrap();
        tenant.settings.limits.scans_per_minute == Some(100_000)
    })
    .await;

    let mint = async |world: &World, number| {
        world.operator("POST", "/api/telemetry/keys", json!({"name": format!("key {number}")})).await
    };
    let minted = async |world: &World, answer: &Answer| {
        let call = json!({"method": "GET", "url": "https://api.github.com/user"});
        let scanned = world.agent_with(&answer.text("key"), "POST", "/v1/scan", call).await;
        assert_eq!(scanned.status, 200, "a key that was given out works: {scanned:?}");
    };
    let key = story.tell("make a key", &[], mint, minted).await;
    let id = key.body["record"]["key_id"].as_str().unwrap();
    let revoke = async |world: &World, _| {
        world.operator("DELETE", &format!("/api/telemetry/keys/{id}"), Value::Null).await
    };
    story.tell("revoke a key", &[], revoke, any).await;
    let call = json!({"method": "GET", "url": "https://api.github.com/user"});
    let refused = story.world.agent_with(&key.text("key"), "POST", "/v1/scan", call).await;
    assert_eq!(refused.code(), (401, "INVALID_KEY"));

    for path in [
        "activity",
        "approvals?status=pending",
        "agents",
        "policies",
        "keys",
        "settings",
        "audit",
        "incidents",
    ] {
        let read = async |world: &World, _| {
            world.operator("GET", &format!("/api/telemetry/{path}"), Value::Null).await
        };
        story.tell(path, &[], read, any).await;
    }
    assert_positions(&story).await;
}

fn everything() -> interven_store::ActivityFilter {
    interven_store::ActivityFilter { after_seq: Some(0), limit: 1_000, ..Default::default() }
}

/// Positions without a gap, traces without a double.
async fn assert_positions(story: &Story) {
    let rows = story.stored().activity(story.world.tenant, &everything()).await.unwrap();
    let positions: Vec<_> = rows.iter().map(|row| row.ledger_seq).collect();
    assert_eq!(positions, (1..=rows.len() as u64).collect::<Vec<_>>());
    let traces: std::collections::BTreeSet<_> = rows.iter().map(|row| row.trace_id).collect();
    assert_eq!(traces.len(), rows.len());
}

#[tokio::test]
async fn a_call_that_does_nothing_is_never_answered_as_done() {
    whole_story(Fault::Before).await;
}

#[tokio::test]
async fn a_call_that_was_done_unheard_is_never_done_twice() {
    whole_story(Fault::After).await;
}

/// A change whose announcement could not be followed up reaches the gateway all the same.
#[tokio::test]
async fn a_revoked_key_is_refused_though_the_tenant_could_not_be_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let store = faulty_sqlite(directory.path()).await;
    let world = World::start(store.clone(), None).await;
    assert_eq!(world.say("hello").await.status, 200);
    let keys = store.keys(world.tenant, interven_types::KeyKind::Live).await.unwrap();
    // The revocation is made, and from then on nothing can be read.
    let actor = interven_store::Actor::system();
    store.revoke_key(world.tenant, keys[0].key_id, &actor, world.live.now()).await.unwrap();
    store.fail_all(Fault::Before);
    eventually("the key is not believed any more", async || world.say("hello").await.status != 200).await;
    store.pass();
    eventually("the key is refused", async || world.say("hello").await.code() == (401, "INVALID_KEY")).await;
}
