//! Compiled conditions: a list of tests, all of which must hold.

use crate::condition::{Condition, PathTest};
use crate::diagnostic::{Findings, Path};
use crate::needle::{Finder, Found, NeedleTable};
use crate::outcome::{Facts, McpFacts, confidence_by_class};
use crate::path::{JsonPath, Visited};
use crate::truth::{Cause, Truth};
use crate::window::Window;
use interven_types::{Action, Confidence, DataClass};
use serde_json::Value;
use std::{cell::OnceCell, collections::BTreeMap};

#[derive(Debug)]
pub(crate) enum Test {
    Flag { flag: &'static Flag, wanted: bool },
    RiskAbove(f64),
    TrustBelow(f64),
    BodyLargerThan(u64),
    Semantic(Vec<String>),
    Correlation(Vec<String>),
    Budget(String),
    OutsideOf(Window),
    Carries { classes: Vec<DataClass>, bar: Confidence },
    AtPath { path: JsonPath, compare: Compare },
    Exists { path: JsonPath, wanted: bool },
    ContainsAny(Vec<u32>),
    ContainsAll(Vec<u32>),
    Not(Vec<Test>),
    AnyOf(Vec<Vec<Test>>),
}

#[derive(Debug)]
pub(crate) enum Compare {
    Equals(Value),
    In(Vec<Value>),
    Number(fn(f64, f64) -> bool, f64),
}

/// A yes-or-no fact and the key that asks for it.
pub(crate) struct Flag {
    key: &'static str,
    read: fn(&Condition) -> Option<bool>,
    fact: fn(&Facts<'_>, &Action) -> Option<bool>,
    /// What did not run when there is no fact.
    source: &'static str,
}

impl std::fmt::Debug for Flag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key)
    }
}

const INTEL: &str = "threat intelligence";
const MCP: &str = "the MCP guard";

fn mcp(facts: &Facts<'_>, fact: fn(McpFacts) -> bool) -> Option<bool> {
    facts.mcp.map(fact)
}

static FLAGS: [Flag; 10] = [
    Flag {
        key: "is_external_principal",
        read: |c| c.is_external_principal,
        fact: |_, a| Some(a.external_principal),
        source: "",
    },
    Flag {
        key: "is_external_host",
        read: |c| c.is_external_host,
        fact: |_, a| Some(a.external_host),
        source: "",
    },
    Flag {
        key: "is_new_destination",
        read: |c| c.is_new_destination,
        fact: |f, _| Some(f.is_new_destination),
        source: "",
    },
    Flag {
        key: "is_volume_burst",
        read: |c| c.is_volume_burst,
        fact: |f, _| Some(f.is_volume_burst),
        source: "",
    },
    Flag {
        key: "agent_in_scrutiny",
        read: |c| c.agent_in_scrutiny,
        fact: |f, _| Some(f.agent_in_scrutiny),
        source: "",
    },
    Flag {
        key: "threat_intel_match",
        read: |c| c.threat_intel_match,
        fact: |f, _| f.threat_intel_match,
        source: INTEL,
    },
    Flag {
        key: "mcp_drift_detected",
        read: |c| c.mcp_drift_detected,
        fact: |f, _| mcp(f, |m| m.drift_detected),
        source: MCP,
    },
    Flag {
        key: "mcp_origin_changed",
        read: |c| c.mcp_origin_changed,
        fact: |f, _| mcp(f, |m| m.origin_changed),
        source: MCP,
    },
    Flag {
        key: "mcp_injection_heuristic",
        read: |c| c.mcp_injection_heuristic,
        fact: |f, _| mcp(f, |m| m.injection_heuristic),
        source: MCP,
    },
    Flag {
        key: "mcp_risky_param_added",
        read: |c| c.mcp_risky_param_added,
        fact: |f, _| mcp(f, |m| m.risky_param_added),
        source: MCP,
    },
];

