//! The record of scans.

use super::{Call, Stage, ada, event, is_conflict, is_not_found, minutes};
use interven_store::{
    ActivityFilter, ActivityRow, ApprovalEffect, Change, IncidentEffect, Precedent, RateLimit, ScanEntry,
    ScanResponseRow, Settled, StoreError, TrustEventKind,
};
use interven_types::{
    AgentId, ApprovalId, BudgetKey, DataClass, Decision, KeyId, Millionths, PolicyId, RiskBand, Spending,
    Timestamp, TraceId, Verb,
};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use uuid::Uuid;

fn page(limit: u32) -> ActivityFilter {
    ActivityFilter { limit, ..ActivityFilter::default() }
}

async fn positions(stage: &Stage, filter: ActivityFilter) -> Vec<u64> {
    let rows = stage.store.activity(stage.tenant, &filter).await.unwrap();
    rows.into_iter().map(|row| row.ledger_seq).collect()
}

pub(super) async fn positions_have_no_gaps_and_receipts_say_them(stage: Stage) {
    let mut changes = stage.store.changes();
    for expected in 1..=3 {
        let receipt = stage.scan(|_, _| ()).await;
        assert_eq!((receipt.ledger_seq, receipt.settled.row.ledger_seq), (expected, expected));
        assert_eq!(receipt.scans_this_month, expected);
        assert_eq!(changes.try_recv(), Ok(Change::Activity(stage.tenant, expected)));
    }
    assert_eq!(positions(&stage, page(10)).await, [3, 2, 1]);
    let other = stage.store.create_tenant("other", &super::ada(), stage.now).await.unwrap().tenant_id;
    let other = Stage { tenant: other, store: stage.store.clone(), ..stage };
    let agent = other.agent_named("worker", None).await;
    let receipt = Call::by(agent, other.now).record(&other, |_, _| ()).await.unwrap();
    assert_eq!(receipt.ledger_seq, 1, "each tenant has a log of its own");
}

pub(super) async fn a_row_comes_back_as_it_was_written(stage: Stage) {
    let receipt = stage
        .scan(|_, settled| {
            let row = &mut settled.row;
            row.env = "production".into();
            row.key_id = Some(KeyId(Uuid::now_v7()));
            row.client_addr = Some("2001:db8::1".into());
            row.would_be = Some(Decision::Deny);
            row.reason_codes = vec!["SECRET_EXFILTRATION".into(), "NEW_DESTINATION".into()];
            row.classifications = vec![DataClass::Secrets, DataClass::Pii];
            row.policy_id = Some(PolicyId(Uuid::now_v7()));
            row.policy_name = Some("a \"quoted\" näme".into());
            row.rule_id = Some("r1".into());
            row.approval_id = Some(ApprovalId(Uuid::now_v7()));
            row.verdict = Some(a_verdict("\u{0}\u{fffd}😀"));
            row.facts = json!({"score": 0.1});
            row.sealed_request = (0..=255).collect();
        })
        .await;
    let row = receipt.settled.row;
    assert_eq!(stage.store.trace(stage.tenant, row.trace_id).await.unwrap(), row);
    let sealed = stage.store.sealed_activity(stage.tenant, &page(10)).await.unwrap();
    assert_eq!(sealed, [(row.ledger_seq, Ok(row.clone()))]);
    let listed = stage.store.activity(stage.tenant, &page(1)).await.unwrap();
    assert_eq!(
        listed,
        [ActivityRow { sealed_request: Vec::new(), ..row }],
        "lists leave the request sealed away"
    );
}

pub(super) async fn a_failing_scan_leaves_no_trace_and_no_gap(stage: Stage) {
    stage.scan(|_, _| ()).await;
    let unknown = ApprovalId(Uuid::now_v7());
    let failed = Call::by(stage.agent, stage.now)
        .record(&stage, move |_, settled| {
            settled.trust.trust_score = 0.0;
            settled.approval = ApprovalEffect::Use { approval_id: unknown, idempotency_key: None };
        })
        .await;
    assert!(is_conflict(&failed), "{failed:?}");
    let stranger = Call::by(AgentId(Uuid::now_v7()), stage.now).record(&stage, |_, _| ()).await;
    assert!(is_not_found(&stranger), "{stranger:?}");
    assert_eq!(stage.scan(|_, _| ()).await.ledger_seq, 2);
    assert_eq!(stage.store.agent(stage.tenant, stage.agent).await.unwrap().trust.trust_score, 1.0);
}

