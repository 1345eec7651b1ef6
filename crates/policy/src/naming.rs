//! Whether the tools, operations and categories that a rule names exist.
//!
//! Only ever a warning: MCP servers and frameworks bring names of their own.

use crate::diagnostic::{Findings, Path, nearest, nearest_within};
use crate::matcher::tools;
use crate::source::Match;
use interven_types::{ToolVocabulary, Verb, Vocabulary};
use std::collections::BTreeSet;

/// Says which names of a match no call can get. An empty vocabulary knows nothing, and so nothing is said.
pub(crate) fn check_names(source: &Match, path: &Path, vocabulary: &Vocabulary, findings: &mut Findings) {
    if vocabulary.0.is_empty() {
        return;
    }
    check_tools(source, path, vocabulary, findings);
    let named = tools(source);
    let about = About {
        tools: match &named {
            None => vocabulary.0.iter().collect(),
            Some(named) => named.iter().filter_map(|tool| vocabulary.0.get_key_value(tool)).collect(),
        },
        is_by_tool: named.is_some(),
        knows_all: named.is_some_and(|named| named.iter().all(|tool| vocabulary.0.contains_key(tool))),
    };
    if about.tools.is_empty() {
        return;
    }
    let mut unknown = Vec::new();
    let mut left_out = Vec::new();
    for (index, operation) in source.operations.iter().enumerate() {
        match operation.split_once(':') {
            Some(("category", category)) => {
                unknown.extend(about.unknown_category(category).map(|m| (index, m)))
            }
            None if operation != "*" => {
                unknown.extend(about.unknown_operation(operation).map(|message| (index, message)));
                left_out
                    .extend(about.verbs_of(operation, &source.verbs).map(|verbs| (index, operation, verbs)));
            }
            _ => {}
        }
    }
    if !left_out.is_empty() && left_out.len() == source.operations.len() {
        let message = "the rule can never match: none of its operations has one of these verbs";
        findings.warn(path.then("verbs"), message);
        left_out.clear();
    }
    let left_out = left_out.into_iter().map(|(index, operation, verbs)| {
        (index, format!("`{operation}` is always {verbs}, so the rule's `verbs` leave it out"))
    });
    for (index, message) in unknown.into_iter().chain(left_out) {
        findings.warn(path.then("operations").then(index), message);
    }
}

fn check_tools(source: &Match, path: &Path, vocabulary: &Vocabulary, findings: &mut Findings) {
    let known: Vec<&str> = vocabulary.0.keys().map(String::as_str).collect();
    let single = source.tool_name.iter().map(|tool| (path.then("tool_name"), tool));
    let listed = source.tool_names.iter().enumerate();
    let listed = listed.map(|(index, tool)| (path.then("tool_names").then(index), tool));
    for (at, tool) in single.chain(listed) {
        // A glob has a finding of its own.
        if known.contains(&tool.as_str()) || tool.contains(['*', '?']) {
            continue;
        }
        let advice = match nearest(tool, &known) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "tools of MCP servers are `mcp`, those of frameworks and unknown hosts `custom_proxy`"
                .to_owned(),
        };
        findings.warn(at, format!("no tool is called `{tool}`; {advice}"));
    }
}

/// The tools that a match is about.
struct About<'v> {
    tools: Vec<(&'v String, &'v ToolVocabulary)>,
    is_by_tool: bool,
    knows_all: bool,
}

impl About<'_> {
    /// Names beyond those of the vocabulary are to be expected.
    fn is_open(&self) -> bool {
        !self.knows_all || self.tools.iter().any(|(_, tool)| tool.is_open)
    }

    fn unknown_operation(&self, name: &str) -> Option<String> {
        if self.tools.iter().any(|(_, tool)| tool.operations.contains_key(name)) {
            return None;
        }
        if let [(tool, _)] = self.tools.as_slice()
            && tool.as_str() == "aws"
            && !is_aws_name(name)
        {
            return Some(format!(
                "`{name}` is no AWS operation: they are named `<service>_<action>` in snake case, such as `iam_create_user`"
            ));
        }
        let known = self.tools.iter().flat_map(|(_, tool)| tool.operations.keys().map(String::as_str));
        self.unknown("operation", name, &known.collect::<BTreeSet<_>>())
    }

    fn unknown_category(&self, name: &str) -> Option<String> {
        let known = self.tools.iter().flat_map(|(_, tool)| tool.categories.iter().map(String::as_str));
        let known: BTreeSet<&str> = known.collect();
        if known.contains(name) { None } else { self.unknown("category", name, &known) }
    }

    /// Where further names exist, only a typing error is worth a word.
    fn unknown(&self, what: &str, name: &str, known: &BTreeSet<&str>) -> Option<String> {
        let known: Vec<&str> = known.iter().copied().collect();
        let whose = match self.tools.as_slice() {
            [(tool, _)] => format!("`{tool}` has"),
            _ if self.is_by_tool => "these tools have".to_owned(),
            _ => "the tables have".to_owned(),
        };
        let meant = match self.is_open() {
            true => Some(nearest_within(name, &known, (name.len() / 8).max(1))?),
            false => nearest(name, &known),
        };
        Some(match meant {
            Some(meant) => format!("{whose} no {what} `{name}`; did you mean `{meant}`?"),
            None => format!(
                "{whose} no {what} `{name}`; only what an MCP server or a framework calls so is meant"
            ),
        })
    }

    /// The verbs of an operation, when none of them is wanted.
    fn verbs_of(&self, operation: &str, wanted: &[Verb]) -> Option<String> {
        if wanted.is_empty() || !self.knows_all {
            return None;
        }
        let mut verbs = BTreeSet::new();
        for (_, tool) in &self.tools {
            match tool.operations.get(operation) {
                // Another tool may call it so, with any verb.
                None if tool.is_open => return None,
                None => {}
                Some(any) if any.is_empty() => return None,
                Some(some) => verbs.extend(some),
            }
        }
        let is_left_out = !verbs.iter().any(|verb| wanted.contains(verb));
        let names: Vec<String> = verbs.iter().map(|verb| format!("`{}`", verb.as_str())).collect();
        is_left_out.then(|| names.join(" or "))
    }
}

