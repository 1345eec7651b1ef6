//! Bodies that carry nothing sensitive, and how many are flagged all the same.

use std::collections::{BTreeMap, BTreeSet};

use interven_types::{Confidence, DataClass, Hit};

use crate::bands::Bands;
use crate::finder::{Finder, counts, name_of};
use crate::rows::{Corpus, Row};
use crate::table::{PerThousand, Table};

/// Flagged rows by class, of all and of each family.
pub(crate) fn score(finder: &Finder, families: &[Corpus], bands: &mut Bands, most_wrong: usize) -> String {
    let mut by_family = BTreeMap::<&str, Flagged<'_>>::new();
    let mut by_detector = BTreeMap::<String, usize>::new();
    let mut wrong = Vec::new();
    for family in families {
        let flagged = by_family.entry(&family.name).or_default();
        for row in &family.rows {
            flagged.rows += 1;
            let mut hits = finder.hits(&row.content);
            hits.retain(|hit| !row.is_known_to_hold(hit.class.as_str(), &hit.detector));
            for (class, confidence) in strongest(&hits) {
                bands.add_benign(class, confidence);
            }
            hits.retain(counts);
            let detectors: BTreeSet<_> = hits.iter().map(|hit| &hit.detector).collect();
            for detector in detectors {
                *by_detector.entry(detector.clone()).or_default() += 1;
            }
            for class in hits.iter().map(|hit| hit.class).collect::<BTreeSet<_>>() {
                flagged.by_class.entry(class).or_default().push(row);
            }
            wrong.extend(hits.into_iter().map(|hit| (hit.confidence, row, hit)));
        }
    }
    let mut text = format!("{}\n{}", of_families(&by_family), of_detectors(by_detector));
    wrong.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.id.cmp(&b.1.id)));
    for (confidence, row, hit) in wrong.iter().take(most_wrong) {
        let confidence = name_of(*confidence);
        let Hit { detector, path, start, end, .. } = hit;
        text.push_str(&format!("- `{}`: {detector} {confidence} at `{path}` {start}..{end}\n", row.id));
    }
    text
}

#[derive(Default)]
struct Flagged<'rows> {
    rows: usize,
    by_class: BTreeMap<DataClass, Vec<&'rows Row>>,
}

impl Flagged<'_> {
    fn of_class(&self, class: DataClass) -> usize {
        self.by_class.get(&class).map_or(0, Vec::len)
    }
}

/// The highest confidence of each class that was found.
pub(crate) fn strongest(hits: &[Hit]) -> BTreeMap<DataClass, Confidence> {
    let mut strongest = BTreeMap::new();
    for hit in hits {
        let confidence = strongest.entry(hit.class).or_insert(hit.confidence);
        *confidence = hit.confidence.max(*confidence);
    }
    strongest
}

fn of_families(by_family: &BTreeMap<&str, Flagged<'_>>) -> Table {
    let classes = DataClass::ALL.map(|class| format!("{class} flagged"));
    let mut columns = vec!["family", "rows"];
    columns.extend(classes.iter().map(String::as_str));
    let mut table = Table::new(&columns);
    let mut line = |name: &str, rows: usize, count: &dyn Fn(DataClass) -> String| {
        let [a, b, c, d] = DataClass::ALL.map(count);
        table.row(&[&name, &rows, &a, &b, &c, &d]);
    };
    let rows = by_family.values().map(|flagged| flagged.rows).sum();
    let total = |class| by_family.values().map(|flagged| flagged.of_class(class)).sum::<usize>();
    line("per 1,000", rows, &|class| PerThousand(total(class), rows).to_string());
    line("all", rows, &|class| total(class).to_string());
    for (name, flagged) in by_family {
        line(name, flagged.rows, &|class| flagged.of_class(class).to_string());
    }
    table
}

fn of_detectors(by_detector: BTreeMap<String, usize>) -> Table {
    let mut by_detector: Vec<_> = by_detector.into_iter().collect();
    by_detector.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
    let mut table = Table::new(&["detector", "benign bodies flagged at MEDIUM or above"]);
    for (detector, rows) in by_detector {
        table.row(&[&format!("`{detector}`"), &rows]);
    }
    table
}
