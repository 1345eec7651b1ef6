//! Approvals: one question, one answer, used as often as allowed and no longer than its window.

use super::{Call, Stage, ada, is_not_found, minutes, needing_a_human};
use interven_store::{
    ApprovalDecision, ApprovalEffect, ApprovalFilter, ApprovalStatus, Change, PriorApproval, Receipt,
    StoreError, TrustEventKind,
};
use interven_types::{ApprovalId, Decision, Timestamp};
use uuid::Uuid;

/// What the store knew about an identical call.
async fn prior(stage: &Stage, call: Call) -> Option<PriorApproval> {
    let (tell, told) = tokio::sync::oneshot::channel();
    call.record(stage, move |known, _| tell.send(known.prior.clone()).unwrap()).await.unwrap();
    told.await.unwrap()
}

/// The approval that a held call asked for.
fn asked(receipt: &Receipt) -> ApprovalId {
    match &receipt.settled.approval {
        ApprovalEffect::Create(approval) => approval.approval_id,
        other => panic!("expected a new approval, not {other:?}"),
    }
}

async fn decide(stage: &Stage, id: ApprovalId, decision: ApprovalDecision, at: Timestamp) {
    let decided = stage.store.decide_approval(stage.tenant, id, decision, Some("seen"), &ada(), at).await;
    decided.unwrap();
}

pub(super) async fn an_identical_retry_waits_for_the_same_approval(stage: Stage) {
    let mut changes = stage.store.changes();
    let id = asked(&stage.scan(needing_a_human(Some(1))).await);
    assert_eq!(changes.try_recv(), Ok(Change::Approval(stage.tenant, id)));
    let expires_at = stage.later(minutes(10));
    let call = Call::by(stage.agent, stage.later(minutes(1)));
    let pending = Some(PriorApproval::Pending { approval_id: id, expires_at });
    assert_eq!(prior(&stage, call.clone()).await, pending);

    let other = stage.agent_named("other", None).await;
    let strangers = [
        ("another agent", Call { agent: other, ..call.clone() }),
        ("another call", Call { signature: [8; 32], ..call.clone() }),
        ("too late", Call { at: expires_at, ..call }),
    ];
    for (who, call) in strangers {
        assert_eq!(prior(&stage, call).await, None, "{who}");
    }
    let row = stage.store.approval(stage.tenant, id, stage.now).await.unwrap();
    assert_eq!(
        (row.status, row.agent_id, row.escalate_to),
        (ApprovalStatus::Pending, stage.agent, vec!["#payments".into()])
    );
}

pub(super) async fn a_grant_is_used_as_often_as_allowed(stage: Stage) {
    for (max_uses, grants) in [(Some(1), 1), (Some(3), 3), (None, 5)] {
        let agent = stage.agent_named(&format!("uses {max_uses:?}"), None).await;
        let call = Call::by(agent, stage.now);
        let id = asked(&call.clone().record(&stage, needing_a_human(max_uses)).await.unwrap());
        decide(&stage, id, ApprovalDecision::Approve, stage.now).await;
        let granted = Some(PriorApproval::Granted { approval_id: id });
        for _ in 0..grants {
            assert_eq!(prior(&stage, call.clone()).await, granted, "looking uses nothing up");
            call.clone().record(&stage, needing_a_human(max_uses)).await.unwrap();
        }
        let left = if max_uses.is_none() { granted } else { None };
        assert_eq!(prior(&stage, call.clone()).await, left, "{max_uses:?}");
        assert_eq!(stage.store.approval(stage.tenant, id, stage.now).await.unwrap().uses, grants);
        let too_late = Call { at: stage.later(minutes(10)), ..call };
        assert_eq!(prior(&stage, too_late).await, None, "{max_uses:?}");
    }
}

pub(super) async fn a_repeated_idempotency_key_counts_once(stage: Stage) {
    let id = asked(&stage.scan(needing_a_human(Some(1))).await);
    decide(&stage, id, ApprovalDecision::Approve, stage.now).await;
    let call = |key: &str| Call { idempotency_key: Some(key.to_owned()), ..Call::by(stage.agent, stage.now) };
    for _ in 0..3 {
        let used = call("k1").record(&stage, |known, settled| {
            // The key reaches the effect as the decision core would hand it on.
            settled.row.client_addr = Some("k1".into());
            needing_a_human(Some(1))(known, settled);
        });
        assert_eq!(used.await.unwrap().settled.row.decision, Some(Decision::Allow));
    }
    assert_eq!(stage.store.approval(stage.tenant, id, stage.now).await.unwrap().uses, 1);
    assert_eq!(prior(&stage, call("k2")).await, None);
    assert_eq!(prior(&stage, call("k1")).await, Some(PriorApproval::Granted { approval_id: id }));
}

pub(super) async fn concurrent_calls_ask_once_and_use_once(stage: Stage) {
    let all_at_once = async || {
        let mut running = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (store, tenant) = (stage.store.clone(), stage.tenant);
            let entry = Call::by(stage.agent, stage.now).entry(needing_a_human(Some(1)));
            running.spawn(async move { store.record_scan(tenant, entry).await.unwrap() });
        }
        running.join_all().await
    };
    let created: Vec<Receipt> =
        all_at_once().await.into_iter().filter(|r| r.settled.approval != ApprovalEffect::None).collect();
    assert_eq!(created.len(), 1, "one question");
    decide(&stage, asked(&created[0]), ApprovalDecision::Approve, stage.now).await;
    let retries = all_at_once().await;
    let used = retries.iter().filter(|r| matches!(r.settled.approval, ApprovalEffect::Use { .. })).count();
    assert_eq!(used, 1, "one use");
}

