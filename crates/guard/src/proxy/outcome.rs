//! What a ruling means on the wire.

use crate::{Mode, Ruling};
use hyper::{
    StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use interven_client::ScanAnswer;
use interven_types::{Decision, TraceId};
use serde_json::{Map, Value, json};

pub(super) const DECISION: HeaderName = HeaderName::from_static("x-interven-decision");
pub(super) const WOULD_BE: HeaderName = HeaderName::from_static("x-interven-would-be");
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-interven-trace-id");
pub(super) const REASONS: HeaderName = HeaderName::from_static("x-interven-reasons");

/// In place of a decision: nobody judged, and the call did not go.
const FAULT: &str = "FAULT";
/// In place of a decision: nobody judged, and the call went all the same, because that was chosen.
const LET_THROUGH: &str = "LET_THROUGH";

/// What is said of a call, in headers and on the page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marks {
    /// What was done.
    pub(super) decision: &'static str,
    /// What would have been done, where calls are only watched.
    pub(super) would_be: Option<&'static str>,
    pub(super) trace_id: Option<TraceId>,
    /// Strongest first.
    pub(super) reasons: Vec<String>,
    /// `slack.post_message`.
    pub(super) action: Option<String>,
}

impl Marks {
    pub(super) fn of(ruling: &Ruling, mode: Mode) -> Self {
        match ruling {
            Ruling::LetThrough { fault } => Self::unjudged(&fault.code, true),
            Ruling::Fault { fault } => Self::unjudged(&fault.code, mode == Mode::Monitor),
            Ruling::Go { answer }
            | Ruling::GoWith { answer, .. }
            | Ruling::Stop { answer }
            | Ruling::Hold { answer } => Self::judged(answer, mode),
        }
    }

    fn judged(answer: &ScanAnswer, mode: Mode) -> Self {
        let name = |decision: Decision| decision.as_str();
        let would_be = answer.would_be.or((mode == Mode::Monitor).then_some(answer.decision));
        Self {
            decision: name(if mode == Mode::Monitor { Decision::Allow } else { answer.decision }),
            would_be: would_be.map(name),
            trace_id: answer.receipt.map(|receipt| receipt.trace_id),
            reasons: answer.reason_codes.clone(),
            action: Some(format!("{}.{}", answer.tool_name, answer.operation)),
        }
    }

    pub(super) fn unjudged(code: &str, goes: bool) -> Self {
        let decision = if goes { LET_THROUGH } else { FAULT };
        Self { decision, would_be: None, trace_id: None, reasons: vec![code.to_owned()], action: None }
    }

    /// Puts them on an answer, in place of whatever the upstream says under these names.
    pub(super) fn write(&self, headers: &mut HeaderMap) {
        let values = [
            (DECISION, Some(self.decision.to_owned())),
            (WOULD_BE, self.would_be.map(str::to_owned)),
            (TRACE_ID, self.trace_id.map(|id| id.to_string())),
            (REASONS, (!self.reasons.is_empty()).then(|| self.reasons.join(","))),
        ];
        for (name, value) in values {
            headers.remove(&name);
            if let Some(value) = value.and_then(|text| HeaderValue::from_str(&text).ok()) {
                headers.insert(name, value);
            }
        }
    }
}

