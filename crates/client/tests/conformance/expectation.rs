//! Whether what came out of a case is what it expects; each difference in one line.

use crate::server::Noted;
use interven_client::Counters;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, time::Duration};

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    result: Option<Value>,
    error: Option<Map<String, Value>>,
    requests: Option<Vec<ExpectedRequest>>,
    counters: Option<BTreeMap<String, u64>>,
    #[serde(default)]
    elapsed_ms: Limits,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedRequest {
    method: String,
    path: String,
    body: Option<Value>,
    #[serde(default)]
    headers: BTreeMap<String, Value>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Limits {
    at_least: u128,
    at_most: u128,
}

impl Default for Limits {
    fn default() -> Self {
        Self { at_least: 0, at_most: 30_000 }
    }
}

#[derive(Debug)]
pub(crate) struct Outcome {
    /// Fields by name, or an error's.
    pub(crate) end: Result<Value, Map<String, Value>>,
    pub(crate) requests: Vec<Noted>,
    /// None where no client could be made.
    pub(crate) counters: Option<Counters>,
    pub(crate) took: Duration,
}

impl Expected {
    pub(crate) fn differences(&self, outcome: &Outcome) -> Vec<String> {
        let mut found = Vec::new();
        match (&self.result, &outcome.end) {
            (Some(expected), Ok(result)) => within("result", expected, result, &mut found),
            (Some(_), Err(error)) => found.push(format!("expected a result, got {error:?}")),
            (None, _) => {}
        }
        match (&self.error, &outcome.end) {
            (Some(expected), Err(error)) => compare_error(expected, error, &mut found),
            (Some(_), Ok(result)) => found.push(format!("expected an error, got {result}")),
            (None, _) => {}
        }
        if let Some(expected) = &self.requests {
            compare_requests(expected, &outcome.requests, &mut found);
        }
        if let (Some(expected), Some(counters)) = (&self.counters, outcome.counters) {
            let Counters { requests, retries, fail_opens } = counters;
            for (name, count) in [("requests", requests), ("retries", retries), ("fail_opens", fail_opens)] {
                if expected.get(name) != Some(&count) {
                    found.push(format!("counter {name}: expected {:?}, got {count}", expected.get(name)));
                }
            }
        }
        let took = outcome.took.as_millis();
        if !(self.elapsed_ms.at_least..=self.elapsed_ms.at_most).contains(&took) {
            found.push(format!("took {took} ms, expected {:?}", self.elapsed_ms));
        }
        found
    }
}

fn compare_error(expected: &Map<String, Value>, error: &Map<String, Value>, found: &mut Vec<String>) {
    let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
    for (name, value) in expected {
        if matches!(name.as_str(), "message" | "message_without") {
            for part in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
                if message.contains(part) != (name == "message") {
                    found.push(format!("{name} `{part}`: the message is `{message}`"));
                }
            }
        } else if !is_equal(error.get(name).unwrap_or(&Value::Null), value) {
            found.push(format!("error {name}: expected {value}, got {:?}: {message}", error.get(name)));
        }
    }
}

fn compare_requests(expected: &[ExpectedRequest], requests: &[Noted], found: &mut Vec<String>) {
    if expected.len() != requests.len() {
        found.push(format!("expected {} requests, got {}", expected.len(), requests.len()));
        return;
    }
    for (at, (wanted, request)) in expected.iter().zip(requests).enumerate() {
        if (&wanted.method, &wanted.path) != (&request.method, &request.path) {
            found.push(format!(
                "request {at}: expected {} {}, got {} {}",
                wanted.method, wanted.path, request.method, request.path
            ));
        }
        if let Some(body) = wanted.body.as_ref().filter(|body| !is_equal(body, &request.body)) {
            found.push(format!("request {at} body: expected {body}, got {}", request.body));
        }
        for (name, value) in &wanted.headers {
            let (got, first) =
                (request.headers.get(name), requests.first().and_then(|r| r.headers.get(name)));
            let is_right = match value {
                Value::Null => got.is_none(),
                Value::String(text) => got == Some(text),
                rule => match rule.get("is").and_then(Value::as_str) {
                    Some("present") => got.is_some(),
                    Some("same") => got.is_some() && got == first,
                    Some("different") => got.is_some() && got != first,
                    _ => false,
                },
            };
            if !is_right {
                found.push(format!("request {at} header {name}: expected {value}, got {got:?}"));
            }
        }
    }
}

/// Maps may hold more than is expected; everything else is equal.
fn within(place: &str, expected: &Value, got: &Value, found: &mut Vec<String>) {
    match (expected, got) {
        (Value::Object(expected), got) if expected.len() == 1 && expected.contains_key("contains") => {
            let part = expected["contains"].as_str().unwrap_or_default();
            if !got.as_str().is_some_and(|text| text.contains(part)) {
                found.push(format!("{place}: expected it to contain `{part}`, got {got}"));
            }
        }
        (Value::Object(expected), Value::Object(got)) if !expected.is_empty() => {
            for (name, value) in expected {
                within(&format!("{place}.{name}"), value, got.get(name).unwrap_or(&Value::Null), found);
            }
        }
        _ if is_equal(expected, got) => {}
        _ => found.push(format!("{place}: expected {expected}, got {got}")),
    }
}

/// 1 and 1.0 are one number.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_equal(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(name, value)| other.get(name).is_some_and(|other| is_equal(value, other)))
        }
        (one, other) => one == other,
    }
}