pub(super) async fn concurrent_scans_each_get_a_position(stage: Stage) {
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (store, tenant) = (stage.store.clone(), stage.tenant);
        let entry = Call::by(stage.agent, stage.now).entry(|_, settled| settled.trust.clean_streak += 1);
        running.spawn(async move { store.record_scan(tenant, entry).await.unwrap().ledger_seq });
    }
    let given: BTreeSet<u64> = running.join_all().await.into_iter().collect();
    assert_eq!(given, (1..=200).collect());
    let trust = stage.store.agent(stage.tenant, stage.agent).await.unwrap().trust;
    assert_eq!(trust.clean_streak, 200, "no scan settled on another's stale trust");
}

pub(super) async fn filters_find_what_they_say(stage: Stage) {
    let second = stage.agent_named("second", None).await;
    let tweaks: [fn(&mut ActivityRow); 6] = [
        |_| (),
        |row| row.decision = Some(Decision::Deny),
        |row| row.risk_band = RiskBand::Critical,
        |row| row.classifications = vec![DataClass::Pii, DataClass::Phi],
        |row| (row.env, row.tool_name) = ("staging".into(), "github".into()),
        |row| row.operation = "create_pr".into(),
    ];
    for (minute, tweak) in tweaks.into_iter().enumerate() {
        // Clocks step: positions 1 to 6 stand at minutes 5, 4, 3, 2, 1, 0.
        let call = Call::by(stage.agent, stage.later(minutes(5 - minute as u64)));
        call.record(&stage, move |_, settled| tweak(&mut settled.row)).await.unwrap();
    }
    Call::by(second, stage.later(minutes(9))).record(&stage, |_, _| ()).await.unwrap();

    let all = page(50);
    let at = |minute| Some(stage.later(minutes(minute)));
    let cases: Vec<(ActivityFilter, &[u64])> = vec![
        (all.clone(), &[7, 6, 5, 4, 3, 2, 1]),
        (ActivityFilter { agent_id: Some(second), ..all.clone() }, &[7]),
        (ActivityFilter { tool_name: Some("github".into()), ..all.clone() }, &[5]),
        (ActivityFilter { operation: Some("create_pr".into()), ..all.clone() }, &[6]),
        (ActivityFilter { decision: Some(Decision::Deny), ..all.clone() }, &[2]),
        (ActivityFilter { decision: Some(Decision::Allow), limit: 2, ..all.clone() }, &[7, 6]),
        (ActivityFilter { risk_band: Some(RiskBand::Critical), ..all.clone() }, &[3]),
        (ActivityFilter { risk_band: Some(RiskBand::Low), limit: 1, ..all.clone() }, &[7]),
        (ActivityFilter { class: Some(DataClass::Phi), ..all.clone() }, &[4]),
        (ActivityFilter { class: Some(DataClass::Secrets), ..all.clone() }, &[]),
        (ActivityFilter { envs: vec!["staging".into()], ..all.clone() }, &[5]),
        (
            ActivityFilter { envs: vec!["staging".into(), "default".into()], limit: 3, ..all.clone() },
            &[7, 6, 5],
        ),
        (ActivityFilter { envs: vec!["staging".into(), "elsewhere".into()], ..all.clone() }, &[5]),
        (ActivityFilter { since: at(3), ..all.clone() }, &[7, 3, 2, 1]),
        (ActivityFilter { until: at(1), ..all.clone() }, &[6]),
        (ActivityFilter { since: at(1), until: at(3), ..all.clone() }, &[5, 4]),
        (ActivityFilter { until: at(0), ..all.clone() }, &[]),
        (ActivityFilter { since: at(10), ..all.clone() }, &[]),
        (
            ActivityFilter {
                agent_id: Some(stage.agent),
                tool_name: Some("slack".into()),
                operation: Some("post_message".into()),
                envs: vec!["default".into()],
                decision: Some(Decision::Allow),
                risk_band: Some(RiskBand::Low),
                ..all.clone()
            },
            &[4, 1],
        ),
        (
            ActivityFilter {
                agent_id: Some(stage.agent),
                decision: Some(Decision::Deny),
                since: at(4),
                ..all
            },
            &[2],
        ),
    ];
    for (filter, expected) in cases {
        assert_eq!(positions(&stage, filter.clone()).await, expected, "{filter:?}");
        let sealed = stage.store.sealed_activity(stage.tenant, &filter).await.unwrap();
        assert_eq!(sealed.iter().map(|(seq, _)| *seq).collect::<Vec<_>>(), expected, "{filter:?}");
        let whole = ActivityFilter { limit: 50, ..filter };
        let extent = stage.store.activity_extent(stage.tenant, &whole).await.unwrap();
        assert_eq!(extent.newest, expected.first().copied(), "{whole:?}");
        assert_eq!(extent.rows, positions(&stage, whole).await.len() as u64);
    }
}

