//! What of a request may be shown: the same shape, without what was found in it.

use interven_classify::{Classifier, Findings, RedactionPlan};
use interven_types::{Confidence, DataClass, Hit, Place, ScanRequest};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// Headers whose values are never shown, whatever they hold.
const SENSITIVE_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "api-key"];
const HIDDEN: &str = "[REDACTED]";
/// Longest URL kept in clear, in characters.
const MAX_SHOWN_URL: usize = 2_000;

/// The request with every hit of any confidence redacted; `found` is what its classification found.
pub fn redacted_request(request: &ScanRequest, found: &Findings<'_>, classifier: &Classifier) -> Value {
    let classes = BTreeSet::from(DataClass::ALL);
    let plan = RedactionPlan { classes: &classes, min_confidence: Confidence::Low, fields: &[] };
    let headers: serde_json::Map<_, _> = request
        .headers
        .iter()
        .map(|(name, value)| {
            let shown_name = shown_header_name(name, classifier);
            let is_sensitive = SENSITIVE_HEADERS.contains(&name.as_str()) || shown_name != *name;
            let shown = match is_sensitive {
                true => HIDDEN.to_owned(),
                false => without_hits(value, &found.hits, &Place::Header(name.clone())),
            };
            (shown_name, Value::String(shown))
        })
        .collect();
    json!({
        "method": request.method,
        "url": without_hits(&request.url, &found.hits, &Place::Url),
        "headers": headers,
        "body": classifier.redact_found(found, &plan).body,
        "context": request.context.as_ref().map(|text| {
            classifier.redact_found(&classifier.classify_text(text), &plan).body
        }),
    })
}

/// A header's name without hits; a short one holds none.
fn shown_header_name(name: &str, classifier: &Classifier) -> String {
    const SHORTEST: usize = 16;
    if name.len() < SHORTEST {
        return name.to_owned();
    }
    without_hits(name, &classifier.classify_text(name).hits, &Place::Body)
}

/// Scheme, host and path without hits, credentials, query and fragment: what may stand in clear in lists and indexes.
pub fn shown_url(request: &ScanRequest, hits: &[Hit]) -> String {
    let redacted = without_hits(&request.url, hits, &Place::Url);
    let plain = redacted.split(['?', '#']).next().unwrap_or_default();
    let shown = match plain.split_once("://") {
        Some((scheme, rest)) => {
            let authority_end = rest.find('/').unwrap_or(rest.len());
            let (authority, path) = rest.split_at(authority_end);
            let host = authority.rsplit('@').next().unwrap_or_default();
            format!("{scheme}://{host}{path}")
        }
        None => plain.to_owned(),
    };
    shown.chars().take(MAX_SHOWN_URL).collect()
}

/// The host as it may stand in lists and indexes: where something was found in it, as the shown URL has it.
pub fn shown_host<'u>(host: Option<&'u str>, shown_url: &'u str) -> Option<&'u str> {
    let authority = shown_url.split_once("://").map_or("", |(_, rest)| rest);
    let shown = authority.split('/').next().unwrap_or_default();
    if shown.contains("[REDACTED:") { Some(shown) } else { host }
}

/// Replaces the spans found at `place`; they count code points.
fn without_hits(text: &str, hits: &[Hit], place: &Place) -> String {
    let mut spans: Vec<_> = hits.iter().filter(|h| h.place == *place).collect();
    if spans.is_empty() {
        return text.to_owned();
    }
    spans.sort_by_key(|h| (h.start, std::cmp::Reverse(h.end)));
    let (mut shown, mut position) = (String::new(), 0);
    for hit in spans {
        if hit.end <= position {
            continue;
        }
        shown.extend(text.chars().skip(position).take(hit.start.saturating_sub(position)));
        shown.push_str(&format!("[REDACTED:{}]", hit.detector));
        position = hit.end;
    }
    shown.extend(text.chars().skip(position));
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url_hit(start: usize, end: usize) -> Hit {
        let (detector, path) = ("key".to_owned(), String::new());
        let (class, confidence) = (DataClass::Secrets, Confidence::High);
        Hit { class, detector, confidence, place: Place::Url, path, in_key: false, start, end }
    }

    #[test]
    fn a_shown_url_has_no_hits_credentials_query_or_fragment() {
        let request = ScanRequest::new("GET", "https://me:pw@a.example/b/SECRET/c?q=1#f", Value::Null);
        assert_eq!(shown_url(&request, &[url_hit(26, 32)]), "https://a.example/b/[REDACTED:key]/c");
        assert_eq!(shown_url(&request, &[]), "https://a.example/b/SECRET/c");
    }

    #[test]
    fn a_host_that_holds_a_finding_is_not_shown() {
        let request = ScanRequest::new("GET", "https://414b4941.evil.example:8443/x", Value::Null);
        let url = shown_url(&request, &[url_hit(8, 16)]);
        assert_eq!(shown_host(Some("414b4941.evil.example"), &url), Some("[REDACTED:key].evil.example:8443"));
        assert_eq!(shown_host(Some("a.example"), "https://A.example/[REDACTED:key]"), Some("a.example"));
        assert_eq!(shown_host(None, "file:///etc"), None);
    }

    #[test]
    fn a_header_whose_name_is_a_finding_is_hidden_with_its_value() {
        let hidden: String = "AKIA2E5A6B7CXQ4TZNFM".bytes().map(|b| format!("{b:02x}")).collect();
        let mut request = ScanRequest::new("GET", "https://a.example/", Value::Null);
        request.headers.insert(hidden.clone(), "value".to_owned());
        request.headers.insert("x-correlation-number".to_owned(), "7".to_owned());
        let shown = redacted_request(&request, &Findings::default(), &Classifier::builtin());
        let headers = shown["headers"].to_string();
        assert!(!headers.contains(&hidden) && !headers.contains("value"), "{headers}");
        assert!(headers.contains(r#""x-correlation-number":"7""#), "{headers}");
    }

    #[test]
    fn overlapping_spans_leave_nothing_between_them() {
        let hits = [url_hit(2, 6), url_hit(4, 8), url_hit(3, 5)];
        assert_eq!(without_hits("ab0123456789", &hits, &Place::Url), "ab[REDACTED:key][REDACTED:key]6789");
    }
}
