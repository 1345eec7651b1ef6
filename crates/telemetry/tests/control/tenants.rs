//! Tenants, their people and their settings.

use crate::world::World;
use serde_json::json;

#[tokio::test]
async fn tenants_see_nothing_of_each_other() {
    let world = World::new().await;
    world.hold_payments().await;
    let caller = world.caller().await;
    let approval = world.held_call(&caller, 1).await;
    let trace = world.get("activity").await["rows"][0]["trace_id"].as_str().unwrap().to_owned();
    let policy = world.get("policies").await[0]["policy_id"].as_str().unwrap().to_owned();
    world.post("users", json!({"email": "ada@acme.example", "role": "reviewer"})).await.ok();
    let (agent, key) = (caller.key().agent_id, caller.key().key_id);
    let other = world.post("tenants", json!({"name": "other"})).await.ok();
    let other = other["tenant_id"].as_str().unwrap();

    let foreign = [
        ("GET", format!("agents/{agent}")),
        ("POST", format!("agents/{agent}/suspend")),
        ("POST", format!("agents/{agent}/trust/reset")),
        ("GET", format!("approvals/{approval}")),
        ("POST", format!("approvals/{approval}/approve")),
        ("POST", format!("approvals/{approval}/deny")),
        ("GET", format!("activity/{trace}")),
        ("GET", format!("activity/{trace}/original")),
        ("POST", format!("activity/{trace}/explain")),
        ("DELETE", format!("keys/{key}")),
        ("DELETE", format!("policies/{policy}")),
    ];
    for (method, path) in foreign {
        let answer = world.ask(method, &path).of_tenant(other).send().await;
        assert_eq!(answer.refusal(), (404, "NOT_FOUND"), "{method} {path}");
    }
    let password = json!({"email": "ada@acme.example"});
    let answer = world.ask("POST", "users/password").of_tenant(other).json(&password).send().await;
    assert_eq!(answer.refusal(), (404, "NOT_FOUND"));
    for list in ["agents", "approvals", "keys", "users", "incidents"] {
        let theirs = world.ask("GET", list).of_tenant("other").send().await.ok();
        assert_eq!(theirs, json!([]), "{list}");
        assert_ne!(
            world.get(list).await.as_array().map(Vec::len),
            (list != "incidents").then_some(0),
            "{list}"
        );
    }
    let theirs = world.ask("GET", "activity").of_tenant(other).send().await.ok();
    assert_eq!(theirs["rows"], json!([]));
    assert_eq!(world.get(&format!("approvals/{approval}")).await["status"], "pending");
}

#[tokio::test]
async fn the_tenant_must_be_named_where_there_are_several() {
    let world = World::new().await;
    let ask = || world.ask("GET", "settings");
    assert_eq!(ask().without_tenant().send().await.ok()["version"], 1);
    world.post("tenants", json!({"name": "other"})).await.ok();
    let answer = ask().without_tenant().send().await;
    assert_eq!(answer.refusal(), (400, "INVALID_REQUEST"));
    assert!(answer.message().contains("X-Interven-Tenant"), "{}", answer.message());
    assert_eq!(ask().of_tenant("nobody").send().await.refusal(), (404, "NOT_FOUND"));
    assert_eq!(world.post("tenants", json!({"name": "other"})).await.refusal(), (409, "CONFLICT"));
    assert_eq!(world.post("tenants", json!({"name": " "})).await.refusal(), (400, "INVALID_REQUEST"));
}

#[tokio::test]
async fn settings_are_checked_versioned_and_reset() {
    let world = World::new().await;
    let put = |body: serde_json::Value| world.ask("PUT", "settings").json(&body).send();
    let refused = [
        (json!({"approvals": {"default_ttl_seconds": 59}}), "approvals.default_ttl_seconds"),
        (json!({"approvals": {"default_ttl_seconds": 86_401}}), "approvals.default_ttl_seconds"),
        (json!({"approvals": {"grant_window_seconds": 3_601}}), "approvals.grant_window_seconds"),
        (json!({"approvals": {"deny_window_seconds": 0}}), "approvals.deny_window_seconds"),
        (json!({"risk": {"weights": {"classifier": 2}}}), "risk.weights"),
        (json!({"aprovals": {}}), "aprovals"),
    ];
    for (settings, field) in refused {
        let answer = put(json!({"settings": settings})).await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST"));
        assert!(answer.message().contains(field), "{}", answer.message());
    }
    assert_eq!(world.get("settings").await["version"], 1);

    let shorter = json!({"approvals": {"default_ttl_seconds": 60}});
    let changed = put(json!({"settings": shorter, "if_version": 1})).await.ok();
    assert_eq!(
        (&changed["version"], &changed["settings"]["approvals"]["default_ttl_seconds"]),
        (&json!(2), &json!(60))
    );
    assert_eq!(put(json!({"settings": {}, "if_version": 1})).await.refusal(), (409, "CONFLICT"));
    world.hold_payments().await;
    let approval = world.held_call(&world.caller().await, 1).await;
    let status = world.ask("GET", &format!("/approvals/{approval}/status")).anonymous().send().await.ok();
    assert_eq!(status["remaining_seconds"], 60);

    let reset = world.post("settings/reset", json!({})).await.ok();
    assert_eq!(
        (&reset["version"], &reset["settings"]["approvals"]["default_ttl_seconds"]),
        (&json!(3), &json!(600))
    );
}

#[tokio::test]
async fn people_get_a_password_once_and_it_is_never_read_back() {
    let world = World::new().await;
    let ada = json!({"email": "ada@acme.example", "role": "admin"});
    let created = world.post("users", ada.clone()).await.ok();
    assert_eq!(created["one_time_password"].as_str().unwrap().len(), 23);
    assert!(!created.to_string().contains("argon2"), "{created}");
    let again = world.post("users", json!({"email": "ADA@acme.example", "role": "auditor"})).await;
    assert_eq!(again.refusal(), (409, "CONFLICT"));
    for (email, password) in [("nobody", "long enough, surely"), ("bob@acme.example", "short")] {
        let answer =
            world.post("users", json!({"email": email, "role": "auditor", "password": password})).await;
        assert_eq!(answer.refusal(), (400, "INVALID_REQUEST"));
    }
    let chosen = json!({"email": "ada@acme.example", "password": "a new long password"});
    assert_eq!(world.post("users/password", chosen).await.ok(), json!({}));
    world.post("users/disable", json!({"email": "ada@acme.example"})).await.ok();
    let listed = world.get("users").await;
    assert!(listed[0]["disabled_at"].is_string() && listed[0].get("password_hash").is_none(), "{listed}");
}
