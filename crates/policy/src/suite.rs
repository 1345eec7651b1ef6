//! Test files: what a policy's author says should become of some calls.

use crate::diagnostic::{Diagnostic, Diagnostics, Finding, Path, Position, Severity, nearest};
use crate::node::{Content, Member, Node};
use crate::outcome::McpFacts;
use crate::parse::{located, members};
use crate::read::{ReadError, keys_of, read, unknown};
use crate::source::PolicySource;
use interven_types::{Decision, ScanRequest, Timestamp};
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor, value::MapAccessDeserializer};
use serde_json::Value;
use std::fmt;

/// A test file: the policies it is about, and the cases in the order written.
#[derive(Clone, Debug, PartialEq)]
pub struct Suite {
    file: String,
    /// Policy files, relative to the test file; empty when it names none.
    pub policies: Vec<String>,
    /// Name of a shipped pack, in place of files.
    pub pack: Option<String>,
    /// At least one; names are unique.
    pub cases: Vec<Case>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    pub name: String,
    /// Line of the test file, counted from 1.
    pub line: Option<u32>,
    pub request: ScanRequest,
    pub given: Given,
    pub expect: Expectation,
    rule_at: Option<Position>,
}

/// What holds beside the request. Names are those of the conditions that ask for it.
#[derive(Clone, Debug, Default, PartialEq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Given {
    pub env: Option<String>,
    pub now: Option<Timestamp>,
    pub own_domains: Vec<String>,
    /// 0–1; absent: 1.
    pub trust_score: Option<f64>,
    pub agent_in_scrutiny: bool,
    #[serde(alias = "new_resource")]
    pub is_new_destination: bool,
    #[serde(alias = "volume_burst")]
    pub is_volume_burst: bool,
    /// Here and below, absent: the engine did not run.
    pub threat_intel_match: Option<bool>,
    pub semantic_category: Option<Vec<String>>,
    pub correlation_pattern: Option<Vec<String>>,
    /// Names of budgets.
    pub daily_budget_exceeded: Option<Vec<String>>,
    mcp_drift_detected: Option<bool>,
    mcp_origin_changed: Option<bool>,
    mcp_injection_heuristic: Option<bool>,
    mcp_risky_param_added: Option<bool>,
}

impl Given {
    /// One of the four given means that the guard ran.
    pub fn mcp(&self) -> Option<McpFacts> {
        let noticed = [
            self.mcp_drift_detected,
            self.mcp_origin_changed,
            self.mcp_injection_heuristic,
            self.mcp_risky_param_added,
        ];
        let [drift, origin, injection, risky] = noticed.map(Option::unwrap_or_default);
        noticed.iter().any(Option::is_some).then_some(McpFacts {
            drift_detected: drift,
            origin_changed: origin,
            injection_heuristic: injection,
            risky_param_added: risky,
        })
    }
}

/// What the answer should be; what is absent may be anything.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expectation {
    pub decision: Option<Decision>,
    /// The rule that decides.
    pub rule_id: Option<String>,
    /// All of them are among the answer's.
    pub reason_codes: Vec<String>,
    pub sanitized_body: Option<Value>,
}

#[derive(Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ExpectationText {
    decision: Option<Decision>,
    rule_id: Option<String>,
    reason_codes: Vec<String>,
    sanitized_body: Option<Value>,
}

impl<'de> Deserialize<'de> for Expectation {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct WordOrMap;

        impl<'de> Visitor<'de> for WordOrMap {
            type Value = Expectation;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decision, or a map of keys")
            }

            fn visit_str<E: de::Error>(self, word: &str) -> Result<Expectation, E> {
                let decision = Decision::deserialize(de::value::StrDeserializer::new(word))?;
                Ok(Expectation { decision: Some(decision), ..Expectation::default() })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Expectation, A::Error> {
                let text = ExpectationText::deserialize(MapAccessDeserializer::new(map))?;
                let ExpectationText { decision, rule_id, reason_codes, sanitized_body } = text;
                let expectation = Expectation { decision, rule_id, reason_codes, sanitized_body };
                if expectation == Expectation::default() {
                    return Err(de::Error::custom("nothing is expected; name a `decision` or a `rule_id`"));
                }
                Ok(expectation)
            }
        }