pub(super) async fn pages_follow_the_log_both_ways(stage: Stage) {
    for _ in 0..5 {
        stage.scan(|_, _| ()).await;
    }
    let before = |seq| ActivityFilter { before_seq: Some(seq), ..page(2) };
    let after = |seq| ActivityFilter { after_seq: Some(seq), ..page(2) };
    assert_eq!(positions(&stage, page(2)).await, [5, 4]);
    assert_eq!(positions(&stage, before(4)).await, [3, 2]);
    assert_eq!(positions(&stage, before(2)).await, [1]);
    assert_eq!(positions(&stage, after(0)).await, [1, 2]);
    assert_eq!(positions(&stage, after(4)).await, [5]);
    assert_eq!(positions(&stage, after(u64::MAX)).await, [0; 0]);
}

pub(super) async fn months_are_counted_apart(stage: Stage) {
    let at = |text: &str| -> Timestamp { text.parse().unwrap() };
    let (october, november) = (at("2026-10-31T23:59:59.999Z"), at("2026-11-01T00:00:00.000Z"));
    for (moment, expected) in [(october, 1), (october, 2), (november, 1), (november, 2)] {
        let receipt = Call::by(stage.agent, moment).record(&stage, |_, _| ()).await.unwrap();
        assert_eq!(receipt.scans_this_month, expected, "{moment}");
    }
    for (moment, expected) in [(october, 2), (november, 2), (at("2027-10-31T00:00:00Z"), 0)] {
        assert_eq!(stage.store.scans_in_month(stage.tenant, moment).await.unwrap(), expected, "{moment}");
    }
}

pub(super) async fn the_last_hour_of_trust_is_known_when_a_scan_is_settled(stage: Stage) {
    let deny = |at: Timestamp| {
        move |_: &_, settled: &mut Settled| {
            settled.trust.trust_score -= 0.25;
            settled.trust_events = vec![event(TrustEventKind::Deny, at, settled.trust.trust_score)];
            settled.trust_events[0].delta = -0.25;
        }
    };
    for minute in [0, 40, 50] {
        let at = stage.later(minutes(minute));
        Call::by(stage.agent, at).record(&stage, deny(at)).await.unwrap();
    }
    // 1.0 → 0.75 at minute 0, → 0.5 at 40, → 0.25 at 50.
    for (minute, denials, highest) in [(55, 3, 1.0), (70, 2, 0.75), (105, 1, 0.5), (300, 0, 0.25)] {
        let call = Call::by(stage.agent, stage.later(minutes(minute)));
        let settled = call.record(&stage, move |known, _| {
            assert_eq!((known.denials_1h, known.highest_trust_1h), (denials, highest), "minute {minute}");
            assert_eq!(known.trust.trust_score, 0.25);
        });
        settled.await.unwrap();
    }
}

