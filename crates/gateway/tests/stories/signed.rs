//! Clients that sign: `/invoke`, execution after an approval, `/mcp`.

use crate::{
    upstream::{Upstream, reaching_loopback},
    world::{Answer, World, aws_key},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use interven_live::NewKeyRequest;
use interven_store::{Actor, ApprovalDecision};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;

const TOKEN: &str = "ghp-of-the-agent-alone";

/// An agent with a key that it signs with.
struct Signer<'a> {
    world: &'a World,
    agent_id: String,
    secret: String,
}

impl World {
    async fn signer(&self, name: &str) -> Signer<'_> {
        self.signer_with(NewKeyRequest {
            name: name.into(),
            agent_name: Some(name.into()),
            signing: true,
            ..NewKeyRequest::default()
        })
        .await
    }

    async fn signer_with(&self, new: NewKeyRequest) -> Signer<'_> {
        let minted = self.live.mint_key(self.tenant, new, &Actor::system()).await.unwrap();
        Signer { world: self, agent_id: minted.record.agent_id.to_string(), secret: minted.key }
    }
}

fn signature(secret: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

impl Signer<'_> {
    async fn send_as(&self, path: &str, body: &str, signature: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = interven_testkit::http_client()
            .post(format!("{}{path}", self.world.url()))
            .header("x-aif-agent-id", &self.agent_id)
            .header("x-aif-signature", signature);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::read(request.body(body.to_owned()).send().await.unwrap()).await
    }

    async fn send(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send_as(path, &body, &signature(&self.secret, &body), &[]).await
    }

    fn invocation(&self, tool: &str, method: &str, path: &str, body: Value) -> Value {
        json!({
            "tool_name": tool,
            "upstream_request": {"method": method, "url_path": path, "body": body},
            "agent_context": {"agent_id": self.agent_id, "agent_name": "bot", "runtime_type": "python", "deployment_env": "dev"},
            "identity_context": {"credential_type": "pat", "credential_token": TOKEN, "scopes": ["repo"]},
            "trace_id": interven_live::fresh_id().to_string(),
            "ts": self.world.clock.now().to_string(),
        })
    }

    async fn invoke(&self, tool: &str, method: &str, path: &str, body: Value) -> Answer {
        self.send("/invoke", &self.invocation(tool, method, path, body)).await
    }

    async fn mcp(&self, request: &Value) -> Answer {
        self.mcp_with(request, &[]).await
    }

    async fn mcp_with(&self, request: &Value, headers: &[(&str, &str)]) -> Answer {
        let body = request.to_string();
        let now = self.world.clock.now().to_string();
        let headers = [&[("x-aif-timestamp", now.as_str())][..], headers].concat();
        self.send_as("/mcp", &body, &signature(&self.secret, &body), &headers).await
    }

    async fn call(&self, id: u32, name: &str, arguments: Value) -> Answer {
        self.mcp(&json!({"jsonrpc": "2.0", "id": id, "method": "tools/call", "params": {"name": name, "arguments": arguments}})).await
    }
}

/// A tenant whose GitHub and Slack are at one upstream.
async fn equipped() -> (World, Upstream) {
    let (world, upstream) = (World::with_gateway(reaching_loopback).await, Upstream::start().await);
    for tool in ["github", "slack"] {
        let base = format!("{}/{tool}/", upstream.url);
        world
            .credential(
                world.tenant,
                json!({"tool": tool, "kind": "bearer", "base_url": base, "secret": "of-the-tenant"}),
            )
            .await;
    }
    (world, upstream)
}

async fn hold(world: &World) {
    let hold = json!({"name": "hold", "rules": [{"rule_id": "hold", "match": {"operations": ["create_pr"]}, "action": "REQUIRE_APPROVAL", "reason_code": "HELD"}]});
    world.apply(interven_policy::parse_json(hold).unwrap()).await;
}

