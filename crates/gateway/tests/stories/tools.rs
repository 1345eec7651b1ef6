//! The tool gateway: an agent says what it wants done and never sees the credential.

use crate::{
    upstream::{Upstream, reaching_loopback, reaching_the_internet},
    world::{Agent, Answer, World, aws_key},
};
use interven_live::NewToolCredential;
use interven_store::{Actor, ApprovalDecision, ToolCredentialRow, ToolCredentialStore as _};
use interven_types::TenantId;
use serde_json::{Value, json};

const TOKEN: &str = "xoxb-of-the-tenant";

impl World {
    pub(crate) async fn credential(&self, tenant: TenantId, credential: Value) {
        let new: NewToolCredential = serde_json::from_value(credential).unwrap();
        self.live.set_tool_credential(tenant, new, &Actor::system()).await.unwrap();
    }
}

impl Agent {
    async fn tool(&self, path: &str, parameters: Value) -> Answer {
        self.post(&format!("/v1/tools/{path}"), parameters.to_string()).await
    }
}

/// A tenant whose tools are all at one upstream.
async fn equipped() -> (World, Agent, Upstream) {
    let (world, upstream) = (World::with_gateway(reaching_loopback).await, Upstream::start().await);
    for tool in ["slack", "github", "gdrive", "http"] {
        let base = format!("{}/{tool}", upstream.url);
        let credential = json!({"tool": tool, "kind": "bearer", "base_url": base, "secret": TOKEN});
        world.credential(world.tenant, credential).await;
    }
    let agent = world.agent("builder").await;
    (world, agent, upstream)
}

