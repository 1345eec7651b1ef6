//! Several gateways on one database: what is counted, granted and decided holds over all of them.

use crate::{now, open};
use interven_store::{
    ActivityFilter, ActivityStore, Actor, AgentClaim, AgentStore, ApprovalDecision, ApprovalEffect,
    ApprovalStatus, ApprovalStore, PriorApproval, RateLimit, Receipt, ScanEntry, StoreError, StoreResult,
    TenantStore,
};
use interven_store_postgres::{PostgresOptions, PostgresStore};
use interven_testkit::{postgres::Cluster, store_conformance::a_plain_scan};
use interven_types::{
    AgentId, ApprovalId, BudgetKey, Decision, Millionths, NewApproval, RuntimeType, Spending, TenantId,
};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;
use tokio_postgres::NoTls;
use uuid::Uuid;

/// Two gateways' stores, one tenant and one agent.
struct Pair {
    cluster: Arc<Cluster>,
    url: String,
    stores: [PostgresStore; 2],
    tenant: TenantId,
    agent: AgentId,
}

impl Pair {
    async fn open() -> Self {
        let cluster = Cluster::shared();
        let url = cluster.database();
        let stores = [open(&url).await, open(&url).await];
        let tenant = stores[0].create_tenant("acme", &Actor::system(), now()).await.unwrap().tenant_id;
        let mut pair = Self { cluster, url, stores, tenant, agent: AgentId(Uuid::nil()) };
        pair.agent = pair.agent_named("worker").await;
        pair
    }

    async fn agent_named(&self, name: &str) -> AgentId {
        let claim = AgentClaim::Name(name.to_owned());
        let made = self.stores[0].ensure_agent(self.tenant, None, &claim, RuntimeType::Python, now()).await;
        made.unwrap().agent_id
    }

    /// Records all at the same time, each on the next store in turn.
    async fn record_all(&self, scans: impl IntoIterator<Item = ScanEntry>) -> Vec<StoreResult<Receipt>> {
        let mut running = JoinSet::new();
        for (scan, store) in scans.into_iter().zip(self.stores.iter().cycle()) {
            let (store, tenant) = (store.clone(), self.tenant);
            running.spawn(async move { store.record_scan(tenant, scan).await });
        }
        running.join_all().await
    }

    /// Approves on one gateway and denies on the other, at the same time.
    async fn decide_both_ways(&self, id: ApprovalId) {
        let decide = async |store: &PostgresStore, decision| {
            store.decide_approval(self.tenant, id, decision, None, &Actor::system(), now()).await
        };
        let [one, other] = &self.stores;
        let (approved, denied) =
            tokio::join!(decide(one, ApprovalDecision::Approve), decide(other, ApprovalDecision::Deny));
        let stored = one.approval(self.tenant, id, now()).await.unwrap().status;
        match (approved, denied) {
            (Ok(_), Err(StoreError::Conflict(_))) => assert_eq!(stored, ApprovalStatus::Approved),
            (Err(StoreError::Conflict(_)), Ok(_)) => assert_eq!(stored, ApprovalStatus::Denied),
            both => panic!("exactly one decides: {both:?}"),
        }
    }

    /// A connection of an operator's own, with the row locked that every batch of the tenant locks.
    async fn hold_the_tenant(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute("BEGIN; SELECT 1 FROM tenant_counters FOR UPDATE").await.unwrap();
        client
    }
}

/// A call that waits for a human, or uses what a human granted.
fn asking(agent: AgentId, signature: [u8; 32]) -> ScanEntry {
    let scan = a_plain_scan(agent, now(), move |known, settled| match &known.prior {
        None => {
            settled.row.decision = Some(Decision::RequireApproval);
            settled.approval = ApprovalEffect::Create(Box::new(NewApproval {
                approval_id: ApprovalId(Uuid::now_v7()),
                signature,
                trace_id: settled.row.trace_id,
                agent_id: agent,
                agent_name: "worker".into(),
                env: "default".into(),
                created_at: now(),
                expires_at: now().saturating_add(Duration::from_secs(600)),
                tool_name: "stripe".into(),
                operation: "refund".into(),
                verb: settled.row.verb,
                method: "POST".into(),
                url: "https://api.stripe.com/v1/refunds".into(),
                risk_score: 0.5,
                risk_band: settled.row.risk_band,
                reason_codes: Vec::new(),
                rule: None,
                escalate_to: Vec::new(),
                approvers: Vec::new(),
                max_uses: Some(1),
                grant_window_seconds: 600,
                deny_window_seconds: 600,
            }));
        }
        Some(PriorApproval::Granted { approval_id }) => {
            settled.approval = ApprovalEffect::Use { approval_id: *approval_id, idempotency_key: None };
        }
        Some(_) => settled.row.decision = Some(Decision::RequireApproval),
    });
    ScanEntry { signature, ..scan }
}

