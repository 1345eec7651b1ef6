//! The scan request: the one place where its fields are read and checked.

use crate::AgentId;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One call that an agent intends to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ScanRequest {
    /// The verb that the agent intends: an HTTP token of at most 32 characters.
    #[schema(example = "POST")]
    pub method: String,
    /// Absolute URL: `http(s)`, `ws(s)`, or a logical scheme: `tool://<framework>/<tool>`, `mcp://<server>/<tool>`,
    /// `a2a://<agent>/<method>`, `shell://exec`, `exec://localhost`, `file://…`.
    #[schema(example = "https://slack.com/api/chat.postMessage")]
    pub url: String,
    /// Any JSON.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// Outbound headers; names are lower case once read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Overrides the key's default agent, where the key allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_id: Option<AgentId>,
    /// Names the agent; without `agent_id`, finds or creates the tenant's agent of that name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent_name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_type: Option<String>,
    /// Conversation excerpt for the semantic engine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<String>,
    /// Overrides the key's environment, where the key allows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub env: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRequest {
    #[error("the body must be a JSON object with `method` and `url`, not {0}")]
    NotAnObject(&'static str),
    #[error("`{0}` is required")]
    Missing(&'static str),
    #[error("`{field}` must be {expected}, not {actual}")]
    WrongType { field: &'static str, expected: &'static str, actual: &'static str },
    #[error("`{field}` {problem}")]
    Invalid { field: &'static str, problem: String },
}

impl ScanRequest {
    /// Longest URL read, in bytes.
    pub const MAX_URL_BYTES: usize = 32_768;
    /// Longest name (agent, environment, runtime), in characters.
    pub const MAX_NAME_CHARS: usize = 200;

    pub fn new(method: &str, url: &str, body: Value) -> Self {
        Self {
            method: method.to_owned(),
            url: url.to_owned(),
            body,
            headers: BTreeMap::new(),
            agent_id: None,
            agent_name: None,
            runtime_type: None,
            context: None,
            env: None,
        }
    }

    /// Reads a request from parsed JSON. Unknown fields are ignored: older gateways serve newer clients.
    /// Whether the URL is absolute and well-formed is the normalizer's to say.
    pub fn from_json(value: Value) -> Result<Self, InvalidRequest> {
        let Value::Object(mut fields) = value else {
            return Err(InvalidRequest::NotAnObject(kind_of(&value)));
        };
        let method = text(&mut fields, "method")?.ok_or(InvalidRequest::Missing("method"))?;
        let url = text(&mut fields, "url")?.ok_or(InvalidRequest::Missing("url"))?;
        check_method(&method)?;
        if url.len() > Self::MAX_URL_BYTES {
            return Err(invalid(
                "url",
                format!("is {} bytes; the limit is {}", url.len(), Self::MAX_URL_BYTES),
            ));
        }
        Ok(Self {
            method,
            url,
            headers: headers(&mut fields)?,
            agent_id: text(&mut fields, "agent_id")?
                .map(|id| id.parse().map_err(|_| invalid("agent_id", "is not a UUID".to_owned())))
                .transpose()?,
            agent_name: name(&mut fields, "agent_name")?,
            runtime_type: name(&mut fields, "runtime_type")?,
            context: text(&mut fields, "context")?,
            env: name(&mut fields, "env")?,
            body: fields.remove("body").unwrap_or_default(),
        })
    }
}

fn invalid(field: &'static str, problem: String) -> InvalidRequest {
    InvalidRequest::Invalid { field, problem }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// A string field; `null` counts as absent.
fn text(fields: &mut Map<String, Value>, field: &'static str) -> Result<Option<String>, InvalidRequest> {
    match fields.remove(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => {
            Err(InvalidRequest::WrongType { field, expected: "a string", actual: kind_of(&other) })
        }
    }
}

/// A string field that names something: trimmed, not empty, bounded, without control characters.
fn name(fields: &mut Map<String, Value>, field: &'static str) -> Result<Option<String>, InvalidRequest> {
    let Some(text) = text(fields, field)? else { return Ok(None) };
    let text = text.trim();
    if text.is_empty() {
        return Err(invalid(field, "is empty".to_owned()));
    }
    if text.chars().count() > ScanRequest::MAX_NAME_CHARS {
        return Err(invalid(field, format!("is longer than {} characters", ScanRequest::MAX_NAME_CHARS)));
    }
    if text.chars().any(char::is_control) {
        return Err(invalid(field, "contains a control character".to_owned()));
    }
    Ok(Some(text.to_owned()))
}

/// RFC 9110 §5.6.2: a method is a token.
fn check_method(method: &str) -> Result<(), InvalidRequest> {
    let is_token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    if method.is_empty() || method.len() > 32 || !method.bytes().all(is_token) {
        return Err(invalid("method", "must be an HTTP token of 1 to 32 characters".to_owned()));
    }
    Ok(())
}

fn headers(fields: &mut Map<String, Value>) -> Result<BTreeMap<String, String>, InvalidRequest> {
    let wrong = |expected, actual| InvalidRequest::WrongType { field: "headers", expected, actual };
    let members = match fields.remove("headers") {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(members)) => members,
        Some(other) => return Err(wrong("an object of strings", kind_of(&other))),
    };
    let mut headers = BTreeMap::new();
    for (name, value) in members {
        let Value::String(value) = value else {
            return Err(wrong("an object of strings", kind_of(&value)));
        };
        let name = name.to_ascii_lowercase();
        if headers.contains_key(&name) {
            return Err(invalid("headers", format!("names `{name}` twice")));
        }
        headers.insert(name, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn refusal(value: Value) -> String {
        ScanRequest::from_json(value).unwrap_err().to_string()
    }

    #[test]
    fn names_the_field_that_is_wrong() {
        assert_eq!(
            refusal(json!([1])),
            "the body must be a JSON object with `method` and `url`, not an array"
        );
        assert_eq!(refusal(json!({"url": "https://a.example"})), "`method` is required");
        assert_eq!(refusal(json!({"method": "GET"})), "`url` is required");
        assert_eq!(refusal(json!({"method": 7, "url": ""})), "`method` must be a string, not a number");
        let with = |field: &str, value: Value| {
            let mut request = json!({"method": "GET", "url": "https://a.example"});
            request[field] = value;
            refusal(request)
        };
        assert_eq!(with("headers", json!("x")), "`headers` must be an object of strings, not a string");
        assert_eq!(with("headers", json!({"A": 1})), "`headers` must be an object of strings, not a number");
        assert_eq!(with("headers", json!({"A": "1", "a": "2"})), "`headers` names `a` twice");
        assert_eq!(with("agent_id", json!("bob")), "`agent_id` is not a UUID");
        assert_eq!(with("agent_name", json!("  ")), "`agent_name` is empty");
        assert!(with("method", json!("GET /")).contains("HTTP token"));
    }

    #[test]
    fn ignores_unknown_fields_and_takes_any_body() {
        for body in [json!(null), json!(3), json!("text"), json!([1]), json!({"a": 1})] {
            let request =
                json!({"method": "POST", "url": "https://a.example", "body": body, "new_in_2027": {}});
            assert_eq!(ScanRequest::from_json(request).unwrap().body, body);
        }
    }
}