#[tokio::test]
async fn an_allowed_invocation_is_made_with_what_the_agent_brings() {
    let (world, upstream) = equipped().await;
    let bot = world.signer("bot").await;
    let answer = bot.invoke("github", "post", "/repos/acme/site/issues?x=1", json!({"title": "hello"})).await;
    assert_eq!((answer.status, answer.decision()), (200, "ALLOW"), "{answer:?}");
    assert_eq!(answer.body["upstream_response"]["status"], 200);
    assert!(
        answer.body["risk"]["signals"].is_array() && answer.body["matched_policies"].is_array(),
        "{answer:?}"
    );
    let call = upstream.heard().remove(0);
    assert_eq!((call.method.as_str(), call.uri.as_str()), ("POST", "/github/repos/acme/site/issues?x=1"));
    assert_eq!(call.header("authorization"), format!("Bearer {TOKEN}"), "not the tenant's own");
    assert_eq!((call.json(), call.header("x-interven-invoked-tool")), (json!({"title": "hello"}), ""));
    for file in [world.database.clone(), world.database.with_extension("db-wal")] {
        let bytes = std::fs::read(file).unwrap_or_default();
        for secret in [TOKEN, bot.secret.as_str()] {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret.as_bytes()),
                "a secret stands in the database"
            );
        }
    }
    use interven_store::ActivityStore as _;
    let trace = answer.body["trace_id"].as_str().unwrap().parse().unwrap();
    let row = world.store.trace(world.tenant, trace).await.unwrap();
    let recorded = world.live.open_request(world.tenant, &row).await.unwrap();
    assert!(!serde_json::to_string(&recorded).unwrap().contains(TOKEN));
    assert_eq!((row.tool_name.as_str(), row.host.as_deref()), ("github", Some("api.github.com")));
}

#[tokio::test]
async fn a_signature_is_one_of_the_agent_over_these_bytes() {
    let (world, upstream) = equipped().await;
    let (bot, other) = (world.signer("bot").await, world.signer("other").await);
    let body = bot.invocation("github", "GET", "/user", Value::Null).to_string();
    let right = signature(&bot.secret, &body);
    for (agent, signature, body) in [
        (&bot, "", body.as_str()),
        (&bot, "not base64!", &body),
        (&bot, &signature("guessed", &body), &body),
        (&bot, &signature(&other.secret, &body), &body),
        (&other, &right, &body),
        (&bot, &right, &body.replace("/user", "/orgs")),
        (&bot, right.trim_end_matches('='), &body),
    ] {
        let refused = agent.send_as("/invoke", body, signature, &[]).await;
        assert_eq!((refused.status, refused.code()), (401, "INVALID_KEY"), "{signature} {refused:?}");
    }
    let unknown =
        Signer { agent_id: "0190a000-0000-7000-8000-000000000000".into(), ..world.signer("gone").await };
    assert_eq!(unknown.invoke("github", "GET", "/user", Value::Null).await.status, 401);
    let plain = world
        .signer_with(NewKeyRequest {
            name: "plain".into(),
            agent_name: Some("plain".into()),
            ..NewKeyRequest::default()
        })
        .await;
    assert_eq!(plain.invoke("github", "GET", "/user", Value::Null).await.status, 401, "its key is not kept");
    // Two agents, or two signatures, are none.
    for doubled in [("x-aif-agent-id", other.agent_id.as_str()), ("x-aif-signature", "c2Vjb25k")] {
        assert_eq!(bot.send_as("/invoke", &body, &right, &[doubled]).await.status, 401);
    }
    assert!(upstream.heard().is_empty());
    assert_eq!(bot.send_as("/invoke", &body, &right, &[]).await.status, 200);

    // Two keys of one agent sign, until one is revoked; an address list holds too.
    let second = world.signer("bot").await;
    assert_eq!(second.agent_id, bot.agent_id);
    use interven_store::KeyStore as _;
    let keys = world.store.signing_keys(bot.agent_id.parse().unwrap()).await.unwrap();
    let first = keys.iter().find(|key| bot.secret.starts_with(&key.record.prefix)).unwrap().record.key_id;
    world.live.revoke_key(world.tenant, first, &Actor::system()).await.unwrap();
    assert_eq!(bot.invoke("github", "GET", "/user", Value::Null).await.status, 401);
    assert_eq!(second.invoke("github", "GET", "/user", Value::Null).await.status, 200);
    let elsewhere = NewKeyRequest {
        name: "far".into(),
        agent_name: Some("far".into()),
        signing: true,
        ip_allowlist: vec!["192.0.2.0/24".into()],
        ..NewKeyRequest::default()
    };
    let far = world.signer_with(elsewhere).await.invoke("github", "GET", "/user", Value::Null).await;
    assert_eq!((far.status, far.code()), (401, "IP_NOT_ALLOWED"));
}

