//! One suite for every storage backend: what the traits promise, told as stories.
//!
//! Each story plays on a store of its own. Time is given, never read, so windows pass without waiting.

mod agents;
mod approvals;
mod control;
mod credentials;
mod ephemeral;
mod isolation;
mod ledger;
mod retention;
mod scans;
mod spooled;

use interven_store::{
    Actor, AgentClaim, ApprovalEffect, KeyUse, Lesson, Precedent, PriorApproval, RateLimit, Receipt,
    ScanEntry, Settled, Store, StoreError, StoreResult, TrustEvent, TrustEventKind,
};
use interven_types::{
    AgentId, ApprovalId, BudgetKey, Decision, IncidentEffect, KeyId, NewApproval, RiskBand, RuntimeType,
    TenantId, Timestamp, TraceId, Verb,
};
use serde_json::json;
use std::{pin::Pin, sync::Arc, time::Duration};
use uuid::Uuid;

type Story = fn(Stage) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// Runs every story; `make` opens an empty store each time.
pub async fn run_all(make: impl AsyncFn() -> Arc<dyn Store>) {
    // Each is boxed: all of them together in one future are more than a test's stack holds.
    macro_rules! stories {
        ($($story:path),+ $(,)?) => {
            [$((|stage| Box::pin($story(stage))) as Story),+]
        };
    }
    let stories = stories!(
        control::a_tenant_starts_with_default_settings_and_a_name_of_its_own,
        control::settings_are_versions_and_the_first_writer_wins,
        control::an_installation_value_is_stored_once,
        control::data_keys_are_changed_by_whoever_planned_on_them_as_they_are,
        control::people_sign_in_under_one_address_whatever_its_case,
        control::a_key_is_known_by_its_hash_until_it_is_revoked,
        control::a_signing_key_is_found_by_its_agent,
        control::an_agent_is_where_its_keys_are,
        control::a_signed_request_is_new_once_in_its_time,
        credentials::a_credential_is_one_for_each_tool_host_and_environment,
        credentials::a_foreign_tenant_neither_sees_nor_uses_nor_removes_one,
        ephemeral::an_ephemeral_key_stands_apart_and_ends_with_its_parent,
        ephemeral::a_use_is_taken_with_the_record_of_the_answer,
        ephemeral::of_many_calls_at_once_as_many_pass_as_there_are_uses,
        ephemeral::a_key_has_so_many_ephemeral_ones_and_the_ended_are_removed,
        control::policies_are_versions_applied_together_or_not_at_all,
        control::what_was_planned_on_other_policies_is_not_applied,
        control::a_deleted_policy_leaves_decisions_but_not_history,
        control::an_agents_own_policy_stands_beside_that_of_all,
        scans::budgets_add_up_what_is_recorded,
        scans::a_scan_that_is_outdated_leaves_nothing,
        scans::the_rate_of_a_tenant_is_held_in_its_record,
        scans::a_trace_is_recorded_once,
        control::a_policy_set_is_remembered_under_its_hash,
        control::every_control_plane_change_is_audited_and_announced,
        agents::an_agent_is_found_again_by_id_and_by_name,
        agents::a_new_name_inherits_the_lowest_trust_of_its_key,
        agents::resetting_trust_forgets_what_fed_the_counters,
        agents::counters_forget_events_that_left_their_window,
        agents::a_baseline_learns_as_the_domain_says,
        retention::what_is_older_goes_in_whole_runs_below_the_sealed_size,
        retention::decided_approvals_events_and_days_go_by_their_own_time,
        scans::positions_have_no_gaps_and_receipts_say_them,
        scans::a_row_comes_back_as_it_was_written,
        scans::a_failing_scan_leaves_no_trace_and_no_gap,
        scans::concurrent_scans_each_get_a_position,
        scans::filters_find_what_they_say,
        scans::pages_follow_the_log_both_ways,
        scans::months_are_counted_apart,
        scans::the_last_hour_of_trust_is_known_when_a_scan_is_settled,
        spooled::scans_are_appended_in_order_once_and_with_their_effects,
        spooled::one_that_cannot_be_written_keeps_the_others_out,
        spooled::trust_moves_from_where_it_is_by_then,
        scans::one_open_incident_gathers_its_traces,
        scans::responses_attach_to_their_scan,
        approvals::an_identical_retry_waits_for_the_same_approval,
        approvals::a_grant_is_used_as_often_as_allowed,
        approvals::a_repeated_idempotency_key_counts_once,
        approvals::concurrent_calls_ask_once_and_use_once,
        approvals::a_denial_answers_retries_and_costs_trust,
        approvals::a_decision_is_made_once_and_in_time,
        approvals::pending_ones_are_counted_listed_and_expire,
        ledger::every_row_is_a_leaf_of_its_log,
        ledger::an_event_is_made_of_the_row_as_it_is_stored,
        ledger::a_log_is_sealed_by_one_of_many_and_verifies,
        isolation::a_foreign_tenant_finds_nothing,
    );
    for story in stories {
        story(Stage::open(make().await).await).await;
    }
}

