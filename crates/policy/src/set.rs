//! The policies of a tenant, compiled.

use crate::diagnostic::{Diagnostic, Findings, Path, Severity};
use crate::judge::{self, Test};
use crate::matcher::Matcher;
use crate::needle::{Finder, NeedleTable};
use crate::outcome::Modifiers;
use crate::path::JsonPath;
use crate::source::{InstalledPolicy, Mode, PolicyAction, RuleSource};
use interven_types::{Action, AgentId, Confidence, DataClass, PolicyId, RuleRef, Verb};
use std::{cmp::Reverse, collections::HashMap};

/// Policies compiled for evaluation: see [`PolicySet::evaluate`].
#[derive(Debug)]
pub struct PolicySet {
    pub(crate) tenant: Ruleset,
    /// Per-agent overrides.
    pub(crate) agents: HashMap<AgentId, Ruleset>,
    pub(crate) finder: Finder,
    rule_count: usize,
}

/// Rules in the order of evaluation, and an index of them by tool, operation and verb.
#[derive(Debug, Default)]
pub(crate) struct Ruleset {
    pub(crate) policies: Vec<CompiledPolicy>,
    rules: Vec<CompiledRule>,
    by_tool: HashMap<String, ByOperation>,
    any_tool: ByOperation,
}

/// Rules that name all their operations, and those that do not.
#[derive(Debug, Default)]
struct ByOperation {
    named: HashMap<String, ByVerb>,
    other: ByVerb,
}

/// Numbers of rules, ascending, for READ, WRITE and ADMIN.
#[derive(Debug, Default)]
struct ByVerb([Vec<usize>; 3]);

#[derive(Debug)]
pub(crate) struct CompiledPolicy {
    id: PolicyId,
    name: String,
    version: u32,
    /// `None`: every environment.
    pub(crate) env_name: Option<String>,
}

#[derive(Debug)]
pub(crate) struct CompiledRule {
    /// Number of its policy within the set of rules.
    pub(crate) policy: usize,
    rule_id: String,
    pub(crate) priority: i64,
    pub(crate) matcher: Matcher,
    pub(crate) condition: Vec<Test>,
    pub(crate) action: PolicyAction,
    pub(crate) reason_code: String,
    pub(crate) is_shadow: bool,
    pub(crate) modifiers: Modifiers,
    pub(crate) redaction: Redaction,
}

/// What a SANITIZE rule redacts.
#[derive(Debug)]
pub(crate) struct Redaction {
    /// `None`: every class found.
    pub(crate) classes: Option<Vec<DataClass>>,
    pub(crate) bar: Confidence,
    pub(crate) fields: Vec<JsonPath>,
}

impl PolicySet {
    /// Compiles policies in any order. Fails with every error in them; what passes [`check`](crate::check()) compiles.
    pub fn compile(policies: &[InstalledPolicy]) -> Result<Self, Vec<Diagnostic>> {
        // The order of evaluation must not depend on the order in which a database returns rows.
        let mut sorted: Vec<&InstalledPolicy> = policies.iter().collect();
        sorted.sort_by_key(|policy| (&policy.name, policy.id, Reverse(policy.version)));
        let mut needles = NeedleTable::default();
        let mut errors = Vec::new();
        let mut tenant = Ruleset::default();
        let mut agents: HashMap<AgentId, Ruleset> = HashMap::new();
        for policy in sorted {
            let mut findings = Findings::default();
            let rules = match policy.agent_override {
                None => &mut tenant,
                Some(agent) => agents.entry(agent).or_default(),
            };
            rules.add(policy, &mut needles, &mut findings);
            let failed = findings.0.into_iter().filter(|finding| finding.severity == Severity::Error);
            errors.extend(failed.map(|f| Diagnostic { file: policy.name.clone(), ..f.unlocated() }));
        }
        let rule_count = policies.iter().map(|policy| policy.rules.len()).sum();
        match needles.into_finder() {
            Ok(finder) if errors.is_empty() => Ok(Self { tenant, agents, finder, rule_count }),
            Ok(_) => Err(errors),
            Err(message) => {
                let mut findings = Findings::default();
                findings.error(Path::default(), message);
                errors.extend(findings.unlocated());
                Err(errors)
            }
        }
    }

    /// Whether there is no rule at all.
    pub fn is_empty(&self) -> bool {
        self.rule_count == 0
    }

    pub fn rule_count(&self) -> usize {
        self.rule_count
    }
}