#[tokio::test]
async fn a_request_is_taken_once_and_in_its_time() {
    let (world, upstream) = equipped().await;
    let bot = world.signer("bot").await;
    let request = bot.invocation("github", "GET", "/user", Value::Null);
    assert_eq!(bot.send("/invoke", &request).await.status, 200);
    upstream.heard();
    let mut same_trace = request.clone();
    same_trace["upstream_request"]["url_path"] = json!("/orgs");
    for replayed in [&request, &same_trace] {
        let refused = bot.send("/invoke", replayed).await;
        assert_eq!((refused.status, refused.code()), (400, "REPLAY_REJECTED"));
        assert!(refused.body["error"].as_str().unwrap().contains("replay"), "{refused:?}");
    }
    for offset in [-61_000, 61_000] {
        let mut request = bot.invocation("github", "GET", "/user", Value::Null);
        let at = interven_types::Timestamp::from_unix_ms(world.clock.now().unix_ms() + offset);
        request["ts"] = json!(at.to_string());
        let refused = bot.send("/invoke", &request).await;
        assert_eq!((refused.status, refused.code()), (400, "REPLAY_REJECTED"), "{offset}");
        assert!(refused.body["error"].as_str().unwrap().contains("replay"), "{refused:?}");
    }
    for wrong in ["", &"x".repeat(201), "a\0b"] {
        let mut request = bot.invocation("github", "GET", "/user", Value::Null);
        request["trace_id"] = json!(wrong);
        assert_eq!(bot.send("/invoke", &request).await.code(), "INVALID_REQUEST");
    }
    let mut no_time = bot.invocation("github", "GET", "/user", Value::Null);
    no_time["ts"] = json!("yesterday");
    assert_eq!(bot.send("/invoke", &no_time).await.code(), "INVALID_REQUEST");
    assert!(upstream.heard().is_empty());
    // A retry of the client's own, with a new trace id, is another request.
    assert_eq!(bot.invoke("github", "GET", "/user", Value::Null).await.status, 200);
}

#[tokio::test]
async fn fields_go_by_their_names_and_headers_stand_once() {
    let (world, upstream) = equipped().await;
    let bot = world.signer("bot").await;
    for (field, value) in [
        ("upstream_request", json!(["POST", "/user"])),
        ("agent_context", json!([])),
        ("identity_context", json!(["bearer", TOKEN])),
        ("identity_context", json!(TOKEN)),
    ] {
        let mut request = bot.invocation("github", "GET", "/user", Value::Null);
        request[field] = value;
        let refused = bot.send("/invoke", &request).await;
        assert_eq!((refused.status, refused.code()), (400, "INVALID_REQUEST"), "{refused:?}");
        let error = refused.body["error"].to_string();
        assert!(error.contains("expected an object") && !error.contains(TOKEN), "{error}");
    }
    for doubled in ["x-aif-timestamp", "x-aif-credential-token", "x-aif-credential-type"] {
        let now = world.clock.now().to_string();
        let listing = json!({"jsonrpc": "2.0", "id": doubled, "method": "tools/list"});
        let refused = bot.mcp_with(&listing, &[(doubled, &now), (doubled, &now)]).await;
        assert_eq!((refused.status, refused.code()), (401, "INVALID_KEY"), "{doubled}: {refused:?}");
    }
    assert!(upstream.heard().is_empty());
}

#[tokio::test]
async fn what_may_not_go_out_does_not() {
    let (world, upstream) = equipped().await;
    let bot = world.signer("bot").await;
    let denied =
        bot.invoke("slack", "POST", "/chat.postMessage", json!({"channel": "#a", "text": aws_key()})).await;
    assert_eq!((denied.status, denied.decision()), (403, "DENY"), "{denied:?}");
    assert_eq!(denied.body["matched_policies"][0]["rule_ids"].as_array().unwrap().len(), 1, "{denied:?}");
    let unknown = bot.invoke("homegrown", "POST", "/anything", json!({"a": 1})).await;
    assert_eq!((unknown.status, unknown.decision()), (200, "ALLOW"));
    assert_eq!(unknown.body["response_actions"][0]["action"], "not_called");
    assert!(unknown.body.get("upstream_response").is_none() && upstream.heard().is_empty());
    for (path, method) in
        [("repos", "GET"), ("https://evil.example/", "GET"), ("@evil.example/", "GET"), ("/user", "GE T")]
    {
        let refused = bot.invoke("github", method, path, Value::Null).await;
        assert_eq!(
            (refused.status, refused.code()),
            (400, "INVALID_REQUEST"),
            "{method} {path}: {refused:?}"
        );
    }
    let missing = bot.send("/invoke", &json!({"tool_name": "github"})).await;
    assert_eq!(missing.code(), "INVALID_REQUEST");
    assert!(upstream.heard().is_empty());
}

