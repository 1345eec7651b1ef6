//! Rows on their way into a table, many in one statement: an array for each column, unnested.

use crate::{
    cells::{At, Text, count, json, word},
    session::Tx,
};
use interven_store::StoreResult;
use interven_types::{AgentId, NewApproval, TenantId, TrustEvent, TrustState};
use std::sync::LazyLock;
use tokio_postgres::types::ToSql;

/// The values of one column.
pub(crate) type Values<'a> = Box<dyn ToSql + Sync + Send + 'a>;

/// One column of a table that holds `R`s.
pub(crate) struct Column<R: 'static> {
    name: &'static str,
    sql_type: &'static str,
    values: for<'a> fn(&[&'a R]) -> StoreResult<Values<'a>>,
}

/// A statement with its values, ready to be sent.
pub(crate) struct Prepared<'a> {
    pub sql: &'a str,
    pub params: Vec<Values<'a>>,
}

impl Prepared<'_> {
    pub(crate) fn values(&self) -> Vec<&(dyn ToSql + Sync)> {
        self.params.iter().map(|values| &**values as &(dyn ToSql + Sync)).collect()
    }
}

/// A table that takes many rows of a tenant at once.
pub(crate) struct Table<R: 'static> {
    columns: &'static [Column<R>],
    insert: LazyLock<String>,
}

impl<R> Table<R> {
    /// Nothing when there are no rows.
    pub(crate) fn insert<'a>(
        &'static self,
        tenant: TenantId,
        rows: &[&'a R],
    ) -> StoreResult<Option<Prepared<'a>>> {
        if rows.is_empty() {
            return Ok(None);
        }
        let mut params: Vec<Values<'a>> = vec![Box::new(tenant.0)];
        for column in self.columns {
            params.push((column.values)(rows)?);
        }
        Ok(Some(Prepared { sql: &self.insert, params }))
    }

    /// One row.
    pub(crate) async fn add(&'static self, tx: &Tx, tenant: TenantId, row: &R) -> StoreResult<()> {
        match self.insert(tenant, &[row])? {
            Some(prepared) => tx.change(prepared.sql, &prepared.values()).await.map(drop),
            None => Ok(()),
        }
    }
}

/// `$1` is the tenant, the arrays of the columns follow.
fn insert<R>(table: &str, columns: &[Column<R>], on_conflict: &str) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let arrays: Vec<String> =
        columns.iter().zip(2..).map(|(column, place)| format!("${place}::{}[]", column.sql_type)).collect();
    format!(
        "INSERT INTO {table} (tenant_id, {}) SELECT $1, * FROM unnest({}) {on_conflict}",
        names.join(", "),
        arrays.join(", ")
    )
}

macro_rules! columns {
    ($($name:literal $sql_type:literal |$row:ident| $value:expr;)+) => {
        &[$(Column {
            name: $name,
            sql_type: $sql_type,
            values: |rows| {
                let values = rows.iter().map(|$row| Ok($value)).collect::<StoreResult<Vec<_>>>()?;
                Ok(Box::new(values))
            },
        }),+]
    };
}

const APPROVAL_COLUMNS: &[Column<NewApproval>] = columns![
    "approval_id" "uuid" |new| new.approval_id.0;
    "agent_id" "uuid" |new| new.agent_id.0;
    "signature" "bytea" |new| new.signature.as_slice();
    "trace_id" "uuid" |new| new.trace_id.0;
    "agent_name" "text" |new| Text::from(&new.agent_name);
    "env" "text" |new| Text::from(&new.env);
    "status" "text" |_new| "pending";
    "created_at" "timestamptz" |new| At(new.created_at);
    "expires_at" "timestamptz" |new| At(new.expires_at);
    "tool_name" "text" |new| Text::from(&new.tool_name);
    "operation" "text" |new| Text::from(&new.operation);
    "verb" "text" |new| new.verb.as_str();
    "method" "text" |new| Text::from(&new.method);
    "url" "text" |new| Text::from(&new.url);
    "risk_score" "double precision" |new| new.risk_score;
    "risk_band" "text" |new| new.risk_band.as_str();
    "reason_codes" "text" |new| json(&new.reason_codes)?;
    "rule" "text" |new| new.rule.as_ref().map(json).transpose()?;
    "escalate_to" "text" |new| json(&new.escalate_to)?;
    "approvers" "text" |new| json(&new.approvers)?;
    "max_uses" "bigint" |new| new.max_uses.map(i64::from);
    "grant_window_seconds" "bigint" |new| count(new.grant_window_seconds);
    "deny_window_seconds" "bigint" |new| count(new.deny_window_seconds);
];

const TRUST_COLUMNS: &[Column<TrustState>] = columns![
    "agent_id" "uuid" |trust| trust.agent_id.0;
    "trust_score" "double precision" |trust| trust.trust_score;
    "scrutiny_until" "timestamptz" |trust| trust.scrutiny_until.map(At);
    "high_risk_count_1h" "bigint" |trust| i64::from(trust.high_risk_count_1h);
    "critical_count_24h" "bigint" |trust| i64::from(trust.critical_count_24h);
    "ti_match_count_24h" "bigint" |trust| i64::from(trust.ti_match_count_24h);
    "semantic_match_count_24h" "bigint" |trust| i64::from(trust.semantic_match_count_24h);
    "deny_count_24h" "bigint" |trust| i64::from(trust.deny_count_24h);
    "approval_count_24h" "bigint" |trust| i64::from(trust.approval_count_24h);
    "clean_streak" "bigint" |trust| i64::from(trust.clean_streak);
    "updated_at" "timestamptz" |trust| At(trust.updated_at);
];

const EVENT_COLUMNS: &[Column<(AgentId, TrustEvent)>] = columns![
    "agent_id" "uuid" |event| event.0.0;
    "at" "timestamptz" |event| At(event.1.at);
    "kind" "text" |event| word(&event.1.kind)?;
    "delta" "double precision" |event| event.1.delta;
    "score_after" "double precision" |event| event.1.score_after;
    "trace_id" "uuid" |event| event.1.trace_id.map(|trace| trace.0);
];

pub(crate) static APPROVALS: Table<NewApproval> =
    Table { columns: APPROVAL_COLUMNS, insert: LazyLock::new(|| insert("approvals", APPROVAL_COLUMNS, "")) };

pub(crate) static TRUST: Table<TrustState> = Table {
    columns: TRUST_COLUMNS,
    insert: LazyLock::new(|| {
        let kept = TRUST_COLUMNS.iter().skip(1).map(|column| format!("{0} = excluded.{0}", column.name));
        let kept: Vec<String> = kept.collect();
        let on_conflict = format!("ON CONFLICT (agent_id) DO UPDATE SET {}", kept.join(", "));
        insert("agent_trust_state", TRUST_COLUMNS, &on_conflict)
    }),
};

/// In the order given, which is that of their ids.
pub(crate) static EVENTS: Table<(AgentId, TrustEvent)> =
    Table { columns: EVENT_COLUMNS, insert: LazyLock::new(|| insert("trust_events", EVENT_COLUMNS, "")) };
