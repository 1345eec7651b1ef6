//! Rows of the public corpora, as the calls a gateway would be asked about.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read};
use std::path::Path;

use anyhow::{Context as _, bail};
use flate2::read::MultiGzDecoder;
use interven_types::ScanRequest;
use serde::Deserialize;
use serde_json::Value;

/// Where an answer came from whose case does not say.
const HARMLESS: &str = "https://example.com/";

/// One labelled row.
#[derive(Debug, PartialEq)]
pub(crate) struct Case {
    pub(crate) id: String,
    /// What the corpus counts it under.
    pub(crate) category: String,
    pub(crate) agent: String,
    /// It must not pass as it is: held, refused, redacted, or found to carry instructions.
    pub(crate) must_be_contained: bool,
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, PartialEq)]
pub(crate) enum Step {
    Call(ScanRequest),
    /// A call, and what came back from it.
    Answered {
        call: ScanRequest,
        answer: Value,
    },
}

/// A tool call of a task: <https://github.com/ethz-spylab/agentdojo>.
#[derive(Deserialize)]
struct TaskCall {
    id: String,
    suite: String,
    task: String,
    kind: String,
    function: String,
    args: Value,
    #[serde(default)]
    prompt: Option<String>,
}

/// A case of traffic, in the schema of <https://github.com/luckyPipewrench/agent-egress-bench>; `body` is its payload as
/// JSON text.
#[derive(Deserialize)]
struct TrafficCase {
    id: String,
    cat: String,
    #[serde(rename = "type")]
    kind: String,
    label: u8,
    body: String,
}

/// What the kinds of cases hold between them.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Payload {
    method: String,
    url: String,
    headers: BTreeMap<String, String>,
    content_type: Option<String>,
    body: Value,
    response_body: Value,
    agent_card: Value,
    frames: Value,
    jsonrpc_messages: Vec<Message>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Message {
    method: String,
    params: Value,
    result: Value,
}

impl Payload {
    fn url(&self) -> &str {
        if self.url.is_empty() { HARMLESS } else { &self.url }
    }
}

/// A text that a tool returned, with or without orders to the model that reads it.
#[derive(Deserialize)]
struct ReturnedText {
    id: String,
    source: String,
    injection: bool,
    text: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Row {
    TaskCall(TaskCall),
    Traffic(TrafficCase),
    Returned(ReturnedText),
}

/// # Errors
/// When the file cannot be read, or a line is a row of no known corpus; the line is named.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Case>> {
    let file = File::open(path).with_context(|| format!("`{}` cannot be read", path.display()))?;
    let is_gzip = path.extension().is_some_and(|extension| extension == "gz");
    let text: Box<dyn Read> = if is_gzip { Box::new(MultiGzDecoder::new(file)) } else { Box::new(file) };
    let mut cases = Vec::new();
    for (index, line) in BufReader::new(text).lines().enumerate() {
        let line = line?;
        if !line.trim().is_empty() {
            cases.push(read_row(&line).with_context(|| format!("line {}", index + 1))?);
        }
    }
    Ok(cases)
}

fn read_row(line: &str) -> anyhow::Result<Case> {
    match serde_json::from_str(line)? {
        Row::TaskCall(row) => task_call(row),
        Row::Traffic(row) => traffic_case(row),
        Row::Returned(row) => Ok(returned_text(row)),
    }
}

fn task_call(row: TaskCall) -> anyhow::Result<Case> {
    let must_be_contained = match row.kind.as_str() {
        "injection" => true,
        "benign" => false,
        other => bail!("`kind` is `{other}`"),
    };
    let call = ScanRequest {
        context: row.prompt,
        ..ScanRequest::new("CALL", &format!("tool://agentdojo/{}", row.function), row.args)
    };
    Ok(Case {
        id: row.id,
        category: row.function,
        agent: format!("{}-{}", row.suite, row.task),
        must_be_contained,
        steps: vec![Step::Call(call)],
    })
}

fn traffic_case(row: TrafficCase) -> anyhow::Result<Case> {
    let payload: Payload = serde_json::from_str(&row.body).context("`body` cannot be read")?;
    let steps = match row.kind.as_str() {
        "url" | "header" | "request_body" => vec![Step::Call(http_call(payload))],
        "websocket_frame" => {
            vec![Step::Call(ScanRequest::new("SEND", payload.url(), payload.frames.clone()))]
        }
        "mcp_tool_call" | "mcp_tool_sequence" | "a2a_message" => {
            payload.jsonrpc_messages.iter().map(|message| Step::Call(rpc_call(message))).collect()
        }
        "mcp_tool_result" | "mcp_tool_definition" => {
            payload.jsonrpc_messages.iter().map(|message| answered(payload.url(), &message.result)).collect()
        }
        "response_content" => vec![answered(payload.url(), &payload.response_body)],
        "a2a_agent_card" => vec![answered(payload.url(), &payload.agent_card)],
        other => bail!("`type` is `{other}`"),
    };
    Ok(Case {
        agent: row.id.clone(),
        id: row.id,
        category: row.cat,
        must_be_contained: row.label == 1,
        steps,
    })
}

