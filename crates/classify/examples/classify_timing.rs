//! Times the classifier on clean, dense and hostile bodies; prints median microseconds and MB/s.
//! An argument selects the bodies whose name contains it.

use interven_classify::{Classifier, Subject};
use serde_json::{Value, json};
use std::{collections::BTreeMap, io::Write, time::Instant};

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let start = Instant::now();
    let classifier = Classifier::builtin();
    writeln!(out, "built {} detectors in {:?}", classifier.detector_count(), start.elapsed())?;
    let only = std::env::args().nth(1);
    for (name, body) in
        bodies().into_iter().filter(|(name, _)| only.as_ref().is_none_or(|o| name.contains(o.as_str())))
    {
        let size = body.to_string().len();
        let headers = BTreeMap::new();
        let subject =
            Subject { url: "https://api.example.com/v1/items", host: None, headers: &headers, body: &body };
        let rounds = (20_000_000 / size).clamp(9, 5_000);
        let mut times: Vec<f64> = (0..rounds)
            .map(|_| {
                let start = Instant::now();
                std::hint::black_box(classifier.classify(&subject));
                start.elapsed().as_secs_f64() * 1e6
            })
            .collect();
        times.sort_by(f64::total_cmp);
        let median = times.get(times.len() / 2).copied().unwrap_or_default();
        let hits = classifier.classify(&subject).hits.len();
        writeln!(
            out,
            "{name:28} {size:8} B {median:10.1} µs {:8.1} MB/s {hits:6} hits",
            size as f64 / median
        )?;
    }
    Ok(())
}

fn bodies() -> Vec<(String, Value)> {
    let mut bodies = Vec::new();
    for size in [2_000, 10_000, 256_000] {
        bodies.push((format!("clean json {size}"), clean(size)));
        bodies.push((format!("clean prose {size}"), json!({"text": prose(size)})));
    }
    let size = 10_000;
    let floods: [(&str, String); 12] = [
        ("keywords", "password token secret api_key sk- ghp_ xoxb- AKIA eyJ ".repeat(200)),
        ("digits", "4111 1111 1111 1112 ".repeat(500)),
        ("one digit run", "4".repeat(size)),
        ("at signs", "a@".repeat(size / 2)),
        ("e-mails", "jane.doe@example.org ".repeat(500)),
        ("colons", "a:".repeat(size / 2)),
        ("base64 run", "QUJD".repeat(size / 4)),
        ("base64 runs", "QUJDQUJDQUJDQUJDQUJD ".repeat(500)),
        ("hex run", "41".repeat(size / 2)),
        ("escapes", "\\\\u0041".repeat(size / 7)),
        ("percent", "%2541".repeat(size / 5)),
        ("zero width", "a\u{200b}".repeat(size / 4)),
    ];
    bodies.extend(floods.into_iter().map(|(name, text)| (format!("flood: {name}"), json!({ "text": text }))));
    bodies.push(("flood: short strings".to_owned(), json!(vec!["a1"; size / 5])));
    let nested = (0..60).fold(json!("x"), |inner, i| json!({"k": inner, "n": i}));
    bodies.push(("deep nesting".to_owned(), json!(vec![nested; 20])));
    bodies
}

fn prose(size: usize) -> String {
    "The weekly report is ready and the team reviewed every open item before the release went out. "
        .repeat(size / 95 + 1)
}

fn clean(size: usize) -> Value {
    let item = |i: usize| {
        json!({"id": format!("item-{i}"), "title": "Update the onboarding guide", "state": "open", "count": i,
               "labels": ["docs", "good first issue"], "created": "2026-03-01T10:00:00Z", "done": false,
               "body": "Please describe how the new settings page works and add two screenshots."})
    };
    json!({"items": (0..size / 235 + 1).map(item).collect::<Vec<_>>()})
}
