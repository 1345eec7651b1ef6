//! The same calls on the embedded store, one after the other, and here, in batches: each is told the same and leaves the
//! same behind.

use crate::{now, open};
use interven_store::{
    Actor, AgentClaim, ApprovalDecision, ApprovalEffect, ApprovalFilter, IncidentEffect, Lesson, Precedent,
    PriorApproval, RateLimit, ScanEntry, Settled, Store, StoreResult, TrustEvent, TrustEventKind,
};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_testkit::{postgres::Cluster, store_conformance::a_plain_scan};
use interven_types::{
    AgentId, ApprovalId, BudgetKey, Millionths, NewApproval, RiskBand, RuntimeType, Spending, TenantId,
    Timestamp, TraceId,
};
use std::{sync::Arc, time::Duration};
use tokio::{sync::mpsc, task::JoinSet};
use uuid::Uuid;

/// What one call is; everything else follows from what the store tells it.
#[derive(Clone, Debug)]
struct Plan {
    number: u64,
    agent: AgentId,
    signature: [u8; 32],
    idempotency_key: Option<String>,
    at: Timestamp,
    is_outdated: bool,
    dice: u64,
}

/// What the store told a call, and what became of it.
type Told = (u64, Option<Precedent>, StoreResult<(u64, u64, ApprovalEffect)>);

struct Twin {
    store: Arc<dyn Store>,
    tenant: TenantId,
}

impl Twin {
    async fn of(store: Arc<dyn Store>, agents: &[AgentId]) -> Self {
        let tenant = store.create_tenant("acme", &Actor::system(), now()).await.unwrap().tenant_id;
        for agent_id in agents {
            let claim = AgentClaim::Id { agent_id: *agent_id, name: None };
            store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now()).await.unwrap();
        }
        Self { store, tenant }
    }

    async fn record(store: Arc<dyn Store>, tenant: TenantId, plan: Plan) -> Told {
        let (tell, mut told) = mpsc::unbounded_channel();
        let number = plan.number;
        let answer = store.record_scan(tenant, plan.entry(tell)).await;
        let left =
            answer.map(|receipt| (receipt.ledger_seq, receipt.scans_this_month, receipt.settled.approval));
        (number, told.recv().await, left)
    }

    /// One after the other.
    async fn record_each(&self, plans: &[Plan]) -> Vec<Told> {
        let mut all = Vec::new();
        for plan in plans {
            all.push(Self::record(self.store.clone(), self.tenant, plan.clone()).await);
        }
        all
    }

    /// All at once, in this order.
    async fn record_together(&self, plans: &[Plan]) -> Vec<Told> {
        let mut running = JoinSet::new();
        for plan in plans {
            running.spawn(Self::record(self.store.clone(), self.tenant, plan.clone()));
        }
        let mut all = running.join_all().await;
        all.sort_by_key(|(number, ..)| *number);
        all
    }

    /// Decides what waits, by dice, newest first.
    async fn decide(&self, at: Timestamp, mut dice: Dice) {
        self.store.expire_approvals(at).await.unwrap();
        let filter = ApprovalFilter { limit: 500, ..ApprovalFilter::default() };
        for row in self.store.approvals(self.tenant, &filter, at).await.unwrap() {
            let decision = match dice.below(3) {
                0 => ApprovalDecision::Approve,
                1 => ApprovalDecision::Deny,
                _ => continue,
            };
            // Some are decided already, and that is the same on both.
            let id = row.approval_id;
            let _ = self.store.decide_approval(self.tenant, id, decision, None, &Actor::system(), at).await;
        }
    }

    /// Everything that is left behind, as far as it does not depend on the backend.
    async fn remains(&self, agents: &[AgentId], budgets: &[BudgetKey]) -> String {
        let (store, tenant) = (&self.store, self.tenant);
        let mut all = String::new();
        for agent in agents {
            let record = store.agent(tenant, *agent).await.unwrap();
            let events = store.trust_events(tenant, *agent, 1_000).await.unwrap();
            all += &format!("{:?} {:?}\n{events:?}\n", record.trust, record.baseline);
        }
        let filter = ApprovalFilter { limit: 500, ..ApprovalFilter::default() };
        all += &format!("{:?}\n", store.approvals(tenant, &filter, now()).await.unwrap());
        all += &format!("{:?}\n", store.budgets_used(tenant, budgets).await.unwrap());
        for incident in store.incidents(tenant, 100).await.unwrap() {
            all += &format!(
                "{} {} {:?} {} {} {} {:?}\n",
                incident.agent_id,
                incident.trigger,
                incident.severity,
                incident.title,
                incident.opened_at,
                incident.updated_at,
                incident.trace_ids
            );
        }
        all
    }
}

impl Plan {
    fn entry(self, tell: mpsc::UnboundedSender<Precedent>) -> ScanEntry {
        let plan = self.clone();
        let scan = a_plain_scan(self.agent, self.at, move |_, _| ());
        ScanEntry {
            trace_id: plan.trace(),
            signature: self.signature,
            idempotency_key: self.idempotency_key,
            budgets: budgets(),
            rate_limit: Some(RateLimit::per_minute(200.try_into().unwrap())),
            use_of: None,
            settle: Box::new(move |known| {
                let _ = tell.send(known.clone());
                let mut settled = (scan.settle)(known)?;
                settled.row.trace_id = plan.trace();
                plan.settle(known, &mut settled);
                (!plan.is_outdated).then_some(settled)
            }),
            ..scan
        }
    }

    fn trace(&self) -> TraceId {
        TraceId(Uuid::from_u128(u128::from(self.number) + (1 << 64)))
    }

