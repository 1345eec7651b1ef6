//! A gateway with a spool, as its callers see it while the store is away and after.

use crate::world::{Answer, World, eventually, faulty_sqlite, spool_in};
use interven_live::SpoolOptions;
use interven_store::{ApprovalStore as _, KeyStore as _};
use interven_testkit::{Fault, FaultyStore};
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};

struct Scene {
    world: World,
    store: Arc<FaultyStore>,
    _directory: tempfile::TempDir,
}

impl Scene {
    async fn start() -> Self {
        Self::with(64 << 20).await
    }

    async fn with(max_bytes: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = faulty_sqlite(directory.path()).await;
        let options = SpoolOptions { max_bytes, ..spool_in(directory.path()) };
        let world = World::start(store.clone(), Some(options)).await;
        // Whoever calls is known from here on.
        assert_eq!(world.say("hello").await.status, 200);
        Self { world, store, _directory: directory }
    }

    /// The store goes away as soon as the caller is known: after a change of the tenant it is looked up again, and when that
    /// happens is not the test's to say. Returns the first answer that went to the spool.
    async fn go_away(&self, fault: Fault) -> Answer {
        let mut first = None;
        eventually("the caller is known", async || {
            self.store.pass();
            assert_eq!(self.world.say("hello").await.status, 200);
            self.store.fail_all(fault);
            first = Some(self.world.say("hello again").await).filter(|answer| answer.status == 200);
            first.is_some()
        })
        .await;
        first.unwrap()
    }

    async fn health(&self) -> (Answer, Answer) {
        let gateway = self.world.agent("GET", "/health", Value::Null).await;
        (gateway, self.world.operator("GET", "/health", Value::Null).await)
    }

    async fn drained(&self) {
        let state = || self.world.live.spool_state().unwrap();
        eventually("the spool is empty", async || state().waiting == 0 && state().bytes < 100).await;
    }
}

