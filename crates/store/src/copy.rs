//! Moving a whole installation from one backend to the other: what is moved, and as what it travels.

use crate::Cell;

/// A table that is copied, with the columns that put its rows in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CopiedTable {
    pub name: &'static str,
    pub order: &'static str,
}

const fn table(name: &'static str, order: &'static str) -> CopiedTable {
    CopiedTable { name, order }
}

/// Every table that both backends have, those that others refer to first. `schema_migrations` is each backend's own.
pub const COPIED_TABLES: &[CopiedTable] = &[
    table("installation", "name"),
    table("tenants", "tenant_id"),
    table("tenant_counters", "tenant_id"),
    table("tenant_settings", "tenant_id, version"),
    table("data_keys", "number"),
    table("users", "user_id"),
    table("api_keys", "key_id"),
    table("ephemeral_keys", "key_id"),
    table("agents", "agent_id"),
    table("seen_requests", "tenant_id, agent_id, nonce"),
    table("tool_credentials", "credential_id"),
    table("agent_trust_state", "agent_id"),
    table("trust_events", "event_id"),
    table("key_agents", "tenant_id, key_id, agent_id"),
    table("agent_baselines", "agent_id"),
    table("agent_habits", "agent_id, kind, value"),
    table("policies", "policy_id"),
    table("policy_versions", "policy_id, version"),
    table("policy_sets", "tenant_id, hash"),
    table("budget_usage", "tenant_id, name, day, agent_id"),
    table("approvals", "approval_id"),
    table("approval_uses", "approval_id, idempotency_key"),
    table("activity_log", "tenant_id, ledger_seq"),
    table("activity_spans", "tenant_id, span"),
    table("scan_responses", "response_id"),
    table("incidents", "incident_id"),
    table("incident_traces", "incident_id, ledger_seq"),
    table("audit_log", "tenant_id, seq"),
    table("ledger_tiles", "tenant_id, log, level, tile_index"),
    table("ledger_checkpoints", "tenant_id, log, tree_size"),
    table("retention_runs", "tenant_id"),
];

/// Rows of one table that travel together.
#[derive(Clone, Debug, PartialEq)]
pub struct CopiedRows {
    pub table: &'static str,
    /// In the order of the cells.
    pub columns: Vec<String>,
    /// Ids, times and documents are text, flags 0 or 1.
    pub rows: Vec<Vec<Cell<'static>>>,
}
