//! A random search for slow bodies: what a detector's own examples, cut short and repeated, cost.

use bench::Random;
use serde_json::{Value, json};

use crate::bodies;
use crate::timing::Stopwatch;

const SIZE: usize = 100 << 10;
const SHOWN: usize = 20;
const MOST_PARTS: u64 = 4;
/// What stands between two parts of a mix.
const GLUE: &[&str] =
    &["", "", " ", "\n", "\"", ": ", "=", "@", ".", "-", "/", "\\n", "%20", ", ", "1", "a", "ü"];

/// Prints the slowest of `mixes` random bodies, each with what is repeated in it.
///
/// # Errors
/// Never; a line that cannot be formatted would be one.
pub(crate) fn show_slowest(stopwatch: &Stopwatch<'_>, mixes: usize, seed: u64) -> anyhow::Result<()> {
    let detectors = stopwatch.classifier().detectors();
    let examples: Vec<&str> =
        detectors.iter().flat_map(|d| d.positive.iter().chain(&d.negative)).map(String::as_str).collect();
    let mut random = Random::from_seed(seed);
    let mut tried: Vec<(f64, f64, String)> = Vec::with_capacity(mixes);
    for _ in 0..mixes {
        let unit = mix(&examples, &mut random);
        let body = lay_out(&unit, &mut random);
        let bytes = body.to_string().len() as f64;
        tried.push((stopwatch.time_roughly(&body), bytes, shape(&body, &unit)));
    }
    tried.sort_by(|a, b| b.0.total_cmp(&a.0));
    let clean = stopwatch.time_roughly(&bodies::clean(SIZE));
    println!("{mixes} mixes of {SIZE} B; the clean body of that size takes {clean:.0} µs\n");
    println!("| classify µs | × clean | MB/s | what is repeated |\n| --: | --: | --: | --- |");
    for (micros, bytes, shape) in tried.iter().take(SHOWN) {
        println!("| {micros:.0} | {:.1} | {:.0} | {shape} |", micros / clean, bytes / micros);
    }
    Ok(())
}

/// A few beginnings of examples, glued together.
fn mix(examples: &[&str], random: &mut Random) -> String {
    let mut unit = String::new();
    for _ in 0..=random.below(MOST_PARTS) {
        let example = random.pick(examples).copied().unwrap_or_default();
        let chars = example.chars().count();
        let len = 1 + random.below(chars.try_into().unwrap_or(u64::MAX));
        unit.extend(example.chars().take(usize::try_from(len).unwrap_or(chars)));
        unit.push_str(random.pick(GLUE).copied().unwrap_or_default());
    }
    unit
}

/// One string, many strings, or many members.
fn lay_out(unit: &str, random: &mut Random) -> Value {
    let count = SIZE / (unit.len() + 6) + 1;
    match random.below(4) {
        0 => json!(vec![unit; count]),
        1 => (0..count).map(|n| (format!("k{n}"), json!(unit))).collect::<serde_json::Map<_, _>>().into(),
        _ => json!({ "text": bodies::fill(SIZE, unit) }),
    }
}

fn shape(body: &Value, unit: &str) -> String {
    let shape = match body {
        Value::Array(_) => "items",
        Value::Object(members) if members.len() > 1 => "members",
        _ => "one string",
    };
    format!("{shape} of `{}`", unit.escape_debug())
}
