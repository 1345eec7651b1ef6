//! Daily budgets: exact under concurrency, by day and agent, and the same when a decision is made again.

use crate::world::World;
use interven_live::Caller;
use interven_types::{Decision, ScanRequest, Verdict};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinSet;

impl World {
    async fn budget(&self, budget: Value) {
        let settings = json!({"settings": {"budgets": [budget]}});
        self.ask("PUT", "settings").json(&settings).send().await.ok();
    }

    /// Calls that exceed the budget `pay` get `action`.
    async fn guard(&self, action: &str) {
        let rule =
            json!({"rule_id": "over", "condition": {"daily_budget_exceeded": "pay"}, "action": action});
        let applied = self.post("policies/apply", json!({"name": "Budget", "rules": [rule]})).await.ok();
        assert_eq!(applied[0].get("warnings"), None, "{applied}");
    }

    async fn pay(&self, caller: &Caller, body: Value) -> Verdict {
        self.scan(caller, "https://pay.example/transfers", body).await
    }

    async fn used(&self) -> Vec<(Option<String>, f64)> {
        let budgets = self.get("budgets").await;
        let used = budgets[0]["used"].as_array().unwrap().iter();
        used.map(|used| (used["agent"].as_str().map(str::to_owned), used["used"].as_f64().unwrap())).collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_calls_that_come_together_no_more_pass_than_fit() {
    for round in 0..5 {
        let world = World::new().await;
        world.budget(json!({"name": "pay", "per": "tenant", "limit": 10})).await;
        world.guard("DENY").await;
        let callers = [world.caller().await, world.caller_named("other").await];
        let mut calls = JoinSet::new();
        for number in 0..20 {
            let (live, caller) = (world.live.clone(), callers[number % 2].clone());
            let request = ScanRequest::new("POST", "https://pay.example/x", json!({"number": number}));
            calls.spawn(async move {
                live.scan(&caller, request, Default::default()).await.unwrap().into_parts().0
            });
        }
        let verdicts = calls.join_all().await;
        let passed = verdicts.iter().filter(|verdict| verdict.decision == Decision::Allow).count();
        assert_eq!(passed, 10, "round {round}");
        assert_eq!(world.used().await, [(None, 10.0)]);
        for verdict in verdicts {
            let path = format!("activity/{}/explain", verdict.trace_id);
            let again = world.post(&path, json!({})).await.ok();
            assert_eq!(again["same"], true, "{again}");
        }
    }
}

#[tokio::test]
async fn sums_are_of_what_was_let_through() {
    let world = World::new().await;
    let caller = world.caller().await;
    world.budget(json!({"name": "pay", "per": "agent", "sum": "$.amount", "limit": 100, "match": {"host_patterns": ["pay.example"]}})).await;
    world.guard("REQUIRE_APPROVAL").await;
    let decision = async |body| world.pay(&caller, body).await.decision;
    assert_eq!(decision(json!({"amount": 60.5})).await, Decision::Allow);
    // Held, and so not counted; once a person said yes it is, whatever the limit.
    let held = world.pay(&caller, json!({"amount": 40})).await;
    assert_eq!(held.decision, Decision::RequireApproval);
    assert_eq!(decision(json!({"amount": 39.5})).await, Decision::Allow);
    let elsewhere = async || world.scan(&caller, "https://a.example/", json!({})).await.decision;
    assert_eq!(elsewhere().await, Decision::Allow, "it adds nothing");
    let approval = held.approval.unwrap().approval_id;
    world.post(&format!("approvals/{approval}/approve"), json!({})).await.ok();
    assert_eq!(decision(json!({"amount": 40})).await, Decision::Allow);
    assert_eq!(world.used().await, [(Some("bot".to_owned()), 140.0)]);
    assert_eq!(elsewhere().await, Decision::RequireApproval, "the day is above the limit");
    for closed in [json!({}), json!({"amount": "1"}), json!({"amount": -100})] {
        let verdict = world.pay(&caller, closed.clone()).await;
        assert_eq!(verdict.decision, Decision::RequireApproval, "{closed}");
    }
    // Another agent has a budget of its own.
    let other = world.caller_named("other").await;
    assert_eq!(world.pay(&other, json!({"amount": 100})).await.decision, Decision::Allow);
    assert_eq!(world.used().await, [(Some("bot".to_owned()), 140.0), (Some("other".to_owned()), 100.0)]);
}

#[tokio::test]
async fn a_new_day_begins_at_midnight_of_the_zone() {
    let world = World::new().await;
    let caller = world.caller().await;
    world.budget(json!({"name": "pay", "per": "agent", "limit": 1, "tz": "Pacific/Auckland"})).await;
    world.guard("DENY").await;
    let decision = async || world.pay(&caller, json!({})).await.decision;
    assert_eq!((decision().await, decision().await), (Decision::Allow, Decision::Deny));
    // The clock begins at 14:13:20 UTC: 02:13:20 there.
    world.clock.advance(Duration::from_secs(21 * 3_600 + 45 * 60 + 40));
    assert_eq!(decision().await, Decision::Deny, "one minute before midnight");
    world.clock.advance(Duration::from_secs(60));
    assert_eq!((decision().await, decision().await), (Decision::Allow, Decision::Deny));
}

#[tokio::test]
async fn what_no_budget_answers_is_said() {
    let world = World::new().await;
    let caller = world.caller().await;
    let rule = json!({"rule_id": "over", "condition": {"daily_budget_exceeded": "pya"}, "action": "DENY"});
    let applied = world.post("policies/apply", json!({"name": "Budget", "rules": [rule]})).await.ok();
    let warning = applied[0]["warnings"][0]["message"].as_str().unwrap();
    assert!(warning.contains("no budget `pya`"), "{warning}");
    let verdict = world.pay(&caller, json!({})).await;
    let skipped = verdict.coverage.skipped.iter().find(|skipped| skipped.what == "rule:over").unwrap();
    assert_eq!(skipped.why, "could not be evaluated: the tenant has no budget `pya`");
    for refused in [
        json!({"name": "pay", "per": "agent", "limit": 1, "sum": "amount"}),
        json!({"name": "pay", "per": "agent", "limit": 1, "tz": "Berlin"}),
        json!({"name": "pay", "per": "agent", "limit": 1, "match": {"tool": ["x"]}}),
        json!({"name": "pay", "per": "agent", "limit": -1}),
        json!({"name": "pay", "per": "agent", "limit": 1, "count": true}),
    ] {
        let answer =
            world.ask("PUT", "settings").json(&json!({"settings": {"budgets": [refused]}})).send().await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST"));
        assert!(answer.message().contains("budgets"), "{}", answer.message());
    }
}
