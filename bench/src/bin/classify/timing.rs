//! Timing one body, and the rules that its times must keep.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use bench::Latencies;
use interven_classify::{Classifier, Findings, RedactionPlan, Subject};
use interven_types::{Confidence, DataClass};
use serde_json::Value;

use crate::bodies::{Kind, Nature};

/// Rounds of a row, whatever their length.
const FEWEST_ROUNDS: u32 = TURNS;
const MOST_ROUNDS: u32 = 5_000;
/// The rounds are made in so many turns, of which the half that other programs disturbed most says nothing of p99.
const TURNS: u32 = 8;

/// Microseconds that the median or the 99th percentile of classifying and redacting an ordinary body may take.
const ORDINARY_LIMITS: &[(usize, f64, f64)] = &[(2 << 10, 50.0, 200.0), (10 << 10, f64::INFINITY, 800.0)];
/// Up to this size nothing takes longer than [`LONGEST_MICROSECONDS`] to classify…
const BOUNDED_SIZE: usize = 100 << 10;
const LONGEST_MICROSECONDS: f64 = 5_000.0;
/// …and at this size nothing more than so many times what the clean body takes.
const MOST_TIMES_CLEAN: f64 = 5.0;

/// Times what a gateway does with a body.
pub(crate) struct Stopwatch<'c> {
    classifier: &'c Classifier,
    budget: Duration,
    classes: BTreeSet<DataClass>,
    headers: BTreeMap<String, String>,
}

impl<'c> Stopwatch<'c> {
    /// Each row takes about `budget`, unless a single round is longer than its share.
    pub(crate) fn new(classifier: &'c Classifier, budget: Duration) -> Self {
        Self { classifier, budget, classes: BTreeSet::from(DataClass::ALL), headers: BTreeMap::new() }
    }

    pub(crate) fn classifier(&self) -> &Classifier {
        self.classifier
    }

    /// Times `kind` at `size`, in turns with `clean`.
    ///
    /// # Errors
    /// Never with the constants that bound a latency.
    pub(crate) fn time(&self, kind: &Kind, size: usize, clean: &Value) -> anyhow::Result<Row> {
        let body = kind.body(size);
        let run_clean = || self.classify(clean);
        let run_classify = || self.classify(&body);
        let run_both = || self.classify_and_redact(&body);
        // The first rounds fill the caches of the lazy automata.
        let first =
            [time(&run_clean).1, time(&run_classify).1, time(&run_both).1].into_iter().sum::<Duration>();
        let round =
            [time(&run_clean).1, time(&run_classify).1, time(&run_both).1].into_iter().sum::<Duration>();
        let round = round.min(first).max(Duration::from_nanos(1));
        let rounds: u32 = (self.budget.as_nanos() / round.as_nanos()).try_into().unwrap_or(MOST_ROUNDS);
        let rounds = rounds.clamp(FEWEST_ROUNDS, MOST_ROUNDS);
        let (mut of_clean, mut of_classify, mut of_both) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..TURNS {
            let mut turn = [Latencies::new()?, Latencies::new()?, Latencies::new()?];
            let [clean, classify, both] = &mut turn;
            for _ in 0..rounds.div_ceil(TURNS) {
                clean.record(time(&run_clean).1);
                classify.record(time(&run_classify).1);
                both.record(time(&run_both).1);
            }
            let [clean, classify, both] = turn;
            of_clean.push(clean);
            of_classify.push(classify);
            of_both.push(both);
        }
        let clean = Microseconds::of(of_clean)?;
        let classify = Microseconds::of(of_classify)?;
        Ok(Row {
            kind: kind.name.clone(),
            nature: kind.nature,
            size,
            bytes: body.to_string().len(),
            hits: self.classify(&body),
            classify,
            classify_and_redact: Microseconds::of(of_both)?,
            times_clean: classify.median / clean.median,
        })
    }

