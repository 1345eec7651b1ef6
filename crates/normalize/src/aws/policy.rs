//! IAM policy documents (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html>).

use crate::{params::values_at, tolerant::read_json};
use serde_json::Value;

/// Actions that amount to everything: with `iam:*` one can grant oneself the rest.
const EVERY_ACTION: [&str; 3] = ["*", "*:*", "iam:*"];

/// A statement allows everything, on everything. IAM lets a list of one stand without brackets.
pub(super) fn grants_everything(document: &str) -> bool {
    let document = read_json(document);
    values_at(&document, "Statement").into_iter().any(|statement| {
        let texts = |name| values_at(statement, name).into_iter().filter_map(Value::as_str);
        let takes_all = texts("Action")
            .any(|action| EVERY_ACTION.iter().any(|all| action.eq_ignore_ascii_case(all)))
            || statement.get("NotAction").is_some();
        texts("Effect").any(|effect| effect == "Allow")
            && takes_all
            && (texts("Resource").any(|resource| resource == "*") || statement.get("NotResource").is_some())
    })
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
