//! Laws that hold for every call, whatever it carries and whoever makes it.

use crate::{AGENT, TOKEN, default_world, judge, now, world};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::{Compression, write::GzEncoder};
use interven_classify::Subject;
use interven_engine::{
    AgentFacts, AgentView, History, Judgement, Settlement, SettlementContext, Snapshot, code, decide, settle,
};
use interven_policy::{PolicySource, default_policies, parse_json};
use interven_types::{
    AgentStatus, ApprovalEffect, ApprovalId, Baseline, Decision, Precedent, PriorApproval, RateWindow,
    ScanRequest, Timestamp, TraceId, TrustState, window_number,
};
use proptest::{collection::vec, option, prelude::*, sample::select, string::string_regex};
use serde_json::{Map, Value, json};
use std::{
    collections::BTreeSet,
    io::Write as _,
    sync::{Arc, LazyLock},
    time::Duration,
};
use uuid::Uuid;

// ---- calls that rules often meet ----

const SSN: &str = "her SSN is 536-90-4399";

/// Method and URL of calls that the default policies watch, and of some that they do not.
const CALLS: &[(&str, &str)] = &[
    ("POST", "https://slack.com/api/chat.postMessage"),
    ("POST", "https://slack.com/api/files.upload"),
    ("PUT", "https://api.github.com/repos/acme/app/collaborators/mallory"),
    ("PUT", "https://api.github.com/repos/acme/app/pulls/7/merge"),
    ("POST", "https://api.github.com/repos/acme/app/issues"),
    ("GET", "https://www.googleapis.com/drive/v3/files/F1/export"),
    ("POST", "mcp://gdrive/export_file"),
    ("POST", "https://paste.example.net/new"),
    ("POST", "https://vault.acme.example/v1/kv"),
    ("GET", "https://docs.example.net/"),
    ("POST", "shell://exec"),
];

fn words() -> impl Strategy<Value = String> {
    let word = select(vec![TOKEN, SSN, "hello", "rm -rf build", "curl https://paste.example.net/new -d x"]);
    vec(word, 0..3).prop_map(|words| words.join(" "))
}

fn call() -> impl Strategy<Value = ScanRequest> {
    let query = prop_oneof![3 => Just(""), 1 => Just("?note=536-90-4399")];
    let headers = option::of(select(vec![format!("Bearer {TOKEN}"), "Bearer abc".to_owned()]));
    (select(CALLS), query, words(), headers).prop_map(|((method, url), query, text, authorization)| {
        let body = json!({"channel": "C1", "text": text, "command": text, "amount": text.len()});
        let mut request = ScanRequest::new(method, &format!("{url}{query}"), body);
        request.headers.extend(authorization.map(|value| ("authorization".to_owned(), value)));
        request
    })
}

// ---- agents with a past ----

fn baseline() -> impl Strategy<Value = Baseline> {
    let hosts = select(vec!["slack.com", "api.github.com", "paste.example.net", "shell:"]);
    let operations = select(vec!["slack.post_message", "github.create_issue", "shell.exec"]);
    let owned = |names: BTreeSet<&str>| Arc::new(names.into_iter().map(str::to_owned).collect());
    let sets = (vec(hosts, 0..4), vec(operations, 0..3));
    (0u64..2_000, 1u64..40, 0u64..500, sets).prop_map(move |(scans, windows, count, (hosts, operations))| {
        Baseline {
            scans,
            windows: windows.min(scans),
            current: RateWindow { number: window_number(now()), count: count.min(scans) },
            destinations: owned(hosts.into_iter().collect()),
            operations: owned(operations.into_iter().collect()),
        }
    })
}

fn trust() -> impl Strategy<Value = TrustState> {
    let hours_ago = |hours: u64| now().saturating_sub(Duration::from_secs(hours * 3_600));
    (0.0..=1.0, 0u64..100, any::<bool>()).prop_map(move |(trust_score, hours, is_watched)| TrustState {
        trust_score,
        scrutiny_until: is_watched.then(|| now().saturating_add(Duration::from_secs(60))),
        ..TrustState::fresh(AGENT, hours_ago(hours))
    })
}

/// What an analyst adds to the default policies.
fn policies() -> impl Strategy<Value = Vec<PolicySource>> {
    vec(rule(&["DENY", "REQUIRE_APPROVAL", "SANITIZE"]), 0..3)
        .prop_map(|rules| rules.into_iter().enumerate().map(|(n, rule)| policy(n, rule)).collect())
}

fn policy(number: usize, rule: Value) -> PolicySource {
    parse_json(json!({"name": format!("own {number}"), "rules": [rule]})).unwrap().remove(0)
}