    /// The fastest of three, in microseconds: what a search can afford.
    pub(crate) fn time_roughly(&self, body: &Value) -> f64 {
        let times = (0..3).map(|_| time(&|| self.classify(body)).1);
        times.min().unwrap_or_default().as_secs_f64() * 1e6
    }

    fn classify(&self, body: &Value) -> usize {
        self.find(body).hits.len()
    }

    /// As a decision does: what classifying read is not read again.
    fn classify_and_redact(&self, body: &Value) -> usize {
        let plan = RedactionPlan { classes: &self.classes, min_confidence: Confidence::Medium, fields: &[] };
        self.classifier.redact_found(&self.find(body), &plan).redactions.len()
    }

    fn find<'b>(&'b self, body: &'b Value) -> Findings<'b> {
        let url = "https://api.example.com/v1/items";
        self.classifier.classify(&Subject { url, host: None, headers: &self.headers, body })
    }
}

fn time(run: &impl Fn() -> usize) -> (usize, Duration) {
    let began = Instant::now();
    let answer = black_box(run());
    (answer, began.elapsed())
}

#[derive(Clone, Copy, Debug)]
struct Microseconds {
    /// Of all rounds.
    median: f64,
    /// Of the faster half of the turns: a round that other programs interrupt takes a time slice more, and on a busy
    /// machine that is more than every hundredth.
    p99: f64,
}

impl Microseconds {
    fn of(mut turns: Vec<Latencies>) -> anyhow::Result<Self> {
        let (mut all, mut fast) = (Latencies::new()?, Latencies::new()?);
        turns.sort_by(|a, b| a.milliseconds_at(0.99).total_cmp(&b.milliseconds_at(0.99)));
        for turn in &turns {
            all.add(turn)?;
        }
        for turn in turns.iter().take(turns.len() / 2) {
            fast.add(turn)?;
        }
        Ok(Self { median: all.milliseconds_at(0.5) * 1e3, p99: fast.milliseconds_at(0.99) * 1e3 })
    }
}

/// What one body cost.
#[derive(Debug)]
pub(crate) struct Row {
    kind: String,
    nature: Nature,
    /// As asked for; the body may be a little longer.
    size: usize,
    bytes: usize,
    hits: usize,
    classify: Microseconds,
    classify_and_redact: Microseconds,
    times_clean: f64,
}

impl Row {
    pub(crate) const HEAD: &'static str = "\
| kind | bytes | classify p50 µs | p99 | with redact p50 µs | p99 | MB/s | × clean | hits |
| --- | --: | --: | --: | --: | --: | --: | --: | --: |";

    /// Each rule that this row breaks, as a sentence's part.
    pub(crate) fn broken_rules(&self) -> Vec<String> {
        let mut broken = Vec::new();
        let mut check = |what: &str, measured: f64, limit: f64| {
            if measured > limit {
                broken.push(format!("{} of {} B: {what} {measured:.1} > {limit}", self.kind, self.size));
            }
        };
        for (size, median, p99) in ORDINARY_LIMITS {
            if self.size == *size && self.nature == Nature::Ordinary {
                check("with redact p50 µs", self.classify_and_redact.median, *median);
                check("with redact p99 µs", self.classify_and_redact.p99, *p99);
            }
        }
        if self.size <= BOUNDED_SIZE {
            check("classify p50 µs", self.classify.median, LONGEST_MICROSECONDS);
        }
        if self.size == BOUNDED_SIZE {
            check("× clean", self.times_clean, MOST_TIMES_CLEAN);
        }
        broken
    }
}

impl fmt::Display for Row {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (classify, both) = (self.classify, self.classify_and_redact);
        let rate = self.bytes as f64 / classify.median;
        write!(
            out,
            "| {} | {} | {:.1} | {:.1} | {:.1} | {:.1} | {rate:.0} | {:.1} | {} |",
            self.kind,
            self.bytes,
            classify.median,
            classify.p99,
            both.median,
            both.p99,
            self.times_clean,
            self.hits
        )
    }
}
