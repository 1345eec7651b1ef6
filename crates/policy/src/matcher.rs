//! Compiled matches: which calls a rule is about.

use crate::diagnostic::{Findings, Path};
use crate::outcome::Facts;
use crate::pattern::{Pattern, PatternError};
use crate::source::Match;
use interven_types::{Action, AgentId, RuntimeType, Verb};
use std::borrow::Cow;

#[derive(Debug)]
pub(crate) struct Matcher {
    /// `None`: every tool.
    pub(crate) tools: Option<Vec<String>>,
    /// Here and below, empty: no restriction.
    pub(crate) verbs: Vec<Verb>,
    operations: Vec<Operation>,
    /// Upper case.
    methods: Vec<String>,
    agent_ids: Vec<AgentId>,
    runtime_types: Vec<RuntimeType>,
    env_names: Vec<String>,
    agent_names: Vec<Pattern>,
    urls: Vec<Pattern>,
    /// Lists of globs on what the normalizer found, each with what it is about.
    named: Vec<(&'static Subject, Vec<Pattern>)>,
    aws_tags: Vec<(String, String)>,
}

#[derive(Debug)]
enum Operation {
    Any,
    Named(String),
    Category(String),
    Method(String),
}

impl Operation {
    fn read(text: &str) -> Self {
        match text.split_once(':') {
            _ if text == "*" => Self::Any,
            Some(("category", category)) => Self::Category(category.to_owned()),
            Some(("method", method)) => Self::Method(method.to_ascii_uppercase()),
            _ => Self::Named(text.to_owned()),
        }
    }

    fn admits(&self, action: &Action) -> bool {
        match self {
            Self::Any => true,
            Self::Named(name) => action.operation == *name,
            Self::Category(name) => action.category == *name,
            Self::Method(method) => action.method == *method,
        }
    }
}

/// Whether the test holds for any of what the action says about a subject.
type IsAny = fn(&Action, &dyn Fn(&str) -> bool) -> bool;

/// A part of an action that globs match on.
struct Subject {
    key: &'static str,
    compile: fn(&str) -> Result<Pattern, PatternError>,
    is_any: IsAny,
}

impl std::fmt::Debug for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.key)
    }
}

static SUBJECTS: [Subject; 7] = [
    Subject {
        key: "host_patterns",
        compile: Pattern::on_host,
        is_any: |a, test| a.host.as_deref().is_some_and(test),
    },
    Subject {
        key: "org_patterns",
        compile: Pattern::on_name,
        is_any: |a, test| a.org.as_deref().is_some_and(test),
    },
    Subject {
        key: "repo_patterns",
        compile: Pattern::on_name,
        is_any: |a, test| repo_names(a).any(|name| test(&name)),
    },
    Subject {
        key: "channel_patterns",
        compile: Pattern::on_name,
        is_any: |a, test| a.channel.as_deref().is_some_and(test),
    },
    Subject {
        key: "region_patterns",
        compile: Pattern::on_name,
        is_any: |a, test| a.region.as_deref().is_some_and(test),
    },
    Subject {
        key: "account_patterns",
        compile: Pattern::on_name,
        is_any: |a, test| a.account.as_deref().is_some_and(test),
    },
    Subject {
        key: "principal_patterns",
        compile: Pattern::on_name,
        is_any: |a, test| a.principals.iter().any(|p| test(p)),
    },
];

/// A repository as the call names it, and as `org/repo`.
fn repo_names(action: &Action) -> impl Iterator<Item = Cow<'_, str>> {
    let repo = action.repo.as_deref();
    let full = action.org.as_deref().zip(repo).map(|(org, repo)| Cow::Owned(format!("{org}/{repo}")));
    repo.map(Cow::Borrowed).into_iter().chain(full)
}

impl Matcher {
    /// Compiles a match; what is wrong with it goes to `findings`.
    pub(crate) fn compile(source: &Match, path: &Path, findings: &mut Findings) -> Self {
        let mut patterns =
            |key: &str, texts: &[String], compile: fn(&str) -> Result<Pattern, PatternError>| {
                let mut compiled = Vec::new();
                for (index, text) in texts.iter().enumerate() {
                    match compile(text) {
                        Ok(pattern) => compiled.push(pattern),
                        Err(error) => findings.error(path.then(key).then(index), error.to_string()),
                    }
                }
                compiled
            };
        let urls = patterns("url_patterns", &source.url_patterns, Pattern::on_url);
        let agent_names = patterns("agent_names", &source.agent_names, Pattern::on_name);
        let lists = source.glob_lists();
        let named = SUBJECTS
            .iter()
            .filter_map(|subject| {
                let (_, texts) =
                    lists.iter().find(|(key, texts)| *key == subject.key && !texts.is_empty())?;
                Some((subject, patterns(subject.key, texts, subject.compile)))
            })
            .collect();
        Self {
            tools: tools(source),
            verbs: source.verbs.clone(),
            operations: source.operations.iter().map(|text| Operation::read(text)).collect(),
            methods: source.methods.iter().map(|method| method.to_ascii_uppercase()).collect(),
            agent_ids: source.agent_ids.clone(),
            runtime_types: source.agent_runtime_types.clone(),
            env_names: source.env_names.clone(),
            agent_names,
            urls,
            named,
            aws_tags: source.aws_tags.clone().into_iter().collect(),
        }
    }

    /// The operations that the rule is about, when it names them all.
    pub(crate) fn named_operations(&self) -> Option<Vec<&str>> {
        let names = self.operations.iter().map(|operation| match operation {
            Operation::Named(name) => Some(name.as_str()),
            _ => None,
        });
        let names: Option<Vec<&str>> = names.collect();
        names.filter(|names| !names.is_empty())
    }

    /// Whether the rule is about calls of this agent in this environment.
    pub(crate) fn admits_caller(&self, facts: &Facts<'_>) -> bool {
        admits(&self.env_names, |name| name == facts.env)
            && admits(&self.agent_ids, |id| *id == facts.agent_id)
            && admits(&self.runtime_types, |runtime| *runtime == facts.runtime_type)
            && admits(&self.agent_names, |pattern| pattern.is_match(facts.agent_name))
    }

    /// Whether the rule is about this action.
    pub(crate) fn admits_action(&self, action: &Action) -> bool {
        self.tools.as_ref().is_none_or(|tools| tools.iter().any(|tool| action.tool == *tool))
            && admits(&self.verbs, |verb| *verb == action.verb)
            && admits(&self.operations, |operation| operation.admits(action))
            && admits(&self.methods, |method| action.method == *method)
            && self.named.iter().all(|(subject, patterns)| {
                (subject.is_any)(action, &|name| patterns.iter().any(|pattern| pattern.is_match(name)))
            })
            && admits(&self.urls, |pattern| pattern.is_match(&action.url))
            && self.aws_tags.iter().all(|(key, value)| action.aws_tags.get(key) == Some(value))
    }
}

fn admits<T>(list: &[T], is_it: impl FnMut(&T) -> bool) -> bool {
    list.is_empty() || list.iter().any(is_it)
}

/// The tools a match names: `tool_name` and `tool_names` are ANDed like any two keys.
pub(crate) fn tools(source: &Match) -> Option<Vec<String>> {
    match (&source.tool_name, source.tool_names.as_slice()) {
        (None, []) => None,
        (None, several) => Some(several.to_vec()),
        (Some(one), []) => Some(vec![one.clone()]),
        (Some(one), several) => Some(several.iter().filter(|tool| *tool == one).cloned().collect()),
    }
}