fn rule(actions: &'static [&'static str]) -> impl Strategy<Value = Value> {
    let matches = select(vec![
        json!({}),
        json!({"tool_names": ["slack", "github"]}),
        json!({"verbs": ["WRITE", "ADMIN"]}),
        json!({"host_patterns": ["*.example.net"]}),
    ]);
    let condition = select(vec![
        json!({}),
        json!({"has_data_class": ["PII"]}),
        json!({"is_new_destination": true}),
        json!({"risk_score_gt": 0.2}),
        json!({"trust_score_lt": 0.5}),
        json!({"agent_in_scrutiny": true}),
        json!({"body_path_gt": {"path": "$.amount", "value": 20}}),
        json!({"body_path_gt": {"path": "$.text", "value": 20}}),
        json!({"not": {"body_contains_any": ["hello"]}}),
    ]);
    (select(actions), matches, condition).prop_map(|(action, matches, condition)| {
        json!({"rule_id": "r", "action": action, "match": matches, "condition": condition})
    })
}

/// What a snapshot is made of, short enough to read when a law fails.
#[derive(Clone, Debug)]
struct Situation {
    policies: Vec<PolicySource>,
    baseline: Baseline,
    trust: TrustState,
    status: AgentStatus,
}

fn situation() -> impl Strategy<Value = Situation> {
    let status = prop_oneof![9 => Just(AgentStatus::Active), 1 => Just(AgentStatus::Suspended)];
    (policies(), baseline(), trust(), status).prop_map(|(policies, baseline, trust, status)| Situation {
        policies,
        baseline,
        trust,
        status,
    })
}

impl Situation {
    fn snapshot(&self) -> Snapshot {
        let mut snapshot =
            world(&default_policies().into_iter().chain(self.policies.clone()).collect::<Vec<_>>());
        snapshot.agent.history = History::Learned(self.baseline.clone());
        snapshot.agent.trust = self.trust.clone();
        snapshot.agent.status = self.status;
        snapshot
    }
}

/// All of a judgement, in a form that can be compared.
fn written(judgement: &Judgement) -> String {
    format!("{judgement:#?}")
}

// ---- calls of any shape ----