        reader.deserialize_any(WordOrMap)
    }
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct SuiteText {
    #[serde(default)]
    policies: Vec<String>,
    #[serde(default)]
    pack: Option<String>,
    /// What holds in every case that does not say otherwise.
    #[serde(default, rename = "given")]
    _given: Given,
    #[serde(rename = "tests")]
    _tests: Vec<Value>,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseText {
    name: String,
    request: Value,
    #[serde(default)]
    given: Given,
    expect: Expectation,
}

/// Reads a test file. Errors are collected, at most one per case.
///
/// ```
/// let text = "
/// tests:
///   - name: A payout waits for a person
///     request: { method: POST, url: https://api.stripe.com/v1/payouts, body: { amount: 5000000 } }
///     given: { own_domains: [acme.example] }
///     expect: REQUIRE_APPROVAL
/// ";
/// let suite = interven_policy::parse_suite(text, "payouts.tests.yaml")?;
/// assert_eq!(suite.cases[0].name, "A payout waits for a person");
/// # Ok::<(), interven_policy::Diagnostics>(())
/// ```
pub fn parse_suite(text: &str, file: &str) -> Result<Suite, Diagnostics> {
    let mut reading = Reading { file, errors: Vec::new() };
    let suite = match Node::from_yaml(text) {
        Ok(root) => reading.suite(&root),
        Err((position, message)) => {
            reading.fail(Path::default(), position, message);
            None
        }
    };
    suite.filter(|_| reading.errors.is_empty()).ok_or(Diagnostics(reading.errors))
}

impl Suite {
    /// Expected rules that none of `policies` has: such a case could never pass.
    pub fn unknown_rules(&self, policies: &[PolicySource]) -> Vec<Diagnostic> {
        let known: Vec<&str> =
            policies.iter().flat_map(|policy| &policy.rules).map(|rule| rule.rule_id.as_str()).collect();
        let cases = self.cases.iter().enumerate();
        let unknown = cases.filter_map(|(index, case)| {
            let rule = case.expect.rule_id.as_ref().filter(|rule| !known.contains(&rule.as_str()))?;
            let meant = nearest(rule, &known).map_or_else(String::new, |r| format!("; did you mean `{r}`?"));
            let path = case_path(index).then("expect").then("rule_id");
            let message = format!("no policy under test has a rule `{rule}`{meant}");
            let finding = Finding { severity: Severity::Error, path, message };
            Some(located(finding, &self.file, case.rule_at))
        });
        unknown.collect()
    }
}

fn case_path(index: usize) -> Path {
    Path(vec!["tests".into(), index.into()])
}

fn member<'n>(node: &'n Node, key: &str) -> Option<&'n Member> {
    members(node).iter().find(|member| member.key == key)
}

struct Reading<'f> {
    file: &'f str,
    errors: Vec<Diagnostic>,
}

impl Reading<'_> {
    fn fail(&mut self, path: Path, position: Option<Position>, message: String) {
        self.errors.push(located(Finding { severity: Severity::Error, path, message }, self.file, position));
    }

    fn read<T: de::DeserializeOwned>(&mut self, node: &Node, path: &Path) -> Option<T> {
        let tell = |error: ReadError| self.fail(error.path_from(path), error.at, error.message);
        read(node).map_err(tell).ok()
    }

    fn suite(&mut self, root: &Node) -> Option<Suite> {
        let SuiteText { policies, pack, .. } = self.read(root, &Path::default())?;
        if pack.is_some() && !policies.is_empty() {
            let message = "`policies` and `pack` are both given; keep one";
            self.fail(Path::default(), root.at, message.to_owned());
        }
        let tests = member(root, "tests")?;
        let Content::List(items) = &tests.value.content else { return None };
        if items.is_empty() {
            let message = "there is no case; a file that tests nothing is a mistake";
            self.fail(Path::default().then("tests"), tests.key_at, message.to_owned());
        }
        let shared = member(root, "given");
        let mut cases: Vec<Case> = Vec::with_capacity(items.len());
        let mut names = std::collections::BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let Some(case) = self.case(item, index, shared) else { continue };
            if let Some(line) = names.insert(case.name.clone(), case.line) {
                let first = line.map_or_else(String::new, |line| format!(" on line {line}"));
                let message = format!("`{}` names an earlier case{first} too", case.name);
                self.fail(case_path(index).then("name"), item.at, message);
            }
            cases.push(case);
        }
        Some(Suite { file: self.file.to_owned(), policies, pack, cases })
    }

    fn case(&mut self, item: &Node, index: usize, shared: Option<&Member>) -> Option<Case> {
        let path = case_path(index);
        let mut node = item.clone();
        if let Some(shared) = shared {
            inherit(&mut node, shared);
        }
        let CaseText { name, request, mut given, expect } = self.read(&node, &path)?;
        if name.trim().is_empty() {
            self.fail(path.then("name"), item.at, "the name is empty".to_owned());
        }
        if given.trust_score.is_some_and(|score| !(0.0..=1.0).contains(&score)) {
            let path = path.then("given").then("trust_score");
            self.fail(path, item.at, "`trust_score` must be from 0 to 1".to_owned());
        }
        let request = self.request(request, member(item, "request")?, &path.then("request"))?;
        given.env = match (given.env, &request.env) {
            (Some(_), Some(_)) => {
                let message = "`env` is given beside the request and in it; keep one";
                self.fail(path.then("given").then("env"), item.at, message.to_owned());
                None
            }
            (given, asked) => given.or_else(|| asked.clone()),
        };
        let expected = member(item, "expect");
        let rule_at = expected.and_then(|e| member(&e.value, "rule_id")).and_then(|rule| rule.value.at);
        let line = item.at.map(|at| at.line);
        Some(Case { name, line, request, given, expect, rule_at })
    }

    /// A gateway ignores what it does not know in a request; in a test it is a typing error.
    fn request(&mut self, request: Value, written: &Member, path: &Path) -> Option<ScanRequest> {
        let keys = keys_of::<ScanRequest>();
        if let Some(wrong) = members(&written.value).iter().find(|m| !keys.contains(&m.key.as_str())) {
            let message = unknown("key", &wrong.key, keys);
            self.fail(path.then(wrong.key.as_str()), wrong.key_at, message);
            return None;
        }
        let tell = |error: interven_types::InvalidRequest| {
            self.fail(path.clone(), written.key_at, error.to_string());
        };
        ScanRequest::from_json(request).map_err(tell).ok()
    }
}