    /// Does a little of everything that a scan can do.
    fn settle(&self, known: &Precedent, settled: &mut Settled) {
        let mut dice = Dice(self.dice);
        match &known.prior {
            None if dice.below(2) == 0 => {
                settled.approval = ApprovalEffect::Create(Box::new(self.question(settled, &mut dice)));
            }
            Some(PriorApproval::Granted { approval_id }) => {
                let idempotency_key = self.idempotency_key.clone();
                settled.approval = ApprovalEffect::Use { approval_id: *approval_id, idempotency_key };
            }
            _ => {}
        }
        if dice.below(3) == 0 {
            let kind =
                dice.pick([TrustEventKind::Deny, TrustEventKind::CriticalDeny, TrustEventKind::CleanStreak]);
            settled.trust.trust_score = (settled.trust.trust_score + kind.delta()).clamp(0.0, 1.0);
            settled.trust.deny_count_24h += 1;
            settled.trust.updated_at = self.at;
            let score_after = settled.trust.trust_score;
            let trace_id = Some(self.trace());
            settled.trust_events =
                vec![TrustEvent { at: self.at, kind, delta: kind.delta(), score_after, trace_id }];
        }
        if dice.below(2) == 0 {
            settled.lesson = Some(Lesson {
                new_destinations: vec![format!("host{}.example", dice.below(9))],
                new_operations: Vec::new(),
            });
        }
        if dice.below(4) == 0 {
            let severity = dice.pick([RiskBand::Low, RiskBand::High, RiskBand::Critical]);
            let trigger = dice.pick(["RULE", "DENY_BURST"]).to_owned();
            let title = format!("seen by call {}", self.number);
            settled.incidents = vec![IncidentEffect { trigger, severity, title }; 1 + dice.below(2) as usize];
        }
        let spent = budgets().into_iter().filter(|_| dice.below(2) == 0);
        settled.spendings =
            spent.map(|key| Spending { key, amount: Millionths(self.number as i64) }).collect();
    }

    fn question(&self, settled: &Settled, dice: &mut Dice) -> NewApproval {
        NewApproval {
            approval_id: ApprovalId(Uuid::from_u128(u128::from(self.number))),
            signature: self.signature,
            trace_id: self.trace(),
            agent_id: self.agent,
            agent_name: "worker".into(),
            env: "default".into(),
            created_at: self.at,
            expires_at: self.at.saturating_add(Duration::from_secs(30 * dice.below(20))),
            tool_name: "stripe".into(),
            operation: "refund".into(),
            verb: settled.row.verb,
            method: "POST".into(),
            url: "https://api.stripe.com/v1/refunds".into(),
            risk_score: 0.5,
            risk_band: RiskBand::High,
            reason_codes: vec!["MONEY_MOVEMENT".into()],
            rule: None,
            escalate_to: Vec::new(),
            approvers: Vec::new(),
            max_uses: dice.pick([None, Some(1), Some(3)]),
            grant_window_seconds: 300,
            deny_window_seconds: 120,
        }
    }
}

fn budgets() -> Vec<BudgetKey> {
    let key = |name: &str, agent_id| BudgetKey { name: name.into(), agent_id, day: "2026-11-23".into() };
    vec![key("all", None), key("own", Some(AgentId(Uuid::from_u128(1))))]
}

/// SplitMix64: the same numbers from the same seed.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn pick<T, const MANY: usize>(&mut self, of: [T; MANY]) -> T {
        let place = self.below(MANY as u64) as usize;
        of.into_iter().nth(place).unwrap()
    }
}

#[tokio::test]
async fn a_batch_settles_as_if_its_scans_came_one_after_the_other() {
    let cluster = Cluster::shared();
    let agents: Vec<AgentId> = (1..=3).map(|number| AgentId(Uuid::from_u128(number))).collect();
    let mut compared = 0;
    for seed in 0..3 {
        let directory = tempfile::tempdir().unwrap();
        let file = SqliteOptions::new(directory.path().join("twin.db"));
        let alone = Twin::of(Arc::new(SqliteStore::open(file).await.unwrap()), &agents).await;
        let together = Twin::of(Arc::new(open(&cluster.database()).await), &agents).await;
        let mut dice = Dice(seed);
        let (mut number, mut clock) = (0, now());
        for _ in 0..12 {
            let mut plans = Vec::new();
            for _ in 0..1 + dice.below(40) {
                number += 1;
                // Clocks of several gateways: one call may seem to come before the last.
                clock = clock.saturating_add(Duration::from_millis(dice.below(9_000)));
                plans.push(Plan {
                    number,
                    agent: agents[dice.below(3) as usize],
                    signature: [dice.below(4) as u8; 32],
                    idempotency_key: [None, Some("k1"), Some("k2")][dice.below(3) as usize]
                        .map(str::to_owned),
                    at: clock.saturating_sub(Duration::from_millis(dice.below(3_000))),
                    is_outdated: dice.below(12) == 0,
                    dice: dice.next(),
                });
            }
            let (one, other) = tokio::join!(alone.record_each(&plans), together.record_together(&plans));
            for ((one, other), plan) in one.iter().zip(&other).zip(&plans) {
                assert_eq!(one, other, "seed {seed}, {plan:?}");
                compared += 1;
            }
            clock = clock.saturating_add(Duration::from_secs(dice.below(200)));
            let decisions = dice.next();
            alone.decide(clock, Dice(decisions)).await;
            together.decide(clock, Dice(decisions)).await;
        }
        let budgets = budgets();
        let (one, other) =
            tokio::join!(alone.remains(&agents, &budgets), together.remains(&agents, &budgets));
        for (one, other) in one.lines().zip(other.lines()) {
            assert_eq!(one, other, "seed {seed}");
        }
    }
    assert!(compared > 500, "{compared}");
}
