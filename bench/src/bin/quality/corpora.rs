//! Recall and precision on labelled corpora: rows for secrets, spans for personal data.

use std::collections::BTreeMap;
use std::ops::Range;

use interven_types::{Confidence, DataClass, Hit};

use crate::bands::Bands;
use crate::benign::strongest;
use crate::finder::{Finder, call_with, counts, name_of};
use crate::rows::{Content, Corpus, Row, Truth};
use crate::table::{Score, Share, Table};

pub(crate) fn score(finder: &Finder, files: &[Corpus], bands: &mut Bands, most_wrong: usize) -> String {
    let mut text = String::new();
    for file in files {
        let has = |is: fn(&Truth) -> bool| file.rows.iter().any(|row| is(&row.truth));
        if has(|truth| matches!(truth, Truth::Secret(_))) {
            text.push_str(&secrets(finder, file, bands, most_wrong));
        } else if has(|truth| matches!(truth, Truth::Personal { .. })) {
            text.push_str(&personal(finder, file, bands, most_wrong));
        } else {
            text.push_str(&format!("`{}`: no row says what a text holds, skipped.\n\n", file.name));
        }
    }
    text
}

/// Whether each labelled text is taken to hold a secret, as it stands and inside a call.
fn secrets(finder: &Finder, file: &Corpus, bands: &mut Bands, most_wrong: usize) -> String {
    let rows: Vec<(&Row, &str, bool)> = file.rows.iter().filter_map(labelled_text).collect();
    let mut table =
        Table::new(&["as", "confidence", "rows", "with a secret", "recall", "precision", "F1", "false"]);
    let mut wrong = Vec::new();
    for (carrier, is_raw) in [("raw text", true), ("JSON string in a call", false)] {
        let mut by_least = BTreeMap::<Confidence, Score>::new();
        for (row, text, is_secret) in &rows {
            let hits = if is_raw { finder.hits_of_text(text) } else { finder.hits_of_body(&call_with(text)) };
            let found = strongest(&hits).get(&DataClass::Secrets).copied();
            for least in [Confidence::Medium, Confidence::Low] {
                let score = by_least.entry(least).or_default();
                score.all += usize::from(*is_secret);
                score.right += usize::from(*is_secret && found >= Some(least));
                score.wrong += usize::from(!is_secret && found >= Some(least));
            }
            if is_raw && let Some(confidence) = found {
                bands.add_labelled(DataClass::Secrets, confidence, *is_secret);
            }
            if is_raw && *is_secret != (found > Some(Confidence::Low)) {
                wrong.push((*is_secret, found, row.id.as_str()));
            }
        }
        for (least, score) in by_least.iter().rev() {
            let shares = (score.recall(), score.precision(), score.f1());
            let name = name_of_least(*least);
            table.row(&[
                &carrier,
                &name,
                &rows.len(),
                &score.all,
                &shares.0,
                &shares.1,
                &shares.2,
                &score.wrong,
            ]);
        }
    }
    // Misses that left no trace at all, then false alarms, the surest first.
    wrong.sort_by_key(|(is_secret, found, _)| (!is_secret, if *is_secret { *found } else { None }));
    format!(
        "`{}`\n\n{table}\n{}",
        file.name,
        list(
            wrong.iter().map(|(is_secret, found, id)| {
                let found = found.map_or("nothing", name_of);
                format!("{} `{id}`: {found} found", if *is_secret { "missed" } else { "false" })
            }),
            most_wrong
        )
    )
}

fn labelled_text(row: &Row) -> Option<(&Row, &str, bool)> {
    match (&row.content, &row.truth) {
        (Content::Text(text), Truth::Secret(is_secret)) => Some((row, text.as_str(), *is_secret)),
        _ => None,
    }
}

/// One row of a corpus of personal data.
struct Person<'rows> {
    row: &'rows Row,
    text: &'rows str,
    entity: &'rows str,
    count: usize,
    spans: Option<&'rows [Range<usize>]>,
}

/// Kinds that say nothing of a person by themselves, so no class holds them.
const NOT_PERSONAL: &[&str] = &["DATE_TIME", "URL"];