/// An answer of the proxy's own, in place of the upstream's.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) body: Value,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &str, error: impl Into<String>) -> Self {
        Self { status, body: json!({ "error": error.into(), "code": code }) }
    }

    pub(super) fn code(&self) -> &str {
        self.body.get("code").and_then(Value::as_str).unwrap_or_default()
    }

    /// What the agent hears of a call that does not go; nothing when it goes.
    pub(super) fn of(ruling: &Ruling) -> Option<Self> {
        match ruling {
            Ruling::Go { .. } | Ruling::GoWith { .. } | Ruling::LetThrough { .. } => None,
            Ruling::Stop { answer } => {
                Some(Self::judged(answer, StatusCode::FORBIDDEN, "DENIED", "this call is denied by policy"))
            }
            Ruling::Hold { answer } => Some(Self::judged(
                answer,
                StatusCode::ACCEPTED,
                "APPROVAL_REQUIRED",
                "a person must approve this call; send the identical call again after that",
            )),
            Ruling::Fault { fault } => Some(Self::new(
                match fault.code.as_str() {
                    "PAYLOAD_TOO_LARGE" => StatusCode::PAYLOAD_TOO_LARGE,
                    "INVALID_REQUEST" => StatusCode::BAD_REQUEST,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                },
                &fault.code,
                format!("nobody judged this call, so it was not made: {}", fault.message),
            )),
        }
    }

    /// SANITIZE of a body that has no redacted form.
    pub(super) fn of_unredactable(answer: &ScanAnswer) -> Self {
        let error = "a part of this call must be redacted, and its format does not allow that";
        Self::judged(answer, StatusCode::FORBIDDEN, "CANNOT_SANITIZE", error)
    }

    fn judged(answer: &ScanAnswer, status: StatusCode, code: &str, error: &str) -> Self {
        let mut body = Map::from_iter([
            ("error".to_owned(), error.into()),
            ("code".to_owned(), code.into()),
            ("decision".to_owned(), answer.decision.as_str().into()),
            ("reason_codes".to_owned(), answer.reason_codes.clone().into()),
        ]);
        let optional = [
            ("trace_id", json!(answer.receipt.map(|receipt| receipt.trace_id))),
            ("policy_name", json!(answer.policy_name)),
            ("rule_id", json!(answer.rule_id)),
            ("approval_id", json!(answer.approval_id)),
            ("approval_url", json!(answer.approval_url)),
            ("expires_at", json!(answer.expires_at)),
        ];
        for (name, value) in optional.into_iter().filter(|(_, value)| !value.is_null()) {
            body.insert(name.to_owned(), value);
        }
        Self { status, body: Value::Object(body) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fault;

    fn answer(decision: &str, more: Value) -> Box<ScanAnswer> {
        let mut wire = json!({
            "decision": decision, "risk_score": 0.8, "risk_band": "HIGH", "reason_codes": ["A", "B"],
            "tool_name": "slack", "operation": "post_message", "verb": "WRITE", "classifications": [],
            "signals": [], "coverage": {"evaluated": [], "skipped": []},
            "trace_id": "0190f3a4-0000-7000-8000-000000000001", "ledger_seq": 7,
        });
        wire.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        Box::new(serde_json::from_value(wire).unwrap())
    }

    #[test]
    fn each_ruling_has_its_status_and_marks() {
        let fault = |code: &str| Fault { code: code.to_owned(), message: "m".to_owned() };
        let monitored = answer("ALLOW", json!({"would_be": "DENY"}));
        let deny = answer("DENY", json!({}));
        let hold = answer("REQUIRE_APPROVAL", json!({"approval_id": "0190f3a4-0000-7000-8000-000000000002"}));
        let sanitize = answer("SANITIZE", json!({"sanitized_body": 1}));
        for (ruling, mode, status, decision, would_be) in [
            (Ruling::Go { answer: answer("ALLOW", json!({})) }, Mode::Enforce, None, "ALLOW", None),
            (Ruling::Go { answer: monitored }, Mode::Enforce, None, "ALLOW", Some("DENY")),
            (Ruling::Go { answer: deny.clone() }, Mode::Monitor, None, "ALLOW", Some("DENY")),
            (Ruling::GoWith { body: json!(1), answer: sanitize }, Mode::Enforce, None, "SANITIZE", None),
            (Ruling::Stop { answer: deny }, Mode::Enforce, Some(403), "DENY", None),
            (Ruling::Hold { answer: hold }, Mode::Enforce, Some(202), "REQUIRE_APPROVAL", None),
            (Ruling::LetThrough { fault: fault("TIMEOUT") }, Mode::Enforce, None, "LET_THROUGH", None),
            (Ruling::Fault { fault: fault("UNREACHABLE") }, Mode::Enforce, Some(503), "FAULT", None),
            (Ruling::Fault { fault: fault("INVALID_KEY") }, Mode::Enforce, Some(503), "FAULT", None),
            (Ruling::Fault { fault: fault("PAYLOAD_TOO_LARGE") }, Mode::Enforce, Some(413), "FAULT", None),
        ] {
            let marks = Marks::of(&ruling, mode);
            assert_eq!((marks.decision, marks.would_be), (decision, would_be), "{ruling:?}");
            assert_eq!(Refusal::of(&ruling).map(|refusal| refusal.status.as_u16()), status, "{ruling:?}");
        }
    }

    #[test]
    fn a_held_call_says_who_decides_and_an_upstream_cannot_speak_for_the_judge() {
        let hold = answer("REQUIRE_APPROVAL", json!({"approval_id": "0190f3a4-0000-7000-8000-000000000002"}));
        let ruling = Ruling::Hold { answer: hold };
        let refusal = Refusal::of(&ruling).unwrap();
        assert_eq!(refusal.body["approval_id"], "0190f3a4-0000-7000-8000-000000000002");
        assert_eq!(refusal.body["reason_codes"], json!(["A", "B"]));
        let mut headers = HeaderMap::from_iter([
            (DECISION, HeaderValue::from_static("ALLOW")),
            (WOULD_BE, HeaderValue::from_static("ALLOW")),
        ]);
        Marks::of(&ruling, Mode::Enforce).write(&mut headers);
        assert_eq!(headers[DECISION], "REQUIRE_APPROVAL");
        assert_eq!(headers[REASONS], "A,B");
        assert!(!headers.contains_key(WOULD_BE));
    }
}
