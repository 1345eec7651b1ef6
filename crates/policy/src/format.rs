//! A policy file in canonical form, with its comments.

use crate::diagnostic::{Diagnostics, Finding, Path, Position, Severity};
use crate::parse::{has_policies, located, parse_located, parse_yaml};
use crate::print::{document, print_json_as, print_with};
use crate::remarks::Remarks;

/// The text with its policies written as [`print_yaml`](crate::print_yaml) or [`print_json`](crate::print_json) writes them; comments stay with
/// what they are about. A pack stays a pack.
///
/// Fails when the text cannot be read, when it has YAML aliases, and when JSON has comments.
pub fn format(text: &str, file: &str) -> Result<String, Diagnostics> {
    let (policies, root) = parse_located(text, file)?;
    let fail = |(position, message): (Option<Position>, String)| {
        let finding = Finding { severity: Severity::Error, path: Path::default(), message };
        Diagnostics(vec![located(finding, file, position)])
    };
    let is_pack = has_policies(&root);
    let document = document(&policies, is_pack);
    let remarks = Remarks::read(text, &root, &document).map_err(|(at, message)| fail((Some(at), message)))?;
    if is_json(text, file) {
        let message = "JSON has no comments; remove them, or call the file `.yaml`";
        return if remarks.is_empty() {
            Ok(print_json_as(&policies, is_pack))
        } else {
            Err(fail((None, message.to_owned())))
        };
    }
    let printed = print_with(&document, is_pack, &remarks);
    // Nothing may be lost, whatever the text is like.
    let is_same =
        parse_yaml(&printed, file).is_ok_and(|again| again == policies) && remarks.are_all_in(&printed);
    if is_same {
        Ok(printed)
    } else {
        Err(fail((None, "the text cannot be formatted without loss".to_owned())))
    }
}

fn is_json(text: &str, file: &str) -> bool {
    let is_named =
        |endings: &[&str]| endings.iter().any(|ending| file.to_ascii_lowercase().ends_with(ending));
    is_named(&[".json"]) || text.trim_start().starts_with('{') && !is_named(&[".yaml", ".yml"])
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULTS: &str = include_str!("../../../policies/defaults.yaml");

    #[test]
    fn what_is_in_form_stays_as_it_is() {
        assert_eq!(format(DEFAULTS, "defaults.yaml").unwrap(), DEFAULTS);
    }

    #[test]
    fn keys_are_ordered_and_comments_stay_with_what_they_are_about() {
        let written = "\
# Two lines at the head,
# of the file.

policies:   # the pack
- rules:
  # why this rule

  # and more of it
  - action: DENY
    # the id
    rule_id:   \"a\"
    match: {tools: [slack,
       # twice
       teams], verbs: [ADMIN]} # both
    condition: { any_of: [{body_path_gt: { value: 10000.0, path: $.amount }}, {is_new_destination: true, is_external_host: true,
       agent_in_scrutiny: false}] }
    priority: 100


  - {rule_id: b, action: ALLOW, tags: x, match: {operations: [create_payout, create_transfer, create_refund,
      transfer_money, send_payment, create_payment, wire_transfer] # money
      }}
  name: 'It''s: one' # its name
  env_name: dev # where
  # about the text
  description: >
    Long words that were folded by hand, in lines of no special length, by someone who
    wanted to say a little more about it.
- {name: p2, rules: []}
# the end
";
        let expected = "\
# Two lines at the head,
# of the file.

policies: # the pack
  - name: \"It's: one\" # its name
    # about the text
    description: |
      Long words that were folded by hand, in lines of no special length, by someone who wanted to say a little more about it.
    env_names: [dev] # where
    rules:
      # why this rule

      # and more of it
      # the id
      - rule_id: a
        match: # both
          tool_names:
            - slack
            # twice
            - teams
          verbs: [ADMIN]
        condition:
          any_of:
            - body_path_gt: { path: $.amount, value: 10000 }
            - { is_external_host: true, is_new_destination: true, agent_in_scrutiny: false }
        action: DENY

      - rule_id: b
        match:
          operations: [create_payout, create_transfer, create_refund, transfer_money, send_payment,
            create_payment, wire_transfer] # money
        action: ALLOW
        tag: [x]

  - name: p2
    rules: []
# the end
";
        let formatted = format(written, "p.yaml").unwrap();
        assert_eq!(formatted, expected);
        assert_eq!(format(&formatted, "p.yaml").unwrap(), formatted, "form is stable");
        assert_eq!(format(&written.replace('\n', "\r\n"), "p.yaml").unwrap(), expected);
    }

    #[test]
    fn json_stays_json_and_aliases_are_refused() {
        let json = r#"{"rules": [{"action": "DENY", "rule_id": "a"}], "name": "p"}"#;
        let expected = "{\n  \"name\": \"p\",\n  \"rules\": [\n    {\n      \"rule_id\": \"a\",\n      \"action\": \"DENY\"\n    }\n  ]\n}\n";
        assert_eq!(format(json, "p.json").unwrap(), expected);
        assert_eq!(format(json, "-").unwrap(), expected);
        assert_eq!(
            format(&format!("{{\"policies\": [{json}]}}"), "p.json").unwrap().matches("policies").count(),
            1
        );
        assert_eq!(format(json, "p.yaml").unwrap(), "name: p\nrules:\n  - rule_id: a\n    action: DENY\n");
        for (text, file, expected) in [
            (&format!("{json} # no") as &str, "p.json", "p.json: error: JSON has no comments"),
            ("name: &n p\ndescription: *n\nrules: []", "p.yaml", "p.yaml:2:14: error: an alias"),
            ("name: p\nrule: []", "p.yaml", "p.yaml:2:1: error: unknown key"),
        ] {
            let errors = format(text, file).unwrap_err().to_string();
            assert!(errors.starts_with(expected), "{errors}");
        }
    }
}
