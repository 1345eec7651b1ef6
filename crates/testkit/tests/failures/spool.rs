//! The spool on its own: what it keeps, hands over, and refuses.

use crate::world::eventually;
use interven_spool::{Kept, Spool, SpoolError, SpoolOptions};
use interven_store::{
    Actor, AgentClaim, ApprovalEffect, PriorApproval, Settled, Store, StoreError, StoreResult,
};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_testkit::{Fault, FaultyStore, store_conformance::a_plain_scan};
use interven_types::{
    AgentId, ApprovalId, BudgetKey, NewApproval, Precedent, RuntimeType, TenantId, Timestamp, TraceId,
    TrustEventKind, TrustState,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use uuid::Uuid;

const KEY: [u8; 32] = [5; 32];

/// A database with one agent, a store that fails on demand before it, and a directory for the spool.
pub(crate) struct Scene {
    pub(crate) store: Arc<FaultyStore>,
    pub(crate) tenant: TenantId,
    pub(crate) agent: AgentId,
    pub(crate) now: Timestamp,
    directory: tempfile::TempDir,
}

impl Scene {
    pub(crate) async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let sqlite = SqliteStore::open(SqliteOptions::new(directory.path().join("a.db"))).await.unwrap();
        let store = FaultyStore::new(Arc::new(sqlite));
        let now = Timestamp::from_unix_ms(1_790_000_000_000);
        let stored: &dyn Store = store.as_ref();
        let tenant = stored.create_tenant("acme", &Actor::system(), now).await.unwrap().tenant_id;
        let claim = AgentClaim::Name("bot".into());
        let agent = stored.ensure_agent(tenant, None, &claim, RuntimeType::Python, now).await.unwrap();
        Self { store, tenant, agent: agent.agent_id, now, directory }
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.directory.path().join("scans.spool")
    }

    fn options(&self) -> SpoolOptions {
        let directory = self.directory.path().to_owned();
        SpoolOptions { directory, max_bytes: 1 << 20, store_timeout: Duration::from_secs(5) }
    }

    pub(crate) async fn open_with(
        &self,
        options: SpoolOptions,
        key: [u8; 32],
    ) -> Result<Arc<Spool>, SpoolError> {
        self.released().await;
        Spool::open(self.store.clone(), options, &key).await
    }

    /// Waits until nobody holds the file: a spool lets go of it a moment after it was dropped.
    pub(crate) async fn released(&self) {
        let Ok(file) = std::fs::File::open(self.file()) else { return };
        eventually("the file is released", async || file.try_lock().is_ok()).await;
    }

    /// Opens the spool, however long the file stays locked: a process that another test starts at this moment shares the lock
    /// until it runs its own program.
    pub(crate) async fn open(&self) -> Arc<Spool> {
        let mut opened = None;
        eventually("the spool opens", async || match self.open_with(self.options(), KEY).await {
            Err(SpoolError::AlreadyUsed { .. }) => false,
            other => {
                opened = Some(other.unwrap());
                true
            }
        })
        .await;
        opened.unwrap()
    }

    pub(crate) fn trust(&self) -> TrustState {
        TrustState::fresh(self.agent, self.now)
    }

    /// A plain scan, changed by `settle`; with its trace.
    pub(crate) async fn scan(
        &self,
        spool: &Spool,
        settle: impl FnOnce(&Precedent, &mut Settled) + Send + 'static,
    ) -> (TraceId, StoreResult<Kept>) {
        let entry = a_plain_scan(self.agent, self.now, settle);
        (entry.trace_id, spool.record(self.tenant, entry, self.trust()).await)
    }

    /// Plain scans that have to go into the file.
    pub(crate) async fn spooled(&self, spool: &Spool, many: usize) -> Vec<TraceId> {
        let mut traces = Vec::new();
        for _ in 0..many {
            let (trace, kept) = self.scan(spool, |_, _| ()).await;
            assert!(matches!(kept, Ok(Kept::Spooled(_))), "{kept:?}");
            traces.push(trace);
        }
        traces
    }

    /// The log, oldest first; positions must have no gap.
    pub(crate) async fn log(&self) -> Vec<TraceId> {
        let filter =
            interven_store::ActivityFilter { after_seq: Some(0), limit: 1_000, ..Default::default() };
        let store: &dyn Store = self.store.as_ref();
        let rows = store.activity(self.tenant, &filter).await.unwrap();
        let positions: Vec<_> = rows.iter().map(|row| row.ledger_seq).collect();
        assert_eq!(positions, (1..=rows.len() as u64).collect::<Vec<_>>());
        rows.into_iter().map(|row| row.trace_id).collect()
    }
}

