//! Scans that were answered while the store was away, and come later.

use super::{Stage, event, minutes, needing_a_human, plain};
use interven_store::{ActivityFilter, ApprovalStatus, Precedent, Settled, StoreResult};
use interven_types::{
    AgentId, BudgetKey, IncidentEffect, Lesson, Millionths, RiskBand, Spending, TenantId, TraceId,
    TrustEventKind, TrustState,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Settled on what is known without a store.
fn blind(stage: &Stage, minute: u64, settle: impl FnOnce(&Precedent, &mut Settled)) -> Settled {
    let at = stage.later(minutes(minute));
    let precedent = Precedent {
        prior: None,
        pending_of_agent: 0,
        pending_of_tenant: 0,
        denials_1h: 0,
        highest_trust_1h: 1.0,
        budgets_used: BTreeMap::new(),
        trust: TrustState::fresh(stage.agent, stage.now),
    };
    let mut settled = plain(TraceId(Uuid::now_v7()), stage.agent, at, &precedent);
    settle(&precedent, &mut settled);
    settled
}

async fn traces(stage: &Stage) -> Vec<(u64, TraceId)> {
    let oldest_first = ActivityFilter { after_seq: Some(0), limit: 100, ..ActivityFilter::default() };
    let rows = stage.store.activity(stage.tenant, &oldest_first).await.unwrap();
    rows.iter().map(|row| (row.ledger_seq, row.trace_id)).collect()
}

async fn append(stage: &Stage, scans: &[Settled]) -> StoreResult<u64> {
    stage.store.append_spooled(stage.tenant, scans).await
}

pub(super) async fn scans_are_appended_in_order_once_and_with_their_effects(stage: Stage) {
    let first = stage.scan(|_, _| ()).await.settled.row.trace_id;
    let key = BudgetKey { name: "pay".into(), agent_id: None, day: "2026-09-21".into() };
    let asks = blind(&stage, 1, needing_a_human(Some(1)));
    let found = IncidentEffect { trigger: "RULE".into(), severity: RiskBand::High, title: "found".into() };
    let (spent, taught) = (Spending { key: key.clone(), amount: Millionths(5) }, vec!["new.example".into()]);
    let teaches = blind(&stage, 2, |_, settled| {
        settled.incidents = vec![found];
        settled.spendings = vec![spent];
        settled.lesson = Some(Lesson { new_destinations: taught, new_operations: Vec::new() });
    });
    let waiting = [asks, teaches];
    assert_eq!(append(&stage, &waiting).await, Ok(2));
    assert_eq!(append(&stage, &waiting).await, Ok(0), "sent again");
    let more = [waiting[1].clone(), blind(&stage, 3, |_, _| ())];
    assert_eq!(append(&stage, &more).await, Ok(1), "sent again with another");

    let [asked, taught, last] = [&waiting[0], &waiting[1], &more[1]].map(|scan| scan.row.trace_id);
    assert_eq!(traces(&stage).await, [(1, first), (2, asked), (3, taught), (4, last)]);
    let (tenant, store, now) = (stage.tenant, &stage.store, stage.later(minutes(4)));
    let row = store.trace(tenant, taught).await.unwrap();
    assert_eq!((row.created_at, row.sealed_request), (stage.later(minutes(2)), vec![1, 2, 3]));
    let approvals = store.approvals(tenant, &Default::default(), now).await.unwrap();
    assert_eq!(
        approvals.iter().map(|a| (a.trace_id, a.status)).collect::<Vec<_>>(),
        [(asked, ApprovalStatus::Pending)]
    );
    assert_eq!(store.incidents(tenant, 10).await.unwrap()[0].trace_ids, [taught]);
    let used = store.budgets_used(tenant, std::slice::from_ref(&key)).await.unwrap();
    assert_eq!(used, BTreeMap::from([(key, Millionths(5))]));
    assert!(store.agent(tenant, stage.agent).await.unwrap().baseline.destinations.contains("new.example"));
    assert_eq!(store.scans_in_month(tenant, now).await, Ok(4));
    // An identical call now finds what was asked for meanwhile.
    let next = stage.scan(|precedent, _| assert!(precedent.prior.is_some())).await;
    assert_eq!(next.ledger_seq, 5);
}

pub(super) async fn one_that_cannot_be_written_keeps_the_others_out(stage: Stage) {
    let good = blind(&stage, 1, |_, _| ());
    let stranger = blind(&stage, 1, |_, settled| settled.row.agent_id = AgentId(Uuid::now_v7()));
    assert!(append(&stage, &[good.clone(), stranger]).await.is_err());
    assert_eq!(traces(&stage).await, []);
    let elsewhere = TenantId(Uuid::now_v7());
    assert!(stage.store.append_spooled(elsewhere, std::slice::from_ref(&good)).await.is_err());
    assert_eq!(append(&stage, std::slice::from_ref(&good)).await, Ok(1));
    assert_eq!(traces(&stage).await, [(1, good.row.trace_id)]);
}

pub(super) async fn trust_moves_from_where_it_is_by_then(stage: Stage) {
    // Meanwhile, elsewhere: three DENYs.
    stage
        .scan(|known, settled| {
            settled.trust =
                TrustState { trust_score: 0.5, deny_count_24h: 3, clean_streak: 7, ..known.trust.clone() };
        })
        .await;
    let denied = blind(&stage, 0, |known, settled| {
        let event = event(TrustEventKind::Deny, settled.row.created_at, 0.97);
        settled.trust = TrustState { trust_score: 0.97, deny_count_24h: 1, ..known.trust.clone() };
        settled.trust_events = vec![event];
    });
    let clean = |known: &Precedent, settled: &mut Settled| {
        settled.trust = TrustState { clean_streak: 1, ..known.trust.clone() };
    };
    let clean = blind(&stage, 0, clean);
    assert_eq!(append(&stage, &[denied, clean]).await, Ok(2));
    let trust = stage.store.agent(stage.tenant, stage.agent).await.unwrap().trust;
    assert_eq!((trust.trust_score, trust.deny_count_24h, trust.clean_streak), (0.47, 4, 1));
    let events = stage.store.trust_events(stage.tenant, stage.agent, 10).await.unwrap();
    assert_eq!((events[0].kind, events[0].score_after), (TrustEventKind::Deny, 0.47));
}