fn approvals_of(receipts: Vec<StoreResult<Receipt>>) -> Vec<ApprovalEffect> {
    receipts.into_iter().map(|receipt| receipt.unwrap().settled.approval).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn positions_are_gapless_and_no_scan_settles_on_stale_trust() {
    let pair = Pair::open().await;
    let scan = || a_plain_scan(pair.agent, now(), |_, settled| settled.trust.clean_streak += 1);
    let receipts = pair.record_all((0..400).map(|_| scan())).await;
    let positions: BTreeSet<u64> = receipts.into_iter().map(|receipt| receipt.unwrap().ledger_seq).collect();
    assert_eq!(positions, (1..=400).collect());
    let trust = pair.stores[1].agent(pair.tenant, pair.agent).await.unwrap().trust;
    assert_eq!(trust.clean_streak, 400);
    let commits: u64 = pair.stores.iter().map(|store| store.recorder_load().commits).sum();
    assert!(commits < 400, "scans share commits: {commits}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_is_decided_once_whoever_decides() {
    const MANY: u16 = 1_000;
    let pair = Arc::new(Pair::open().await);
    let signature = |number: u16| std::array::from_fn(|place| number.to_be_bytes()[place % 2]);
    let asked = pair.record_all((0..MANY).map(|number| asking(pair.agent, signature(number)))).await;
    let effects = approvals_of(asked);
    let mut running = JoinSet::new();
    for some in effects.chunks(usize::from(MANY) / 8) {
        let (pair, some) = (pair.clone(), some.to_vec());
        running.spawn(async move {
            for effect in some {
                let ApprovalEffect::Create(approval) = effect else { panic!("every call is asked about") };
                pair.decide_both_ways(approval.approval_id).await;
            }
        });
    }
    running.join_all().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_is_used_once_by_retries_on_two_gateways() {
    let pair = Pair::open().await;
    for round in 0..20 {
        let retry = || asking(pair.agent, [round; 32]);
        let asked = approvals_of(pair.record_all((0..10).map(|_| retry())).await);
        let created: Vec<_> = asked.iter().filter(|effect| **effect != ApprovalEffect::None).collect();
        let [ApprovalEffect::Create(approval)] = created.as_slice() else {
            panic!("one question: {created:?}")
        };
        let (id, actor) = (approval.approval_id, Actor::system());
        let [store, _] = &pair.stores;
        store.decide_approval(pair.tenant, id, ApprovalDecision::Approve, None, &actor, now()).await.unwrap();
        let retried = approvals_of(pair.record_all((0..40).map(|_| retry())).await);
        let used = retried.iter().filter(|effect| matches!(effect, ApprovalEffect::Use { .. })).count();
        assert_eq!(used, 1, "round {round}");
        assert_eq!(store.approval(pair.tenant, id, now()).await.unwrap().uses, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_of_ten_lets_ten_of_forty_through() {
    let pair = Pair::open().await;
    let budget = BudgetKey { name: "pay".into(), agent_id: None, day: "2026-11-23".into() };
    let scan = || {
        let key = budget.clone();
        let scan = a_plain_scan(pair.agent, now(), move |known, settled| {
            if known.budgets_used.get(&key).is_some_and(|used| used.0 >= 10) {
                settled.row.decision = Some(Decision::Deny);
            } else {
                settled.spendings = vec![Spending { key, amount: Millionths(1) }];
            }
        });
        ScanEntry { budgets: vec![budget.clone()], ..scan }
    };
    let receipts = pair.record_all((0..40).map(|_| scan())).await;
    let decisions: Vec<_> =
        receipts.into_iter().map(|receipt| receipt.unwrap().settled.row.decision).collect();
    assert_eq!(decisions.iter().filter(|decision| **decision == Some(Decision::Allow)).count(), 10);
    let used = pair.stores[1].budgets_used(pair.tenant, &[budget]).await.unwrap();
    assert_eq!(used.into_values().collect::<Vec<_>>(), [Millionths(10)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rate_of_a_tenant_is_that_of_all_its_gateways() {
    let pair = Pair::open().await;
    let rate_limit = Some(RateLimit::per_minute(30.try_into().unwrap()));
    let scan = || ScanEntry { rate_limit, ..a_plain_scan(pair.agent, now(), |_, _| ()) };
    let answers = pair.record_all((0..100).map(|_| scan())).await;
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 60, "twice the rate at once");
    let refused = |answer: &&StoreResult<Receipt>| matches!(answer, Err(StoreError::RateLimited(_)));
    assert_eq!(answers.iter().filter(refused).count(), 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scan_that_fails_harms_no_other_of_its_batch() {
    let pair = Pair::open().await;
    let held = pair.hold_the_tenant().await;
    let mut running = JoinSet::new();
    for number in 0..60 {
        let (store, tenant) = (pair.stores[0].clone(), pair.tenant);
        let scan = a_plain_scan(pair.agent, now(), move |_, settled| {
            assert!(number % 3 != 0, "a settle that panics");
            // What only a database minds: a character that PostgreSQL has no room for.
            settled.row.tool_name = format!("tool\0{number}");
        });
        let scan = if number % 3 == 1 { ScanEntry { settle: Box::new(|_| None), ..scan } } else { scan };
        running.spawn(async move { (number, store.record_scan(tenant, scan).await) });
    }
    held.batch_execute("COMMIT").await.unwrap();
    for (number, answer) in running.join_all().await {
        match number % 3 {
            0 => assert!(matches!(answer, Err(StoreError::Unavailable(_))), "{answer:?}"),
            1 => assert_eq!(answer.map(drop), Err(StoreError::Outdated)),
            _ => drop(answer.unwrap()),
        }
    }
    let filter = ActivityFilter { limit: 100, ..ActivityFilter::default() };
    let rows = pair.stores[1].activity(pair.tenant, &filter).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.ledger_seq).collect::<Vec<_>>(), (1..=20).rev().collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row.tool_name.starts_with("tool\u{2400}")), "NUL is shown as its symbol");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_answer_fails_scans_in_time_and_is_used_again() {
    let pair = Pair::open().await;
    let limit = Duration::from_millis(400);
    let options =
        PostgresOptions { transaction_timeout: limit, queue_len: 5, ..PostgresOptions::new(&pair.url) };
    let store = PostgresStore::open(options).await.unwrap();
    let scan = || a_plain_scan(pair.agent, now(), |_, _| ());
    store.record_scan(pair.tenant, scan()).await.unwrap();

    let held = pair.hold_the_tenant().await;
    let begun = Instant::now();
    let mut running = JoinSet::new();
    for _ in 0..50 {
        let (store, tenant, scan) = (store.clone(), pair.tenant, scan());
        running.spawn(async move { store.record_scan(tenant, scan).await });
    }
    for answer in running.join_all().await {
        let Err(StoreError::Unavailable(_)) = answer else { panic!("nothing can be recorded: {answer:?}") };
    }
    assert!(begun.elapsed() < 5 * limit, "{:?}", begun.elapsed());
    held.batch_execute("ROLLBACK").await.unwrap();
    assert_eq!(store.record_scan(pair.tenant, scan()).await.unwrap().ledger_seq, 2, "nothing was written");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_mends_trust_by_hand_stops_no_scan() {
    let pair = Pair::open().await;
    let mut agents = vec![pair.agent];
    for number in 0..8 {
        agents.push(pair.agent_named(&format!("agent {number}")).await);
    }
    // In the order opposite to that of a batch.
    let (operator, connection) = tokio_postgres::connect(&pair.url, NoTls).await.unwrap();
    tokio::spawn(connection);
    let mending = tokio::spawn(async move {
        for _ in 0..3 {
            let all = operator.query("SELECT agent_id FROM agent_trust_state ORDER BY agent_id DESC", &[]);
            operator.batch_execute("BEGIN").await.unwrap();
            for row in all.await.unwrap() {
                let agent: Uuid = row.get(0);
                let sql = "UPDATE agent_trust_state SET trust_score = 0.9 WHERE agent_id = $1";
                if operator.execute(sql, &[&agent]).await.is_err() {
                    break;
                }
            }
            let _ = operator.batch_execute("COMMIT").await;
        }
    });
    let scans = || {
        agents.iter().map(|agent| a_plain_scan(*agent, now(), |_, settled| settled.trust.clean_streak += 1))
    };
    while !mending.is_finished() {
        for answer in pair.record_all(scans()).await {
            answer.unwrap();
        }
    }
    mending.await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_event_of_trust_that_cannot_be_read_stops_no_scan_and_hides_no_other() {
    let pair = Pair::open().await;
    for kind in ["DENY", "deny"] {
        let sql = format!(
            "INSERT INTO trust_events (tenant_id, agent_id, at, kind, delta, score_after)
             VALUES ('{}', '{}', '{}', '{kind}', -0.1, 0.9)",
            pair.tenant,
            pair.agent,
            now()
        );
        pair.cluster.sql(&pair.url, &sql);
    }
    let scan = a_plain_scan(pair.agent, now(), |known, _| assert_eq!(known.denials_1h, 1));
    pair.stores[0].record_scan(pair.tenant, scan).await.unwrap();
    assert_eq!(pair.stores[0].trust_events(pair.tenant, pair.agent, 10).await.unwrap().len(), 1);
}