fn returned_text(row: ReturnedText) -> Case {
    let ReturnedText { id, source, injection, text } = row;
    let steps = vec![answered(HARMLESS, &Value::String(text))];
    Case { id, agent: source.clone(), category: source, must_be_contained: injection, steps }
}

fn http_call(payload: Payload) -> ScanRequest {
    let content_type = payload.content_type.map(|value| ("content-type".to_owned(), value));
    let mut call = ScanRequest::new(&payload.method, &payload.url, payload.body);
    call.headers = payload.headers.into_iter().chain(content_type).collect();
    call
}

/// A JSON-RPC message, as the call that a guard between client and server would ask about.
fn rpc_call(message: &Message) -> ScanRequest {
    let params = &message.params;
    let name = params.get("name").and_then(Value::as_str).unwrap_or(&message.method);
    let body = params.get("arguments").unwrap_or(params);
    ScanRequest::new("CALL", &format!("mcp://bench/{name}"), body.clone())
}

/// A harmless request, and the answer that the case is about.
fn answered(url: &str, answer: &Value) -> Step {
    Step::Answered { call: ScanRequest::new("GET", url, Value::Null), answer: answer.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn traffic(kind: &str, payload: Value) -> anyhow::Result<Case> {
        let row = json!({"id": "i", "cat": "c", "type": kind, "label": 1, "body": payload.to_string()});
        read_row(&row.to_string())
    }

    fn call(method: &str, url: &str, body: Value) -> Step {
        Step::Call(ScanRequest::new(method, url, body))
    }

    #[test]
    fn each_kind_of_row_becomes_the_calls_it_stands_for() {
        let url = "https://a.example/x";
        let message =
            |name: &str| json!({"method": "tools/call", "params": {"name": name, "arguments": {"a": 1}}});
        let table = [
            (
                "mcp_tool_sequence",
                json!({"jsonrpc_messages": [message("x"), message("y")]}),
                vec![
                    call("CALL", "mcp://bench/x", json!({"a": 1})),
                    call("CALL", "mcp://bench/y", json!({"a": 1})),
                ],
            ),
            (
                "a2a_message",
                json!({"jsonrpc_messages": [{"method": "message/send", "params": {"m": 1}}]}),
                vec![call("CALL", "mcp://bench/message/send", json!({"m": 1}))],
            ),
            (
                "response_content",
                json!({"url": url, "response_body": "text"}),
                vec![answered(url, &json!("text"))],
            ),
            (
                "mcp_tool_definition",
                json!({"jsonrpc_messages": [{"result": {"tools": []}}]}),
                vec![answered(HARMLESS, &json!({"tools": []}))],
            ),
            (
                "websocket_frame",
                json!({"url": "wss://a.example/", "frames": ["f"]}),
                vec![call("SEND", "wss://a.example/", json!(["f"]))],
            ),
        ];
        for (kind, payload, steps) in table {
            assert_eq!(traffic(kind, payload).unwrap().steps, steps, "{kind}");
        }
        assert!(traffic("smoke_signal", json!({})).unwrap_err().to_string().contains("smoke_signal"));
    }

    #[test]
    fn a_request_keeps_its_headers_and_the_type_of_its_body() {
        let payload = json!({"method": "POST", "url": "https://a.example/", "body": "a,b",
            "content_type": "text/csv", "headers": {"X-Id": "1"}});
        let case = traffic("request_body", payload).unwrap();
        let [Step::Call(sent)] = case.steps.as_slice() else { panic!("{case:?}") };
        assert_eq!((sent.method.as_str(), &sent.body), ("POST", &json!("a,b")));
        let headers: Vec<_> = sent.headers.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(headers, [("X-Id", "1"), ("content-type", "text/csv")]);
    }

    #[test]
    fn calls_of_one_task_share_an_agent_and_carry_its_prompt() {
        let row = json!({"id": "ad-1", "suite": "banking", "task": "t0", "kind": "injection",
            "function": "send_money", "args": {"amount": 1}, "prompt": "pay"});
        let case = read_row(&row.to_string()).unwrap();
        assert_eq!((case.agent.as_str(), case.must_be_contained), ("banking-t0", true));
        let [Step::Call(sent)] = case.steps.as_slice() else { panic!("{case:?}") };
        assert_eq!(
            (sent.url.as_str(), sent.context.as_deref()),
            ("tool://agentdojo/send_money", Some("pay"))
        );
        assert!(read_row(&row.to_string().replace("injection", "maybe")).is_err());
    }

    #[test]
    fn a_returned_text_is_the_answer_to_a_harmless_request() {
        let row = json!({"id": "i", "source": "pages", "injection": true, "text": "t"});
        let case = read_row(&row.to_string()).unwrap();
        assert_eq!(case.steps, [answered(HARMLESS, &json!("t"))]);
        assert!(case.must_be_contained);
    }
}
