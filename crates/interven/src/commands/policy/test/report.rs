//! What became of the cases.

use crate::terminal::printable;
use interven_policy::Diagnostic;
use interven_types::{Decision, Verb, Verdict};
use serde::Serialize;
use std::fmt::Write as _;

#[derive(Serialize)]
pub(super) struct Report {
    pub(super) suites: Vec<SuiteReport>,
}

/// One test file.
#[derive(Default, Serialize)]
pub(super) struct SuiteReport {
    pub(super) file: String,
    /// What kept the file from being run.
    pub(super) findings: Vec<Diagnostic>,
    /// In the order written.
    pub(super) cases: Vec<Tried>,
    /// How many rules the policies have.
    pub(super) rules: usize,
    pub(super) rules_not_exercised: Vec<RuleName>,
}

#[derive(Serialize)]
pub(super) struct Tried {
    pub(super) name: String,
    pub(super) line: Option<u32>,
    /// Absent: the case passed.
    pub(super) problem: Option<String>,
    /// Absent when the request could not be judged.
    pub(super) got: Option<Got>,
    pub(super) seconds: f64,
}

#[derive(Serialize)]
pub(super) struct Got {
    decision: Decision,
    policy_name: Option<String>,
    rule_id: Option<String>,
    reason_codes: Vec<String>,
    tool_name: String,
    operation: String,
    verb: Verb,
    sanitized_body: Option<serde_json::Value>,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(super) struct RuleName {
    pub(super) policy: String,
    pub(super) rule_id: String,
}

impl From<Verdict> for Got {
    fn from(verdict: Verdict) -> Self {
        let (policy_name, rule_id) = verdict.rule.map(|rule| (rule.policy_name, rule.rule_id)).unzip();
        Self {
            decision: verdict.decision,
            policy_name,
            rule_id,
            reason_codes: verdict.reason_codes,
            tool_name: verdict.tool_name,
            operation: verdict.operation,
            verb: verdict.verb,
            sanitized_body: verdict.sanitized_body,
        }
    }
}

impl SuiteReport {
    pub(super) fn of(file: String) -> Self {
        Self { file, ..Self::default() }
    }

    pub(super) fn failed(&self) -> usize {
        self.cases.iter().filter(|case| case.problem.is_some()).count()
    }
}

impl Report {
    pub(super) fn passes(&self, requires_coverage: bool) -> bool {
        self.suites.iter().all(|suite| {
            suite.findings.is_empty()
                && suite.failed() == 0
                && (suite.rules_not_exercised.is_empty() || !requires_coverage)
        })
    }

    /// One line for each thing to look at, and one that counts.
    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for suite in &self.suites {
            for finding in &suite.findings {
                let _ = writeln!(text, "{finding}");
            }
            for case in &suite.cases {
                if let Some(problem) = &case.problem {
                    let line = case.line.map_or_else(String::new, |line| format!(":{line}"));
                    let (name, problem) = (printable(&case.name), printable(problem));
                    let _ = writeln!(text, "{}{line}: failed: {name}: {problem}", suite.file);
                }
            }
            for rule in &suite.rules_not_exercised {
                let name = printable(&format!("{} / {}", rule.policy, rule.rule_id));
                let _ = writeln!(text, "{}: warning: no case exercises {name}", suite.file);
            }
        }
        let sum = |count: fn(&SuiteReport) -> usize| self.suites.iter().map(count).sum::<usize>();
        let (cases, failed) = (sum(|suite| suite.cases.len()), sum(SuiteReport::failed));
        let (rules, idle) = (sum(|suite| suite.rules), sum(|suite| suite.rules_not_exercised.len()));
        let unread = self.suites.iter().filter(|suite| !suite.findings.is_empty()).count();
        let _ = write!(text, "{} passed, {failed} failed; ", cases - failed);
        let _ = write!(text, "{} of {rules} rules exercised", rules - idle);
        if unread > 0 {
            let files = if unread == 1 { "file" } else { "files" };
            let _ = write!(text, "; not run: {unread} {files}");
        }
        text.push('\n');
        text
    }
}