pub(crate) async fn drained(spool: &Spool) {
    let mut state = spool.watch();
    let empty = state.wait_for(|state| state.waiting == 0);
    tokio::time::timeout(Duration::from_secs(20), empty).await.expect("never drained").unwrap();
}

#[tokio::test]
async fn scans_wait_in_order_and_are_handed_over_once() {
    let scene = Scene::new().await;
    let spool = scene.open().await;
    let (first, kept) = scene.scan(&spool, |_, _| ()).await;
    assert!(matches!(kept, Ok(Kept::Recorded(_))), "{kept:?}");
    for fault in [Fault::Before, Fault::After] {
        scene.store.fail_all(fault);
        scene.spooled(&spool, 3).await;
        assert!(spool.state().waiting > 0);
        scene.store.pass();
        drained(&spool).await;
    }
    scene.store.fail_all(Fault::Before);
    let waiting = scene.spooled(&spool, 300).await;
    scene.store.pass();
    // It stands behind those that wait.
    let (last, kept) = scene.scan(&spool, |_, _| ()).await;
    assert!(kept.is_ok());
    drained(&spool).await;
    let log = scene.log().await;
    assert_eq!((log.len(), log[0]), (1 + 3 + 3 + 300 + 1, first));
    assert_eq!(log[7..], [waiting, vec![last]].concat());
    assert_eq!(std::fs::metadata(scene.file()).unwrap().len(), 48, "emptied");
}

#[tokio::test]
async fn what_the_store_had_committed_is_not_recorded_twice() {
    let scene = Scene::new().await;
    let spool = scene.open().await;
    scene.store.fail_nth(1, Fault::After);
    let (trace, kept) = scene.scan(&spool, |_, _| ()).await;
    assert!(matches!(kept, Ok(Kept::Spooled(_))), "{kept:?}");
    drained(&spool).await;
    assert_eq!(scene.log().await, [trace]);
}

#[tokio::test]
async fn what_waits_outlives_the_process() {
    let scene = Scene::new().await;
    scene.store.fail_all(Fault::Before);
    let mut all = Vec::new();
    for _ in 0..3 {
        let spool = scene.open().await;
        assert_eq!(spool.state().waiting, all.len() as u64);
        all.extend(scene.spooled(&spool, 2).await);
    }
    // Handed over in part, with the answer lost: the next run sends all of it again.
    scene.store.fail_all(Fault::After);
    let spool = scene.open().await;
    let mut state = spool.watch();
    state.wait_for(|state| state.store_trouble.is_some()).await.unwrap();
    drop((spool, state));
    scene.store.pass();
    let spool = scene.open().await;
    drained(&spool).await;
    assert_eq!(scene.log().await, all);
}

#[tokio::test]
async fn scans_that_only_the_store_can_settle_are_refused() {
    let scene = Scene::new().await;
    let spool = scene.open().await;
    scene.store.fail_all(Fault::After);
    let grant = ApprovalEffect::Use { approval_id: ApprovalId(Uuid::now_v7()), idempotency_key: None };
    let (_, kept) = scene.scan(&spool, move |_, settled| settled.approval = grant).await;
    assert!(matches!(kept, Err(StoreError::Unavailable(_))), "a grant in doubt: {kept:?}");
    scene.store.fail_all(Fault::Before);
    let budget = BudgetKey { name: "pay".into(), agent_id: None, day: "2026-09-21".into() };
    let entry = interven_store::ScanEntry {
        budgets: vec![budget],
        ..a_plain_scan(scene.agent, scene.now, |_, _| ())
    };
    let kept = spool.record(scene.tenant, entry, scene.trust()).await;
    assert!(matches!(kept, Err(StoreError::Unavailable(_))), "a budget: {kept:?}");
    scene.store.pass();
    let elsewhere = TenantId(Uuid::now_v7());
    let kept = spool.record(elsewhere, a_plain_scan(scene.agent, scene.now, |_, _| ()), scene.trust()).await;
    assert!(matches!(kept, Err(StoreError::NotFound(_))), "the store said no: {kept:?}");
    assert_eq!(spool.state().waiting, 0);
}

/// Asks a human unless an identical call has.
fn asks(precedent: &Precedent, settled: &mut Settled) {
    settled.row.decision = Some(interven_types::Decision::RequireApproval);
    if precedent.prior.is_none() {
        settled.approval = ApprovalEffect::Create(Box::new(question(settled)));
    }
}