pub(super) async fn a_denial_answers_retries_and_costs_trust(stage: Stage) {
    let id = asked(&stage.scan(needing_a_human(Some(1))).await);
    let at = stage.later(minutes(2));
    let mut changes = stage.store.changes();
    decide(&stage, id, ApprovalDecision::Deny, at).await;
    let announced = [changes.try_recv().unwrap(), changes.try_recv().unwrap()];
    for expected in [Change::Agent(stage.tenant, stage.agent), Change::Approval(stage.tenant, id)] {
        assert!(announced.contains(&expected), "{expected:?}");
    }
    let row = stage.store.approval(stage.tenant, id, at).await.unwrap();
    assert_eq!((row.status, row.window_ends_at), (ApprovalStatus::Denied, Some(stage.later(minutes(7)))));
    assert_eq!(
        (row.decided_by, row.decided_from, row.note),
        (Some(ada().name), Some("console".into()), Some("seen".into()))
    );
    let denied = Some(PriorApproval::Denied { approval_id: id });
    for (minute, expected) in [(2, denied.clone()), (6, denied), (7, None)] {
        assert_eq!(
            prior(&stage, Call::by(stage.agent, stage.later(minutes(minute)))).await,
            expected,
            "{minute}"
        );
    }
    assert_eq!(stage.store.agent(stage.tenant, stage.agent).await.unwrap().trust.trust_score, 0.9);
    let event = stage.store.trust_events(stage.tenant, stage.agent, 1).await.unwrap().remove(0);
    assert_eq!((event.kind, event.score_after), (TrustEventKind::ApprovalDenied, 0.9));
}

pub(super) async fn a_decision_is_made_once_and_in_time(stage: Stage) {
    let id = asked(&stage.scan(needing_a_human(Some(1))).await);
    let decide = async |id, decision, at| {
        stage.store.decide_approval(stage.tenant, id, decision, None, &ada(), at).await
    };
    let (approve, deny) = (ApprovalDecision::Approve, ApprovalDecision::Deny);
    let (first, second) = tokio::join!(decide(id, approve, stage.now), decide(id, deny, stage.now));
    assert!(first.is_ok() != second.is_ok(), "exactly one wins");
    let Err(StoreError::Conflict(why)) = decide(id, deny, stage.now).await else {
        panic!("a second decision is a conflict");
    };
    assert!(why.contains("ada@acme.example") && why.contains("2026-09-21"), "{why}");

    let call = Call { signature: [9; 32], ..Call::by(stage.agent, stage.now) };
    let late = asked(&call.record(&stage, needing_a_human(None)).await.unwrap());
    let Err(StoreError::Conflict(why)) = decide(late, approve, stage.later(minutes(10))).await else {
        panic!("a late decision is a conflict");
    };
    assert!(why.contains("expired"), "{why}");
    assert!(is_not_found(&decide(ApprovalId(Uuid::nil()), approve, stage.now).await));
    let actions = stage.store.audit_log(stage.tenant, None, 10).await.unwrap();
    assert_eq!(actions.iter().filter(|row| row.action.starts_with("approval.")).count(), 1);
}

pub(super) async fn pending_ones_are_counted_listed_and_expire(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let other = stage.agent_named("other", None).await;
    let ask = async |agent, signature: u8, minute| {
        let call = Call { signature: [signature; 32], ..Call::by(agent, stage.later(minutes(minute))) };
        let held = call.record(&stage, move |known, settled| {
            needing_a_human(None)(known, settled);
            if let ApprovalEffect::Create(approval) = &mut settled.approval {
                approval.signature = [signature; 32];
            }
        });
        asked(&held.await.unwrap())
    };
    let ids = [ask(stage.agent, 1, 0).await, ask(stage.agent, 2, 1).await, ask(other, 3, 2).await];
    let looks = [
        ("a new call counts all", 9, 3, (2, 3)),
        ("a retry does not count itself", 1, 3, (1, 2)),
        ("expired ones do not count", 9, 10, (1, 2)),
    ];
    for (why, signature, minute, expected) in looks {
        let call = Call { signature: [signature; 32], ..Call::by(stage.agent, stage.later(minutes(minute))) };
        let settled = call.record(&stage, move |known, _| {
            assert_eq!((known.pending_of_agent, known.pending_of_tenant), expected, "{why}");
        });
        settled.await.unwrap();
    }

    let listed = async |status, agent_id, minute| -> Vec<ApprovalId> {
        let filter = ApprovalFilter { status, agent_id, limit: 10 };
        let rows = store.approvals(tenant, &filter, stage.later(minutes(minute))).await.unwrap();
        rows.into_iter().map(|row| row.approval_id).collect()
    };
    let (pending, expired) = (Some(ApprovalStatus::Pending), Some(ApprovalStatus::Expired));
    assert_eq!(listed(None, None, 3).await, [ids[2], ids[1], ids[0]]);
    assert_eq!(listed(pending, Some(stage.agent), 3).await, [ids[1], ids[0]]);
    assert_eq!(listed(expired, None, 10).await, [ids[0]], "overdue reads as expired");
    assert_eq!(listed(pending, None, 10).await, [ids[2], ids[1]]);

    let mut changes = store.changes();
    assert_eq!(store.expire_approvals(stage.later(minutes(10))).await.unwrap(), 1);
    assert_eq!(changes.try_recv(), Ok(Change::Approval(tenant, ids[0])));
    assert_eq!(store.expire_approvals(stage.later(minutes(10))).await.unwrap(), 0);
    let row = store.approval_anywhere(ids[0], stage.now).await.unwrap();
    assert_eq!(row.status, ApprovalStatus::Expired, "expiry is final");
}