/// Compiles a condition; what is wrong with it goes to `findings`. Cheap tests come first.
pub(crate) fn compile(
    source: &Condition,
    path: &Path,
    nesting: usize,
    needles: &mut NeedleTable,
    findings: &mut Findings,
) -> Vec<Test> {
    let mut tests: Vec<Test> = FLAGS
        .iter()
        .filter_map(|flag| (flag.read)(source).map(|wanted| Test::Flag { flag, wanted }))
        .collect();
    tests.extend(source.risk_score_gt.map(Test::RiskAbove));
    tests.extend(source.trust_score_lt.map(Test::TrustBelow));
    tests.extend(source.body_size_bytes_gt.map(Test::BodyLargerThan));
    if !source.semantic_category.is_empty() {
        tests.push(Test::Semantic(source.semantic_category.clone()));
    }
    if !source.correlation_pattern.is_empty() {
        tests.push(Test::Correlation(source.correlation_pattern.clone()));
    }
    tests.extend(source.daily_budget_exceeded.clone().map(Test::Budget));
    if !source.has_data_class.is_empty() {
        let bar = source.has_data_class_min_confidence.unwrap_or(Confidence::Medium);
        tests.push(Test::Carries { classes: source.has_data_class.clone(), bar });
    }
    if let Some(window) = &source.time_of_day_outside {
        match Window::compile(window) {
            Ok(window) => tests.push(Test::OutsideOf(window)),
            Err((key, why)) => findings.error(path.then("time_of_day_outside").then(key), why),
        }
    }
    compile_paths(source, path, &mut tests, findings);
    let numbers = |texts: &[String], needles: &mut NeedleTable| -> Option<Vec<u32>> {
        let numbers: Vec<u32> = texts.iter().map(|text| needles.number_of(text)).collect();
        Some(numbers).filter(|numbers| !numbers.is_empty())
    };
    tests.extend(numbers(&source.body_contains_all, needles).map(Test::ContainsAll));
    tests.extend(numbers(&source.body_contains_any, needles).map(Test::ContainsAny));
    if nesting == Condition::MAX_NESTING {
        if source.not.is_some() || !source.any_of.is_empty() {
            let key = if source.not.is_some() { "not" } else { "any_of" };
            let limit = Condition::MAX_NESTING;
            findings.error(path.then(key), format!("`not` and `any_of` nest at most {limit} deep"));
        }
        return tests;
    }
    if let Some(inner) = &source.not {
        tests.push(Test::Not(compile(inner, &path.then("not"), nesting + 1, needles, findings)));
    }
    if !source.any_of.is_empty() {
        let at = path.then("any_of");
        let inner = source.any_of.iter().enumerate();
        let inner = inner.map(|(i, inner)| compile(inner, &at.then(i), nesting + 1, needles, findings));
        tests.push(Test::AnyOf(inner.collect()));
    }
    tests
}

/// The numeric comparisons: key, operator, and where the condition holds it.
type Comparison = (&'static str, fn(f64, f64) -> bool, fn(&Condition) -> Option<&PathTest<f64>>);

static COMPARISONS: [Comparison; 4] = [
    ("body_path_gt", |found, bound| found > bound, |c| c.body_path_gt.as_ref()),
    ("body_path_gte", |found, bound| found >= bound, |c| c.body_path_gte.as_ref()),
    ("body_path_lt", |found, bound| found < bound, |c| c.body_path_lt.as_ref()),
    ("body_path_lte", |found, bound| found <= bound, |c| c.body_path_lte.as_ref()),
];

fn compile_paths(source: &Condition, at: &Path, tests: &mut Vec<Test>, findings: &mut Findings) {
    let mut parse = |key: &str, text: &str| {
        JsonPath::parse(text)
            .map_err(|error| findings.error(at.then(key).then("path"), error.to_string()))
            .ok()
    };
    if let Some(test) = &source.body_path_exists {
        tests.extend(
            parse("body_path_exists", &test.path).map(|path| Test::Exists { path, wanted: test.value }),
        );
    }
    if let Some(test) = &source.body_path_equals {
        let compare = Compare::Equals(test.value.clone());
        tests.extend(parse("body_path_equals", &test.path).map(|path| Test::AtPath { path, compare }));
    }
    if let Some(test) = &source.body_path_in {
        let compare = Compare::In(test.value.clone());
        tests.extend(parse("body_path_in", &test.path).map(|path| Test::AtPath { path, compare }));
    }
    for (key, operator, read) in &COMPARISONS {
        if let Some(test) = read(source) {
            let compare = Compare::Number(*operator, test.value);
            tests.extend(parse(key, &test.path).map(|path| Test::AtPath { path, compare }));
        }
    }
}

/// The facts of one call, with what is worked out at most once for all rules.
pub(crate) struct View<'v> {
    pub(crate) facts: &'v Facts<'v>,
    confidence: BTreeMap<DataClass, Confidence>,
    finder: &'v Finder,
    found: OnceCell<Found>,
}

impl<'v> View<'v> {
    pub(crate) fn new(facts: &'v Facts<'v>, finder: &'v Finder) -> Self {
        Self { facts, confidence: confidence_by_class(facts.hits), finder, found: OnceCell::new() }
    }

    pub(crate) fn classes_found(&self, bar: Confidence) -> impl Iterator<Item = DataClass> {
        self.confidence.iter().filter(move |(_, level)| **level >= bar).map(|(class, _)| *class)
    }