fn question(settled: &Settled) -> NewApproval {
    let row = &settled.row;
    NewApproval {
        approval_id: ApprovalId(Uuid::now_v7()),
        // As `a_plain_scan` says of every call.
        signature: [7; 32],
        trace_id: row.trace_id,
        agent_id: row.agent_id,
        agent_name: row.agent_name.clone(),
        env: row.env.clone(),
        created_at: row.created_at,
        expires_at: row.created_at.saturating_add(Duration::from_secs(600)),
        tool_name: row.tool_name.clone(),
        operation: row.operation.clone(),
        verb: row.verb,
        method: row.method.clone(),
        url: row.url.clone(),
        risk_score: 0.6,
        risk_band: row.risk_band,
        reason_codes: vec![],
        rule: None,
        escalate_to: vec![],
        approvers: vec![],
        max_uses: Some(1),
        grant_window_seconds: 600,
        deny_window_seconds: 600,
    }
}

#[tokio::test]
async fn a_scan_is_settled_on_those_that_wait_before_it() {
    let scene = Scene::new().await;
    let denied = |known: &Precedent, settled: &mut Settled| {
        settled.row.decision = Some(interven_types::Decision::Deny);
        let mut trust = known.trust.clone();
        settled.trust_events = vec![trust.take_in(TrustEventKind::Deny, None, settled.row.created_at)];
        settled.trust = trust;
    };
    let asked = {
        let spool = scene.open().await;
        let (_, kept) = scene.scan(&spool, asks).await;
        assert!(matches!(kept, Ok(Kept::Recorded(_))));
        scene.store.fail_all(Fault::Before);
        // What the store knows of identical calls is not known here, how many wait is.
        let (asked, kept) = scene
            .scan(&spool, |known, settled| {
                assert_eq!((&known.prior, known.pending_of_agent, known.pending_of_tenant), (&None, 0, 0));
                asks(known, settled);
            })
            .await;
        assert!(matches!(kept, Ok(Kept::Spooled(_))));
        scene.scan(&spool, denied).await.1.unwrap();
        assert!(spool.has_trace(scene.tenant, asked) && !spool.has_trace(TenantId(Uuid::nil()), asked));
        asked
    };
    let spool = scene.open().await;
    let (_, kept) = scene
        .scan(&spool, move |known, _| {
            let Some(PriorApproval::Pending { approval_id, .. }) = known.prior else { panic!("{known:?}") };
            assert_eq!((known.pending_of_agent, known.denials_1h, known.trust.trust_score), (0, 1, 0.97));
            assert!(!approval_id.0.is_nil());
        })
        .await;
    kept.unwrap();
    scene.store.pass();
    drained(&spool).await;
    let store: &dyn Store = scene.store.as_ref();
    let ten = interven_store::ApprovalFilter { limit: 10, ..Default::default() };
    let approvals = store.approvals(scene.tenant, &ten, scene.now).await.unwrap();
    assert_eq!(approvals.len(), 2);
    assert_eq!(approvals.iter().filter(|approval| approval.trace_id == asked).count(), 1);
    assert_eq!(store.agent(scene.tenant, scene.agent).await.unwrap().trust.trust_score, 0.97);
}

#[tokio::test]
async fn many_scans_together_are_each_there_once() {
    let scene = Arc::new(Scene::new().await);
    let spool = scene.open().await;
    scene.store.fail_all(Fault::Before);
    let mut scans = tokio::task::JoinSet::new();
    for _ in 0..200 {
        let (scene, spool) = (scene.clone(), spool.clone());
        scans.spawn(async move { scene.scan(&spool, |_, _| ()).await });
    }
    let mut sent = Vec::new();
    for (trace, kept) in scans.join_all().await {
        assert!(matches!(kept, Ok(Kept::Spooled(_))), "{kept:?}");
        sent.push(trace);
    }
    scene.store.pass();
    drained(&spool).await;
    let mut log = scene.log().await;
    log.sort_unstable();
    sent.sort_unstable();
    assert_eq!(log, sent);
}

#[tokio::test]
async fn a_full_spool_refuses_and_takes_again() {
    let scene = Scene::new().await;
    let options = SpoolOptions { max_bytes: 6_000, ..scene.options() };
    let spool = scene.open_with(options, KEY).await.unwrap();
    scene.store.fail_all(Fault::Before);
    let (mut kept, mut refused) = (Vec::new(), 0);
    while refused < 3 {
        match scene.scan(&spool, |_, _| ()).await {
            (trace, Ok(_)) => kept.push(trace),
            (_, Err(StoreError::Unavailable(why))) => {
                assert!(why.contains("`spool_max_bytes` is 6000"), "{why}");
                refused += 1;
            }
            (_, Err(other)) => panic!("{other}"),
        }
    }
    assert!(!kept.is_empty() && spool.state().file_trouble.is_some());
    scene.store.pass();
    drained(&spool).await;
    assert_eq!(scene.log().await, kept);
    eventually("the trouble is over", async || spool.state().file_trouble.is_none()).await;
    assert!(matches!(scene.scan(&spool, |_, _| ()).await.1, Ok(Kept::Recorded(_))));
}