#[tokio::test]
async fn an_allowed_call_is_made_with_the_tenants_credential() {
    let (world, agent, upstream) = equipped().await;
    upstream.answers(200, r#"{"ok":true,"user":"ana@acme.test"}"#);
    let answer = agent.tool("slack/post_message", json!({"text": "hello", "channel": "#general"})).await;
    assert_eq!((answer.status, answer.decision()), (200, "ALLOW"), "{answer:?}");
    assert_eq!(
        (&answer.body["tool_name"], &answer.body["operation"]),
        (&json!("slack"), &json!("post_message"))
    );
    assert_eq!(answer.body["upstream"]["status"], 200);
    assert_eq!(answer.body["upstream"]["body"]["ok"], true);
    assert_eq!(
        answer.body["upstream"]["inspection"]["data_classes"],
        json!(["PII"]),
        "what came back was read"
    );
    assert!(!answer.body.to_string().contains(TOKEN));

    let heard = upstream.heard();
    let [call] = &heard[..] else { panic!("{heard:?}") };
    assert_eq!((call.method.as_str(), call.uri.as_str()), ("POST", "/slack/chat.postMessage"));
    assert_eq!(call.header("authorization"), format!("Bearer {TOKEN}"));
    assert_eq!(
        (call.header("content-type"), call.json()),
        ("application/json", json!({"text": "hello", "channel": "#general"}))
    );
    assert!(
        !call.headers.values().any(|value| value.to_str().unwrap_or_default().contains(&agent.key)),
        "{call:?}"
    );

    let used = world.store.tool_credentials(world.tenant).await.unwrap();
    assert!(used.iter().all(|row| row.last_used_at.is_some() == (row.tool == "slack")), "{used:?}");
    let database = std::fs::read(&world.database).unwrap();
    let wal = std::fs::read(world.database.with_extension("db-wal")).unwrap_or_default();
    for bytes in [database, wal] {
        assert!(
            !bytes.windows(TOKEN.len()).any(|window| window == TOKEN.as_bytes()),
            "the token stands in the database"
        );
    }
}

#[tokio::test]
async fn each_operation_is_the_vendors_own_call() {
    let (_world, agent, upstream) = equipped().await;
    let cases = [
        (
            "github/create_pull_request",
            json!({"owner": "acme", "repo": "site", "title": "T", "head": "fix", "base": "main"}),
            "POST",
            "/github/repos/acme/site/pulls",
            json!({"title": "T", "head": "fix", "base": "main"}),
        ),
        (
            "github/update_file",
            json!({"owner": "acme", "repo": "site", "path": "docs/a b?.md", "message": "m", "content": "aGk=", "branch": "fix"}),
            "PUT",
            "/github/repos/acme/site/contents/docs/a%20b%3F.md",
            json!({"message": "m", "content": "aGk=", "branch": "fix"}),
        ),
        (
            "http/request",
            json!({"url": format!("{}/http/v1/items?page=2", upstream.url), "method": "post", "body": {"n": 1}, "headers": {"X-Team": "web"}}),
            "POST",
            "/http/v1/items?page=2",
            json!({"n": 1}),
        ),
    ];
    for (path, parameters, method, uri, body) in cases {
        let answer = agent.tool(path, parameters).await;
        assert_eq!((answer.status, answer.decision()), (200, "ALLOW"), "{path}: {answer:?}");
        let call = upstream.heard().remove(0);
        assert_eq!((call.method.as_str(), call.uri.as_str(), call.json()), (method, uri, body), "{path}");
        assert_eq!(call.header("authorization"), format!("Bearer {TOKEN}"), "{path}");
        if path.starts_with("github") {
            assert!(call.header("user-agent").starts_with("interven/"), "{call:?}");
            assert_eq!(call.header("accept"), "application/vnd.github+json");
        } else {
            assert_eq!(call.header("x-team"), "web");
        }
    }
    let text = json!({"url": format!("{}/http/", upstream.url), "method": "PUT", "body": "plain"});
    agent.tool("http/request", text).await;
    let call = upstream.heard().remove(0);
    assert_eq!((call.body.as_str(), call.header("content-type")), ("plain", "text/plain; charset=utf-8"));
    let own_header = json!({"url": format!("{}/http/", upstream.url), "method": "GET", "headers": {"Authorization": "Bearer mine"}});
    agent.tool("http/request", own_header).await;
    assert_eq!(
        upstream.heard().remove(0).header("authorization"),
        format!("Bearer {TOKEN}"),
        "the tenant's own"
    );
}

#[tokio::test]
async fn what_is_denied_held_or_redacted_goes_out_as_that() {
    let (world, agent, upstream) = equipped().await;
    let denied = agent.tool("slack/post_message", json!({"text": format!("key {}", aws_key())})).await;
    assert_eq!((denied.status, denied.decision()), (403, "DENY"));
    assert!(denied.body.get("upstream").is_none() && upstream.heard().is_empty(), "{denied:?}");

    let hold = json!({"name": "hold", "rules": [{"rule_id": "hold", "match": {"operations": ["create_pr"]}, "action": "REQUIRE_APPROVAL", "reason_code": "HELD"}]});
    world.apply(interven_policy::parse_json(hold).unwrap()).await;
    let open = json!({"owner": "acme", "repo": "site", "title": "T", "head": "fix", "base": "main"});
    let ask = async || agent.tool("github/create_pull_request", open.clone()).await;
    let held = ask().await;
    assert_eq!((held.status, held.decision()), (202, "REQUIRE_APPROVAL"), "{held:?}");
    assert!(upstream.heard().is_empty());
    world.decide(&held.body["approval_id"], ApprovalDecision::Approve).await;
    let passed = ask().await;
    assert_eq!((passed.status, passed.decision()), (200, "ALLOW"));
    assert_eq!(upstream.heard().remove(0).uri, "/github/repos/acme/site/pulls");
    assert_eq!(ask().await.status, 202, "one approval, one call");

    let policy = json!({"name": "mask", "rules": [{"rule_id": "mask", "match": {"tools": ["slack"]}, "condition": {"has_data_class": ["PII"]}, "action": "SANITIZE", "reason_code": "MASKED"}]});
    world.apply(interven_policy::parse_json(policy).unwrap()).await;
    let masked =
        agent.tool("slack/post_message", json!({"text": "mail to ana@acme.test", "channel": "#ops"})).await;
    assert_eq!((masked.status, masked.decision()), (200, "SANITIZE"), "{masked:?}");
    let sent = upstream.heard().remove(0).json();
    assert_eq!(sent, masked.body["sanitized_body"]);
    assert!(!sent.to_string().contains("ana@acme") && sent["channel"] == "#ops", "{sent}");
}

#[tokio::test]
async fn a_webhook_is_an_address_that_nobody_sees() {
    let (world, upstream) = (World::with_gateway(reaching_loopback).await, Upstream::start().await);
    let secret = format!("{}/services/T000/B000/s3cretpath", upstream.url);
    world
        .credential(world.tenant, json!({"tool": "slack", "kind": "incoming_webhook", "secret": secret}))
        .await;
    upstream.answers(200, "ok");
    let answer = world.agent("builder").await.tool("slack/post_message", json!({"text": "hello"})).await;
    assert_eq!((answer.status, &answer.body["upstream"]["body"]), (200, &json!("ok")), "{answer:?}");
    let call = upstream.heard().remove(0);
    assert_eq!((call.uri.as_str(), call.header("authorization")), ("/services/T000/B000/s3cretpath", ""));
    assert!(!answer.body.to_string().contains("s3cretpath"));
}

#[tokio::test]
async fn headers_of_a_credential_stand_where_it_says() {
    let (world, upstream) = (World::with_gateway(reaching_loopback).await, Upstream::start().await);
    let headers = r#"{"X-Api-Key": "k3y", "X-Tenant": "acme"}"#;
    world
        .credential(
            world.tenant,
            json!({"tool": "http", "kind": "header_set", "base_url": upstream.url, "secret": headers}),
        )
        .await;
    let agent = world.agent("builder").await;
    let asked =
        json!({"url": format!("{}/a", upstream.url), "method": "GET", "headers": {"x-api-key": "mine"}});
    assert_eq!(agent.tool("http/request", asked).await.status, 200);
    let call = upstream.heard().remove(0);
    assert_eq!((call.header("x-api-key"), call.header("x-tenant")), ("k3y", "acme"));
}

#[tokio::test]
async fn an_upstream_that_shows_what_it_was_asked_does_not_show_the_credential() {
    let (world, agent, upstream) = equipped().await;
    upstream.answers(200, &format!(r#"{{"headers":{{"authorization":"Bearer {TOKEN}"}}}}"#));
    let answer = agent.tool("slack/post_message", json!({"text": "hello"})).await;
    assert_eq!(
        answer.body["upstream"]["body"]["headers"]["authorization"], "Bearer [withheld]",
        "{answer:?}"
    );
    // As .NET writes a plus, and PHP a slash; and a webhook's token without the rest of its address.
    let hostile = "s3cr+t/0123456789";
    world.credential(world.tenant, json!({"tool": "github", "kind": "bearer", "base_url": format!("{}/", upstream.url), "secret": hostile})).await;
    let webhook = format!("{}/services/T000/B000/s3cretpath", upstream.url);
    world
        .credential(
            world.tenant,
            json!({"tool": "slack", "kind": "incoming_webhook", "env": "hooks", "secret": webhook}),
        )
        .await;
    let poster = world.agent_with("poster", |key| key.env = "hooks".to_owned()).await;
    let pull = json!({"owner": "acme", "repo": "site", "title": "T", "head": "fix", "base": "main"});
    for (agent, path, parameters, escaped) in [
        (
            &agent,
            "github/create_pull_request",
            &pull,
            r#"{"a":["Bearer s3cr\u002Bt\/0123456789"],"s3cr\u002bt\u002f0123456789":1}"#,
        ),
        (
            &poster,
            "slack/post_message",
            &json!({"text": "hello"}),
            r#"{"posted_to":["T000","B000","s3cretpath"]}"#,
        ),
    ] {
        upstream.answers(200, escaped);
        let answer = agent.tool(path, parameters.clone()).await;
        let shown = answer.body["upstream"]["body"].to_string();
        assert!(shown.contains("[withheld]") && !shown.contains("s3cr"), "{answer:?}");
    }
    upstream.heard();
    let url = format!("{}/", upstream.url);
    let trace = agent.tool("http/request", json!({"url": url, "method": "TRACE"})).await;
    assert!(
        trace.body["error"].as_str().is_some_and(|error| error.contains("`TRACE` is not sent")),
        "{trace:?}"
    );
    assert!(upstream.heard().is_empty());
}

#[tokio::test]
async fn an_environments_own_credential_goes_before_the_one_for_all() {
    let (world, upstream) = (World::with_gateway(reaching_loopback).await, Upstream::start().await);
    for (env, secret) in [(Value::Null, "for-all"), (json!("production"), "for-production")] {
        world.credential(world.tenant, json!({"tool": "slack", "kind": "bearer", "base_url": upstream.url, "env": env, "secret": secret})).await;
    }
    let production = world.agent_with("deployer", |key| key.env = "production".to_owned()).await;
    for (agent, secret) in [(world.agent("builder").await, "for-all"), (production, "for-production")] {
        agent.tool("slack/post_message", json!({"text": "hello"})).await;
        assert_eq!(upstream.heard().remove(0).header("authorization"), format!("Bearer {secret}"));
    }
}

#[tokio::test]
async fn a_call_goes_nowhere_but_to_what_was_configured() {
    let (world, agent, upstream) = equipped().await;
    let other = Upstream::start().await;
    let elsewhere =
        agent.tool("http/request", json!({"url": format!("{}/", other.url), "method": "GET"})).await;
    assert_eq!((elsewhere.status, elsewhere.code()), (409, "TOOL_NOT_CONFIGURED"), "{elsewhere:?}");
    let user = upstream.url.replace("http://", "http://user:pass@");
    let with_user = agent.tool("http/request", json!({"url": user, "method": "GET"})).await;
    assert_eq!((with_user.status, with_user.code()), (400, "INVALID_REQUEST"), "{with_user:?}");
    for scheme in ["https", "ftp"] {
        let url = upstream.url.replace("http:", &format!("{scheme}:"));
        let by_another = agent.tool("http/request", json!({"url": url, "method": "GET"})).await;
        assert_eq!((by_another.status, by_another.code()), (409, "TOOL_NOT_CONFIGURED"), "{by_another:?}");
    }
    assert!(other.heard().is_empty() && upstream.heard().is_empty());

    let stranger = world.agent_in(world.tenant_named("other").await, "stranger", |_| {}).await;
    let foreign = stranger.tool("slack/post_message", json!({"text": "hello"})).await;
    assert_eq!(
        (foreign.status, foreign.code()),
        (409, "TOOL_NOT_CONFIGURED"),
        "another tenant's credential is nobody's"
    );

    // Without the operator's word, no address inside is called, whatever a tenant configured.
    let world = World::with_gateway(reaching_the_internet).await;
    world
        .credential(
            world.tenant,
            json!({"tool": "slack", "kind": "bearer", "base_url": upstream.url, "secret": TOKEN}),
        )
        .await;
    let agent = world.agent("builder").await;
    let refused = agent.tool("slack/post_message", json!({"text": "hello"})).await;
    assert_eq!((refused.status, refused.code()), (502, "UPSTREAM_UNREACHABLE"));
    assert!(refused.body["error"].as_str().unwrap().contains("not public"), "{refused:?}");
    assert!(refused.body["trace_id"].is_string() && upstream.heard().is_empty());
    let metrics = agent.get("/metrics").await.body;
    let metrics = metrics.as_str().unwrap();
    assert!(metrics.contains("interven_upstream_refusals_total 1\n"), "{metrics}");
}

#[tokio::test]
async fn what_cannot_be_called_is_told() {
    let (world, agent, upstream) = equipped().await;
    for (path, parameters, status, code) in [
        ("slack/delete_channel", json!({}), 404, "NOT_FOUND"),
        ("teams/post_message", json!({}), 404, "NOT_FOUND"),
        ("slack/post_message", json!({}), 400, "INVALID_REQUEST"),
        ("slack/post_message", json!({"text": 7}), 400, "INVALID_REQUEST"),
        ("slack/post_message", json!({"text": "a", "as_user": true}), 400, "INVALID_REQUEST"),
        ("slack/post_message", json!([]), 400, "INVALID_REQUEST"),
        (
            "github/update_file",
            json!({"owner": "..", "repo": "r", "path": "p", "message": "m", "content": ""}),
            400,
            "INVALID_REQUEST",
        ),
        (
            "http/request",
            json!({"url": format!("{}/http/", upstream.url), "method": "TRACE"}),
            400,
            "INVALID_REQUEST",
        ),
        (
            "http/request",
            json!({"url": format!("{}/http/", upstream.url), "method": "POST", "body": "{amount: 5}",
                "headers": {"Content-Type": "Application/JSON; charset=utf-7"}}),
            400,
            "INVALID_REQUEST",
        ),
        (
            "http/request",
            json!({"url": format!("{}/http/", upstream.url), "method": "connect"}),
            400,
            "INVALID_REQUEST",
        ),
        ("http/request", json!({"url": "/relative", "method": "GET"}), 400, "INVALID_REQUEST"),
        (
            "http/request",
            json!({"url": format!("{}/", upstream.url), "method": "GET", "headers": {"host": "evil"}}),
            400,
            "INVALID_REQUEST",
        ),
        (
            "http/request",
            json!({"url": format!("{}/", upstream.url), "method": "GET", "headers": {"a": "b\r\nc: d"}}),
            400,
            "INVALID_REQUEST",
        ),
    ] {
        let refused = agent.tool(path, parameters.clone()).await;
        assert_eq!((refused.status, refused.code()), (status, code), "{path} {parameters}: {refused:?}");
    }
    assert!(upstream.heard().is_empty());
    let revoked = world.agent("leaver").await;
    world.live.revoke_key(world.tenant, revoked.key_id, &Actor::system()).await.unwrap();
    assert_eq!(revoked.tool("slack/post_message", json!({"text": "a"})).await.code(), "INVALID_KEY");
    let unscoped = world.agent_with("reader", |key| key.scopes.clear()).await;
    assert_eq!(unscoped.tool("slack/post_message", json!({"text": "a"})).await.code(), "SCOPE_MISSING");

    upstream.answers(500, "broken");
    let failed = agent.tool("slack/post_message", json!({"text": "hello"})).await;
    assert_eq!(
        (failed.status, &failed.body["upstream"]["status"]),
        (200, &json!(500)),
        "its answer is an answer"
    );
    upstream.answers(200, &"x".repeat(2 << 20));
    let large = agent.tool("slack/post_message", json!({"text": "hello"})).await;
    assert_eq!((large.status, large.code()), (502, "UPSTREAM_UNREACHABLE"));
    assert!(large.body["error"].as_str().unwrap().contains("answered 200 with more than"), "{large:?}");
}

#[tokio::test]
async fn a_credential_does_not_follow_an_address_that_was_changed_in_the_database() {
    let (world, agent, upstream) = equipped().await;
    let elsewhere = Upstream::start().await;
    let rows = world.store.tool_credentials(world.tenant).await.unwrap();
    for row in rows {
        let moved = ToolCredentialRow { base_url: Some(format!("{}/", elsewhere.url)), ..row };
        world.store.set_tool_credential(world.tenant, &moved, &Actor::system()).await.unwrap();
    }
    let refused = agent.tool("slack/post_message", json!({"text": "hello"})).await;
    assert_eq!((refused.status, refused.code()), (503, "UNAVAILABLE"), "{refused:?}");
    assert!(elsewhere.heard().is_empty() && upstream.heard().is_empty());
}

#[test]
fn a_credential_that_cannot_work_is_refused_when_it_is_set() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let world = runtime.block_on(World::start());
    for (credential, told) in [
        (json!({"tool": "teams", "kind": "bearer", "secret": "x"}), "no tool `teams`"),
        (
            json!({"tool": "github", "kind": "incoming_webhook", "secret": "https://a.example/"}),
            "takes no credential",
        ),
        (json!({"tool": "slack", "kind": "header_set", "secret": "{}"}), "takes no credential"),
        (json!({"tool": "http", "kind": "bearer", "secret": "x"}), "`base_url` is needed"),
        (
            json!({"tool": "slack", "kind": "bearer", "base_url": "slack.example", "secret": "x"}),
            "absolute URL",
        ),
        (
            json!({"tool": "slack", "kind": "bearer", "base_url": "http://slack.example", "secret": "x"}),
            "not https",
        ),
        (
            json!({"tool": "slack", "kind": "bearer", "base_url": "http://8.8.8.8/", "secret": "x"}),
            "not https",
        ),
        (
            json!({"tool": "slack", "kind": "bearer", "base_url": "https://u:p@a.example", "secret": "x"}),
            "has a user",
        ),
        (
            json!({"tool": "slack", "kind": "bearer", "base_url": "https://a.example/?a=b", "secret": "x"}),
            "has a query",
        ),
        (
            json!({"tool": "slack", "kind": "bearer", "base_url": "http://169.254.169.254/", "secret": "x"}),
            "no operator can open",
        ),
        (
            json!({"tool": "slack", "kind": "bearer", "base_url": "https://[fd00:ec2::254]/", "secret": "x"}),
            "no operator can open",
        ),
        (
            json!({"tool": "slack", "kind": "incoming_webhook", "secret": "https://[::ffff:169.254.169.254]/x"}),
            "no operator can open",
        ),
        (json!({"tool": "slack", "kind": "bearer", "secret": ""}), "is empty"),
        (json!({"tool": "slack", "kind": "bearer", "secret": "two words"}), "is no token"),
        (json!({"tool": "slack", "kind": "bearer", "secret": "x".repeat(16_385)}), "longer than"),
        (json!({"tool": "slack", "kind": "incoming_webhook", "secret": "not a url"}), "absolute URL"),
        (
            json!({"tool": "slack", "kind": "incoming_webhook", "base_url": "https://a.example", "secret": "https://a.example/x"}),
            "no place beside",
        ),
        (
            json!({"tool": "http", "kind": "header_set", "base_url": "https://a.example", "secret": "[]"}),
            "JSON object",
        ),
        (
            json!({"tool": "http", "kind": "header_set", "base_url": "https://a.example", "secret": "{\"Host\": \"x\"}"}),
            "cannot be sent",
        ),
        (json!({"tool": "slack", "kind": "bearer", "env": " ", "secret": "x"}), "`env`"),
        (json!({"tool": "slack", "kind": "bearer", "env": "a\0b", "secret": "x"}), "`env`"),
    ] {
        let new: NewToolCredential = serde_json::from_value(credential.clone()).unwrap();
        let refused = runtime.block_on(world.live.set_tool_credential(world.tenant, new, &Actor::system()));
        let refused = refused.expect_err(&credential.to_string()).to_string();
        assert!(refused.contains(told), "{credential}: {refused}");
    }
    assert!(runtime.block_on(world.store.tool_credentials(world.tenant)).unwrap().is_empty());
}

#[tokio::test]
async fn a_clients_own_retry_does_not_call_the_tool_again() {
    let (_world, agent, upstream) = equipped().await;
    let message = json!({"text": "hello"}).to_string();
    let send = async |key: &str| {
        agent.post_with("/v1/tools/slack/post_message", message.clone(), &[("Idempotency-Key", key)]).await
    };
    assert_eq!(send("one").await.status, 200);
    let retried = send("one").await;
    assert_eq!((retried.status, retried.code()), (409, "CONFLICT"), "{retried:?}");
    assert_eq!(upstream.heard().len(), 1);
    assert_eq!(send("two").await.status, 200);
}
