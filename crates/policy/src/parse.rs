//! From text to policies.

use crate::check::{findings, findings_together};
use crate::condition::Condition;
use crate::diagnostic::{Diagnostic, Diagnostics, Finding, Findings, Path, Position, Severity};
use crate::node::{Content, Member, Node};
use crate::read::{keys_of, read};
use crate::source::{Match, PolicySource, RuleSource};
use interven_types::Vocabulary;
use serde_json::Value;

/// Reads a pack (`policies:`) or one policy alone. JSON is YAML, so it is read here too.
///
/// `file` is the name that diagnostics carry. Errors are collected: at most one per rule and one per policy.
pub fn parse_yaml(text: &str, file: &str) -> Result<Vec<PolicySource>, Diagnostics> {
    parse_located(text, file).map(|(policies, _)| policies)
}

/// [`parse_yaml`] and [`check`](crate::check()) in one: every finding with the line and column it is about.
pub fn check_yaml(text: &str, file: &str) -> Result<(Vec<PolicySource>, Vec<Diagnostic>), Diagnostics> {
    let document = Document::read(text, file)?;
    let found = document.policies.iter().map(findings).collect();
    let diagnostics = document.locate(found);
    Ok((document.policies, diagnostics))
}

/// The policies of a file, and where each part of them was written.
#[derive(Debug)]
pub struct Document {
    pub policies: Vec<PolicySource>,
    root: Node,
    file: String,
}

impl Document {
    /// As [`parse_yaml`].
    pub fn read(text: &str, file: &str) -> Result<Self, Diagnostics> {
        let (policies, root) = parse_located(text, file)?;
        Ok(Self { policies, root, file: file.to_owned() })
    }

    /// `found` has the findings about each policy.
    fn locate(&self, found: Vec<Findings>) -> Vec<Diagnostic> {
        let is_pack = has_policies(&self.root);
        let each = found.into_iter().enumerate().flat_map(|(index, findings)| {
            let base = if is_pack { pack_path(index) } else { Path::default() };
            findings.0.into_iter().map(move |finding| {
                let path = Path(base.0.iter().cloned().chain(finding.path.0.iter().cloned()).collect());
                Finding { path, ..finding }
            })
        });
        each.map(|finding| {
            let position = self.root.position_of(&finding.path);
            located(finding, &self.file, position)
        })
        .collect()
    }
}

/// [`check_together`](crate::check_together) for files: every finding with the file, line and column it is about.
pub fn check_documents(
    documents: &[Document],
    in_force: &[PolicySource],
    vocabulary: &Vocabulary,
) -> Vec<Diagnostic> {
    let policies: Vec<&PolicySource> = documents.iter().flat_map(|document| &document.policies).collect();
    let mut found = findings_together(&policies, in_force, vocabulary).into_iter();
    documents
        .iter()
        .flat_map(|document| document.locate(found.by_ref().take(document.policies.len()).collect()))
        .collect()
}

/// Reads what the API receives: the nested shape, and the flat one in which the fields of `match` and `condition`
/// stand on the rule itself.
pub fn parse_json(value: Value) -> Result<Vec<PolicySource>, Diagnostics> {
    let mut reading = Reading { file: "", shape: Shape::NestedOrFlat, errors: Vec::new() };
    let policies = reading.document(&Node::from_json(value));
    reading.finish(policies)
}

