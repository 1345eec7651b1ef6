//! Values planted in every carrier: how many are found, and how many can still be read after redaction.

use std::collections::BTreeMap;

use bench::Random;
use interven_types::{DataClass, Hit};

use crate::carriers::CARRIERS;
use crate::decodings;
use crate::finder::{Finder, counts};
use crate::table::Table;
use crate::values::kinds;

/// A text, and what in it must not be left.
struct Planted {
    class: DataClass,
    kind: String,
    /// The kind, or whose example it is.
    name: String,
    text: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    planted: usize,
    found: usize,
    left: usize,
}

impl Tally {
    fn add(&mut self, is_found: bool, is_left: bool) {
        self.planted += 1;
        self.found += usize::from(is_found);
        self.left += usize::from(is_left);
    }
}

/// Values shorter than this stand in ordinary text by chance.
const SHORTEST: usize = 5;
/// Of a value this long, a half that is left is as bad as all of it.
const LONG: usize = 24;

/// What became of planted values.
#[derive(Default)]
struct Outcome<'p> {
    by_carrier: BTreeMap<&'static str, BTreeMap<DataClass, Tally>>,
    by_kind: BTreeMap<(DataClass, &'p str), Tally>,
    /// What went wrong, with what, in which carrier, and how often.
    wrong: BTreeMap<(&'static str, &'p str, &'static str), usize>,
}

pub(crate) fn score(finder: &Finder, values: usize, random: &mut Random, most_wrong: usize) -> String {
    let (examples, unused) = examples(finder);
    let fresh = fresh(values, random);
    let (of_fresh, of_examples) = (plant(finder, &fresh), plant(finder, &examples));
    let mut text = format!(
        "{} fresh values, each in {carriers} carriers.\n\n{}\n{}\n\
         {} examples of the detectors ({unused} more are LOW or too short without more round them), each in {carriers} carriers.\n\n{}\n{}",
        fresh.len(),
        of_carriers(&of_fresh.by_carrier),
        of_kinds(&of_fresh.by_kind),
        examples.len(),
        of_carriers(&of_examples.by_carrier),
        of_kinds(&of_examples.by_kind),
        carriers = CARRIERS.len(),
    );
    let mut wrong: Vec<_> = of_fresh.wrong.into_iter().chain(of_examples.wrong).collect();
    wrong.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    for ((what, name, carrier), count) in wrong.iter().take(most_wrong) {
        text.push_str(&format!("- {name} in {carrier}: {count} {what}\n"));
    }
    text
}

/// Plants each value in every carrier, looks for it, and redacts it.
fn plant<'p>(finder: &Finder, values: &'p [Planted]) -> Outcome<'p> {
    let mut outcome = Outcome::default();
    for planted in values {
        for carrier in CARRIERS {
            let body = (carrier.wrap)(&planted.text);
            let is_found =
                finder.hits_of_body(&body).iter().any(|hit| hit.class == planted.class && counts(hit));
            let redacted = finder.redact(&body);
            let is_left = planted
                .values
                .iter()
                .flat_map(|value| parts(value))
                .any(|part| decodings::hold(&redacted, part));
            let of_carrier = outcome.by_carrier.entry(carrier.name).or_default();
            of_carrier.entry(planted.class).or_default().add(is_found, is_left);
            outcome.by_kind.entry((planted.class, &planted.kind)).or_default().add(is_found, is_left);
            for (what, is_wrong) in [("not found", !is_found), ("left", is_left)] {
                if is_wrong {
                    *outcome.wrong.entry((what, &planted.name, carrier.name)).or_default() += 1;
                }
            }
        }
    }
    outcome
}

/// The texts that detectors must match, and what they find in them. How many count for nothing by themselves.
fn examples(finder: &Finder) -> (Vec<Planted>, usize) {
    let mut planted = Vec::new();
    let mut unused = 0;
    for (detector, text) in finder.examples() {
        let class = detector.class;
        let mut hits = finder.hits_of_text(text);
        hits.retain(|hit| hit.class == class && counts(hit));
        let values: Vec<_> =
            hits.iter().map(|hit| value_of(hit, text)).filter(|value| value.len() >= SHORTEST).collect();
        if values.is_empty() {
            unused += 1;
        } else {
            planted.push(Planted {
                class,
                kind: "examples of the detectors".to_owned(),
                name: format!("example of `{}`", detector.id),
                text: text.to_owned(),
                values,
            });
        }
    }
    (planted, unused)
}

fn value_of(hit: &Hit, text: &str) -> String {
    text.chars().skip(hit.start).take(hit.end - hit.start).collect()
}

fn fresh(values: usize, random: &mut Random) -> Vec<Planted> {
    let mut planted = Vec::new();
    for kind in kinds() {
        for _ in 0..values {
            let value = (kind.make)(random);
            let text = kind.sentence.replace("{}", &value);
            planted.push(Planted {
                class: kind.class,
                kind: kind.name.to_owned(),
                name: kind.name.to_owned(),
                text,
                values: vec![value],
            });
        }
    }
    planted
}

/// What of `value` must not be left: all of it, or either half of a long one.
fn parts(value: &str) -> Vec<&str> {
    match value.split_at_checked(value.len() / 2) {
        Some((first, second)) if value.len() >= LONG => vec![first, second],
        _ => vec![value],
    }
}

fn of_carriers(by_carrier: &BTreeMap<&str, BTreeMap<DataClass, Tally>>) -> Table {
    let classes = DataClass::ALL.map(|class| format!("{class} found %"));
    let mut columns = vec!["carrier", "planted"];
    columns.extend(classes.iter().map(String::as_str));
    columns.push("left %");
    let mut table = Table::new(&columns);
    let mut line = |name: &str, of_class: &dyn Fn(DataClass) -> Tally| {
        let tallies = DataClass::ALL.map(of_class);
        let (planted, left) =
            tallies.iter().fold((0, 0), |sum, tally| (sum.0 + tally.planted, sum.1 + tally.left));
        let [a, b, c, d] = tallies.map(|tally| Percent(tally.found, tally.planted));
        table.row(&[&name, &planted, &a, &b, &c, &d, &Percent(left, planted)]);
    };
    line("all", &|class| {
        by_carrier.values().filter_map(|by_class| by_class.get(&class)).fold(Tally::default(), sum)
    });
    for (carrier, by_class) in by_carrier {
        line(carrier, &|class| by_class.get(&class).copied().unwrap_or_default());
    }
    table
}

fn of_kinds(by_kind: &BTreeMap<(DataClass, &str), Tally>) -> Table {
    let mut table = Table::new(&["value", "class", "planted", "found %", "left %"]);
    for ((class, kind), tally) in by_kind {
        let (found, left) = (Percent(tally.found, tally.planted), Percent(tally.left, tally.planted));
        table.row(&[kind, class, &tally.planted, &found, &left]);
    }
    table
}

fn sum(sum: Tally, tally: &Tally) -> Tally {
    Tally {
        planted: sum.planted + tally.planted,
        found: sum.found + tally.found,
        left: sum.left + tally.left,
    }
}

struct Percent(usize, usize);

impl std::fmt::Display for Percent {
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.1 {
            0 => out.write_str("–"),
            all => write!(out, "{:.2}", 100.0 * self.0 as f64 / all as f64),
        }
    }
}
