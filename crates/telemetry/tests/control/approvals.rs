//! A human decides once, and the agent learns of it.

use crate::world::World;
use interven_types::Decision;
use serde_json::json;
use std::{sync::Arc, time::Duration};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_rulings_at_once_exactly_one_counts() {
    let world = Arc::new(World::new().await);
    world.hold_payments().await;
    let caller = world.caller().await;
    for round in 0..50 {
        let id = world.held_call(&caller, round).await;
        let ruling = |word: &str, note: &str| {
            let (world, path, note) =
                (Arc::clone(&world), format!("approvals/{id}/{word}"), json!({"note": note}));
            tokio::spawn(async move { world.post(&path, note).await })
        };
        let (approved, denied) = tokio::join!(ruling("approve", "fine"), ruling("deny", "no"));
        let (approved, denied) = (approved.unwrap(), denied.unwrap());
        let statuses = [approved.status.as_u16(), denied.status.as_u16()];
        assert!(matches!(statuses, [200, 409] | [409, 200]), "{statuses:?}");
        let (winner, loser) = if statuses[0] == 200 { (approved, denied) } else { (denied, approved) };
        assert_eq!(loser.refusal(), (409, "CONFLICT"));
        let status = winner.json["status"].as_str().unwrap();
        assert!(loser.message().contains(&format!("already {status} by operator")), "{}", loser.message());
        let stored = world.get(&format!("approvals/{id}")).await;
        assert_eq!((&stored["status"], &stored["note"]), (&winner.json["status"], &winner.json["note"]));
    }
}

#[tokio::test]
async fn an_approved_call_passes_once_and_a_denied_one_not_at_all() {
    let world = World::new().await;
    world.hold_payments().await;
    let caller = world.caller().await;
    let id = world.held_call(&caller, 1).await;
    let pending = world.get("approvals?status=pending").await;
    assert_eq!(
        (pending[0]["approval_id"].as_str(), pending.as_array().map(Vec::len)),
        (Some(id.as_str()), Some(1))
    );
    assert_eq!(world.get(&format!("approvals/{id}")).await["request"]["body"], json!({"amount": 1}));

    world.post(&format!("approvals/{id}/approve"), json!({"note": "ticket 7"})).await.ok();
    let again = async |amount| {
        let verdict = world.scan(&caller, "https://pay.example/transfers", json!({"amount": amount})).await;
        verdict.decision
    };
    assert_eq!(again(1).await, Decision::Allow);
    assert_eq!(again(1).await, Decision::RequireApproval);

    let id = world.held_call(&caller, 2).await;
    world.post(&format!("approvals/{id}/deny"), json!({})).await.ok();
    assert_eq!(again(2).await, Decision::Deny);
}

#[tokio::test]
async fn plain_polls_are_limited_and_say_when_to_come_again() {
    let world = World::new().await;
    world.hold_payments().await;
    let id = world.held_call(&world.caller().await, 1).await;
    let path = format!("/approvals/{id}/status");
    let poll = || world.ask("GET", &path).anonymous().send();
    let status = poll().await.ok();
    assert_eq!((&status["status"], &status["decision"]), (&json!("pending"), &json!(null)));
    assert_eq!(status["remaining_seconds"], 600);
    assert!(!status.to_string().contains("pay.example"), "{status}");

    let too_soon = poll().await;
    assert_eq!(too_soon.refusal(), (429, "RATE_LIMITED"));
    assert_eq!(too_soon.headers["retry-after"], "2");
    world.clock.advance(Duration::from_secs(2));
    assert_eq!(poll().await.ok()["remaining_seconds"], 598);
    let unknown =
        world.ask("GET", "/approvals/00000000-0000-0000-0000-000000000000/status").anonymous().send().await;
    assert_eq!(unknown.refusal(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn a_held_poll_answers_as_soon_as_a_human_decides() {
    let world = World::new().await;
    world.hold_payments().await;
    let id = world.held_call(&world.caller().await, 1).await;
    let path = format!("/approvals/{id}/status?wait=25");
    let approve = format!("approvals/{id}/approve");
    let within = Duration::from_secs(10);
    let both =
        async { tokio::join!(world.ask("GET", &path).anonymous().send(), world.post(&approve, json!({}))) };
    let (status, approved) =
        tokio::time::timeout(within, both).await.expect("the poll outlasts the decision");
    approved.ok();
    let status = status.ok();
    assert_eq!((&status["status"], &status["decision"]), (&json!("approved"), &json!("ALLOW")));
    assert!(status["retry_guidance"].as_str().unwrap().contains("it passes once"), "{status}");
}

#[tokio::test]
async fn an_approval_that_nobody_decided_in_time_cannot_be_decided() {
    let world = World::new().await;
    world.hold_payments().await;
    let id = world.held_call(&world.caller().await, 1).await;
    world.clock.advance(Duration::from_secs(601));
    assert_eq!(world.get(&format!("approvals/{id}")).await["status"], "expired");
    let late = world.post(&format!("approvals/{id}/approve"), json!({})).await;
    assert_eq!(late.refusal(), (409, "CONFLICT"));
    assert!(late.message().contains("expired"), "{}", late.message());
}

#[tokio::test]
async fn a_ruling_says_where_it_came_from() {
    let world = World::new().await;
    world.hold_payments().await;
    let caller = world.caller().await;
    for (amount, claimed, noted) in [(1, "cli", "cli"), (2, "console", "console"), (3, "the moon", "api")] {
        let id = world.held_call(&caller, amount).await;
        let ruling =
            world.ask("POST", &format!("approvals/{id}/approve")).claiming(claimed).send().await.ok();
        assert_eq!((&ruling["decided_by"], &ruling["decided_from"]), (&json!("operator"), &json!(noted)));
    }
}
