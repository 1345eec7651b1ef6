//! IAM policy documents (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>).

use interven_types::parse_json;
use serde_json::Value;

/// Actions that amount to everything: with `iam:*` one can grant oneself the rest.
const EVERY_ACTION: [&str; 3] = ["*", "*:*", "iam:*"];

/// A statement allows everything, on everything.
pub(super) fn grants_everything(document: &str) -> bool {
    parse_json(document.as_bytes()).is_ok_and(|document| {
        members(document.get("Statement")).any(|statement| {
            let is_allowed = statement.get("Effect").and_then(Value::as_str) == Some("Allow");
            let mut actions = members(statement.get("Action")).filter_map(Value::as_str);
            let mut resources = members(statement.get("Resource")).filter_map(Value::as_str);
            let takes_all = actions
                .any(|action| EVERY_ACTION.iter().any(|all| action.eq_ignore_ascii_case(all)))
                || statement.get("NotAction").is_some();
            is_allowed
                && takes_all
                && (resources.any(|resource| resource == "*") || statement.get("NotResource").is_some())
        })
    })
}

/// One or many: IAM lets a list of one stand without brackets.
fn members(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    match value {
        Some(Value::Array(items)) => items.iter(),
        Some(one) => std::slice::from_ref(one).iter(),
        None => [].iter(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_allow_all_on_all_grants_everything() {
        let statement =
            |text: &str| grants_everything(&format!("{{\"Version\":\"2012-10-17\",\"Statement\":{text}}}"));
        assert!(statement(r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#));
        assert!(statement(
            r#"[{"Effect":"Deny","Action":"*","Resource":"*"},{"Effect":"Allow","Action":["s3:*","IAM:*"],"Resource":["*"]}]"#
        ));
        assert!(statement(r#"{"Effect":"Allow","NotAction":"iam:*","Resource":"*"}"#));
        assert!(!statement(r#"{"Effect":"Deny","Action":"*","Resource":"*"}"#));
        assert!(!statement(r#"{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}"#));
        assert!(!statement(r#"{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::b/*"}"#));
        assert!(!grants_everything("not json"));
    }
}