#[tokio::test]
async fn an_approved_invocation_is_carried_out_once() {
    let (world, upstream) = equipped().await;
    hold(&world).await;
    let (bot, other) = (world.signer("bot").await, world.signer("other").await);
    let body = json!({"title": "T", "head": "fix", "base": "main"});
    let held = bot.invoke("github", "POST", "/repos/acme/site/pulls", body.clone()).await;
    assert_eq!((held.status, held.decision()), (202, "REQUIRE_APPROVAL"), "{held:?}");
    let execute = format!("/approvals/{}/execute", held.body["approval_id"].as_str().unwrap());
    let identity = json!({"credential_token": "fresh-token", "credential_type": "oauth", "scopes": []});
    assert_eq!(bot.send(&execute, &identity).await.code(), "CONFLICT", "nobody has approved it");
    world.decide(&held.body["approval_id"], ApprovalDecision::Approve).await;
    assert_eq!(other.send(&execute, &identity).await.status, 404, "another agent's");
    assert!(upstream.heard().is_empty());
    let done = bot.send(&execute, &identity).await;
    assert_eq!((done.status, done.decision()), (200, "ALLOW"), "{done:?}");
    let call = upstream.heard().remove(0);
    assert_eq!(
        (call.uri.as_str(), call.header("authorization"), call.json()),
        ("/github/repos/acme/site/pulls", "Bearer fresh-token", body)
    );
    let again = bot.send(&execute, &identity).await;
    assert_eq!((again.status, again.code()), (409, "CONFLICT"), "{again:?}");
    assert!(upstream.heard().is_empty());

    // An approval that no invocation asked for has no call to carry out.
    let asked = world
        .agent("bot")
        .await
        .scan("POST", "https://api.github.com/repos/acme/other/pulls", json!({}))
        .await;
    world.decide(&asked.body["approval_id"], ApprovalDecision::Approve).await;
    let foreign = bot
        .send(&format!("/approvals/{}/execute", asked.body["approval_id"].as_str().unwrap()), &identity)
        .await;
    assert_eq!(foreign.status, 404, "{foreign:?}");
    let nowhere = bot.send("/approvals/0190a000-0000-7000-8000-000000000000/execute", &identity).await;
    assert_eq!(nowhere.status, 404);
}

#[tokio::test]
async fn an_approval_of_many_uses_is_one_execution() {
    let (world, upstream) = equipped().await;
    let hold = json!({"name": "hold", "rules": [{"rule_id": "hold", "match": {"operations": ["create_pr"]}, "action": "REQUIRE_APPROVAL", "grant_max_uses": 9, "reason_code": "HELD"}]});
    world.apply(interven_policy::parse_json(hold).unwrap()).await;
    let bot = world.signer("bot").await;
    let held = bot.invoke("github", "POST", "/repos/acme/site/pulls", json!({"title": "T"})).await;
    world.decide(&held.body["approval_id"], ApprovalDecision::Approve).await;
    let path = format!("/approvals/{}/execute", held.body["approval_id"].as_str().unwrap());
    let nothing = json!({});
    let execute = || bot.send(&path, &nothing);
    let (one, two, three) = tokio::join!(execute(), execute(), execute());
    let mut statuses = [one.status, two.status, three.status];
    statuses.sort_unstable();
    assert_eq!((statuses, upstream.heard().len()), ([200, 409, 409], 1), "{one:?} {two:?} {three:?}");
    assert_eq!(execute().await.status, 409);
}

#[tokio::test]
async fn an_approval_is_executed_where_it_was_asked_for() {
    let (world, upstream) = equipped().await;
    hold(&world).await;
    let bot = world.signer("bot").await;
    let in_dev = NewKeyRequest {
        name: "dev".into(),
        agent_name: Some("bot".into()),
        env: Some("dev".into()),
        signing: true,
        ..NewKeyRequest::default()
    };
    let elsewhere = world.signer_with(in_dev).await;
    let held = bot.invoke("github", "POST", "/repos/acme/site/pulls", json!({"title": "T"})).await;
    world.decide(&held.body["approval_id"], ApprovalDecision::Approve).await;
    let path = format!("/approvals/{}/execute", held.body["approval_id"].as_str().unwrap());
    let refused = elsewhere.send(&path, &json!({})).await;
    assert_eq!((refused.status, refused.code()), (403, "ENV_NOT_ALLOWED"), "{refused:?}");
    assert!(upstream.heard().is_empty());
    assert_eq!(bot.send(&path, &json!({})).await.status, 200);
}