pub(crate) fn parse_located(text: &str, file: &str) -> Result<(Vec<PolicySource>, Node), Diagnostics> {
    let mut reading = Reading { file, shape: Shape::Nested, errors: Vec::new() };
    match Node::from_yaml(text) {
        Ok(root) => {
            let policies = reading.document(&root);
            reading.finish(policies).map(|policies| (policies, root))
        }
        Err((position, message)) => {
            reading.fail(Path::default(), position, message);
            Err(Diagnostics(reading.errors))
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    Nested,
    NestedOrFlat,
}

struct Reading<'f> {
    file: &'f str,
    shape: Shape,
    errors: Vec<Diagnostic>,
}

fn pack_path(index: usize) -> Path {
    Path(vec!["policies".into(), index.into()])
}

pub(crate) fn located(finding: Finding, file: &str, position: Option<Position>) -> Diagnostic {
    Diagnostic {
        file: file.to_owned(),
        line: position.map(|p| p.line),
        column: position.map(|p| p.column),
        ..finding.unlocated()
    }
}

pub(crate) fn members(node: &Node) -> &[Member] {
    match &node.content {
        Content::Map(members) => members,
        _ => &[],
    }
}

pub(crate) fn has_policies(root: &Node) -> bool {
    members(root).iter().any(|member| member.key == "policies")
}

impl Reading<'_> {
    fn finish(self, policies: Vec<PolicySource>) -> Result<Vec<PolicySource>, Diagnostics> {
        if self.errors.is_empty() { Ok(policies) } else { Err(Diagnostics(self.errors)) }
    }

    fn fail(&mut self, path: Path, position: Option<Position>, message: String) {
        self.errors.push(located(Finding { severity: Severity::Error, path, message }, self.file, position));
    }

    fn document(&mut self, root: &Node) -> Vec<PolicySource> {
        if let Content::Null = root.content {
            self.fail(Path::default(), root.at, "there is no policy here: the text is empty".to_owned());
            return Vec::new();
        }
        if !has_policies(root) {
            return self.policy(root, &Path::default()).into_iter().collect();
        }
        let mut policies = Vec::new();
        for member in members(root) {
            let path = Path::default().then(member.key.as_str());
            match &member.value.content {
                _ if member.key != "policies" => self.fail(
                    path,
                    member.key_at,
                    format!("unknown key `{}`; a pack has the one key `policies`", member.key),
                ),
                Content::List(items) => {
                    for (index, item) in items.iter().enumerate() {
                        policies.extend(self.policy(item, &path.then(index)));
                    }
                }
                _ => self.fail(path, member.key_at, "expected a list of policies".to_owned()),
            }
        }
        policies
    }

    /// The frame and each rule are read on their own, so that one mistake does not hide the others.
    fn policy(&mut self, node: &Node, path: &Path) -> Option<PolicySource> {
        let mut frame = node.clone();
        let mut rule_nodes = Vec::new();
        if let Content::Map(members) = &mut frame.content
            && let Some(rules) = members.iter_mut().find(|member| member.key == "rules")
            && let Content::List(items) = &mut rules.value.content
        {
            rule_nodes = std::mem::take(items);
        }
        let policy = self.read::<PolicySource>(&frame, path);
        let rules_path = path.then("rules");
        let rules: Vec<Option<RuleSource>> = rule_nodes
            .into_iter()
            .enumerate()
            .map(|(index, rule)| self.rule(rule, &rules_path.then(index)))
            .collect();
        let rules = rules.into_iter().collect::<Option<Vec<_>>>()?;
        policy.map(|policy| PolicySource { rules, ..policy })
    }

    fn rule(&mut self, mut node: Node, path: &Path) -> Option<RuleSource> {
        if let Content::Map(members) = &mut node.content {
            let misplaced = nest(members);
            if let (Shape::Nested, Some((member, home))) = (self.shape, misplaced.first()) {
                let message = format!("`{}` belongs under `{home}`", member.key);
                self.fail(path.then(member.key.as_str()), member.key_at, message);
                return None;
            }
            for (member, home) in misplaced {
                put_into(members, home, member);
            }
        }
        self.read(&node, path)
    }

    fn read<T: serde::de::DeserializeOwned>(&mut self, node: &Node, path: &Path) -> Option<T> {
        match read(node) {
            Ok(value) => Some(value),
            Err(error) => {
                self.fail(error.path_from(path), error.at, error.message);
                None
            }
        }
    }
}

/// Takes out of a rule the members that belong into its `match` or `condition`, each with that home.
fn nest(members: &mut Vec<Member>) -> Vec<(Member, &'static str)> {
    let own = keys_of::<RuleSource>();
    let homes = [("match", keys_of::<Match>()), ("condition", keys_of::<Condition>())];
    let home_of = |key: &str| {
        if own.contains(&key) {
            return None;
        }
        homes.iter().find(|(_, keys)| keys.contains(&key)).map(|(home, _)| *home)
    };
    members
        .extract_if(.., |member| home_of(&member.key).is_some())
        .filter_map(|member| home_of(&member.key).map(|home| (member, home)))
        .collect()
}

