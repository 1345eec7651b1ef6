//! A store that fails when it is told to.

use async_trait::async_trait;
use interven_ledger::{Entry, Hash, Tile};
use interven_store::*;
use interven_types::{
    AgentId, AgentStatus, ApprovalId, BudgetKey, CredentialId, KeyId, KeyKind, Millionths, PolicyId,
    RuntimeType, TenantId, TenantSettings, Timestamp, TraceId, TrustEvent,
};
use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::broadcast;

/// How a call fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing is done.
    Before,
    /// All is done, and nobody hears of it: the outcome is in doubt.
    After,
}

/// Which calls fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plan {
    Pass,
    /// The call of this number from now on, counted from 1.
    Nth(u64, Fault),
    /// Every one.
    All(Fault),
}

/// Counts every call to the store behind it, and lets the planned ones fail as unavailable.
#[derive(Debug)]
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    plan: Mutex<Plan>,
    calls: AtomicU64,
    /// The call that failed last.
    failed: Mutex<Option<&'static str>>,
}

impl FaultyStore {
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            plan: Mutex::new(Plan::Pass),
            calls: AtomicU64::new(0),
            failed: Mutex::new(None),
        })
    }

    pub fn pass(&self) {
        self.set(Plan::Pass);
    }

    pub fn fail_nth(&self, number: u64, fault: Fault) {
        self.set(Plan::Nth(number, fault));
    }

    pub fn fail_all(&self, fault: Fault) {
        self.set(Plan::All(fault));
    }

    /// Calls since the plan was last changed.
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::SeqCst)
    }

    /// The method that failed since the plan was last changed, if one did.
    pub fn failed(&self) -> Option<&'static str> {
        *self.failed.lock().unwrap()
    }

    fn set(&self, plan: Plan) {
        *self.plan.lock().unwrap() = plan;
        self.calls.store(0, Ordering::SeqCst);
        *self.failed.lock().unwrap() = None;
    }

    async fn pass_on<T>(
        &self,
        method: &'static str,
        call: impl Future<Output = StoreResult<T>>,
    ) -> StoreResult<T> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let fault = match *self.plan.lock().unwrap() {
            Plan::Nth(nth, fault) if nth == number => Some(fault),
            Plan::All(fault) => Some(fault),
            _ => None,
        };
        let Some(fault) = fault else { return call.await };
        *self.failed.lock().unwrap() = Some(method);
        if fault == Fault::After {
            // Whatever came of it is lost on the way.
            let _ = call.await;
        }
        Err(StoreError::Unavailable(format!("told to fail {method}")))
    }
}

/// Every method, so that a new one cannot be forgotten here: its trait would not be whole.
macro_rules! pass_on {
    ($($store:ident { $($method:ident($($name:ident: $kind:ty),*) -> $answer:ty;)* })*) => {$(
        #[async_trait]
        impl $store for FaultyStore {$(
            async fn $method(&self, $($name: $kind),*) -> StoreResult<$answer> {
                self.pass_on(stringify!($method), self.inner.$method($($name),*)).await
            }
        )*}
    )*};
}

