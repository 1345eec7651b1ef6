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
    let expected = "the rule never decides: `chat` of the policy `Stop` denies all that it matches";
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

/// A policy of one rule that denies calls to one host.
fn lock(name: &str, host: &str) -> Value {
    json!({"name": name, "rules": [{"rule_id": "r", "match": {"host_patterns": [host]}, "action": "DENY"}]})
}

#[tokio::test]
async fn every_version_is_kept_with_who_when_and_from_where() {
    let world = World::new().await;
    let caller = world.caller().await;
    let denied = async |host: &str| {
        world.scan(&caller, &format!("https://{host}/x"), json!({})).await.decision == Decision::Deny
    };
    let apply = |host| world.ask("POST", "policies/apply").claiming("cli").json(&lock("Lock", host));
    let id = apply("a.example").send().await.ok()[0]["policy_id"].as_str().unwrap().to_owned();
    assert_eq!(apply("b.example").send().await.ok()[0]["change"], "changed");
    assert_eq!(apply("b.example").send().await.ok()[0]["change"], "unchanged");
    let restored =
        world.post(&format!("policies/{id}/versions/1/restore?if_version=3"), json!({})).await.ok();
    assert_eq!((&restored["version"], &restored["change"]), (&json!(4), &json!("changed")));
    assert_eq!((denied("a.example").await, denied("b.example").await), (true, false));

    world.ask("DELETE", &format!("policies/{id}?if_version=4")).claiming("console").send().await.ok();
    assert!(!denied("a.example").await);
    let listed = async |path| {
        let listed = world.get(path).await;
        listed.as_array().unwrap().iter().filter(|p| p["name"] == "Lock").cloned().collect::<Vec<_>>()
    };
    assert_eq!(listed("policies").await, Vec::<Value>::new());
    assert!(listed("policies?deleted=true").await[0]["deleted_at"].is_string());
    world.post(&format!("policies/{id}/versions/2/restore?if_version=0"), json!({})).await.ok();
    assert!(denied("b.example").await);

    let versions = world.get(&format!("policies/{id}/versions")).await;
    let told: Vec<Value> = versions
        .as_array()
        .unwrap()
        .iter()
        .map(|v| {
            json!([
                v["version"],
                v["rules"],
                v["updated_by"],
                v["updated_from"],
                v["restored_from"],
                v["deleted_from"]
            ])
        })
        .collect();
    let expected = [
        json!([5, 1, "operator", "api", 2, null]),
        json!([4, 1, "operator", "api", 1, "console"]),
        json!([3, 1, "operator", "cli", null, null]),
        json!([2, 1, "operator", "cli", null, null]),
        json!([1, 1, "operator", "cli", null, null]),
    ];
    assert_eq!(told, expected);
    let second = world.get(&format!("policies/{id}/versions/2")).await;
    assert_eq!(second["policy"]["rules"][0]["match"]["host_patterns"], json!(["b.example"]));
    let unknown = world.ask("GET", &format!("policies/{id}/versions/9")).send().await;
    assert_eq!(unknown.refusal(), (404, "NOT_FOUND"));
    let unknown = world.post(&format!("policies/{id}/versions/9/restore"), json!({})).await;
    assert_eq!(unknown.refusal(), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn of_two_who_save_at_once_one_hears_of_the_other() {
    let world = World::new().await;
    let mut saved = 0;
    for round in 0..40 {
        let apply = async |who: &str| {
            let ask = world.ask("POST", &format!("policies/apply?if_version={saved}"));
            ask.claiming(if who == "a" { "cli" } else { "console" })
                .json(&lock("Lock", &format!("{who}{round}.example")))
                .send()
                .await
        };
        let (a, b) = tokio::join!(apply("a"), apply("b"));
        let (won, lost, winner) = if a.status == 200 { (a, b, "cli") } else { (b, a, "console") };
        saved += 1;
        assert_eq!(won.ok()[0]["version"], saved, "round {round}");
        assert_eq!(lost.refusal(), (409, "CONFLICT"), "{}", lost.json);
        let names_the_winner = format!("version {saved} by now, made by operator from {winner}");
        assert!(lost.message().contains(&names_the_winner), "{}", lost.message());
    }
}

#[tokio::test]
async fn a_version_is_expected_of_one_policy_among_several() {
    let world = World::new().await;
    world
        .post("policies/apply", json!({"policies": [lock("A", "a.example"), lock("B", "b.example")]}))
        .await
        .ok();
    let apply = async |versions: Value| {
        let body =
            json!({"policies": [lock("A", "x.example"), lock("B", "y.example")], "if_versions": versions});
        world.post("policies/apply", body).await
    };
    assert_eq!(apply(json!({"A": 1, "B": 2})).await.refusal(), (409, "CONFLICT"));
    assert_eq!(apply(json!({"C": 1})).await.refusal(), (400, "INVALID_POLICY"));
    assert_eq!(apply(json!({"A": "x"})).await.refusal(), (400, "INVALID_REQUEST"));
    assert_eq!(names(&apply(json!({"B": 1})).await.ok()), [("A", 2), ("B", 2)]);
}

/// Each was planned on policies that another has changed before it could be stored; none is lost or refused for it.
#[tokio::test]
async fn many_apply_at_once_and_all_are_in_force() {
    let world = World::new().await;
    let caller = world.caller().await;
    let apply = async |number: usize| {
        world.post("policies/apply", lock(&format!("L{number}"), &format!("h{number}.example"))).await.ok()
    };
    tokio::join!(apply(0), apply(1), apply(2), apply(3), apply(4), apply(5));
    for number in 0..6 {
        let verdict = world.scan(&caller, &format!("https://h{number}.example/x"), json!({})).await;
        assert_eq!(verdict.decision, Decision::Deny, "{number}");
    }
}

#[tokio::test]
async fn an_agents_own_policy_is_asked_first_and_goes_with_its_name() {
    let world = World::new().await;
    let (bot, other) = (world.caller().await, world.caller_named("other").await);
    let decide = async |caller| world.scan(caller, "https://pay.example/x", json!({})).await.decision;
    world.hold_payments().await;
    let own = json!({"name": "Payments", "rules": [
        {"rule_id": "pass", "match": {"host_patterns": ["pay.example"]}, "action": "ALLOW"}
    ]});
    let applied = world.post("policies/apply?agent=bot", own.clone()).await.ok();
    assert_eq!((&applied[0]["agent"], &applied[0]["version"]), (&json!("bot"), &json!(1)));
    assert_eq!(decide(&bot).await, Decision::Allow);
    assert_eq!(decide(&other).await, Decision::RequireApproval);

    let listed = world.get("policies").await;
    let payments: Vec<_> = listed.as_array().unwrap().iter().filter(|p| p["name"] == "Payments").collect();
    assert_eq!(payments.iter().map(|p| &p["agent"]).collect::<Vec<_>>(), [&Value::Null, &json!("bot")]);
    let mut named = own.clone();
    named["agent"] = json!(bot.key().agent_id);
    let again = world.post("policies/apply", named).await.ok();
    assert_eq!((&again[0]["agent"], &again[0]["change"]), (&json!("bot"), &json!("unchanged")));
    let unknown = world.post("policies/apply?agent=nobody", own).await;
    assert_eq!(unknown.refusal(), (400, "INVALID_POLICY"));
    assert!(unknown.message().contains("no agent is `nobody`"), "{}", unknown.message());

    let id = again[0]["policy_id"].as_str().unwrap();
    world.ask("DELETE", &format!("policies/{id}")).send().await.ok();
    assert_eq!(decide(&bot).await, Decision::RequireApproval);
    world.post(&format!("policies/{id}/versions/1/restore"), json!({})).await.ok();
    assert_eq!(decide(&bot).await, Decision::Allow);
}
