//! With the real gateway: approvals, the record, and what came back.

use super::world::{Proxy, Upstream, answer};
use crate::world::World;
use serde_json::json;
use std::{fs, thread};

fn proxy(world: &World, flags: &[&str]) -> Proxy {
    Proxy::start(|command| {
        command.arg("--data-dir").arg(world.data_dir()).args(flags);
    })
}

#[test]
fn a_call_waits_for_a_person_and_goes_when_they_agree() {
    let world = World::start();
    let rules = world.home().path().join("held.yaml");
    fs::write(
        &rules,
        "policies:\n  - name: held\n    rules:\n      - { rule_id: held, priority: 1, match: { url_patterns: [\"*://**/held*\"] }, \
         action: REQUIRE_APPROVAL, reason_code: HELD }\n",
    )
    .unwrap();
    let file = rules.to_str().unwrap();
    world.interven(&["policy", "apply", file]).must_exit(0);
    let upstream = Upstream::saying("done");
    let body = json!({"text": "deploy"});

    let reply = proxy(&world, &[]).post_json(&upstream.url("/held"), &body);
    assert_eq!(reply.verdict(), (202, "REQUIRE_APPROVAL".to_owned(), "APPROVAL_REQUIRED".to_owned()));
    let id = reply.json()["approval_id"].as_str().unwrap().to_owned();
    assert_eq!(reply.header("x-interven-trace-id"), reply.json()["trace_id"].as_str());
    assert!(upstream.heard_nothing());

    let waiting = proxy(&world, &["--wait", "60"]);
    let url = upstream.url("/held");
    thread::scope(|scope| {
        let call = scope.spawn(|| waiting.post_json(&url, &body));
        world.interven(&["approvals", "approve", &id]).must_exit(0);
        let reply = call.join().unwrap();
        assert_eq!((reply.status(), reply.body.as_slice()), (200, b"done".as_slice()), "{reply:?}");
    });
    upstream.next();
}

#[test]
fn the_record_has_the_call_and_not_the_agents_credential() {
    let world = World::start();
    let proxy = proxy(&world, &[]);
    let upstream = Upstream::new(|_, wire| {
        answer(wire, "200 OK", "Content-Type: application/json\r\n", br#"{"note":"ssn 536-22-8417"}"#);
    });
    let headers = "Authorization: Bearer own-credential-7\r\nX-Note: lunch\r\n";
    let reply = proxy.call("GET", &upstream.url("/things"), headers, b"");
    assert_eq!(reply.status(), 200, "{reply:?}");
    assert_eq!(upstream.next().header("authorization"), Some("Bearer own-credential-7"));
    let trace = reply.header("x-interven-trace-id").unwrap().to_owned();
    // The answer is looked at after it was passed on.
    let shown = loop {
        let shown = world.interven(&["activity", "show", &trace, "--json"]).must_exit(0).stdout;
        if shown.contains("response") && shown.contains("PII") {
            break shown;
        }
        thread::yield_now();
    };
    assert!(shown.contains("/things") && !shown.contains("own-credential-7"), "{shown}");
}
