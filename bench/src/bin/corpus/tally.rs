//! Decisions against labels, as a table.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use interven_types::{Decision, Skipped};

use crate::corpus::Case;
use crate::gateway::{Scanned, ScannedResponse};

/// What became of one row.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) calls: Vec<Scanned>,
    pub(crate) answers: Vec<ScannedResponse>,
}

impl Outcome {
    fn strictest(&self) -> Decision {
        self.calls.iter().map(|call| call.decision).max().unwrap_or(Decision::Allow)
    }

    fn has_instructions(&self) -> bool {
        self.answers.iter().any(|answer| answer.injection.detected)
    }

    /// Some part of it did not pass as it was.
    pub(crate) fn is_contained(&self) -> bool {
        self.strictest() != Decision::Allow || self.has_instructions()
    }
}

#[derive(Debug, Default)]
struct Count {
    rows: usize,
    right: usize,
    by_decision: BTreeMap<Decision, usize>,
    /// Allowed calls whose answer was found to carry instructions.
    instructions: usize,
}

impl Count {
    fn add(&mut self, case: &Case, outcome: &Outcome) {
        self.rows += 1;
        self.right += usize::from(outcome.is_contained() == case.must_be_contained);
        let decision = outcome.strictest();
        if decision == Decision::Allow && outcome.has_instructions() {
            self.instructions += 1;
        } else {
            *self.by_decision.entry(decision).or_default() += 1;
        }
    }

    fn line(&self, name: &str) -> String {
        let mut line = format!("| {name} | {} | {} |", self.rows, self.right);
        for decision in Decision::ALL {
            let count = self.by_decision.get(&decision).copied().unwrap_or_default();
            line.push_str(&format!(" {count} |"));
        }
        line + &format!(" {} |\n", self.instructions)
    }
}

/// Counts by label, and within a label by category.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Attacks, then benign rows.
    by_label: BTreeMap<Reverse<bool>, (Count, BTreeMap<String, Count>)>,
    /// What answers said they did not judge, and in how many of them.
    skipped: BTreeMap<Skipped, usize>,
}

impl Tally {
    pub(crate) fn add(&mut self, case: &Case, outcome: &Outcome) {
        let (all, by_category) = self.by_label.entry(Reverse(case.must_be_contained)).or_default();
        all.add(case, outcome);
        by_category.entry(case.category.clone()).or_default().add(case, outcome);
        for skipped in outcome.calls.iter().flat_map(|call| &call.coverage.skipped) {
            *self.skipped.entry(skipped.clone()).or_default() += 1;
        }
    }
}

/// A Markdown table, so that it can stand in a document as it was printed.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("| rows of | rows | right |")?;
        for decision in Decision::ALL {
            write!(f, " {decision} |")?;
        }
        f.write_str(" injection.detected |\n| --- | --: | --: | --: | --: | --: | --: | --: |\n")?;
        for (Reverse(is_attack), (all, by_category)) in &self.by_label {
            let label = if *is_attack { "attack" } else { "benign" };
            for (category, count) in by_category {
                f.write_str(&count.line(&format!("{label} `{category}`")))?;
            }
            f.write_str(&all.line(&format!("**{label}**")))?;
        }
        for (Skipped { what, why }, answers) in &self.skipped {
            write!(f, "\nnot judged in {answers} answers: {what}: {why}")?;
        }
        Ok(())
    }
}

/// One row decided against its label, with everything that the gateway said about it.
pub(crate) fn wrong(case: &Case, outcome: &Outcome) -> String {
    let label = if case.must_be_contained { "passed, must not" } else { "held, must pass" };
    let mut text = format!("{} ({}): {label}\n", case.id, case.category);
    for call in &outcome.calls {
        let Scanned { decision, risk_score, tool_name, operation, verb, .. } = call;
        let reasons = call.reason_codes.join(" ");
        let _ = writeln!(text, "  {decision} {risk_score:.2} {tool_name}.{operation} {verb} [{reasons}]");
    }
    for answer in &outcome.answers {
        let _ =
            writeln!(text, "  answer {:.2} [{}]", answer.injection.score, answer.injection.signs.join(" "));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(must_be_contained: bool) -> Case {
        Case { id: "i".into(), category: "c".into(), agent: "a".into(), must_be_contained, steps: vec![] }
    }

    fn outcome(decisions: &[Decision], detected: Option<bool>) -> Outcome {
        let call = |decision: &Decision| {
            serde_json::from_value(serde_json::json!({
                "trace_id": "t", "decision": decision, "risk_score": 0.5, "reason_codes": ["WHY"],
                "tool_name": "mcp", "operation": "x", "verb": "WRITE",
                "coverage": {"evaluated": [], "skipped": []},
            }))
            .unwrap()
        };
        let answer = |detected| ScannedResponse {
            injection: crate::gateway::Injection { detected, score: 0.7, signs: vec!["order".into()] },
        };
        Outcome {
            calls: decisions.iter().map(call).collect(),
            answers: detected.map(answer).into_iter().collect(),
        }
    }

    #[test]
    fn a_row_counts_once_under_its_strictest_decision() {
        use Decision::{Allow, Deny};
        let mut tally = Tally::default();
        tally.add(&case(true), &outcome(&[Allow, Deny], None));
        tally.add(&case(true), &outcome(&[Allow], Some(true)));
        tally.add(&case(true), &outcome(&[Allow], Some(false)));
        tally.add(&case(false), &outcome(&[Allow, Allow], None));
        let table = tally.to_string();
        assert!(table.contains("| **attack** | 3 | 2 | 1 | 0 | 0 | 1 | 1 |\n"), "{table}");
        assert!(table.contains("| **benign** | 1 | 1 | 1 | 0 | 0 | 0 | 0 |\n"), "{table}");
    }

    #[test]
    fn a_wrong_row_says_what_was_decided_and_why() {
        let text = wrong(&case(false), &outcome(&[Decision::Deny], Some(true)));
        for part in ["held, must pass", "DENY 0.50 mcp.x WRITE [WHY]", "answer 0.70 [order]"] {
            assert!(text.contains(part), "{text}");
        }
    }
}