#[tokio::test]
async fn mcp_tools_are_listed_and_called() {
    let (world, upstream) = equipped().await;
    let bot = world.signer("bot").await;
    let listed = bot.mcp(&json!({"jsonrpc": "2.0", "id": "a", "method": "tools/list"})).await;
    let names: Vec<&str> = listed.body["result"]["tools"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        [
            "slack_post_message",
            "github_create_pull_request",
            "github_update_file",
            "gdrive_share_file",
            "http_request"
        ]
    );
    let schema = &listed.body["result"]["tools"][0]["inputSchema"];
    assert_eq!(
        (&schema["required"], &schema["properties"]["text"]["type"]),
        (&json!(["text"]), &json!("string"))
    );
    let public = Answer::read(
        interven_testkit::http_client()
            .post(format!("{}/mcp/tools/list", world.url()))
            .body(r#"{"jsonrpc":"2.0","id":"a","method":"tools/list"}"#)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(public.body, listed.body);

    let called = bot.call(1, "slack_post_message", json!({"text": "hello"})).await;
    assert_eq!(
        (&called.body["id"], &called.body["result"]["isError"]),
        (&json!(1), &json!(false)),
        "{called:?}"
    );
    assert_eq!(called.body["result"]["content"][0]["text"], r#"{"ok":true}"#);
    assert_eq!(upstream.heard().remove(0).header("authorization"), "Bearer of-the-tenant");
    let own = json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "slack_post_message", "arguments": {"text": "hello"}}});
    bot.mcp_with(&own, &[("x-aif-credential-type", "pat"), ("x-aif-credential-token", TOKEN)]).await;
    assert_eq!(upstream.heard().remove(0).header("authorization"), format!("Bearer {TOKEN}"));
    upstream.answers(404, r#"{"message":"Not Found"}"#);
    assert_eq!(bot.call(3, "slack_post_message", json!({"text": "a"})).await.body["result"]["isError"], true);
}

#[tokio::test]
async fn a_blocked_mcp_call_is_a_result_that_says_so() {
    let (world, upstream) = equipped().await;
    hold(&world).await;
    let bot = world.signer("bot").await;
    let denied = bot.call(1, "slack_post_message", json!({"text": aws_key()})).await;
    let text = denied.body["result"]["content"][0]["text"].as_str().unwrap();
    assert!(denied.body["result"]["isError"] == true && text.starts_with("DENY: "), "{denied:?}");
    let open = json!({"owner": "acme", "repo": "site", "title": "T", "head": "fix", "base": "main"});
    let held = bot.call(2, "github_create_pull_request", open.clone()).await;
    let text = held.body["result"]["content"][0]["text"].as_str().unwrap();
    let id = text.lines().find_map(|line| line.strip_prefix("Approval ID: ")).unwrap();
    assert!(text.starts_with("REQUIRE_APPROVAL: ") && upstream.heard().is_empty(), "{text}");
    world.decide(&json!(id), ApprovalDecision::Approve).await;
    assert_eq!(bot.call(3, "github_create_pull_request", open).await.body["result"]["isError"], false);
    assert_eq!(upstream.heard().len(), 1);
}

#[tokio::test]
async fn json_rpc_is_answered_as_its_specification_says() {
    let (world, _upstream) = equipped().await;
    let bot = world.signer("bot").await;
    for (request, code) in [
        (json!([]), -32_600),
        (json!({"id": 1, "method": "tools/list"}), -32_600),
        (json!({"jsonrpc": "2.0", "id": 1}), -32_600),
        (json!({"jsonrpc": "2.0", "id": {}, "method": "tools/list"}), -32_600),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "resources/list"}), -32_601),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call"}), -32_602),
        (json!({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "rm"}}), -32_602),
        (
            json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": {"name": "slack_post_message"}}),
            -32_602,
        ),
    ] {
        let answer = bot.mcp(&request).await;
        assert_eq!(
            (answer.status, &answer.body["error"]["code"]),
            (200, &json!(code)),
            "{request}: {answer:?}"
        );
        world.clock.advance(Duration::from_millis(1));
    }
    let notified = bot.mcp(&json!({"jsonrpc": "2.0", "method": "notifications/initialized"})).await;
    assert_eq!((notified.status, &notified.body), (202, &json!("")));
    let same = json!({"jsonrpc": "2.0", "id": 9, "method": "tools/list"});
    assert_eq!(bot.mcp(&same).await.status, 200);
    assert_eq!(bot.mcp(&same).await.code(), "REPLAY_REJECTED");
    let no_time = same.to_string();
    let refused = bot.send_as("/mcp", &no_time, &signature(&bot.secret, &no_time), &[]).await;
    assert_eq!(refused.code(), "INVALID_REQUEST");
    for (body, code) in [("{", -32_700), (r#"{"jsonrpc":"2.0","id":1,"method":"tools/call"}"#, -32_601)] {
        let answer = interven_testkit::http_client()
            .post(format!("{}/mcp/tools/list", world.url()))
            .body(body)
            .send()
            .await
            .unwrap();
        assert_eq!(Answer::read(answer).await.body["error"]["code"], code);
    }
}