fn skipped(answer: &Answer) -> Vec<&str> {
    let skipped = answer.body["coverage"]["skipped"].as_array().unwrap();
    skipped.iter().map(|part| part["what"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn scans_are_answered_without_a_position_and_recorded_later() {
    let scene = Scene::start().await;
    let (world, store) = (&scene.world, &scene.store);
    for fault in [Fault::Before, Fault::After] {
        let spooled = scene.go_away(fault).await;
        assert_eq!(spooled.body["decision"], "ALLOW", "{spooled:?}");
        assert_eq!(spooled.body["ledger_seq"], Value::Null);
        assert!(skipped(&spooled).contains(&"ledger_seq"), "{spooled:?}");
        let (gateway, telemetry) = scene.health().await;
        assert_eq!((gateway.status, &gateway.body["status"]), (200, &json!("degraded")));
        assert!(gateway.body["dependencies"][0]["error"].as_str().unwrap().contains("told to fail"));
        assert_eq!(gateway.body["dependencies"][1]["waiting"], 1);
        assert_eq!(telemetry.status, 503, "nothing can be changed");
        let metrics = world.agent("GET", "/metrics", Value::Null).await.body;
        assert!(metrics.as_str().unwrap().contains("interven_spool_waiting 1\n"), "{metrics}");

        store.pass();
        scene.drained().await;
        let trace = world
            .operator("GET", &format!("/api/telemetry/activity/{}", spooled.text("trace_id")), Value::Null)
            .await;
        assert_eq!((trace.status, &trace.body["decision"]), (200, &json!("ALLOW")), "{trace:?}");
        assert!(trace.body["ledger_seq"].is_u64());
        let (gateway, telemetry) = scene.health().await;
        assert_eq!((gateway.body["status"].as_str(), telemetry.status), (Some("ok"), 200));
    }
    assert!(world.say("and on").await.body["ledger_seq"].is_u64());
}

#[tokio::test]
async fn an_approval_asked_for_meanwhile_is_pending_and_can_be_decided_after() {
    let scene = Scene::start().await;
    let (world, store) = (&scene.world, &scene.store);
    scene.go_away(Fault::Before).await;
    let held = world.create_user("eve").await;
    assert_eq!((held.status, &held.body["decision"]), (200, &json!("REQUIRE_APPROVAL")), "{held:?}");
    assert!(skipped(&held).contains(&"precedent"), "{held:?}");
    let approval = held.text("approval_id");
    assert_eq!(world.create_user("eve").await.text("approval_id"), approval, "asked for once");
    let status = format!("/v1/approvals/{approval}/status");
    let polled = world.agent("GET", &status, Value::Null).await;
    assert_eq!((polled.status, &polled.body["status"]), (200, &json!("pending")), "{polled:?}");
    let respond = json!({"trace_id": held.text("trace_id"), "response_body": 1});
    let refused = world.agent("POST", "/v1/scan/response", respond.clone()).await;
    assert_eq!(refused.code(), (503, "AUDIT_UNAVAILABLE"));

    store.pass();
    scene.drained().await;
    let approve = format!("/api/telemetry/approvals/{approval}/approve");
    assert_eq!(world.operator("POST", &approve, json!({})).await.status, 200);
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(world.agent("GET", &status, Value::Null).await.text("status"), "approved");
    assert_eq!(world.agent("POST", "/v1/scan/response", respond).await.status, 200);
    assert_eq!(world.create_user("eve").await.text("decision"), "ALLOW");
    let waiting = interven_store::ApprovalFilter { limit: 10, ..Default::default() };
    assert_eq!(store.approvals(world.tenant, &waiting, world.live.now()).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_grant_is_not_known_without_the_store_and_not_lost_either() {
    let scene = Scene::start().await;
    let (world, store) = (&scene.world, &scene.store);
    let asked = world.create_user("eve").await.text("approval_id");
    let approve = format!("/api/telemetry/approvals/{asked}/approve");
    assert_eq!(world.operator("POST", &approve, json!({})).await.status, 200);
    // In doubt whether the use was counted: refused.
    store.fail_all(Fault::After);
    assert_eq!(world.create_user("eve").await.code(), (503, "AUDIT_UNAVAILABLE"));
    scene.go_away(Fault::Before).await;
    let held = world.create_user("eve").await;
    assert_eq!(held.text("decision"), "REQUIRE_APPROVAL", "asked anew, never let through");
}

#[tokio::test]
async fn who_is_not_known_is_refused() {
    let scene = Scene::start().await;
    let (world, store) = (&scene.world, &scene.store);
    let minted = world.operator("POST", "/api/telemetry/keys", json!({"name": "never used"})).await;
    scene.go_away(Fault::Before).await;
    let call = json!({"method": "GET", "url": "https://api.github.com/user"});
    let unknown_key = world.agent_with(&minted.text("key"), "POST", "/v1/scan", call.clone()).await;
    assert_eq!(unknown_key.code(), (503, "AUDIT_UNAVAILABLE"));
    let mut of_another = call;
    of_another["agent_name"] = json!("never seen");
    assert_eq!(world.agent("POST", "/v1/scan", of_another).await.code(), (503, "AUDIT_UNAVAILABLE"));
    assert_eq!(world.say("known").await.status, 200);
    store.pass();
    scene.drained().await;
    // A key that was revoked is not let in because the store went away right after.
    let keys = store.keys(world.tenant, interven_types::KeyKind::Live).await.unwrap();
    for key in keys {
        store
            .revoke_key(world.tenant, key.key_id, &interven_store::Actor::system(), world.live.now())
            .await
            .unwrap();
    }
    store.fail_all(Fault::Before);
    eventually("the key is not believed any more", async || world.say("hello").await.status == 503).await;
    store.pass();
    eventually("the key is refused", async || world.say("hello").await.status == 401).await;
}

#[tokio::test]
async fn a_budget_is_not_spent_without_the_store() {
    let scene = Scene::start().await;
    let (world, store) = (&scene.world, &scene.store);
    let settings = json!({"settings": {"budgets": [{"name": "mails", "per": "tenant", "limit": 5}]}});
    let changed = world.operator("PUT", "/api/telemetry/settings", settings).await;
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(world.say("counted").await.status, 200);
    store.fail_all(Fault::Before);
    assert_eq!(world.say("not counted").await.code(), (503, "AUDIT_UNAVAILABLE"));
}

#[tokio::test]
async fn a_spool_that_takes_nothing_more_is_unavailable() {
    let scene = Scene::with(9_000).await;
    let world = &scene.world;
    scene.go_away(Fault::Before).await;
    eventually("the spool is full", async || world.say("hello").await.status == 503).await;
    let (health, _) = scene.health().await;
    assert_eq!((health.status, &health.body["status"]), (503, &json!("unavailable")));
    assert!(health.body["dependencies"][1]["error"].as_str().unwrap().contains("spool_max_bytes"));
    scene.store.pass();
    eventually("it is well again", async || scene.health().await.0.status == 200).await;
    eventually("and records", async || world.say("hello").await.body["ledger_seq"].is_u64()).await;
}