    fn has_text(&self, number: u32) -> bool {
        self.found.get_or_init(|| self.finder.find_in(self.facts.texts)).contains(number)
    }
}

/// Whether all tests hold for one action of the call.
pub(crate) fn judge<'r>(tests: &'r [Test], view: &View<'_>, action: &Action) -> Truth<'r> {
    let mut truth = Truth::True;
    for test in tests {
        truth = truth.and(test.judge(view, action));
        if truth == Truth::False {
            break;
        }
    }
    truth
}

impl Test {
    fn judge<'r>(&'r self, view: &View<'_>, action: &Action) -> Truth<'r> {
        let facts = view.facts;
        match self {
            Self::Flag { flag, wanted } => {
                known((flag.fact)(facts, action).map(|fact| fact == *wanted), flag.source)
            }
            Self::RiskAbove(bound) => (facts.risk_score > *bound).into(),
            Self::TrustBelow(bound) => (facts.trust_score < *bound).into(),
            Self::BodyLargerThan(bound) => {
                u64::try_from(facts.body_bytes).map_or(true, |n| n > *bound).into()
            }
            Self::Semantic(names) => known(overlap(names, facts.semantic_categories), "the semantic engine"),
            Self::Correlation(names) => {
                known(overlap(names, facts.correlation_patterns), "the correlation engine")
            }
            Self::Budget(name) => match facts.budgets.map(|budgets| budgets.get(name)) {
                None => Truth::Unknown(Cause::NotRun("budget counting")),
                Some(None) => Truth::Unknown(Cause::NoBudget(name)),
                Some(Some(budget)) => match budget.is_exceeded() {
                    Ok(is_exceeded) => is_exceeded.into(),
                    Err(why) => Truth::TypeError(Cause::Unmeasured { budget: name, why }),
                },
            },
            Self::OutsideOf(window) => (!window.contains(facts.now)).into(),
            Self::Carries { classes, bar } => {
                view.classes_found(*bar).any(|class| classes.contains(&class)).into()
            }
            Self::AtPath { path, compare } => compare.judge(path, facts.body),
            Self::Exists { path, wanted } => {
                let mut is_there = false;
                // Too many nodes are nodes.
                let complete = path.visit(facts.body, |_| is_there = true).complete;
                ((is_there || complete.is_err()) == *wanted).into()
            }
            Self::ContainsAny(needles) => needles.iter().any(|needle| view.has_text(*needle)).into(),
            Self::ContainsAll(needles) => needles.iter().all(|needle| view.has_text(*needle)).into(),
            Self::Not(tests) => !judge(tests, view, action),
            Self::AnyOf(alternatives) => {
                alternatives.iter().fold(Truth::False, |truth, tests| truth.or(judge(tests, view, action)))
            }
        }
    }
}

fn known<'r>(fact: Option<bool>, engine: &'static str) -> Truth<'r> {
    fact.map_or(Truth::Unknown(Cause::NotRun(engine)), Truth::from)
}

fn overlap(wanted: &[String], found: Option<&[String]>) -> Option<bool> {
    found.map(|found| wanted.iter().any(|name| found.contains(name)))
}

impl Compare {
    /// Whether any node at the path satisfies the comparison.
    fn judge<'r>(&self, path: &'r JsonPath, body: &Value) -> Truth<'r> {
        let mut truth = None;
        let Visited { complete, obstacle, .. } = path.visit(body, |node| {
            let this = self.judge_one(path, node);
            truth = Some(truth.map_or(this, |before: Truth<'r>| before.or(this)));
        });
        let mut truth = truth.unwrap_or(Truth::Unknown(Cause::Missing(path)));
        if let (Self::Number(..), Some(obstacle)) = (self, obstacle) {
            truth = truth.or(Truth::TypeError(Cause::InTheWay { path, found: kind_of(obstacle) }));
        }
        if complete.is_ok() { truth } else { truth.or(Truth::TypeError(Cause::TooManyNodes(path))) }
    }

    fn judge_one<'r>(&self, path: &'r JsonPath, node: &Value) -> Truth<'r> {
        match self {
            Self::Equals(value) => is_same(value, node).into(),
            Self::In(values) => values.iter().any(|value| is_same(value, node)).into(),
            Self::Number(operator, bound) => match node.as_f64() {
                Some(number) => operator(number, *bound).into(),
                None => Truth::TypeError(Cause::NotANumber { path, found: kind_of(node) }),
            },
        }
    }
}

/// Equality of JSON values in which `1` and `1.0` are one number (as in RFC 8785).
pub(crate) fn is_same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            a == b || a.as_f64() == b.as_f64() && (a.is_f64() || b.is_f64())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| is_same(a, b)))
        }
        _ => a == b,
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