/// Gives a case what the file says for all of them, save what it says itself.
fn inherit(case: &mut Node, shared: &Member) {
    let Content::Map(fields) = &mut case.content else { return };
    match fields.iter_mut().find(|field| field.key == shared.key) {
        None => fields.push(shared.clone()),
        Some(own) => {
            if let Content::Map(own) = &mut own.value.content {
                let missing = members(&shared.value).iter().filter(|m| own.iter().all(|o| o.key != m.key));
                let missing: Vec<Member> = missing.cloned().collect();
                own.extend(missing);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_yaml;

    const SUITE: &str = "\
policies: [chat.yaml]
given: { own_domains: [acme.example], trust_score: 0.9 }
tests:
  - name: First
    request: { method: POST, url: https://a.example/x, body: { n: 1 }, env: prod }
    expect: DENY
  - name: Second
    request: { method: GET, url: https://a.example/ }
    given: { trust_score: 0.4, mcp_drift_detected: true }
    expect: { decision: SANITIZE, rule_id: phi, reason_codes: [PHI], sanitized_body: { n: 1 } }
";

    #[test]
    fn a_case_has_what_it_says_and_what_the_file_says_for_all() {
        let suite = parse_suite(SUITE, "s.yaml").unwrap();
        assert_eq!(suite.policies, ["chat.yaml"]);
        let [first, second] = suite.cases.as_slice() else { panic!("{suite:?}") };
        assert_eq!((first.line, first.given.env.as_deref()), (Some(4), Some("prod")));
        assert_eq!(first.expect.decision, Some(Decision::Deny));
        assert_eq!((first.given.trust_score, first.given.mcp()), (Some(0.9), None));
        assert_eq!(second.given.own_domains, ["acme.example"]);
        assert_eq!(second.given.trust_score, Some(0.4));
        assert!(second.given.mcp().is_some_and(|mcp| mcp.drift_detected && !mcp.origin_changed));
        assert_eq!(second.expect.rule_id.as_deref(), Some("phi"));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (wrong, right, expected) in [
            (
                "expect: DENY",
                "expect: DENNY",
                "s.yaml:6:13: error: unknown value `DENNY`; did you mean `DENY`?",
            ),
            (
                "expect: DENY",
                "expcet: DENY",
                "s.yaml:6:5: error: unknown key `expcet`; did you mean `expect`?",
            ),
            ("    expect: DENY\n", "", "s.yaml:4:5: error: `expect` is required (at tests[0])"),
            ("expect: DENY", "expect: {}", "s.yaml:6:13: error: nothing is expected"),
            ("env: prod", "envv: prod", "s.yaml:5:72: error: unknown key `envv`; did you mean `env`?"),
            ("method: POST, ", "", "s.yaml:5:5: error: `method` is required"),
            ("given: { trust_score: 0.4,", "given: { trust_scor: 0.4,", "did you mean `trust_score`?"),
            ("trust_score: 0.4", "trust_score: 4", "`trust_score` must be from 0 to 1"),
            ("trust_score: 0.4", "now: yesterday", "(at tests[1].given.now)"),
            ("name: Second", "name: First", "`First` names an earlier case on line 4 too"),
            ("name: Second", "name: ' '", "the name is empty"),
            ("policies: [chat.yaml]", "policy: [chat.yaml]", "s.yaml:1:1: error: unknown key `policy`"),
            ("policies: [chat.yaml]", "policies: [chat.yaml]\npack: sre", "both given"),
            ("given: { own", "given: { env: dev, own", "`env` is given beside the request and in it"),
        ] {
            let text = SUITE.replacen(wrong, right, 1);
            assert_ne!(text, SUITE, "{wrong} is not in the text");
            let errors = parse_suite(&text, "s.yaml").unwrap_err().to_string();
            assert!(errors.contains(expected), "{right}: {errors}");
        }
        for text in ["tests: []", "policies: [a.yaml]", "", "tests: 7", "- 1", "tests: [1]"] {
            assert!(parse_suite(text, "s.yaml").is_err(), "{text}");
        }
    }

    #[test]
    fn a_rule_that_no_policy_has_is_found() {
        let suite = parse_suite(SUITE, "s.yaml").unwrap();
        let policy = |rule: &str| {
            parse_yaml(&format!("name: p\nrules: [{{ rule_id: {rule}, action: DENY }}]"), "p.yaml").unwrap()
        };
        assert_eq!(suite.unknown_rules(&policy("phi")), []);
        let found = suite.unknown_rules(&policy("pii"));
        let expected = "s.yaml:10:44: error: no policy under test has a rule `phi`; did you mean `pii`? \
                        (at tests[1].expect.rule_id)";
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }
}