impl Ruleset {
    fn add(&mut self, source: &InstalledPolicy, needles: &mut NeedleTable, findings: &mut Findings) {
        let policy = self.policies.len();
        self.policies.push(CompiledPolicy {
            id: source.id,
            name: source.name.clone(),
            version: source.version,
            env_name: source.env_name.clone(),
        });
        let mut ordered: Vec<(usize, &RuleSource)> = source.rules.iter().enumerate().collect();
        ordered.sort_by_key(|(index, rule)| (rule.priority, *index));
        for (index, rule) in ordered {
            let path = Path(vec!["rules".into(), index.into()]);
            let rule = CompiledRule::compile(rule, policy, &path, needles, findings);
            self.file(&rule.matcher);
            self.rules.push(rule);
        }
    }

    /// Puts the next rule into the index.
    fn file(&mut self, matcher: &Matcher) {
        let number = self.rules.len();
        match &matcher.tools {
            None => self.any_tool.file(number, matcher),
            Some(tools) => {
                for tool in tools {
                    self.by_tool.entry(tool.clone()).or_default().file(number, matcher);
                }
            }
        }
    }

    /// The rules that may be about this action, numbered, in the order of evaluation.
    pub(crate) fn candidates(&self, action: &Action) -> impl Iterator<Item = (usize, &CompiledRule)> {
        let mut numbers = Vec::new();
        let mut lists = 0;
        let of_tool = self.by_tool.get(action.tool.as_ref());
        for list in
            [of_tool, Some(&self.any_tool)].into_iter().flatten().flat_map(|rules| rules.about(action))
        {
            lists += usize::from(!list.is_empty());
            numbers.extend_from_slice(list);
        }
        if lists > 1 {
            // The stable sort merges lists that are sorted already.
            numbers.sort();
            numbers.dedup();
        }
        numbers.into_iter().filter_map(|number| self.rules.get(number).map(|rule| (number, rule)))
    }

    pub(crate) fn reference(&self, rule: &CompiledRule) -> Option<RuleRef> {
        self.policies.get(rule.policy).map(|policy| RuleRef {
            policy_id: policy.id,
            policy_name: policy.name.clone(),
            policy_version: policy.version,
            rule_id: rule.rule_id.clone(),
        })
    }
}

impl ByOperation {
    fn about(&self, action: &Action) -> impl Iterator<Item = &[usize]> {
        let named = self.named.get(action.operation.as_ref());
        named.into_iter().chain([&self.other]).map(|rules| rules.of(action.verb))
    }

    fn file(&mut self, number: usize, matcher: &Matcher) {
        match matcher.named_operations() {
            None => self.other.file(number, &matcher.verbs),
            Some(names) => {
                for name in names {
                    self.named.entry(name.to_owned()).or_default().file(number, &matcher.verbs);
                }
            }
        }
    }
}

impl ByVerb {
    fn of(&self, verb: Verb) -> &[usize] {
        let [read, write, admin] = &self.0;
        match verb {
            Verb::Read => read,
            Verb::Write => write,
            Verb::Admin => admin,
        }
    }

    /// Without verbs, under every verb.
    fn file(&mut self, number: usize, verbs: &[Verb]) {
        for (verb, list) in [Verb::Read, Verb::Write, Verb::Admin].into_iter().zip(&mut self.0) {
            // A tool named twice in one rule is one tool.
            if (verbs.is_empty() || verbs.contains(&verb)) && list.last() != Some(&number) {
                list.push(number);
            }
        }
    }
}

impl CompiledRule {
    /// Compiles a rule; what is wrong with it goes to `findings`.
    pub(crate) fn compile(
        source: &RuleSource,
        policy: usize,
        path: &Path,
        needles: &mut NeedleTable,
        findings: &mut Findings,
    ) -> Self {
        Self {
            policy,
            priority: source.priority,
            rule_id: source.rule_id.clone(),
            matcher: Matcher::compile(&source.matches, &path.then("match"), findings),
            condition: judge::compile(&source.condition, &path.then("condition"), 0, needles, findings),
            action: source.action,
            reason_code: source.spoken_reason(),
            is_shadow: source.mode == Mode::Shadow,
            modifiers: Modifiers::from(source),
            redaction: Redaction::compile(source, path, findings),
        }
    }
}

impl Redaction {
    fn compile(source: &RuleSource, path: &Path, findings: &mut Findings) -> Self {
        let mut fields = Vec::new();
        for (index, text) in source.sanitize_fields.iter().enumerate() {
            match JsonPath::parse(text) {
                Ok(field) => fields.push(field),
                Err(error) => findings.error(path.then("sanitize_fields").then(index), error.to_string()),
            }
        }
        let condition = &source.condition;
        let classes = if !source.sanitize_classes.is_empty() || !source.sanitize_fields.is_empty() {
            Some(source.sanitize_classes.clone())
        } else {
            Some(condition.has_data_class.clone()).filter(|classes| !classes.is_empty())
        };
        let bar = condition.has_data_class_min_confidence.unwrap_or(Confidence::Medium);
        Self { classes, bar, fields }
    }
}