/// `<service>_<action>`, or one of few that the table names itself.
fn is_aws_name(name: &str) -> bool {
    name.contains('_') && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

#[cfg(test)]
mod tests {
    use crate::{check_together, parse_json};
    use interven_types::{ToolVocabulary, Verb, Vocabulary};
    use serde_json::{Value, json};

    fn vocabulary() -> Vocabulary {
        let tool = |operations: &[(&str, &[Verb])], category: &str, is_open| ToolVocabulary {
            operations: operations
                .iter()
                .map(|(n, v)| ((*n).to_owned(), v.iter().copied().collect()))
                .collect(),
            categories: [category.to_owned()].into(),
            is_open,
        };
        let read = &[Verb::Read][..];
        let tools = [
            ("slack", tool(&[("post_message", &[Verb::Write]), ("list_channels", read)], "messages", false)),
            ("github", tool(&[("list_repos", read), ("delete_repo", &[Verb::Admin])], "repos", true)),
            ("aws", tool(&[("iam_create_user", &[Verb::Admin])], "iam", true)),
            ("shell", tool(&[("exec", &[Verb::Read, Verb::Write])], "shell", false)),
            ("mcp", tool(&[], "tools", true)),
            ("custom_proxy", tool(&[("post", &[Verb::Write])], "web", true)),
        ];
        Vocabulary(tools.map(|(name, tool)| (name.to_owned(), tool)).into())
    }

    fn warnings(matches: &Value, vocabulary: &Vocabulary) -> Vec<String> {
        let rules = json!([{"rule_id": "a", "match": matches, "action": "DENY"}]);
        let policies = parse_json(json!({"name": "p", "rules": rules})).unwrap();
        let found = check_together(&policies, &[], vocabulary).remove(0);
        found.into_iter().map(|finding| format!("{}: {}", finding.path, finding.message)).collect()
    }

    #[test]
    fn names_that_no_call_gets_are_found() {
        for (matches, expected) in [
            (
                json!({"tool_names": ["slack", "slak"]}),
                "tool_names[1]: no tool is called `slak`; did you mean `slack`?",
            ),
            (
                json!({"tool_name": "langchain"}),
                "tool_name: no tool is called `langchain`; tools of MCP servers are",
            ),
            (
                json!({"tool_names": ["slack"], "operations": ["post_mesage"]}),
                "operations[0]: `slack` has no operation `post_mesage`; did you mean `post_message`?",
            ),
            (
                json!({"tool_names": ["slack", "shell"], "operations": ["exec", "frobnicate"]}),
                "operations[1]: these tools have no operation `frobnicate`; only what an MCP server",
            ),
            (json!({"tool_names": ["slack"], "operations": ["postMessage"]}), "did you mean `post_message`?"),
            (json!({"tool_names": ["github"], "operations": ["list_repo"]}), "did you mean `list_repos`?"),
            (
                json!({"operations": ["delete_repos"]}),
                "the tables have no operation `delete_repos`; did you mean",
            ),
            (
                json!({"tool_names": ["slack"], "operations": ["category:mesages"]}),
                "did you mean `messages`?",
            ),
            (
                json!({"tool_names": ["aws"], "operations": ["CreateUser"]}),
                "`CreateUser` is no AWS operation",
            ),
            (
                json!({"tool_names": ["github"], "operations": ["list_repos"], "verbs": ["ADMIN"]}),
                "match.verbs: the rule can never match: none of its operations has one of these verbs",
            ),
            (
                json!({"tool_names": ["github"], "operations": ["delete_repo", "list_repos"], "verbs": ["ADMIN", "WRITE"]}),
                "operations[1]: `list_repos` is always `READ`, so the rule's `verbs` leave it out",
            ),
        ] {
            let found = warnings(&matches, &vocabulary());
            assert!(found.len() == 1 && found[0].contains(expected), "{matches}: {found:?}");
            assert_eq!(warnings(&matches, &Vocabulary::default()), Vec::<String>::new(), "{matches}");
        }
    }

    #[test]
    fn names_that_a_call_may_get_are_not() {
        for matches in [
            json!({"tool_names": ["slack"], "operations": ["post_message", "*", "method:POST", "category:messages"]}),
            // Names of MCP servers and frameworks, GraphQL fields, AWS actions.
            json!({"operations": ["book_flight"]}),
            json!({"tool_names": ["mcp"], "operations": ["delete_repo_for_good", "category:calendar"]}),
            json!({"tool_names": ["slack", "custom_proxy"], "operations": ["book_flight"]}),
            json!({"tool_names": ["github"], "operations": ["transfer_issue"]}),
            json!({"tool_names": ["aws"], "operations": ["glacier_delete_vault", "category:glacier"]}),
            json!({"tool_names": ["shell"], "operations": ["exec"], "verbs": ["READ"]}),
            json!({"operations": ["list_repos"], "verbs": ["ADMIN"]}),
            json!({"tool_names": ["github", "mcp"], "operations": ["list_repos"], "verbs": ["ADMIN"]}),
        ] {
            assert_eq!(warnings(&matches, &vocabulary()), Vec::<String>::new(), "{matches}");
        }
    }
}
