//! What a tenant says of detectors: its own, the weight of each, and findings that do not count.

use crate::{Confidence, DataClass, Timestamp, settings::SettingsError};
use serde::{Deserialize, Serialize};

/// Most exceptions of a tenant.
const MOST_EXCEPTIONS: usize = 500;
/// Longest note, path and tool of an exception, in bytes.
const LONGEST_TEXT: usize = 500;
/// Most steps of an exception's path; bodies nest no deeper.
const MOST_STEPS: usize = 128;

/// A detector that a tenant wrote: a pattern that is searched near keywords, with examples that prove it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomDetector {
    /// snake_case, as shown in `[REDACTED:<id>]`; unlike every shipped id, and not ending in `_` and digits.
    pub id: String,
    pub class: DataClass,
    /// One line for people.
    pub summary: String,
    /// Texts in lower case, 3 bytes or more, one of which stands in or near every match; found whatever their case.
    /// Without any, the texts that every match begins with are taken from the pattern.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Regular expression, searched in linear time: without look-around and back-references. ASCII classes, unless it
    /// starts with `(?u)`. Its first group, where it has one, is the value; else the whole match is.
    pub pattern: String,
    /// What a match counts as whose checks pass.
    pub confidence: Confidence,
    /// Words within 200 characters; without one the match drops a level.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<String>,
    /// Without one of the context words there is no match at all.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub required_context: bool,
    /// Least Shannon entropy of the value, in bits per byte: 0–8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_entropy: Option<f64>,
    /// Check digits that the value must have: `luhn`, `mod97`, `mod11_10` or `verhoeff`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
    /// Hosts that the value belongs to, exact or `*.suffix`: presented there, in a header or a part of the URL made for
    /// credentials, a secret is normal use and LOW. Without any, it is LOW in every header made for credentials.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hosts: Vec<String>,
    /// Bytes on each side of a keyword within which the whole match lies: 16–1,024; 256 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<usize>,
    /// Texts in which it must find something; at least one.
    #[serde(default)]
    pub positive: Vec<String>,
    /// Texts in which it must find nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub negative: Vec<String>,
}

/// What a tenant changes about one detector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DetectorOverride {
    /// What a match counts as whose checks pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<Confidence>,
    /// Factor of what a finding adds to the risk: 0–4. With 0 the finding takes no part in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<f64>,
}

/// Findings that do not count. A finding that fits every given field neither classifies, redacts nor raises risk; answers
/// and traces name the note. One of `value_sha256`, `path` and `tool` is needed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FindingException {
    /// SHA-256 of the exact value (UTF-8), 64 hexadecimal digits in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value_sha256: Option<String>,
    /// JSON Pointer (RFC 6901) into the body; a step `*` is any key or index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Every action of the call is one of this tool or `tool.operation`; `*` is any text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool: Option<String>,
    /// Findings of this detector alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detector: Option<String>,
    /// Findings of this class alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<DataClass>,
    /// Why, for whoever reads the record.
    pub note: String,
    /// From then on it says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl FindingException {
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|end| end <= now)
    }

    /// Whether the exception speaks of calls to this tool and operation.
    pub fn fits_tool(&self, tool: &str, operation: &str) -> bool {
        self.tool.as_deref().is_none_or(|glob| {
            is_glob_match(glob, tool) || is_glob_match(glob, &format!("{tool}.{operation}"))
        })
    }

    fn problem(&self) -> Option<(&'static str, &'static str)> {
        let is_hash =
            |text: &str| text.len() == 64 && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let is_sized = |text: &str| !text.trim().is_empty() && text.len() <= LONGEST_TEXT;
        if self.value_sha256.is_none() && self.path.is_none() && self.tool.is_none() {
            return Some(("", "limited: give `value_sha256`, `path` or `tool`"));
        }
        if self.value_sha256.as_deref().is_some_and(|text| !is_hash(text)) {
            return Some((
                ".value_sha256",
                "64 hexadecimal digits in lower case, as `interven admin detectors hash` prints them",
            ));
        }
        if let Some(path) = &self.path {
            if !path.is_empty() && !path.starts_with('/') || path.len() > LONGEST_TEXT {
                return Some((".path", "a JSON Pointer such as `/customer/*/iban`, 500 bytes at most"));
            }
            if path.matches('/').count() > MOST_STEPS {
                return Some((".path", "a JSON Pointer of 128 steps at most"));
            }
            if path.contains("[REDACTED:") {
                return Some((".path", "written with `*` for a key that is shown as a marker"));
            }
        }
        if self.tool.as_deref().is_some_and(|tool| !is_sized(tool)) {
            return Some((".tool", "a tool such as `slack`, or `stripe.*`"));
        }
        if !is_sized(&self.note) {
            return Some((".note", "a text of 1 to 500 bytes that says why"));
        }
        None
    }
}

