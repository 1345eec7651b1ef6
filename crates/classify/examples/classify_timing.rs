//! Prints what classifying and redacting cost: kinds of bodies × sizes, median microseconds, and for each kind its cost as
//! a multiple of the clean JSON of its size. An argument selects the kinds whose name contains it.

use interven_classify::{Classifier, RedactionPlan, Subject};
use interven_types::{Confidence, DataClass};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    io::Write,
    time::Instant,
};

const SIZES: [usize; 5] = [512, 2 << 10, 10 << 10, 100 << 10, 1 << 20];

/// A text that is repeated to the size, as the one string of the body.
const FLOODS: &[(&str, &str)] = &[
    ("keywords", "password token secret api_key sk- ghp_ xoxb- AKIA eyJ "),
    ("near-miss prefixes", "ghp_0123456789abcdef sk-proj-0123456789 AKIA0123456789 xoxb-1234-5678 "),
    ("near-miss passwords", "password=required&token=none&secret: value "),
    ("digits", "4111 1111 1111 1112 "),
    ("one digit run", "4"),
    ("at signs", "a@"),
    ("e-mails", "jane.doe@example.org "),
    ("colons", "a:"),
    ("base64 run", "QUJD"),
    ("base64 runs", "QUJDQUJDQUJDQUJDQUJD "),
    ("hex run", "41"),
    ("hex pairs", "41 "),
    ("escapes", "\\\\u0041"),
    ("percent", "%2541"),
    ("zero width", "a\u{200b}"),
    ("seed words", "abandon ability able about above absent "),
    ("braces", "{\"a\":"),
];

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let start = Instant::now();
    let classifier = Classifier::builtin();
    write!(out, "{} detectors, built in {:?}", classifier.detector_count(), start.elapsed())?;
    let start = Instant::now();
    classifier.warm_up().map_err(std::io::Error::other)?;
    writeln!(out, ", all patterns compiled in {:?}", start.elapsed())?;

    let only = std::env::args().nth(1).unwrap_or_default();
    writeln!(
        out,
        "{:22} {:>9} {:>10} {:>9} {:>6} {:>6} {:>10}",
        "kind", "bytes", "classify µs", "MB/s", "× clean", "hits", "redact µs"
    )?;
    for size in SIZES {
        let clean = measure(&clean(size), |body| classify(&classifier, body));
        for (name, body) in bodies(size).into_iter().filter(|(name, _)| name.contains(&only)) {
            let bytes = body.to_string().len();
            let cost = measure(&body, |body| classify(&classifier, body));
            let hits = classify(&classifier, &body);
            let redact = match hits {
                0 => "-".to_owned(),
                _ => format!("{:.1}", measure(&body, |body| redact(&classifier, body))),
            };
            let rate = bytes as f64 / cost;
            writeln!(
                out,
                "{name:22} {bytes:9} {cost:10.1} {rate:9.1} {:6.1} {hits:6} {redact:>10}",
                cost / clean
            )?;
        }
    }
    Ok(())
}

/// Median microseconds of one run.
fn measure(body: &Value, run: impl Fn(&Value) -> usize) -> f64 {
    const BUDGET_MICROS: f64 = 60_000.0;
    let once = || {
        let start = Instant::now();
        std::hint::black_box(run(body));
        start.elapsed().as_secs_f64() * 1e6
    };
    // The first runs warm the caches of the lazy automata.
    let first = once().min(once());
    let rounds = ((BUDGET_MICROS / first) as usize).clamp(5, 2_000);
    let mut times: Vec<f64> = (0..rounds).map(|_| once()).collect();
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn classify(classifier: &Classifier, body: &Value) -> usize {
    let headers = BTreeMap::new();
    let subject = Subject { url: "https://api.example.com/v1/items", host: None, headers: &headers, body };
    classifier.classify(&subject).hits.len()
}

fn redact(classifier: &Classifier, body: &Value) -> usize {
    let classes = BTreeSet::from(DataClass::ALL);
    let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Medium, fields: &[] };
    classifier.redact(body, &plan).redactions.len()
}

fn bodies(size: usize) -> Vec<(String, Value)> {
    let mut bodies = vec![
        ("clean json".to_owned(), clean(size)),
        ("clean prose".to_owned(), json!({ "text": fill(size, PROSE) })),
        ("10 % findings".to_owned(), records(size, 10)),
        ("entity-dense".to_owned(), records(size, 1)),
    ];
    let floods =
        FLOODS.iter().map(|(name, unit)| (format!("flood: {name}"), json!({ "text": fill(size, unit) })));
    bodies.extend(floods);
    bodies.push(("flood: short strings".to_owned(), json!(vec!["a1"; size / 5])));
    bodies.push(("flood: e-mail items".to_owned(), json!(vec!["jane.doe@example.org"; size / 23])));
    let nested = (0..60).fold(json!("x"), |inner, i| json!({"k": inner, "n": i}));
    bodies.push(("deep json".to_owned(), json!(vec![nested; size / 780 + 1])));
    bodies
}

const PROSE: &str =
    "The weekly report is ready and the team reviewed every open item before the release went out. ";

fn fill(size: usize, unit: &str) -> String {
    unit.repeat(size / unit.len() + 1)
}

fn clean(size: usize) -> Value {
    json!({"items": (0..size / 235 + 1).map(item).collect::<Vec<_>>()})
}

fn item(index: usize) -> Value {
    json!({"id": format!("item-{index}"), "title": "Update the onboarding guide", "state": "open", "count": index,
           "labels": ["docs", "good first issue"], "created": "2026-03-01T10:00:00Z", "done": false,
           "body": "Please describe how the new settings page works and add two screenshots."})
}

/// Clean items, every `period`th with personal data and a credential in it.
fn records(size: usize, period: usize) -> Value {
    const FOUND: [&str; 4] = [
        "write to jane.doe@example.org or call +1 415 555 0132",
        "card 5555 5555 5555 4444, SSN 536-90-4399",
        "deploy with AKIA2E5A6B7CXQ4TZNFM",
        "IBAN DE89370400440532013000 of the customer",
    ];
    let record = |index: usize| {
        let mut item = item(index);
        if index.is_multiple_of(period) {
            let text = FOUND.get(index / period % FOUND.len()).copied().unwrap_or_default();
            if let Some(body) = item.get_mut("body") {
                *body = json!(text);
            }
        }
        item
    };
    json!({"items": (0..size / 235 + 1).map(record).collect::<Vec<_>>()})
}
