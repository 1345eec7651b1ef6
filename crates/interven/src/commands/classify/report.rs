//! What is told of the files that were looked at: findings on the standard output, the rest on the standard error.

use super::{
    Examined,
    excerpt::Masked,
    find::Finding,
    source::{MOST_BYTES, Source},
};
use crate::{
    cli::ClassifyArgs,
    exit::tell,
    terminal::{Paint, counted, printable},
};
use interven_types::{Confidence, DataClass};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

/// How findings are shown, and which.
#[derive(Debug)]
pub(super) struct Report {
    paint: Paint,
    is_json: bool,
    is_revealed: bool,
    context: usize,
    least: Confidence,
    classes: Vec<DataClass>,
}

/// One finding, as `--json` gives it.
#[derive(Debug, Serialize)]
struct JsonFinding<'a> {
    path: &'a str,
    line: usize,
    column: usize,
    start: usize,
    end: usize,
    class: DataClass,
    detector: &'a str,
    confidence: Confidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<&'a str>,
}

impl Report {
    pub(super) fn new(args: &ClassifyArgs) -> Self {
        Self {
            paint: Paint::new(args.colour),
            is_json: args.json,
            is_revealed: args.reveal,
            context: args.context,
            least: args.min_confidence,
            classes: args.classes.clone(),
        }
    }

    /// What the standard output gets of one file.
    pub(super) fn show(&self, examined: &Examined, tally: &mut Tally) -> String {
        let Ok(Source::Text { text, .. }) = &examined.outcome else { return String::new() };
        let findings = &examined.findings;
        let masked = Masked::new(text, findings.iter().map(|finding| finding.span.clone()), self.is_revealed);
        let mut shown = String::new();
        let mut has_any = false;
        for finding in findings {
            if !self.classes.is_empty() && !self.classes.contains(&finding.class) {
                continue;
            }
            if finding.confidence < self.least {
                tally.too_uncertain += 1;
                continue;
            }
            has_any = true;
            tally.shown += 1;
            *tally.by_class.entry(finding.class).or_default() += 1;
            match self.is_json {
                true => self.write_json(&mut shown, &examined.name, text, finding),
                false => self.write_text(&mut shown, &examined.name, &masked, finding),
            }
        }
        tally.files_with_findings += usize::from(has_any);
        shown
    }

    fn write_json(&self, shown: &mut String, path: &str, text: &str, finding: &Finding) {
        let value = text.get(finding.span.clone()).filter(|_| self.is_revealed);
        let line = JsonFinding {
            path,
            line: finding.line,
            column: finding.column,
            start: finding.points.start,
            end: finding.points.end,
            class: finding.class,
            detector: &finding.detector,
            confidence: finding.confidence,
            value,
        };
        // Strings and numbers are always JSON.
        let _ = writeln!(shown, "{}", serde_json::to_string(&line).unwrap_or_default());
    }

    fn write_text(&self, shown: &mut String, path: &str, masked: &Masked<'_>, finding: &Finding) {
        let place = format!("{}:{}:{}:", printable(path), finding.line, finding.column);
        let colour = colour_of(finding.class);
        let _ = writeln!(
            shown,
            "{} {} {} {}",
            self.paint.with("1", &place),
            self.paint.with(colour, finding.class.as_str()),
            self.paint.with("1", &finding.detector),
            finding.confidence,
        );
        let excerpt = masked.excerpt(&finding.span);
        let (before, after) = match self.context {
            0 => Default::default(),
            count => masked.lines_beside(&finding.span, count),
        };
        let first = finding.line - before.len();
        for (number, line) in (first..).zip(&before) {
            self.write_line(shown, &number.to_string(), line);
        }
        let value = self.paint.with(colour, &excerpt.value);
        self.write_line(
            shown,
            &finding.line.to_string(),
            &format!("{}{value}{}", excerpt.before, excerpt.after),
        );
        let indent = " ".repeat(excerpt.before.chars().count());
        let carets = "^".repeat(excerpt.value.chars().count().max(1));
        self.write_line(shown, "", &format!("{indent}{}", self.paint.with(colour, &carets)));
        let next = finding.line + masked.height(&finding.span) + 1;
        for (number, line) in (next..).zip(&after) {
            self.write_line(shown, &number.to_string(), line);
        }
    }

    fn write_line(&self, shown: &mut String, number: &str, line: &str) {
        let gutter = self.paint.with("2", &format!("{number:>6} |"));
        let _ = writeln!(shown, "{}", format!("{gutter} {line}").trim_end());
    }
}

fn colour_of(class: DataClass) -> &'static str {
    match class {
        DataClass::Secrets => "31",
        DataClass::Pii => "33",
        DataClass::Phi => "35",
        DataClass::Internal => "36",
    }
}

/// What was looked at and what was not.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) shown: usize,
    pub(super) has_trouble: bool,
    pub(super) hidden: usize,
    pub(super) links: usize,
    files: usize,
    bytes: usize,
    files_with_findings: usize,
    by_class: BTreeMap<DataClass, usize>,
    too_uncertain: usize,
    binary: usize,
    unopened: BTreeSet<String>,
}

impl Tally {
    /// Says on the standard error what did not work; the others go on.
    pub(super) fn complain(&mut self, problem: &str) {
        self.has_trouble = true;
        tell(&format!("interven: {problem}"));
    }

    pub(super) fn add(&mut self, examined: &Examined) {
        match &examined.outcome {
            Err(problem) => self.complain(problem),
            Ok(Source::Binary) => self.binary += 1,
            Ok(Source::Text { bytes, is_cut, .. }) => {
                self.files += 1;
                self.bytes += bytes;
                if *is_cut {
                    let most = MOST_BYTES >> 20;
                    self.complain(&format!("`{}`: only the first {most} MiB were looked at", examined.name));
                }
            }
        }
        self.unopened.extend(examined.unopened.iter().cloned());
    }

    /// Lines for people.
    pub(super) fn summary(&self, took: Duration, args: &ClassifyArgs) -> String {
        let by_class: Vec<String> = self.by_class.iter().map(|(class, n)| format!("{n} {class}")).collect();
        let found = match by_class.is_empty() {
            true => "nothing found".to_owned(),
            false => {
                format!("{} in {}", by_class.join(", "), counted(self.files_with_findings, "file", "files"))
            }
        };
        let seconds = took.as_secs_f64().max(1e-6);
        let megabytes = self.bytes as f64 / 1e6;
        let speed = match megabytes < 1.0 {
            true => format!("{:.1} kB in {seconds:.2} s", megabytes * 1e3),
            false => format!("{megabytes:.1} MB in {seconds:.2} s ({:.0} MB/s)", megabytes / seconds),
        };
        let mut text = format!("{found}; {} looked at, {speed}\n", counted(self.files, "file", "files"));
        let mut left_out = Vec::new();
        let mut count = |number: usize, what: &str| {
            if number > 0 {
                left_out.push(format!("{number} {what}"));
            }
        };
        count(self.too_uncertain, &format!("below {} (--min-confidence low)", args.min_confidence));
        count(self.hidden, "hidden (--hidden)");
        count(self.binary, "binary");
        count(self.links, "links and devices");
        if !left_out.is_empty() {
            let _ = writeln!(text, "left out: {}", left_out.join(", "));
        }
        if !self.unopened.is_empty() {
            let reasons: Vec<&str> = self.unopened.iter().map(String::as_str).collect();
            let _ = writeln!(text, "not opened: layers that {}", reasons.join("; "));
        }
        text
    }
}