pub(super) async fn one_open_incident_gathers_its_traces(stage: Stage) {
    let incident = |trigger: &str, severity| IncidentEffect {
        trigger: trigger.to_owned(),
        severity,
        title: format!("{trigger} happened"),
    };
    let mut traces = Vec::new();
    for (minute, severity) in [(0, RiskBand::High), (1, RiskBand::Critical), (2, RiskBand::Medium)] {
        let found = incident("DENY_BURST", severity);
        let call = Call::by(stage.agent, stage.later(minutes(minute)));
        let receipt = call.record(&stage, move |_, settled| settled.incidents = vec![found]).await.unwrap();
        traces.push(receipt.settled.row.trace_id);
    }
    let other = incident("RULE", RiskBand::Low);
    let last = Call::by(stage.agent, stage.later(minutes(3)));
    last.record(&stage, move |_, settled| settled.incidents = vec![other]).await.unwrap();

    let incidents = stage.store.incidents(stage.tenant, 10).await.unwrap();
    assert_eq!(incidents.iter().map(|i| i.trigger.as_str()).collect::<Vec<_>>(), ["RULE", "DENY_BURST"]);
    let burst = &incidents[1];
    assert_eq!((burst.severity, burst.status.as_str()), (RiskBand::Critical, "open"));
    assert_eq!((burst.opened_at, burst.updated_at), (stage.now, stage.later(minutes(2))));
    assert_eq!((burst.agent_id, &burst.trace_ids), (stage.agent, &traces));
    assert_eq!(stage.store.incidents(stage.tenant, 1).await.unwrap().len(), 1);
}

pub(super) async fn responses_attach_to_their_scan(stage: Stage) {
    let trace_id = stage.scan(|_, settled| settled.row.verb = Verb::Read).await.settled.row.trace_id;
    let response = |status| ScanResponseRow {
        trace_id,
        at: stage.now,
        response_status: status,
        data_classes: vec![DataClass::Pii],
        fields_redacted_count: 2,
        content_fingerprint: "ab".repeat(32),
        content_marks: vec![0, 255, 7],
        injection: json!({"found": false}),
    };
    for status in [Some(200), None] {
        stage.store.attach_response(stage.tenant, &response(status)).await.unwrap();
    }
    let attached = stage.store.responses(stage.tenant, trace_id).await.unwrap();
    assert_eq!(attached, [response(Some(200)), response(None)]);
    let unknown = ScanResponseRow { trace_id: TraceId(Uuid::now_v7()), ..response(None) };
    assert!(is_not_found(&stage.store.attach_response(stage.tenant, &unknown).await));
}

fn a_verdict(reason: &str) -> interven_types::Verdict {
    let verdict = json!({
        "trace_id": Uuid::now_v7(), "decision": "DENY", "risk_score": 0.1, "risk_band": "LOW", "reason_codes": [reason],
        "tool_name": "slack", "operation": "post_message", "verb": "WRITE", "classifications": ["PII"], "signals": [],
        "redactions": [], "coverage": {"evaluated": [], "skipped": []}, "determined_by": [{"kind": "no_policy"}],
    });
    serde_json::from_value(verdict).unwrap()
}

pub(super) async fn budgets_add_up_what_is_recorded(stage: Stage) {
    let key = |name: &str, agent_id, day: &str| BudgetKey { name: name.into(), agent_id, day: day.into() };
    let own = key("pay", Some(stage.agent), "2026-11-22");
    let all = key("pay", None, "2026-11-22");
    let tomorrow = key("pay", None, "2026-11-23");
    let keys = vec![own.clone(), all.clone(), tomorrow.clone()];
    let spend = async |spent: Vec<(BudgetKey, i64)>, expected: &[(BudgetKey, i64)]| {
        let call = Call { budgets: keys.clone(), ..Call::by(stage.agent, stage.now) };
        let expected: BTreeMap<_, _> =
            expected.iter().cloned().map(|(key, n)| (key, Millionths(n))).collect();
        let settle = move |known: &Precedent, settled: &mut Settled| {
            assert_eq!(known.budgets_used, expected);
            settled.spendings =
                spent.into_iter().map(|(key, n)| Spending { key, amount: Millionths(n) }).collect();
        };
        call.record(&stage, settle).await.unwrap();
    };
    spend(vec![(own.clone(), 5), (all.clone(), 7)], &[]).await;
    spend(vec![(all.clone(), i64::MAX)], &[(own.clone(), 5), (all.clone(), 7)]).await;
    spend(vec![], &[(own.clone(), 5), (all.clone(), i64::MAX)]).await;
    let used = stage.store.budgets_used(stage.tenant, &keys).await.unwrap();
    assert_eq!(used.into_values().map(|n| n.0).collect::<Vec<_>>(), [i64::MAX, 5]);
    let other = stage.store.create_tenant("other", &ada(), stage.now).await.unwrap().tenant_id;
    assert!(stage.store.budgets_used(other, &keys).await.unwrap().is_empty());
    assert!(stage.store.budget_of_day(other, "pay", "2026-11-22").await.unwrap().is_empty());
    let day = stage.store.budget_of_day(stage.tenant, "pay", "2026-11-22").await.unwrap();
    assert_eq!(day, [(None, Millionths(i64::MAX)), (Some(stage.agent), Millionths(5))]);
}