/// Checks each exception by itself; which detectors exist is not known here.
pub(crate) fn check_exceptions(exceptions: &[FindingException]) -> Result<(), SettingsError> {
    if exceptions.len() > MOST_EXCEPTIONS {
        return Err(SettingsError::new("finding_exceptions", "500 exceptions at most; remove expired ones"));
    }
    let problem = exceptions.iter().enumerate().find_map(|(n, e)| e.problem().map(|problem| (n, problem)));
    match problem {
        Some((n, (field, expected))) => {
            Err(SettingsError::new(format!("finding_exceptions[{n}]{field}"), expected))
        }
        None => Ok(()),
    }
}

/// Whether `text` is what `glob` describes; `*` stands for any text. Each piece is searched for once, left to right.
fn is_glob_match(glob: &str, text: &str) -> bool {
    let Some((head, tail)) = glob.split_once('*') else { return glob == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    let (middle, last) = tail.rsplit_once('*').unwrap_or(("", tail));
    for piece in middle.split('*') {
        match rest.split_once(piece) {
            Some((_, after)) => rest = after,
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_take_the_whole_name() {
        for (glob, text, expected) in [
            ("slack", "slack", true),
            ("slack", "slack.post", false),
            ("slack.*", "slack.post_message", true),
            ("*", "anything", true),
            ("s*k", "slack", true),
            ("s*k", "slacker", false),
            ("*.create_*", "github.create_issue", true),
            ("*.create_*", "github.delete_issue", false),
            ("a*a", "a", false),
            ("a*b*c", "axbxbxc", true),
            ("a**c", "ac", true),
        ] {
            assert_eq!(is_glob_match(glob, text), expected, "{glob} {text}");
        }
        let named =
            |tool: &str| FindingException { tool: Some(tool.to_owned()), ..FindingException::default() };
        assert!(named("slack").fits_tool("slack", "post_message"));
        assert!(named("slack.post_*").fits_tool("slack", "post_message"));
        assert!(!named("slack.post_*").fits_tool("slack", "delete"));
    }

    #[test]
    fn an_exception_without_bounds_a_reason_or_a_readable_field_is_refused() {
        let valid = FindingException {
            path: Some("/customer/*/iban".into()),
            note: "sandbox".into(),
            ..FindingException::default()
        };
        assert_eq!(check_exceptions(std::slice::from_ref(&valid)), Ok(()));
        let refused = |change: &dyn Fn(&mut FindingException)| {
            let mut changed = valid.clone();
            change(&mut changed);
            check_exceptions(&[valid.clone(), changed]).unwrap_err().field
        };
        type Change<'a> = &'a dyn Fn(&mut FindingException);
        let cases: [(Change<'_>, &str); 6] = [
            (&|e| e.path = None, "finding_exceptions[1]"),
            (&|e| e.path = Some("customer".into()), "finding_exceptions[1].path"),
            (&|e| e.path = Some("/[REDACTED:email]/x".into()), "finding_exceptions[1].path"),
            (&|e| e.note = " ".into(), "finding_exceptions[1].note"),
            (&|e| e.value_sha256 = Some("AB".repeat(32)), "finding_exceptions[1].value_sha256"),
            (&|e| e.tool = Some(String::new()), "finding_exceptions[1].tool"),
        ];
        for (change, field) in cases {
            assert_eq!(refused(change), field);
        }
        assert!(check_exceptions(&vec![valid.clone(); 501]).is_err());
    }

    #[test]
    fn an_exception_ends_when_it_says() {
        let end = Timestamp::from_unix_ms(1_000);
        let exception = FindingException { expires_at: Some(end), ..FindingException::default() };
        assert!(!exception.is_expired(Timestamp::from_unix_ms(999)));
        assert!(exception.is_expired(end));
        assert!(!FindingException::default().is_expired(end));
    }
}
