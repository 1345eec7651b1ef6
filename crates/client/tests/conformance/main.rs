//! The cases of `sdks/conformance`, run by the Rust client: what they mean is told there.
#![cfg(test)]

mod expectation;
mod runner;
mod server;

use serde::Deserialize;
use serde_json::{Map, Value};
use std::{collections::BTreeMap, fs, path::Path};
use tokio::task::JoinSet;

#[derive(Deserialize)]
struct Cases {
    cases: Vec<Case>,
}

#[derive(Clone, Deserialize)]
struct Case {
    name: String,
    #[serde(default)]
    client: Map<String, Value>,
    #[serde(default)]
    environment: BTreeMap<String, String>,
    server: Vec<server::Answer>,
    call: BTreeMap<String, Value>,
    expect: expectation::Expected,
}

/// Calls that this client lacks, and cases that its types rule out.
fn is_left_out(case: &Case) -> bool {
    let (call, arguments) = case.call.first_key_value().expect("a case names one call");
    let is_no_id = |name: &str| {
        let id = arguments.get(name).or_else(|| case.client.get(name)).and_then(Value::as_str);
        id.is_some_and(|id| id.parse::<uuid::Uuid>().is_err())
    };
    let is_negative =
        |name: &str| case.client.get(name).and_then(Value::as_i64).is_some_and(i64::is_negative);
    matches!(call.as_str(), "guard" | "gate" | "tool")
        || is_no_id("approval_id")
        || is_no_id("agent_id")
        || is_negative("timeout_ms")
        || is_negative("retries")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_client_does_what_every_client_does() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../sdks/conformance/cases");
    let mut running = JoinSet::new();
    let mut left_out = 0;
    for file in fs::read_dir(directory).unwrap() {
        let path = file.unwrap().path();
        let Cases { cases } = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        for case in cases {
            if is_left_out(&case) {
                left_out += 1;
                continue;
            }
            running.spawn(async move {
                let outcome = runner::run(&case).await;
                (case.name, case.expect.differences(&outcome))
            });
        }
    }
    let done = running.join_all().await;
    let ran = done.len();
    let failed: Vec<_> = done.into_iter().filter(|(_, differences)| !differences.is_empty()).collect();
    println!("conformance: {ran} cases, {} failed, {left_out} of calls that this client lacks", failed.len());
    assert!(ran >= 250, "only {ran} cases");
    assert!(failed.is_empty(), "{failed:#?}");
}