pub(super) async fn a_scan_that_is_outdated_leaves_nothing(stage: Stage) {
    let entry = Call::by(stage.agent, stage.now).entry(|_, _| ());
    let outdated = ScanEntry { settle: Box::new(|_| None), ..entry };
    let refused = stage.store.record_scan(stage.tenant, outdated).await;
    assert_eq!(refused.map(|_| ()), Err(StoreError::Outdated));
    assert_eq!(stage.scan(|_, _| ()).await.ledger_seq, 1);
}

pub(super) async fn the_rate_of_a_tenant_is_held_in_its_record(stage: Stage) {
    let rate_limit = Some(RateLimit::per_minute(60.try_into().unwrap()));
    let scan = async |at| {
        let call = Call { rate_limit, ..Call::by(stage.agent, at) };
        call.record(&stage, |_, _| ()).await.map(|receipt| receipt.ledger_seq)
    };
    let mut running = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (store, tenant) = (stage.store.clone(), stage.tenant);
        let entry = Call { rate_limit, ..Call::by(stage.agent, stage.now) }.entry(|_, _| ());
        running.spawn(async move { store.record_scan(tenant, entry).await });
    }
    let answers = running.join_all().await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 120, "twice the rate at once");
    let second = Duration::from_secs(1);
    let refused = Err(StoreError::RateLimited(second));
    assert_eq!(answers.into_iter().filter(|answer| answer.clone().map(|_| 0) == refused).count(), 80);
    assert_eq!(scan(stage.now).await, refused);
    assert_eq!(scan(stage.later(second)).await, Ok(121), "a refused one leaves no gap");
    assert_eq!(scan(stage.later(second)).await, refused, "and one more each second");

    let entry = Call { rate_limit, ..Call::by(stage.agent, stage.later(minutes(1))) }.entry(|_, _| ());
    let outdated = ScanEntry { settle: Box::new(|_| None), ..entry };
    assert_eq!(stage.store.record_scan(stage.tenant, outdated).await.map(|_| ()), Err(StoreError::Outdated));
    let mut given = 0;
    while scan(stage.later(minutes(1))).await.is_ok() {
        given += 1;
    }
    assert_eq!(given, 59, "what was not recorded is not taken from the rate");
    assert_eq!(stage.scan(|_, _| ()).await.ledger_seq, 181, "without a limit there is none");
}

pub(super) async fn a_trace_is_recorded_once(stage: Stage) {
    let entry = || ScanEntry {
        trace_id: TraceId(Uuid::from_u128(7)),
        ..Call::by(stage.agent, stage.now).entry(|_, _| ())
    };
    let same = |entry: ScanEntry| ScanEntry {
        settle: Box::new(|precedent| {
            let mut settled = (entry.settle)(precedent)?;
            settled.row.trace_id = TraceId(Uuid::from_u128(7));
            Some(settled)
        }),
        ..entry
    };
    stage.store.record_scan(stage.tenant, same(entry())).await.unwrap();
    let again = stage.store.record_scan(stage.tenant, same(entry())).await;
    assert!(is_conflict(&again), "{again:?}");
    assert_eq!(stage.scan(|_, _| ()).await.ledger_seq, 2);
}