fn put_into(members: &mut Vec<Member>, home: &'static str, member: Member) {
    if !members.iter().any(|m| m.key == home) {
        let value = Node { at: member.key_at, content: Content::Map(Vec::new()) };
        members.push(Member { key: home.to_owned(), key_at: member.key_at, value });
    }
    for parent in members.iter_mut().filter(|m| m.key == home) {
        if let Content::Null = parent.value.content {
            parent.value.content = Content::Map(Vec::new());
        }
        if let Content::Map(inner) = &mut parent.value.content {
            inner.push(member);
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const PACK: &str = "\
policies:
  - name: Deny PHI in chat
    env_names: [production]
    compliance_tags: [\"HIPAA:164.312(e)(1)\"]
    rules:
      - rule_id: phi-chat
        priority: 10
        match:     { tool_names: [slack, discord], operations: [post_message] }
        condition: { has_data_class: [PHI] }
        action: DENY
        reason_code: PHI_EGRESS_CHAT_BLOCKED
  - name: Second
    env_name: dev
    rules:
      - { rule_id: all, action: ALLOW }
";

    #[test]
    fn a_pack_a_policy_alone_and_json_are_read() {
        let pack = parse_yaml(PACK, "p.yaml").unwrap();
        assert_eq!(pack.len(), 2);
        assert_eq!(pack[0].rules[0].matches.tool_names, ["slack", "discord"]);
        assert_eq!(pack[1].env_names, Some(vec!["dev".to_owned()]));
        assert_eq!(pack[1].rules[0].priority, 100);
        for policy in &pack {
            let printed = serde_json::to_value(policy).unwrap();
            assert_eq!(parse_yaml(&printed.to_string(), "p.json").unwrap(), std::slice::from_ref(policy));
            assert_eq!(parse_json(printed).unwrap(), std::slice::from_ref(policy));
        }
        assert_eq!(parse_json(json!({"policies": pack})).unwrap(), pack);
    }

    #[test]
    fn the_flat_shape_of_the_api_is_the_nested_one() {
        let flat = json!({"name": "p", "rules": [{
            "rule_id": "a", "action": "DENY", "tools": ["slack"], "verbs": ["WRITE"], "has_data_class": ["PII"],
            "any_of": [{"is_volume_burst": true}], "match": {"methods": ["POST"]}
        }]});
        let nested = json!({"name": "p", "rules": [{
            "rule_id": "a", "action": "DENY",
            "match": {"tool_names": ["slack"], "verbs": ["WRITE"], "methods": ["POST"]},
            "condition": {"has_data_class": ["PII"], "any_of": [{"is_volume_burst": true}]}
        }]});
        assert_eq!(parse_json(flat).unwrap(), parse_json(nested).unwrap());
        let twice = json!({"name": "p", "rules": [{
            "rule_id": "a", "action": "DENY", "verbs": ["READ"], "match": {"verbs": ["WRITE"]}
        }]});
        assert!(parse_json(twice).unwrap_err().to_string().contains("`verbs` is given twice"));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (wrong, right, expected) in [
            ("tool_names:", "tool_nams:", "8:22: error: unknown key `tool_nams`; did you mean `tool_name"),
            (
                "priority: 10",
                "priority: high",
                "7:19: error: expected a whole number, found the text `high` (at policies[0].rules[0].priority)",
            ),
            (
                "action: DENY",
                "action: DENNY",
                "10:17: error: unknown value `DENNY`; did you mean `DENY`? (at policies[0].rules[0].action)",
            ),
            ("        action: DENY\n", "", "6:9: error: `action` is required (at policies[0].rules[0])"),
            (
                "[PHI]",
                "[PHI, PIII]",
                "9:44: error: unknown value `PIII`; did you mean `PII`? (at policies[0].rules[0].condition.has_data_class[1])",
            ),
            ("[PHI]", "PHI", "9:38: error: expected a list, found the text `PHI`"),
            ("[PHI]", "[]", "9:22: error: the list is empty"),
            (
                "has_data_class: [PHI]",
                "body_path_gt: {path: $.a, value: many}",
                "9:55: error: expected a number, found the text `many` (at policies[0].rules[0].condition.body_path_gt.value)",
            ),
            ("reason_code:", "tool_names:", "11:9: error: `tool_names` belongs under `match`"),
            ("reason_code:", "has_data_class:", "11:9: error: `has_data_class` belongs under `condition`"),
            (
                "reason_code:",
                "grant_max_uses:",
                "11:9: error: expected a whole number from 1, or `unlimited`",
            ),
            (
                "    env_name: dev\n",
                "    env_name: dev\n    env_names: [dev]\n",
                "`env_name` and `env_names` are both given",
            ),
            (
                "operations:",
                "agent_runtime_types: [langchian], operations:",
                "unknown value `langchian`; did you mean `langchain`?",
            ),
            ("policies:", "polices:", "1:1: error: unknown key `polices`"),
            ("  - name: Second\n", "  - name: Second\n    name: Third\n", "13:5: error: "),
            ("[production]", "[production", "4:20: error: "),
        ] {
            let text = PACK.replacen(wrong, right, 1);
            assert_ne!(text, PACK, "{wrong} is not in the text");
            let errors = parse_yaml(&text, "p.yaml").unwrap_err().to_string();
            assert!(errors.starts_with("p.yaml:") && errors.contains(expected), "{right}: {errors}");
        }
    }

    #[test]
    fn texts_that_are_no_policies_are_refused_with_a_place() {
        for (text, expected) in [
            ("", "p:1:1: error: there is no policy here"),
            ("\n# nothing\n", "p:3:1: error: there is no policy here"),
            ("null", "p:1:1: error: there is no policy here"),
            ("- name: x", "p:1:1: error: expected a map of keys, found a list"),
            (
                "name: x\nrules:\n  - { rule_id: a, match: [slack], action: DENY }",
                "p:3:26: error: expected a map of keys, found a list (at rules[0].match)",
            ),
            ("hello", "p:1:1: error: expected a map of keys, found the text `hello`"),
            ("name: x", "p:1:1: error: `rules` is required"),
            ("name: x\nrules:\n", "p:2:6: error: expected a list, found nothing (at rules)"),
            ("name: x\nrules: []\n---\nname: y\n", "p:3:1: error: a file holds one document"),
            ("name: x\nname: y\nrules: []", "p:2:1: error: `name` is given twice"),
            ("name: x\nrules:\n\t- rule_id: a\n", "p:3:2: error: a tab cannot indent"),
            ("name: x\nrules: *nope\n", "p:2:8: error: alias references unknown anchor"),
            ("name: \"x\nrules: []\n", "p:1:7: error: unclosed quote"),
            ("\u{feff}name: x\nrule: []\n", "p:2:1: error: unknown key `rule`"),
            (
                "name: x\r\nrules:\r\n  - rule_id: a\r\n    actio: DENY\r\n",
                "p:4:5: error: unknown key `actio`",
            ),
            (
                "name: x\nrules: [{rule_id: a, action: DENY, condition: {risk_score_gt: .nan}}]",
                "p:2:63: error: numbers must be finite",
            ),
            // A rule that an alias or a merge key repeats is wrong in both places.
            (
                "name: x\nrules:\n  - &a { rule_id: a, actio: DENY }\n  - { <<: *a, rule_id: b }\n",
                "p:3:22: error: unknown key `actio`; did you mean `action`? (at rules[0].actio)\np:4:11: error: unknown key",
            ),
            (
                "{\n  \"name\": \"x\",\n  \"rules\": [\n    {\"rule_id\": \"a\", \"actio\": \"DENY\"}\n  ]\n}",
                "p:4:22: error: unknown key `actio`; did you mean `action`?",
            ),
            (
                "{\n  \"name\": \"x\",\n  \"name\": \"y\", \"rules\": []}",
                "p:3:3: error: `name` is given twice",
            ),
            ("{\n  \"name\": \"x\",\n  \"rules\": [\n", "p:3:12: error: unclosed bracket"),
        ] {
            let errors = parse_yaml(text, "p").unwrap_err().to_string();
            assert!(errors.starts_with(expected), "{text:?}: {errors}");
        }
    }

    #[test]
    fn one_mistake_does_not_hide_the_others() {
        let text = PACK.replace("DENY", "DENIED").replace("ALLOW", "ALOW").replace("env_name:", "env_nme:");
        let Diagnostics(errors) = parse_yaml(&text, "p.yaml").unwrap_err();
        let lines: Vec<_> = errors.iter().map(|error| error.line).collect();
        assert_eq!(lines, [Some(10), Some(13), Some(15)]);
    }

    #[test]
    fn findings_of_the_check_carry_their_place_too() {
        let text = PACK.replace("[slack, discord]", "[slack], repo_patterns: ['ok', 'x[']");
        let (_, findings) = check_yaml(&text, "p.yaml").unwrap();
        assert_eq!(findings.len(), 1, "{findings:?}");
        assert_eq!((findings[0].line, findings[0].severity), (Some(8), Severity::Error));
        assert_eq!(findings[0].path, "policies[0].rules[0].match.repo_patterns[1]");
        assert_eq!(check_yaml(PACK, "p.yaml").unwrap().1, []);
    }

    #[test]
    fn hostile_texts_are_errors() {
        let bomb: String = std::iter::once("a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned())
            .chain((1..20).map(|i| format!("a{i}: &a{i} [{}]\n", vec![format!("*a{}", i - 1); 9].join(", "))))
            .collect();
        let deep = format!("name: {}", "[".repeat(100_000));
        let nested_json = format!("{}1{}", "{\"not\":".repeat(5_000), "}".repeat(5_000));
        for text in
            [&bomb, &deep, &nested_json, "", "- 1", "\0", "name: x\n---\nname: y", &"a".repeat(5_000_000)]
        {
            let shown: String = text.chars().take(40).collect();
            assert!(parse_yaml(text, "p.yaml").is_err(), "{shown}");
        }
        for value in
            [json!(null), json!([]), json!("x"), json!({"policies": 7}), json!({"name": "x", "rules": [1]})]
        {
            assert!(parse_json(value.clone()).is_err(), "{value}");
        }
    }
}
