//! Policies: refused with their place, applied whole, in force at once.

use crate::world::World;
use interven_types::Decision;
use serde_json::{Value, json};

fn names(policies: &Value) -> Vec<(&str, u64)> {
    let list = policies.as_array().unwrap();
    list.iter().map(|p| (p["name"].as_str().unwrap(), p["version"].as_u64().unwrap())).collect()
}

#[tokio::test]
async fn a_mistake_is_named_with_its_place_and_nothing_changes() {
    let world = World::new().await;
    let before = world.get("policies").await;
    assert!(!before.as_array().unwrap().is_empty(), "a new tenant has the default policies");
    let text = "name: x\nrules:\n  - rule_id: a\n    match: { tool_nams: [slack] }\n    action: DENY\n";
    let answer = world.ask("POST", "policies/apply").yaml(text).send().await;
    assert_eq!(answer.refusal(), (400, "INVALID_POLICY"));
    let finding = &answer.json["diagnostics"][0];
    assert_eq!((&finding["severity"], &finding["line"]), (&json!("error"), &json!(4)), "{finding}");
    assert!(finding["message"].as_str().unwrap().contains("did you mean `tool_name`"), "{finding}");

    let good =
        json!({"name": "Fine", "rules": [{"rule_id": "r", "match": {"verbs": ["READ"]}, "action": "DENY"}]});
    let mut bad = good.clone();
    bad["name"] = json!("Twice");
    bad["rules"] = json!([bad["rules"][0], bad["rules"][0]]);
    for refused in
        [json!({"policies": [good, bad]}), json!({"policies": [good, good]}), json!({"policies": []})]
    {
        let answer = world.post("policies/apply", refused).await;
        assert_eq!(answer.refusal(), (400, "INVALID_POLICY"), "{}", answer.json);
        assert!(
            answer.json["diagnostics"].as_array().is_some_and(|list| !list.is_empty()),
            "{}",
            answer.json
        );
    }
    assert_eq!(world.get("policies").await, before);
}

#[tokio::test]
async fn applying_makes_a_version_and_is_in_force_at_once() {
    let world = World::new().await;
    let caller = world.caller().await;
    let decision = async || world.scan(&caller, "https://files.example/upload", json!({})).await.decision;
    let policy = json!({"name": "No uploads", "rules": [
        {"rule_id": "r", "match": {"host_patterns": ["files.example"]}, "action": "DENY"}
    ]});
    let planned = world.post("policies/apply?dry_run=true", policy.clone()).await.ok();
    assert_eq!((names(&planned), planned[0].get("policy_id")), (vec![("No uploads", 1)], None));
    assert_eq!(decision().await, Decision::Allow);

    let applied = world.post("policies/apply", policy.clone()).await.ok();
    assert_eq!((names(&applied), &applied[0]["rules"]), (vec![("No uploads", 1)], &json!(1)));
    assert_eq!(decision().await, Decision::Deny);
    assert_eq!(names(&world.post("policies/apply", policy.clone()).await.ok()), [("No uploads", 2)]);
    let stale = world.post("policies/apply?if_version=1", policy).await;
    assert_eq!(stale.refusal(), (409, "CONFLICT"));

    let id = applied[0]["policy_id"].as_str().unwrap();
    world.ask("DELETE", &format!("policies/{id}")).send().await.ok();
    assert_eq!(decision().await, Decision::Allow);
    assert_eq!(world.ask("DELETE", &format!("policies/{id}")).send().await.refusal(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn a_policy_of_several_environments_is_one_in_each() {
    let world = World::new().await;
    let policy = json!({"name": "Locked", "env_names": ["production", "dev"], "rules": [
        {"rule_id": "r", "match": {"verbs": ["ADMIN"]}, "action": "REQUIRE_APPROVAL"}
    ]});
    let envs = |applied: &Value| -> Vec<String> {
        let list = applied.as_array().unwrap();
        list.iter().map(|p| p["env_name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(envs(&world.post("policies/apply", policy.clone()).await.ok()), ["production", "dev"]);
    let elsewhere = world.post("policies/apply?env=staging", policy).await.ok();
    assert_eq!((envs(&elsewhere), &elsewhere[0]["version"]), (vec!["staging".to_owned()], &json!(1)));
    let listed = world.get("policies").await;
    let locked: Vec<_> = listed.as_array().unwrap().iter().filter(|p| p["name"] == "Locked").collect();
    assert_eq!(locked.len(), 3);
    assert!(locked.iter().all(|p| p["policy"]["env_names"] == json!([p["env_name"]])), "{locked:?}");
}

#[tokio::test]
async fn what_is_odd_is_applied_with_a_warning() {
    let world = World::new().await;
    let shadowed = json!({"name": "Odd", "rules": [
        {"rule_id": "first", "priority": 1, "match": {"tool_names": ["slack"]}, "action": "DENY"},
        {"rule_id": "second", "priority": 2, "match": {"tool_names": ["slack"]}, "action": "SANITIZE"}
    ]});
    let applied = world.post("policies/apply", shadowed).await.ok();
    assert_eq!(applied[0]["warnings"][0]["severity"], "warning", "{applied}");
}

#[tokio::test]
async fn what_the_policies_in_force_overrule_is_applied_with_a_warning() {
    let world = World::new().await;
    let of_chat = |name: &str, action: &str| {
        json!({"name": name, "rules": [
            {"rule_id": "chat", "match": {"tool_names": ["slack"]}, "action": action}
        ]})
    };
    let warnings =
        async |policy: Value| world.post("policies/apply", policy).await.ok()[0]["warnings"].clone();
    assert_eq!(warnings(of_chat("Stop", "DENY")).await, Value::Null);
    let heard = warnings(of_chat("Talk", "ALLOW")).await;
    let expected = "the rule never decides: `chat` of the policy `Stop` denies all that it matches, and the strictest wins";
    assert_eq!((&heard[0]["message"], &heard[0]["path"]), (&json!(expected), &json!("rules[0]")), "{heard}");
    // A policy is not in its own way, nor is one in another environment.
    assert_eq!(warnings(of_chat("Stop", "ALLOW")).await, Value::Null);
    assert_eq!(warnings(of_chat("Talk", "ALLOW")).await, Value::Null);
}

#[tokio::test]
async fn seeding_again_replaces_the_defaults_and_keeps_the_rest() {
    let world = World::new().await;
    world.hold_payments().await;
    let before = world.get("policies").await;
    world.post("policies/seed-defaults", json!({})).await.ok();
    let after = world.get("policies").await;
    let expected: Vec<_> = names(&before)
        .into_iter()
        .map(|(name, v)| (name, if name == "Payments" { v } else { v + 1 }))
        .collect();
    assert_eq!(names(&after), expected);
}
