//! Incidents: one open per agent and trigger; later traces join it.

use crate::{cells::Cells, session::Session};
use interven_store::{IncidentRow, StoreResult};
use interven_types::{AgentId, IncidentId, TenantId, TraceId};
use std::collections::HashMap;
use uuid::Uuid;

/// Traces listed with an incident: the first ones show how it began, the log has the rest.
const TRACES_LISTED: i64 = 200;

pub(crate) async fn newest(db: &Session, tenant: TenantId, limit: u32) -> StoreResult<Vec<IncidentRow>> {
    let sql = "SELECT incident_id, agent_id, trigger_name, severity, title, status, opened_at, updated_at FROM incidents WHERE tenant_id = $1 ORDER BY opened_at DESC, incident_id DESC LIMIT $2";
    let mut incidents = db.rows(sql, &[&tenant.0, &i64::from(limit)], incident_row).await?;
    let ids: Vec<Uuid> = incidents.iter().map(|incident| incident.incident_id.0).collect();
    let listed = db
        .rows(
            "SELECT listed.incident_id, listed.trace_id FROM unnest($1::uuid[]) AS wanted (incident_id)
             CROSS JOIN LATERAL (
                SELECT incident_id, ledger_seq, trace_id FROM incident_traces AS t
                WHERE t.incident_id = wanted.incident_id ORDER BY ledger_seq LIMIT $2
             ) AS listed ORDER BY listed.incident_id, listed.ledger_seq",
            &[&ids, &TRACES_LISTED],
            |row| Ok((IncidentId(row.uuid("incident_id")?), TraceId(row.uuid("trace_id")?))),
        )
        .await?;
    let mut traces: HashMap<IncidentId, Vec<TraceId>> = HashMap::new();
    listed.into_iter().for_each(|(incident, trace)| traces.entry(incident).or_default().push(trace));
    for incident in &mut incidents {
        incident.trace_ids = traces.remove(&incident.incident_id).unwrap_or_default();
    }
    Ok(incidents)
}

fn incident_row(row: &Cells<'_>) -> StoreResult<IncidentRow> {
    Ok(IncidentRow {
        incident_id: IncidentId(row.uuid("incident_id")?),
        agent_id: AgentId(row.uuid("agent_id")?),
        trigger: row.string("trigger_name")?,
        severity: row.word("severity")?,
        title: row.string("title")?,
        status: row.string("status")?,
        opened_at: row.time("opened_at")?,
        updated_at: row.time("updated_at")?,
        trace_ids: Vec::new(),
    })
}
