//! Median time of `normalize` on typical calls: `cargo run --release -p interven-normalize --example time`.
#![expect(clippy::print_stdout, reason = "its output is its purpose")]

use interven_normalize::{OwnDomains, normalize};
use interven_types::ScanRequest;
use serde_json::json;
use std::{hint::black_box, time::Instant};

const ROUNDS: usize = 20_000;

fn main() {
    let own = OwnDomains::new(&["acme.example"]);
    let message = json!({"channel": "C024BE91L", "text": "hello, world", "blocks": [{"type": "section"}]});
    let pull = json!({"title": "t", "head": "feature", "base": "main", "body": "text"});
    let line = "cd app && curl -X POST https://slack.com/api/chat.postMessage -d '{\"channel\":\"C1\"}'; rm -rf build";
    let requests = [
        ("slack", ScanRequest::new("POST", "https://slack.com/api/chat.postMessage", message)),
        ("github", ScanRequest::new("POST", "https://api.github.com/repos/acme/app/pulls", pull)),
        (
            "aws",
            ScanRequest::new("POST", "https://iam.amazonaws.com/", json!("Action=CreateUser&UserName=bob")),
        ),
        ("unknown", ScanRequest::new("POST", "https://x.example/a/b?c=d", json!({"a": 1}))),
        ("shell", ScanRequest::new("POST", "shell://exec", json!({ "command": line }))),
    ];
    for (name, request) in &requests {
        let mut nanoseconds: Vec<u128> = (0..ROUNDS)
            .map(|_| {
                let start = Instant::now();
                let _named = black_box(normalize(black_box(request), &own));
                start.elapsed().as_nanos()
            })
            .collect();
        nanoseconds.sort_unstable();
        let median = nanoseconds.get(ROUNDS / 2).copied().unwrap_or_default();
        println!("{name}: median {median} ns");
    }
}