/// A store with one tenant and one agent, and a clock that only moves when told.
struct Stage {
    store: Arc<dyn Store>,
    tenant: TenantId,
    agent: AgentId,
    now: Timestamp,
}

/// The analyst who acts in the stories.
fn ada() -> Actor {
    Actor { name: "ada@acme.example".into(), origin: "console".into(), client_addr: Some("10.0.0.7".into()) }
}

fn minutes(many: u64) -> Duration {
    Duration::from_secs(60 * many)
}

fn is_not_found<T>(result: &StoreResult<T>) -> bool {
    matches!(result, Err(StoreError::NotFound(_)))
}

fn is_conflict<T>(result: &StoreResult<T>) -> bool {
    matches!(result, Err(StoreError::Conflict(_)))
}

impl Stage {
    async fn open(store: Arc<dyn Store>) -> Self {
        // 2026-09-21T14:13:20Z: the middle of a month.
        let now = Timestamp::from_unix_ms(1_790_000_000_000);
        let tenant = store.create_tenant("acme", &Actor::system(), now).await.unwrap().tenant_id;
        let mut stage = Self { store, tenant, agent: AgentId(Uuid::nil()), now };
        stage.agent = stage.agent_named("worker", None).await;
        stage
    }

    async fn agent_named(&self, name: &str, key: Option<KeyId>) -> AgentId {
        let claim = AgentClaim::Name(name.to_owned());
        let made = self.store.ensure_agent(self.tenant, key, &claim, RuntimeType::Python, self.now).await;
        made.unwrap().agent_id
    }

    fn later(&self, by: Duration) -> Timestamp {
        self.now.saturating_add(by)
    }

    /// Records a plain ALLOW, changed by `settle`.
    async fn scan(&self, settle: impl FnOnce(&Precedent, &mut Settled) + Send + 'static) -> Receipt {
        Call::by(self.agent, self.now).record(self, settle).await.unwrap()
    }
}

/// One call on its way to the store.
#[derive(Clone)]
struct Call {
    agent: AgentId,
    at: Timestamp,
    signature: [u8; 32],
    idempotency_key: Option<String>,
    budgets: Vec<BudgetKey>,
    rate_limit: Option<RateLimit>,
    use_of: Option<KeyUse>,
}

impl Call {
    fn by(agent: AgentId, at: Timestamp) -> Self {
        Self {
            agent,
            at,
            signature: [7; 32],
            idempotency_key: None,
            budgets: Vec::new(),
            rate_limit: None,
            use_of: None,
        }
    }

    fn entry(self, settle: impl FnOnce(&Precedent, &mut Settled) + Send + 'static) -> ScanEntry {
        let trace_id = TraceId(Uuid::now_v7());
        let (agent_id, at) = (self.agent, self.at);
        ScanEntry {
            trace_id,
            agent_id,
            env: "default".into(),
            signature: self.signature,
            idempotency_key: self.idempotency_key,
            budgets: self.budgets,
            rate_limit: self.rate_limit,
            use_of: self.use_of,
            now: at,
            settle: Box::new(move |precedent| {
                let mut settled = plain(trace_id, agent_id, at, precedent);
                settle(precedent, &mut settled);
                Some(settled)
            }),
        }
    }