/// Which spans are found, by kind; whatever else is found of any class is wrong.
fn personal(finder: &Finder, file: &Corpus, bands: &mut Bands, most_wrong: usize) -> String {
    let rows: Vec<Person<'_>> = file.rows.iter().filter_map(person).collect();
    let mut by_entity = BTreeMap::<&str, BTreeMap<Confidence, Score>>::new();
    let mut in_call = Score::default();
    let mut wrong = Vec::new();
    for person in &rows {
        let hits = finder.hits_of_text(person.text);
        for least in [Confidence::Medium, Confidence::Low] {
            let found: Vec<&Hit> = hits.iter().filter(|hit| hit.confidence >= least).collect();
            let (right, beside) = compare(person, &found);
            let score = by_entity.entry(person.entity).or_default().entry(least).or_default();
            score.all += person.count;
            score.right += right;
            score.wrong += beside;
            if least == Confidence::Low
                && !NOT_PERSONAL.contains(&person.entity)
                && (right < person.count || beside > 0)
            {
                wrong.push(format!(
                    "`{}` {}: {right} of {} found, {beside} beside",
                    person.row.id, person.entity, person.count
                ));
            }
        }
        for hit in &hits {
            let (right, _) = compare(person, &[hit]);
            bands.add_labelled(hit.class, hit.confidence, right > 0);
        }
        if NOT_PERSONAL.contains(&person.entity) {
            continue;
        }
        // Inside a call the spans are those of the whole string, so only whether something counts is compared.
        let is_found = finder.hits_of_body(&call_with(person.text)).iter().any(counts);
        in_call.all += usize::from(person.count > 0);
        in_call.right += usize::from(person.count > 0 && is_found);
        in_call.wrong += usize::from(person.count == 0 && is_found);
    }
    let mut table = Table::new(&[
        "kind",
        "values",
        "recall, any",
        "precision, any",
        "recall, MEDIUM+",
        "precision, MEDIUM+",
        "F1, MEDIUM+",
    ]);
    let mut line = |name: &str, any: Score, sure: Score| {
        let shares = (any.recall(), any.precision(), sure.recall(), sure.precision(), sure.f1());
        table.row(&[&name, &any.all, &shares.0, &shares.1, &shares.2, &shares.3, &shares.4]);
    };
    let total = |least| {
        let personal = by_entity.iter().filter(|(entity, _)| !NOT_PERSONAL.contains(entity));
        personal.filter_map(|(_, scores)| scores.get(&least)).fold(Score::default(), add)
    };
    let all = format!("all but {}", NOT_PERSONAL.join(" and "));
    line(&all, total(Confidence::Low), total(Confidence::Medium));
    for (entity, scores) in &by_entity {
        let of = |least| scores.get(&least).copied().unwrap_or_default();
        line(
            if entity.is_empty() { "no kind named" } else { entity },
            of(Confidence::Low),
            of(Confidence::Medium),
        );
    }
    let (recall, precision): (Share, Share) = (in_call.recall(), in_call.precision());
    format!(
        "`{}`, by span\n\n{table}\nRows flagged at MEDIUM or above inside a call: recall {recall}, precision {precision}.\n\n{}",
        file.name,
        list(wrong.into_iter(), most_wrong)
    )
}

fn person(row: &Row) -> Option<Person<'_>> {
    match (&row.content, &row.truth) {
        (Content::Text(text), Truth::Personal { entity, count, spans }) => {
            Some(Person { row, text, entity, count: *count, spans: spans.as_deref() })
        }
        _ => None,
    }
}

/// How many values are found, and how many findings lie beside all of them. Without spans findings are only counted.
fn compare(person: &Person<'_>, found: &[&Hit]) -> (usize, usize) {
    let Some(spans) = person.spans.filter(|spans| spans.len() == person.count) else {
        let right = found.len().min(person.count);
        return (right, found.len() - right);
    };
    let touches = |hit: &Hit, span: &Range<usize>| hit.start < span.end && span.start < hit.end;
    let right = spans.iter().filter(|span| found.iter().any(|hit| touches(hit, span))).count();
    let beside = found.iter().filter(|hit| !spans.iter().any(|span| touches(hit, span))).count();
    (right, beside)
}

fn add(sum: Score, score: &Score) -> Score {
    Score { right: sum.right + score.right, wrong: sum.wrong + score.wrong, all: sum.all + score.all }
}

fn name_of_least(least: Confidence) -> &'static str {
    if least == Confidence::Low { "any" } else { "MEDIUM+" }
}

fn list(lines: impl Iterator<Item = String>, most: usize) -> String {
    let mut text: String = lines.take(most).map(|line| format!("- {line}\n")).collect();
    if !text.is_empty() {
        text.push('\n');
    }
    text
}