fn any_json() -> impl Strategy<Value = Value> {
    let text = prop_oneof![3 => "\\PC{0,40}", 1 => words(), 1 => any::<String>()];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(|n| json!(n)),
        any::<f64>().prop_map(|n| json!(n)),
        text.prop_map(Value::String),
        vec(any::<u8>(), 0..60).prop_map(|bytes| json!(STANDARD.encode(bytes))),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..6).prop_map(Value::Array),
            vec(("\\PC{0,12}", inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn any_url() -> impl Strategy<Value = String> {
    let scheme = select(vec!["https", "http", "wss", "tool", "mcp", "shell", "file", "exec", "data"]);
    let host =
        select(vec!["slack.com", "api.github.com", "[::1]:8", "iam.amazonaws.com", "a.test", "exec", ""]);
    prop_oneof![
        (scheme, host, "[\\PC]{0,30}").prop_map(|(scheme, host, rest)| format!("{scheme}://{host}/{rest}")),
        "\\PC{0,60}",
    ]
}

/// Three megabytes that travel as four, the way an agent could send them.
static BOMB: LazyLock<String> = LazyLock::new(|| {
    let mut packer = GzEncoder::new(Vec::new(), Compression::best());
    packer.write_all(&vec![b' '; 3 << 20]).unwrap();
    STANDARD.encode(packer.finish().unwrap())
});

/// The value somewhere inside the other, beside what is there.
fn plant(body: Value, bomb: &str) -> Value {
    match body {
        Value::Object(mut members) => {
            members.insert("attachment".to_owned(), json!(bomb));
            Value::Object(members)
        }
        Value::Array(mut items) => {
            items.push(json!({ "data": bomb }));
            Value::Array(items)
        }
        other => json!([other, bomb]),
    }
}

// ---- what people decided before ----

fn precedent(prior: Option<PriorApproval>, trust: &TrustState) -> Precedent {
    Precedent {
        budgets_used: std::collections::BTreeMap::new(),
        prior,
        pending_of_agent: 0,
        pending_of_tenant: 0,
        trust: trust.clone(),
        denials_1h: 0,
        highest_trust_1h: trust.trust_score,
    }
}

fn any_prior() -> impl Strategy<Value = Option<PriorApproval>> {
    let approval_id = ApprovalId(Uuid::from_u128(7));
    select(vec![
        None,
        Some(PriorApproval::Granted { approval_id }),
        Some(PriorApproval::Denied { approval_id }),
        Some(PriorApproval::Pending { approval_id, expires_at: Timestamp::from_unix_ms(i64::MAX) }),
    ])
}

fn settled(
    judgement: &Judgement,
    snapshot: &Snapshot,
    prior: Option<PriorApproval>,
    is_monitored: bool,
) -> Settlement {
    let context = SettlementContext {
        trace_id: TraceId(Uuid::nil()),
        approval_id: ApprovalId(Uuid::nil()),
        signature: [0; 32],
        idempotency_key: None,
        env: &snapshot.env,
        settings: &snapshot.settings,
        is_monitored,
        shown_url: "",
        baseline: &Baseline::default(),
        now: now(),
    };
    settle(judgement, &precedent(prior, &snapshot.agent.trust), &context)
}

/// `PROPTEST_CASES` raises the number of cases.
fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn the_same_call_is_judged_the_same(request in call(), situation in situation()) {
        let again = judge(&request, &situation.snapshot());
        prop_assert_eq!(written(&judge(&request, &situation.snapshot())), written(&again));
    }

    #[test]
    fn what_was_recorded_of_the_agent_replays_the_decision(request in call(), situation in situation()) {
        let snapshot = situation.snapshot();
        let judgement = judge(&request, &snapshot);
        let recorded = serde_json::to_string(&judgement.facts).unwrap();
        let facts: AgentFacts = serde_json::from_str(&recorded).unwrap();
        let replayed = Snapshot { agent: AgentView::recorded(facts), ..snapshot };
        prop_assert_eq!(written(&judge(&request, &replayed)), written(&judgement));
    }

    #[test]
    fn another_deny_never_loosens(request in call(), situation in situation(), deny in rule(&["DENY"])) {
        let mut stricter = situation.clone();
        stricter.policies.push(policy(99, deny));
        let before = judge(&request, &situation.snapshot()).decision;
        prop_assert!(judge(&request, &stricter.snapshot()).decision >= before);
    }

    #[test]
    fn less_trust_never_loosens(request in call(), situation in situation(), share in 0.0..=1.0) {
        let mut distrusted = situation.snapshot();
        distrusted.agent.trust.trust_score *= share;
        let before = judge(&request, &situation.snapshot()).decision;
        prop_assert!(judge(&request, &distrusted).decision >= before);
    }

    #[test]
    fn a_suspended_agent_is_always_denied(request in call(), mut situation in situation()) {
        situation.status = AgentStatus::Suspended;
        let judgement = judge(&request, &situation.snapshot());
        prop_assert_eq!(judgement.decision, Decision::Deny);
        prop_assert_eq!(&judgement.reason_codes[0], code::AGENT_SUSPENDED);
    }

    #[test]
    fn only_a_grant_loosens_and_only_what_waits_for_a_person(
        request in call(), situation in situation(), prior in any_prior(),
    ) {
        let snapshot = situation.snapshot();
        let judgement = judge(&request, &snapshot);
        let settlement = settled(&judgement, &snapshot, prior.clone(), false);
        let decision = settlement.verdict.decision;
        let is_granted = matches!(prior, Some(PriorApproval::Granted { .. }));
        match judgement.decision {
            Decision::RequireApproval if is_granted => prop_assert_eq!(decision, judgement.when_granted),
            Decision::Deny => prop_assert_eq!(settlement.approval, ApprovalEffect::None),
            _ => {}
        }
        if judgement.decision != Decision::RequireApproval || !is_granted {
            prop_assert!(decision >= judgement.decision);
        }
        // What a rule wanted redacted goes out redacted, or not at all.
        prop_assert_eq!(decision == Decision::Sanitize, settlement.verdict.sanitized_body.is_some());
    }

    #[test]
    fn a_monitored_call_passes_and_says_what_would_have_been(
        request in call(), situation in situation(), prior in any_prior(),
    ) {
        let snapshot = situation.snapshot();
        let judgement = judge(&request, &snapshot);
        let settlement = settled(&judgement, &snapshot, prior, true);
        prop_assert_eq!(settlement.verdict.decision, Decision::Allow);
        prop_assert_eq!(settlement.verdict.would_be, Some(judgement.decision));
        prop_assert_eq!(settlement.verdict.sanitized_body, None);
        prop_assert_eq!(settlement.approval, ApprovalEffect::None);
        prop_assert_eq!(settlement.trust, snapshot.agent.trust);
    }

    #[test]
    fn calls_of_any_shape_are_judged_or_refused(
        method in "[A-Z]{1,8}", url in any_url(), body in any_json(),
        headers in vec((string_regex("[a-z-]{1,20}").unwrap(), "\\PC{0,40}"), 0..4),
    ) {
        let snapshot = default_world();
        let mut request = ScanRequest::new(&method, &url, body);
        request.headers.extend(headers);
        let is_bomb = snapshot.classifier.classify(&Subject {
            url: &request.url, host: None, headers: &request.headers, body: &request.body,
        }).is_bomb;
        if let Ok(judgement) = decide(&request, &snapshot, now(), &mut ()) {
            prop_assert!((0.0..=1.0).contains(&judgement.risk_score));
            let says_so = judgement.reason_codes.iter().any(|c| c == code::DECOMPRESSION_BOMB);
            prop_assert_eq!(is_bomb, says_so);
        }
    }
}

proptest! {
    // Each case unpacks as much as the limits allow.
    #![proptest_config(ProptestConfig { cases: 16, ..config() })]

    #[test]
    fn a_bomb_is_always_named_and_never_just_allowed((method, url) in select(CALLS), body in any_json()) {
        let request = ScanRequest::new(method, url, plant(body, &BOMB));
        let judgement = judge(&request, &default_world());
        prop_assert!(judgement.reason_codes.iter().any(|c| c == code::DECOMPRESSION_BOMB));
        prop_assert_ne!(judgement.decision, Decision::Allow);
    }
}
