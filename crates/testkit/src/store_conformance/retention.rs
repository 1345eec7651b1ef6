//! Retention: what is older goes in steps, what is younger, unsealed or hangs on something kept stays.

use super::{Call, Stage, ada, event, is_not_found, ledger::next_seal, minutes, question};
use interven_store::{
    ActivityFilter, ApprovalDecision, ApprovalEffect, Log, NewApproval, Precedent, Pruned, ScanResponseRow,
    Settled, TrustEventKind,
};
use interven_types::{BudgetKey, Millionths, Spending, TraceId};
use serde_json::{Value, json};

async fn record_at(stage: &Stage, by: std::time::Duration) -> TraceId {
    let call = Call::by(stage.agent, stage.later(by));
    call.record(stage, |_, _| ()).await.unwrap().settled.row.trace_id
}

async fn first_position(stage: &Stage) -> u64 {
    let oldest = ActivityFilter { after_seq: Some(0), limit: 1, ..ActivityFilter::default() };
    stage.store.activity(stage.tenant, &oldest).await.unwrap()[0].ledger_seq
}

/// Takes everything in steps, and says what went.
async fn prune_all(stage: &Stage, limit: u32) -> Pruned {
    let now = stage.later(minutes(100));
    loop {
        let taken = stage.store.prune(stage.tenant, limit, now).await.unwrap();
        assert!(
            [taken.scans, taken.approvals, taken.trust_events].iter().all(|rows| *rows <= u64::from(limit))
        );
        if taken.is_nothing() {
            return stage.store.end_retention(stage.tenant, &ada(), now).await.unwrap().pruned;
        }
    }
}

pub(super) async fn what_is_older_goes_in_whole_runs_below_the_sealed_size(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    assert_eq!(store.retention_run(tenant).await.unwrap(), None);
    let first = record_at(&stage, minutes(0)).await;
    let response = ScanResponseRow {
        trace_id: first,
        at: stage.now,
        response_status: Some(200),
        data_classes: Vec::new(),
        fields_redacted_count: 0,
        content_fingerprint: "ab".into(),
        content_marks: Vec::new(),
        injection: Value::Null,
    };
    store.attach_response(tenant, &response).await.unwrap();
    for _ in 1..600 {
        record_at(&stage, minutes(0)).await;
    }
    record_at(&stage, minutes(60)).await;
    let begin = async |since| {
        let (older_than, now) = (stage.later(minutes(30)), stage.later(since));
        store.begin_retention(tenant, older_than, stage.later(since), &ada(), now).await.unwrap()
    };
    // Nothing is sealed yet, so nothing goes.
    assert_eq!(begin(minutes(90)).await.unwrap().through, 0);
    assert_eq!(prune_all(&stage, 100).await, Pruned::default());

    let seal = next_seal(&stage, Log::Activity).await;
    assert!(store.seal(tenant, Log::Activity, &seal).await.unwrap());
    assert_eq!(begin(minutes(80)).await, None, "another run began later than that");
    let run = begin(minutes(91)).await.unwrap();
    assert_eq!(run.through, 512, "600 are older, and two runs of 256 are whole");
    let told = &store.audit_log(tenant, None, 1).await.unwrap()[0];
    assert_eq!((told.action.as_str(), &told.details["activity_through"]), ("retention.prune", &json!(512)));
    let pruned = prune_all(&stage, 100).await;
    assert_eq!((pruned.scans, pruned.responses), (512, 1));
    assert_eq!(first_position(&stage).await, 513);
    assert!(is_not_found(&store.trace(tenant, first).await));
    assert!(is_not_found(&store.responses(tenant, first).await));
    let told = &store.audit_log(tenant, None, 1).await.unwrap()[0];
    assert_eq!((told.action.as_str(), &told.details["scans"]), ("retention.done", &json!(512)));
    let ended = store.retention_run(tenant).await.unwrap().unwrap();
    assert_eq!((ended.pruned, ended.ended_at), (pruned, Some(stage.later(minutes(100)))));

    // The hashes of what went are in the tiles, the log goes on where it was, and pages begin with what is left.
    let tile = interven_ledger::Tile { level: 0, index: 0 };
    let tiles = store.tiles(tenant, Log::Activity, &[tile]).await.unwrap();
    assert_eq!(tiles[&tile].len(), 256);
    assert_eq!(stage.scan(|_, _| ()).await.ledger_seq, 602);
    let since = ActivityFilter { since: Some(stage.now), limit: 1_000, ..ActivityFilter::default() };
    assert_eq!(store.activity(tenant, &since).await.unwrap().len(), 602 - 512);
}

pub(super) async fn decided_approvals_events_and_days_go_by_their_own_time(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let key = BudgetKey { name: "daily".into(), day: "2026-09-01".into(), agent_id: None };
    let mut approvals = Vec::new();
    for number in 0..2_u8 {
        let spent = key.clone();
        let call = Call { signature: [number; 32], ..Call::by(stage.agent, stage.now) };
        let settle = move |_: &Precedent, settled: &mut Settled| {
            let question = NewApproval { signature: [number; 32], ..question(&settled.row, None) };
            settled.approval = ApprovalEffect::Create(Box::new(question));
            settled.trust_events = vec![event(TrustEventKind::Deny, settled.row.created_at, 0.9)];
            settled.spendings = vec![Spending { key: spent, amount: Millionths(5) }];
        };
        let receipt = call.record(&stage, settle).await.unwrap();
        let ApprovalEffect::Create(made) = receipt.settled.approval else { panic!("it was asked for") };
        approvals.push(made.approval_id);
    }
    let (approve, decided_at) = (ApprovalDecision::Approve, stage.later(minutes(1)));
    store.decide_approval(tenant, approvals[0], approve, None, &ada(), decided_at).await.unwrap();
    let now = stage.later(minutes(100));
    store.begin_retention(tenant, stage.later(minutes(30)), stage.now, &ada(), now).await.unwrap().unwrap();
    let pruned = prune_all(&stage, 100).await;
    assert_eq!((pruned.scans, pruned.approvals, pruned.trust_events, pruned.budget_days), (0, 1, 2, 1));
    assert!(is_not_found(&store.approval(tenant, approvals[0], now).await));
    assert!(store.approval(tenant, approvals[1], now).await.is_ok(), "what waits is not taken");
    assert!(store.budgets_used(tenant, &[key]).await.unwrap().is_empty());
}
