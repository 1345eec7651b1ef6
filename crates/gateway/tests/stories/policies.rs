//! Policies replaced under load: in force at once, whole or not at all.

use crate::world::{Agent, World};
use interven_store::KeyScope;
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};
use tokio::task::JoinSet;

/// Two policies that are always replaced together; what they answer tells which set judged.
fn pair(number: usize) -> Value {
    let policy = |side: &str| {
        json!({"name": side, "rules": [{"rule_id": "r", "match": {"host_patterns": ["pair.example"]},
            "action": "DENY", "reason_code": format!("{side}_{number}")}]})
    };
    json!({"policies": [policy("LEFT"), policy("RIGHT")]})
}

/// The number of the pair that judged; both sides must be of one.
async fn judged_by(agent: &Agent) -> usize {
    let answer = agent.scan("POST", "https://pair.example/", json!({})).await;
    let number = |side: &str| {
        let codes = answer.reasons().into_iter().filter_map(|code| code.strip_prefix(side));
        codes.map(|number| number.parse::<usize>().unwrap()).collect::<Vec<_>>()
    };
    let (left, right) = (number("LEFT_"), number("RIGHT_"));
    assert!(left.len() == 1 && left == right, "two sets in one answer: {answer:?}");
    left[0]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn no_answer_mixes_two_sets_and_the_next_call_meets_the_new_one() {
    let world = World::start().await;
    let author = world.agent_with("author", |key| key.scopes = [KeyScope::PoliciesWrite].into()).await;
    let agent = world.agent("bot").await;
    let apply = async |policies: Value| author.post("/v1/policies/apply", policies.to_string()).await;
    assert_eq!(apply(pair(0)).await.status, 200);
    let is_over = Arc::new(AtomicBool::new(false));
    let mut callers = JoinSet::new();
    for _ in 0..3 {
        let (agent, is_over) = (agent.clone(), Arc::clone(&is_over));
        callers.spawn(async move {
            let (mut scans, mut last) = (0, 0);
            while !is_over.load(Ordering::Relaxed) {
                let number = judged_by(&agent).await;
                assert!(number >= last, "a set that was replaced came back: {number} after {last}");
                (scans, last) = (scans + 1, number);
            }
            scans
        });
    }
    for number in 1..=25 {
        assert_eq!(apply(pair(number)).await.status, 200);
        assert_eq!(judged_by(&agent).await, number, "in force when the answer is there");
        let mut broken = pair(number + 1);
        broken["policies"][1]["rules"][0]["match"]["host_patterns"] = json!(["["]);
        assert_eq!(apply(broken).await.code(), "INVALID_POLICY");
        assert_eq!(judged_by(&agent).await, number, "what was in force stays, on both sides");
    }
    is_over.store(true, Ordering::Relaxed);
    let scans: usize = callers.join_all().await.into_iter().sum();
    assert!(scans > 25, "{scans} scans ran beside 25 replacements");
}

#[tokio::test]
async fn of_two_who_save_at_once_the_second_hears_of_the_first() {
    let world = World::start().await;
    let author = world.agent_with("author", |key| key.scopes = [KeyScope::PoliciesWrite].into()).await;
    let policy = json!({"name": "Mine", "rules": []}).to_string();
    let save = async |version: u32| {
        author.post(&format!("/v1/policies/apply?if_version={version}"), policy.clone()).await
    };
    assert_eq!(save(0).await.status, 200);
    assert_eq!(save(1).await.status, 200);
    let late = save(1).await;
    assert_eq!((late.status, late.code()), (409, "CONFLICT"));
    assert!(late.body["error"].as_str().is_some_and(|error| error.contains("version 2")), "{}", late.body);
}