pass_on! {
    TenantStore {
        create_tenant(name: &str, actor: &Actor, now: Timestamp) -> TenantRow;
        tenants() -> Vec<TenantRow>;
        installation_value(name: &str, proposed: &[u8]) -> Vec<u8>;
        settings(tenant: TenantId) -> SettingsRow;
        settings_at(tenant: TenantId, version: u32) -> TenantSettings;
        settings_versions(tenant: TenantId, limit: u32) -> Vec<SettingsVersion>;
        update_settings(tenant: TenantId, settings: &TenantSettings, if_version: Option<u32>, actor: &Actor, now: Timestamp) -> SettingsRow;
        create_user(tenant: TenantId, user: &UserRow, actor: &Actor) -> ();
        users(tenant: TenantId) -> Vec<UserRow>;
        set_password(tenant: TenantId, email: &str, password_hash: &str, actor: &Actor, now: Timestamp) -> ();
        disable_user(tenant: TenantId, email: &str, actor: &Actor, now: Timestamp) -> ();
    }
    KeyStore {
        key_by_hash(hash: &KeyHash) -> Option<KeyRecord>;
        signing_keys(agent: AgentId) -> Vec<SigningKey>;
        environments_of(tenant: TenantId, agent: AgentId) -> Environments;
        note_request(tenant: TenantId, agent: AgentId, nonce: &str, now: Timestamp, forget: Timestamp) -> bool;
        create_key(tenant: TenantId, key: &NewKey, actor: &Actor) -> ();
        keys(tenant: TenantId, kind: KeyKind) -> Vec<KeyRecord>;
        revoke_key(tenant: TenantId, key: KeyId, actor: &Actor, now: Timestamp) -> ();
        touch_key(tenant: TenantId, key: KeyId, seen_at: Timestamp) -> ();
        note_refusal(tenant: TenantId, key: KeyId, reason: &str, blocked: bool) -> ();
    }
    AgentStore {
        ensure_agent(tenant: TenantId, key: Option<KeyId>, claim: &AgentClaim, runtime_type: RuntimeType, now: Timestamp) -> AgentRecord;
        agent(tenant: TenantId, agent: AgentId) -> AgentRecord;
        agents(tenant: TenantId) -> Vec<AgentRecord>;
        set_agent_status(tenant: TenantId, agent: AgentId, status: AgentStatus, actor: &Actor, now: Timestamp) -> AgentRecord;
        reset_trust(tenant: TenantId, agent: AgentId, actor: &Actor, now: Timestamp) -> AgentRecord;
        trust_events(tenant: TenantId, agent: AgentId, limit: u32) -> Vec<TrustEvent>;
        age_trust_counters(now: Timestamp) -> u64;
    }
    PolicyStore {
        policies(tenant: TenantId) -> Vec<PolicyRow>;
        policies_with_deleted(tenant: TenantId) -> Vec<PolicyRow>;
        policy_by_name(tenant: TenantId, name: &str, env: Option<&str>) -> PolicyRow;
        policy_revision(tenant: TenantId) -> u64;
        apply_policies(tenant: TenantId, revision: u64, policies: &[PolicyUpsert], actor: &Actor, now: Timestamp) -> Option<Vec<PolicyRow>>;
        delete_policy(tenant: TenantId, policy: PolicyId, if_version: Option<u32>, actor: &Actor, now: Timestamp) -> ();
        policy_versions(tenant: TenantId, policy: PolicyId, limit: u32) -> Vec<PolicyVersion>;
        policy_version(tenant: TenantId, policy: PolicyId, version: u32) -> PolicyRow;
        save_policy_set(tenant: TenantId, hash: &str, members: &[(PolicyId, u32)]) -> ();
        policy_set(tenant: TenantId, hash: &str) -> Vec<(PolicyId, u32)>;
    }
    ApprovalStore {
        approval(tenant: TenantId, id: ApprovalId, now: Timestamp) -> ApprovalRow;
        approval_anywhere(id: ApprovalId, now: Timestamp) -> ApprovalRow;
        approvals(tenant: TenantId, filter: &ApprovalFilter, now: Timestamp) -> Vec<ApprovalRow>;
        decide_approval(tenant: TenantId, id: ApprovalId, decision: ApprovalDecision, note: Option<&str>, actor: &Actor, now: Timestamp) -> ApprovalRow;
        expire_approvals(now: Timestamp) -> u64;
    }
    ActivityStore {
        record_scan(tenant: TenantId, scan: ScanEntry) -> Receipt;
        append_spooled(tenant: TenantId, scans: &[Settled]) -> u64;
        activity(tenant: TenantId, filter: &ActivityFilter) -> Vec<ActivityRow>;
        activity_extent(tenant: TenantId, filter: &ActivityFilter) -> ActivityExtent;
        sealed_activity(tenant: TenantId, filter: &ActivityFilter) -> Vec<(u64, SealedRow)>;
        trace(tenant: TenantId, trace: TraceId) -> ActivityRow;
        scans_in_month(tenant: TenantId, now: Timestamp) -> u64;
        budgets_used(tenant: TenantId, keys: &[BudgetKey]) -> BTreeMap<BudgetKey, Millionths>;
        budget_of_day(tenant: TenantId, name: &str, day: &str) -> Vec<(Option<AgentId>, Millionths)>;
        attach_response(tenant: TenantId, response: &ScanResponseRow) -> ();
        responses(tenant: TenantId, trace: TraceId) -> Vec<ScanResponseRow>;
    }
    AuditStore {
        audit(tenant: TenantId, entry: &AuditEntry, actor: &Actor, now: Timestamp) -> ();
        audit_log(tenant: TenantId, before_seq: Option<u64>, limit: u32) -> Vec<AuditRow>;
        incidents(tenant: TenantId, limit: u32) -> Vec<IncidentRow>;
        ping() -> ();
    }
    ToolCredentialStore {
        set_tool_credential(tenant: TenantId, credential: &ToolCredentialRow, actor: &Actor) -> ToolCredentialRow;
        tool_credentials(tenant: TenantId) -> Vec<ToolCredentialRow>;
        remove_tool_credential(tenant: TenantId, credential: CredentialId, actor: &Actor, now: Timestamp) -> ();
        touch_tool_credential(tenant: TenantId, credential: CredentialId, used_at: Timestamp) -> ();
    }
    DataKeyStore {
        stored_keys(after: u64) -> StoredKeys;
        change_keys(revision: u64, change: &KeysChange, actor: &Actor, now: Timestamp) -> bool;
    }
    LedgerStore {
        recorded(tenant: TenantId, log: Log) -> u64;
        leaves(tenant: TenantId, log: Log, after: u64, limit: u32) -> Vec<(u64, Hash)>;
        entries(tenant: TenantId, log: Log, after: i64, limit: u32) -> Vec<Entry>;
        tiles(tenant: TenantId, log: Log, tiles: &[Tile]) -> BTreeMap<Tile, Vec<Hash>>;
        newest_checkpoint(tenant: TenantId, log: Log) -> Option<SignedCheckpoint>;
        seal(tenant: TenantId, log: Log, seal: &Seal) -> bool;
    }
    BackupStore {
        backup() -> Backup;
    }
    RetentionStore {
        retention_run(tenant: TenantId) -> Option<RetentionRun>;
        begin_retention(tenant: TenantId, older_than: Timestamp, unless_since: Timestamp, actor: &Actor, now: Timestamp) -> Option<RetentionRun>;
        prune(tenant: TenantId, limit: u32, now: Timestamp) -> Pruned;
        end_retention(tenant: TenantId, actor: &Actor, now: Timestamp) -> RetentionRun;
    }
}

impl Store for FaultyStore {
    fn changes(&self) -> broadcast::Receiver<Change> {
        self.inner.changes()
    }

    fn backend(&self) -> &'static str {
        self.inner.backend()
    }
}
