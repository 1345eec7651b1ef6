//! A case's call, made; its answer or error as fields that all clients have.

use crate::{Case, expectation::Outcome, server::Server};
use interven_client::{
    AgentClient, AgentOptions, Asked, ClientError, NewEphemeralKey, ScanAnswer, WaitError,
};
use interven_types::{ApprovalId, FailMode, ScanRequest, Secret};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::{
    net::TcpListener,
    time::{Duration, Instant},
};

pub(crate) async fn run(case: &Case) -> Outcome {
    let server = Server::start(case.server.clone()).await;
    let begun = Instant::now();
    let client = client(case, &server.address);
    let end = match &client {
        Ok(client) => call(client, case).await,
        Err(error) => Err(fields_of(error)),
    };
    let counters = client.ok().map(|client| client.counters());
    Outcome { end, requests: server.noted(), counters, took: begun.elapsed() }
}

fn client(case: &Case, address: &str) -> Result<AgentClient, ClientError> {
    let placed = |text: &str| text.replace("{server}", address).replace("{closed}", &closed_address());
    let option = |name: &str, usual: Value| match case.client.get(name).cloned().unwrap_or(usual) {
        Value::String(text) => Value::String(placed(&text)),
        other => other,
    };
    let text = |name: &str, usual: Value| option(name, usual).as_str().map(str::to_owned);
    let options = AgentOptions {
        gateway_url: text("gateway_url", address.into()),
        api_key: text("api_key", "iv_live_conformance".into()).map(Secret::new),
        timeout: option("timeout_ms", 10_000.into()).as_u64().map(Duration::from_millis),
        retries: option("retries", Value::Null).as_u64().map(|retries| u32::try_from(retries).unwrap()),
        fail_mode: option("fail_open", Value::Null)
            .as_bool()
            .map(|open| if open { FailMode::Open } else { FailMode::Closed }),
        agent_id: text("agent_id", Value::Null).map(|id| id.parse().unwrap()),
        agent_name: text("agent_name", Value::Null),
        runtime_type: text("runtime_type", "conformance".into()),
    };
    AgentClient::new(options.over(|name| case.environment.get(name).map(|text| placed(text)))?)
}

type Fields = Map<String, Value>;

async fn call(client: &AgentClient, case: &Case) -> Result<Value, Fields> {
    let (name, arguments) = case.call.first_key_value().unwrap();
    match name.as_str() {
        "scan" | "body_to_forward" => {
            let mut request = ScanRequest::from_json(arguments.clone()).unwrap();
            // Read by a gateway they are in lower case; a caller writes them as it likes.
            if let Some(headers) = arguments.get("headers") {
                request.headers = serde_json::from_value(headers.clone()).unwrap();
            }
            let asked = client.scan(&request).await.map_err(|error| fields_of(&error))?;
            let verdict = verdict(&asked, &request.body);
            if name == "body_to_forward" && !verdict.contains_key("body_to_forward") {
                let message = format!("nothing may be sent: {}", verdict["decision"]);
                return Err(error("blocked", &message));
            }
            Ok(Value::Object(verdict))
        }
        "scan_response" => {
            let status =
                arguments.get("response_status").and_then(Value::as_u64).map(|s| u16::try_from(s).unwrap());
            let trace = arguments["trace_id"].as_str().unwrap().parse().unwrap();
            let asked = client.scan_response(trace, &arguments["response_body"], status).await;
            match asked.map_err(|error| fields_of(&error))? {
                Asked::Answered(answer) => Ok(json(&answer)),
                Asked::LetThrough(_) => Ok(json!({"fail_open": true})),
            }
        }
        "poll_approval" => {
            let status =
                client.poll_approval(approval(arguments)).await.map_err(|error| fields_of(&error))?;
            Ok(with(
                json(&status),
                &[("is_approved", status.is_approved()), ("is_terminal", status.is_terminal())],
            ))
        }
        "wait_for_approval" => {
            let patience = Duration::from_millis(
                arguments.get("timeout_ms").and_then(Value::as_u64).unwrap_or(3_600_000),
            );
            let raises = arguments.get("raise_on_terminal").and_then(Value::as_bool).unwrap_or(true);
            let id = approval(arguments);
            let ended = match raises {
                true => client.wait_for_approval(id, patience).await,
                false => client.approval_decision(id, patience).await,
            };
            let status = ended.map_err(|error| wait_fields(&error))?;
            Ok(with(
                json(&status),
                &[("is_approved", status.is_approved()), ("is_terminal", status.is_terminal())],
            ))
        }
        "mint_ephemeral_key" => {
            let number = |name: &str, usual| arguments.get(name).and_then(Value::as_u64).unwrap_or(usual);
            let scope = ["tools", "verbs"]
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), arguments.get(name)?.clone())));
            let new = NewEphemeralKey {
                ttl_seconds: number("ttl_seconds", 600),
                max_uses: number("max_uses", 1),
                scope: scope.collect(),
                description: arguments.get("description").and_then(Value::as_str).map(str::to_owned),
            };
            client.mint_ephemeral_key(&new).await.map(|key| json(&key)).map_err(|error| fields_of(&error))
        }
        "health" => Ok(json!({"healthy": client.is_healthy().await})),
        other => panic!("`{other}` is left out"),
    }
}

