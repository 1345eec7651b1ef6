//! The report as JUnit XML: `testsuites` / `testsuite` / `testcase` / `failure` or `error`, times in seconds.
//!
//! The format is that of Ant's JUnit task as continuous-integration servers read it
//! (<https://github.com/testmoapp/junitxml>).

use super::report::{Report, SuiteReport};
use std::fmt::{self, Write as _};

/// One entry of a suite. A file that could not be run and, where coverage is required, a rule without a case are
/// entries too: a server shows entries, and nothing else.
struct Entry<'r> {
    name: &'r str,
    line: Option<u32>,
    seconds: f64,
    outcome: Outcome<'r>,
}

#[derive(PartialEq)]
enum Outcome<'r> {
    Passed,
    Failed(&'r str),
    NotRun(&'r str),
}

pub(super) fn document(report: &Report, requires_coverage: bool) -> String {
    let mut text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n".to_owned();
    let findings: Vec<String> = report.suites.iter().map(findings).collect();
    let suites: Vec<(&SuiteReport, Vec<Entry<'_>>)> = report
        .suites
        .iter()
        .zip(&findings)
        .map(|(suite, findings)| (suite, entries(suite, findings, requires_coverage)))
        .collect();
    let all: Vec<&Entry<'_>> = suites.iter().flat_map(|(_, entries)| entries).collect();
    let _ = writeln!(text, "<testsuites name=\"interven policy test\" {}>", totals(&all));
    for (suite, entries) in &suites {
        let _ = writeln!(
            text,
            "  <testsuite name=\"{}\" {}>",
            Escaped(&suite.file),
            totals(&entries.iter().collect::<Vec<_>>())
        );
        for entry in entries {
            write_case(&mut text, &suite.file, entry);
        }
        text.push_str("  </testsuite>\n");
    }
    text.push_str("</testsuites>\n");
    text
}

fn findings(suite: &SuiteReport) -> String {
    suite.findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

fn entries<'r>(suite: &'r SuiteReport, findings: &'r str, requires_coverage: bool) -> Vec<Entry<'r>> {
    let unread = (!findings.is_empty()).then_some(Entry {
        name: "the file can be run",
        line: None,
        seconds: 0.0,
        outcome: Outcome::NotRun(findings),
    });
    let cases = suite.cases.iter().map(|case| Entry {
        name: &case.name,
        line: case.line,
        seconds: case.seconds,
        outcome: case.problem.as_deref().map_or(Outcome::Passed, Outcome::Failed),
    });
    let idle = suite.rules_not_exercised.iter().filter(|_| requires_coverage).map(|rule| Entry {
        name: &rule.rule_id,
        line: None,
        seconds: 0.0,
        outcome: Outcome::Failed("no case exercises this rule"),
    });
    unread.into_iter().chain(cases).chain(idle).collect()
}

fn totals(entries: &[&Entry<'_>]) -> String {
    let count = |is: fn(&Outcome<'_>) -> bool| entries.iter().filter(|entry| is(&entry.outcome)).count();
    format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"0\" time=\"{:.6}\"",
        entries.len(),
        count(|outcome| matches!(outcome, Outcome::Failed(_))),
        count(|outcome| matches!(outcome, Outcome::NotRun(_))),
        entries.iter().map(|entry| entry.seconds).sum::<f64>()
    )
}

fn write_case(text: &mut String, file: &str, entry: &Entry<'_>) {
    let file = Escaped(file);
    let _ =
        write!(text, "    <testcase name=\"{}\" classname=\"{file}\" file=\"{file}\"", Escaped(entry.name));
    if let Some(line) = entry.line {
        let _ = write!(text, " line=\"{line}\"");
    }
    let _ = write!(text, " time=\"{:.6}\"", entry.seconds);
    let (element, problem) = match entry.outcome {
        Outcome::Passed => return text.push_str("/>\n"),
        Outcome::Failed(problem) => ("failure", Escaped(problem)),
        Outcome::NotRun(problem) => ("error", Escaped(problem)),
    };
    let _ =
        writeln!(text, ">\n      <{element} message=\"{problem}\">{problem}</{element}>\n    </testcase>");
}

/// Text as it may stand in an attribute or between tags. What XML 1.0 §2.2 has no place for becomes U+FFFD; a line
/// break is written by number, or an attribute would lose it.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&apos;")?,
                '\n' | '\r' | '\t' => write!(f, "&#{};", u32::from(c))?,
                '\u{0}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                c => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_replaced() {
        let text = Escaped("a<b & \"c\" 'd' > \u{1}\n\u{ffff}é").to_string();
        assert_eq!(text, "a&lt;b &amp; &quot;c&quot; &apos;d&apos; &gt; \u{fffd}&#10;\u{fffd}é");
    }
}
