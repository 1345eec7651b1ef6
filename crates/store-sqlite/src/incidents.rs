//! Incidents: one open per agent and trigger; later traces join it.

use crate::{
    sql::{Cells, Sql, count},
    writer::Tx,
};
use interven_store::{IncidentRow, StoreResult};
use interven_types::{AgentId, IncidentEffect, IncidentId, RiskBand, TenantId, Timestamp, TraceId};
use rusqlite::{Connection, params};
use uuid::Uuid;

/// Traces listed with an incident: the first ones show how it began, the log has the rest.
const TRACES_LISTED: u32 = 200;

/// The scan that an incident is opened or continued by.
pub(crate) struct Occasion {
    pub tenant: TenantId,
    pub agent: AgentId,
    pub trace: TraceId,
    pub ledger_seq: u64,
    pub at: Timestamp,
}

pub(crate) fn open_or_join(tx: &Tx<'_>, occasion: &Occasion, effect: &IncidentEffect) -> StoreResult<()> {
    let agent = occasion.agent.to_string();
    let open = tx.row(
        "SELECT incident_id, severity FROM incidents
         WHERE agent_id = ?1 AND trigger_name = ?2 AND status <> 'closed'",
        params![agent, effect.trigger],
        |row| Ok((row.string("incident_id")?, row.word::<RiskBand>("severity")?)),
    )?;
    let incident = match open {
        Some((incident, severity)) => {
            tx.change(
                "UPDATE incidents SET severity = ?2, updated_at = ?3 WHERE incident_id = ?1",
                params![incident, severity.max(effect.severity).as_str(), occasion.at.to_string()],
            )?;
            incident
        }
        None => {
            let incident = IncidentId(Uuid::now_v7()).to_string();
            tx.change(
                "INSERT INTO incidents
                 (incident_id, tenant_id, agent_id, trigger_name, severity, title, opened_at, updated_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7)",
                params![
                    incident,
                    occasion.tenant.to_string(),
                    agent,
                    effect.trigger,
                    effect.severity.as_str(),
                    effect.title,
                    occasion.at.to_string()
                ],
            )?;
            incident
        }
    };
    // The same trigger may be named twice by one scan.
    tx.change(
        "INSERT OR IGNORE INTO incident_traces (incident_id, ledger_seq, trace_id) VALUES (?1, ?2, ?3)",
        params![incident, count(occasion.ledger_seq), occasion.trace.to_string()],
    )?;
    Ok(())
}

pub(crate) fn newest(db: &Connection, tenant: TenantId, limit: u32) -> StoreResult<Vec<IncidentRow>> {
    let mut incidents = db.rows(
        "SELECT * FROM incidents WHERE tenant_id = ?1 ORDER BY opened_at DESC, rowid DESC LIMIT ?2",
        params![tenant.to_string(), limit],
        incident_row,
    )?;
    for incident in &mut incidents {
        incident.trace_ids = db.rows(
            "SELECT trace_id FROM incident_traces WHERE incident_id = ?1 ORDER BY ledger_seq LIMIT ?2",
            params![incident.incident_id.to_string(), TRACES_LISTED],
            |row| row.parsed("trace_id"),
        )?;
    }
    Ok(incidents)
}

fn incident_row(row: &Cells<'_>) -> StoreResult<IncidentRow> {
    Ok(IncidentRow {
        incident_id: row.parsed("incident_id")?,
        agent_id: row.parsed("agent_id")?,
        trigger: row.string("trigger_name")?,
        severity: row.word("severity")?,
        title: row.string("title")?,
        status: row.string("status")?,
        opened_at: row.parsed("opened_at")?,
        updated_at: row.parsed("updated_at")?,
        trace_ids: Vec::new(),
    })
}