fn verdict(asked: &Asked<ScanAnswer>, body: &Value) -> Fields {
    let answer = match asked {
        Asked::Answered(answer) => answer,
        Asked::LetThrough(_) => {
            let through = json!({
                "decision": "ALLOW", "allowed": true, "blocked": false, "needs_sanitization": false,
                "needs_approval": false, "fail_open": true, "risk_band": "UNKNOWN", "reason_codes": ["FAIL_OPEN"],
                "body_to_forward": body,
            });
            return through.as_object().unwrap().clone();
        }
    };
    let raw = json(answer);
    let mut fields = raw.as_object().unwrap().clone();
    let decision = answer.decision.as_str();
    for (name, of) in [
        ("allowed", "ALLOW"),
        ("blocked", "DENY"),
        ("needs_sanitization", "SANITIZE"),
        ("needs_approval", "REQUIRE_APPROVAL"),
    ] {
        fields.insert(name.to_owned(), (decision == of).into());
    }
    fields.insert("fail_open".to_owned(), false.into());
    fields.insert("raw".to_owned(), raw);
    if let Some(body) = answer.body_to_forward(body) {
        fields.insert("body_to_forward".to_owned(), body.clone());
    }
    fields
}

fn approval(arguments: &Value) -> ApprovalId {
    arguments["approval_id"].as_str().unwrap().parse().unwrap()
}

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

fn with(mut value: Value, more: &[(&str, bool)]) -> Value {
    for (name, is) in more {
        value[*name] = (*is).into();
    }
    value
}

fn error(kind: &str, message: &str) -> Fields {
    json!({"kind": kind, "message": message}).as_object().unwrap().clone()
}

fn wait_fields(failure: &WaitError) -> Fields {
    let (kind, id) = match failure {
        WaitError::Denied(id) => ("approval_denied", id),
        WaitError::Expired(id) => ("approval_expired", id),
        WaitError::TimedOut(id, _) => ("approval_timeout", id),
        WaitError::Client(failure) => return fields_of(failure),
    };
    let mut fields = error(kind, &failure.to_string());
    fields.insert("approval_id".to_owned(), json(id));
    fields
}

fn fields_of(failure: &ClientError) -> Fields {
    let kind = match (failure, failure.status()) {
        (ClientError::NoKey, _) | (_, Some(401 | 403)) => "authentication",
        (ClientError::BadAddress { .. } | ClientError::BadToken | ClientError::BadSetting(_), _) => {
            "configuration"
        }
        (_, Some(413)) => "payload_too_large",
        (_, Some(429)) if failure.code() == "QUOTA_EXCEEDED" => "quota_exceeded",
        (_, Some(429)) => "rate_limit",
        _ => "gateway",
    };
    let mut fields = error(kind, &failure.to_string());
    let trace_id = match failure {
        ClientError::Refused(refusal) => refusal.trace_id,
        _ => None,
    };
    let more = json!({
        "code": failure.code(), "status": failure.status(), "is_outage": failure.is_outage(), "trace_id": trace_id,
        "retry_after_s": failure.retry_after().map(|wait| wait.as_secs()),
    });
    fields.extend(more.as_object().unwrap().clone());
    fields
}

/// Where nobody listens.
fn closed_address() -> String {
    format!("http://{}", TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap())
}