    async fn record(
        self,
        stage: &Stage,
        settle: impl FnOnce(&Precedent, &mut Settled) + Send + 'static,
    ) -> StoreResult<Receipt> {
        stage.store.record_scan(stage.tenant, self.entry(settle)).await
    }
}

/// An ALLOW as it reaches a store, changed by `settle`.
pub fn a_plain_scan(
    agent: AgentId,
    at: Timestamp,
    settle: impl FnOnce(&Precedent, &mut Settled) + Send + 'static,
) -> ScanEntry {
    Call::by(agent, at).entry(settle)
}

/// A call that needs a human unless one has spoken: asks, uses a grant, or waits.
fn needing_a_human(max_uses: Option<u32>) -> impl Fn(&Precedent, &mut Settled) + Clone + Send + 'static {
    move |precedent, settled| {
        settled.row.decision = Some(Decision::RequireApproval);
        match &precedent.prior {
            None => settled.approval = ApprovalEffect::Create(Box::new(question(&settled.row, max_uses))),
            Some(PriorApproval::Granted { approval_id }) => {
                settled.row.decision = Some(Decision::Allow);
                settled.approval = ApprovalEffect::Use {
                    approval_id: *approval_id,
                    idempotency_key: settled.row.client_addr.clone(),
                };
            }
            Some(PriorApproval::Denied { .. }) => settled.row.decision = Some(Decision::Deny),
            Some(PriorApproval::Pending { .. }) => {}
        }
    }
}

fn question(row: &interven_store::ActivityRow, max_uses: Option<u32>) -> NewApproval {
    NewApproval {
        approval_id: ApprovalId(Uuid::now_v7()),
        signature: [7; 32],
        trace_id: row.trace_id,
        agent_id: row.agent_id,
        agent_name: row.agent_name.clone(),
        env: row.env.clone(),
        created_at: row.created_at,
        expires_at: row.created_at.saturating_add(minutes(10)),
        tool_name: row.tool_name.clone(),
        operation: row.operation.clone(),
        verb: row.verb,
        method: row.method.clone(),
        url: row.url.clone(),
        risk_score: 0.6,
        risk_band: RiskBand::High,
        reason_codes: vec!["MONEY_MOVEMENT".into()],
        rule: None,
        escalate_to: vec!["#payments".into()],
        approvers: Vec::new(),
        max_uses,
        grant_window_seconds: 600,
        deny_window_seconds: 300,
    }
}

/// An event as the decision core would write it.
fn event(kind: TrustEventKind, at: Timestamp, score_after: f64) -> TrustEvent {
    TrustEvent { at, kind, delta: kind.delta(), score_after, trace_id: None }
}

fn plain(trace_id: TraceId, agent_id: AgentId, at: Timestamp, precedent: &Precedent) -> Settled {
    Settled {
        row: interven_store::ActivityRow {
            trace_id,
            ledger_seq: 0,
            created_at: at,
            env: "default".into(),
            key_id: None,
            client_addr: None,
            agent_id,
            agent_name: "worker".into(),
            decision: Some(Decision::Allow),
            would_be: None,
            risk_score: 0.125,
            risk_band: RiskBand::Low,
            reason_codes: vec![],
            tool_name: "slack".into(),
            operation: "post_message".into(),
            verb: Verb::Write,
            method: "POST".into(),
            url: "https://slack.com/api/chat.postMessage".into(),
            host: Some("slack.com".into()),
            classifications: vec![],
            policy_id: None,
            policy_name: None,
            rule_id: None,
            approval_id: None,
            trust_score: precedent.trust.trust_score,
            engine_version: "0.1.0".into(),
            detectors_hash: "d".repeat(16),
            policy_set: "p".repeat(16),
            settings_version: 1,
            verdict: None,
            facts: json!({"name": "worker"}),
            timings: json!({"total": 12}),
            sealed_request: vec![1, 2, 3],
        },
        approval: ApprovalEffect::None,
        trust: precedent.trust.clone(),
        trust_events: Vec::new(),
        lesson: None::<Lesson>,
        incidents: Vec::<IncidentEffect>::new(),
        spendings: Vec::new(),
    }
}
