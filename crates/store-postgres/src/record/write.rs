//! The second round trip: writes what came of a batch.

use super::{SPAN, log};
use crate::{
    book::{Book, Use},
    cells::{At, Text, count},
    columns::{APPROVALS, EVENTS, Prepared, TRUST, Values},
    record::read::BudgetArrays,
};
use interven_store::{ActivityRow, ApprovalEffect, IncidentEffect, Receipt, StoreResult};
use interven_types::{
    AgentId, ApprovalId, BudgetKey, Lesson, Millionths, NewApproval, RiskBand, Spending, TenantId, Timestamp,
    TraceId, TrustEvent, TrustState, window_number,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a batch writes, as values that live as long as its statements.
pub(super) struct Page<'a> {
    tenant: TenantId,
    book: &'a Book,
    receipts: &'a [Receipt],
    trust: Vec<TrustState>,
    events: Vec<(AgentId, TrustEvent)>,
}

impl<'a> Page<'a> {
    pub(super) fn of(tenant: TenantId, book: &'a Book, receipts: &'a [Receipt]) -> Self {
        let moved = book.agents.iter().filter(|(_, known)| known.has_moved);
        let events = receipts.iter().flat_map(|receipt| {
            let agent = receipt.settled.row.agent_id;
            receipt.settled.trust_events.iter().map(move |event| (agent, event.clone()))
        });
        Self {
            tenant,
            book,
            receipts,
            // What moved was written into the book whole: there is nothing to read relative to now.
            trust: moved.map(|(agent, known)| known.trust.at(*agent, Timestamp::from_unix_ms(0))).collect(),
            events: events.collect(),
        }
    }

    fn rows(&self) -> impl Iterator<Item = &'a ActivityRow> + use<'a> {
        self.receipts.iter().map(|receipt| &receipt.settled.row)
    }

    /// In the order in which they are to run.
    pub(super) fn statements(&'a self) -> StoreResult<Vec<Prepared<'a>>> {
        let created: Vec<&NewApproval> = self
            .receipts
            .iter()
            .filter_map(|receipt| match &receipt.settled.approval {
                ApprovalEffect::Create(new) => Some(&**new),
                ApprovalEffect::None | ApprovalEffect::Use { .. } => None,
            })
            .collect();
        let tables = [
            Some(self.counters()),
            Some(log::insert(self.tenant, self.rows())?),
            Some(self.spans()),
            TRUST.insert(self.tenant, &self.trust.iter().collect::<Vec<_>>())?,
            EVENTS.insert(self.tenant, &self.events.iter().collect::<Vec<_>>())?,
            APPROVALS.insert(self.tenant, &created)?,
            self.uses(),
            self.used_keys(),
            self.habits(),
            self.spendings(),
            self.key_uses(),
            self.incidents(),
        ];
        Ok(tables.into_iter().flatten().chain(self.lessons()).collect())
    }

    fn counters(&self) -> Prepared<'a> {
        let counters = &self.book.counters;
        Prepared {
            sql:
                "UPDATE tenant_counters SET ledger_seq = $2, month = $3, scans_this_month = $4, rate_time = $5
                  WHERE tenant_id = $1",
            params: vec![
                Box::new(self.tenant.0),
                Box::new(count(counters.ledger_seq)),
                Box::new(counters.month.as_str()),
                Box::new(count(counters.scans_this_month)),
                Box::new(counters.rate_time.0),
            ],
        }
    }

    fn spans(&self) -> Prepared<'a> {
        let mut spans: BTreeMap<i64, (Timestamp, Timestamp)> = BTreeMap::new();
        for row in self.rows() {
            let at = row.created_at;
            let (earliest, latest) = spans.entry(count(row.ledger_seq) / SPAN).or_insert((at, at));
            (*earliest, *latest) = (at.min(*earliest), at.max(*latest));
        }
        let span = |find: fn(&(Timestamp, Timestamp)) -> Timestamp| -> Values<'a> {
            Box::new(spans.values().map(|span| At(find(span))).collect::<Vec<_>>())
        };
        let (earliest, latest) = (span(|span| span.0), span(|span| span.1));
        Prepared {
            sql: "INSERT INTO activity_spans AS s (tenant_id, span, earliest, latest)
                  SELECT $1, * FROM unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[])
                  ON CONFLICT (tenant_id, span) DO UPDATE SET
                     earliest = least(s.earliest, excluded.earliest), latest = greatest(s.latest, excluded.latest)",
            params: vec![
                Box::new(self.tenant.0),
                Box::new(spans.into_keys().collect::<Vec<_>>()),
                earliest,
                latest,
            ],
        }
    }

    fn uses(&self) -> Option<Prepared<'a>> {
        let used = self.book.approvals.used();
        (!used.is_empty()).then(|| Prepared {
            sql: "UPDATE approvals AS a SET uses = a.uses + used.times
                  FROM unnest($2::uuid[], $3::bigint[]) AS used (approval_id, times)
                  WHERE a.approval_id = used.approval_id AND a.tenant_id = $1",
            params: vec![
                Box::new(self.tenant.0),
                Box::new(used.keys().map(|id| id.0).collect::<Vec<_>>()),
                Box::new(used.values().map(|used| i64::from(used.times)).collect::<Vec<_>>()),
            ],
        })
    }

    fn used_keys(&self) -> Option<Prepared<'a>> {
        let each = |(id, used): (&'a ApprovalId, &'a Use)| {
            used.idempotency_keys.iter().map(move |key| (id.0, Text::from(key)))
        };
        let (ids, keys): (Vec<Uuid>, Vec<Text<'a>>) =
            self.book.approvals.used().iter().flat_map(each).unzip();
        (!ids.is_empty()).then(|| Prepared {
            sql: "INSERT INTO approval_uses (approval_id, idempotency_key)
                  SELECT * FROM unnest($1::uuid[], $2::text[]) ON CONFLICT DO NOTHING",
            params: vec![Box::new(ids), Box::new(keys)],
        })
    }

    fn taught(&self) -> impl Iterator<Item = (&'a ActivityRow, &'a Lesson)> + use<'a> {
        self.receipts
            .iter()
            .filter_map(|receipt| Some((&receipt.settled.row, receipt.settled.lesson.as_ref()?)))
    }

    /// Allowed calls by window, as [`interven_store::Baseline::learn`] counts them. Nearly always all calls of an agent
    /// are in one window; of those that are not, each further one is a statement more.
    fn lessons(&self) -> Vec<Prepared<'a>> {
        let mut runs: BTreeMap<AgentId, Vec<(i64, i64)>> = BTreeMap::new();
        for (row, _) in self.taught() {
            let window = window_number(row.created_at);
            let runs = runs.entry(row.agent_id).or_default();
            match runs.last_mut() {
                Some((last, calls)) if *last == window => *calls += 1,
                _ => runs.push((window, 1)),
            }
        }
        let mut statements = Vec::new();
        for turn in 0.. {
            let in_turn = runs.iter().filter_map(|(agent, runs)| Some((agent.0, *runs.get(turn)?)));
            let (agents, windows): (Vec<Uuid>, Vec<(i64, i64)>) = in_turn.unzip();
            if agents.is_empty() {
                break;
            }
            let (windows, calls): (Vec<i64>, Vec<i64>) = windows.into_iter().unzip();
            statements.push(Prepared {
                sql: "INSERT INTO agent_baselines AS b (agent_id, scans, windows, window_number, window_count)
                      SELECT agent_id, calls, 1, number, calls
                      FROM unnest($1::uuid[], $2::bigint[], $3::bigint[]) AS run (agent_id, number, calls)
                      ON CONFLICT (agent_id) DO UPDATE SET
                         scans = b.scans + excluded.scans,
                         windows = b.windows + (b.window_number <> excluded.window_number)::int,
                         window_count = excluded.window_count
                            + CASE WHEN b.window_number = excluded.window_number THEN b.window_count ELSE 0 END,
                         window_number = excluded.window_number",
                params: vec![Box::new(agents), Box::new(windows), Box::new(calls)],
            });
        }
        statements
    }

    fn habits(&self) -> Option<Prepared<'a>> {
        let mut habits: (Vec<Uuid>, Vec<&str>, Vec<Text<'a>>) = Default::default();
        for (row, lesson) in self.taught() {
            let kinds = [("destination", &lesson.new_destinations), ("operation", &lesson.new_operations)];
            for (kind, value) in kinds.iter().flat_map(|(kind, values)| values.iter().map(move |v| (kind, v)))
            {
                habits.0.push(row.agent_id.0);
                habits.1.push(kind);
                habits.2.push(Text::from(value));
            }
        }
        let (agents, kinds, values) = habits;
        (!agents.is_empty()).then(|| Prepared {
            sql: "INSERT INTO agent_habits (agent_id, kind, value)
                  SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[]) ON CONFLICT DO NOTHING",
            params: vec![Box::new(agents), Box::new(kinds), Box::new(values)],
        })
    }

    /// A sum that is too large to count stays the largest.
    fn spendings(&self) -> Option<Prepared<'a>> {
        let mut spent: BTreeMap<&BudgetKey, Millionths> = BTreeMap::new();
        for Spending { key, amount } in self.receipts.iter().flat_map(|receipt| &receipt.settled.spendings) {
            let sum = spent.entry(key).or_default();
            *sum = sum.saturating_add(*amount);
        }
        let BudgetArrays { names, days, agents } = BudgetArrays::of(spent.keys().copied());
        (!spent.is_empty()).then(|| Prepared {
            sql: "INSERT INTO budget_usage AS b (tenant_id, name, day, agent_id, millionths)
                  SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[], $5::bigint[])
                  ON CONFLICT (tenant_id, name, day, agent_id) DO UPDATE SET millionths =
                     least(b.millionths::numeric + excluded.millionths, 9223372036854775807)::bigint",
            params: vec![
                Box::new(self.tenant.0),
                Box::new(names),
                Box::new(days),
                Box::new(agents),
                Box::new(spent.values().map(|sum| sum.0).collect::<Vec<_>>()),
            ],
        })
    }

    fn key_uses(&self) -> Option<Prepared<'a>> {
        let (keys, uses): (Vec<Uuid>, Vec<i64>) =
            self.book.key_uses.iter().map(|(key, uses)| (key.0, i64::from(*uses))).unzip();
        (!keys.is_empty()).then(|| Prepared {
            sql: "UPDATE ephemeral_keys AS e SET uses = now.uses
                  FROM unnest($2::uuid[], $3::bigint[]) AS now (key_id, uses)
                  WHERE e.key_id = now.key_id AND e.tenant_id = $1 AND e.uses <> now.uses",
            params: vec![Box::new(self.tenant.0), Box::new(keys), Box::new(uses)],
        })
    }

    fn incidents(&self) -> Option<Prepared<'a>> {
        let mut incidents: BTreeMap<(AgentId, &str), Incident<'a>> = BTreeMap::new();
        let mut traces: (Vec<Uuid>, Vec<&'a str>, Vec<i64>, Vec<Uuid>) = Default::default();
        for receipt in self.receipts {
            let row = &receipt.settled.row;
            for IncidentEffect { trigger, severity, title } in &receipt.settled.incidents {
                let at = row.created_at;
                let new = Incident { severity: *severity, title, opened_at: at, updated_at: at };
                let incident = incidents.entry((row.agent_id, trigger)).or_insert(new);
                incident.severity = incident.severity.max(*severity);
                incident.updated_at = at;
                let TraceId(trace) = row.trace_id;
                traces.0.push(row.agent_id.0);
                traces.1.push(trigger);
                traces.2.push(count(receipt.ledger_seq));
                traces.3.push(trace);
            }
        }
        if incidents.is_empty() {
            return None;
        }
        let (agents, triggers): (Vec<Uuid>, Vec<&str>) =
            incidents.keys().map(|(agent, trigger)| (agent.0, *trigger)).unzip();
        let new_ids: Vec<Uuid> = agents.iter().map(|_| Uuid::now_v7()).collect();
        let all = || incidents.values();
        Some(Prepared {
            sql: INCIDENTS,
            params: vec![
                Box::new(self.tenant.0),
                Box::new(new_ids),
                Box::new(agents),
                Box::new(triggers),
                Box::new(all().map(|incident| incident.severity.as_str()).collect::<Vec<_>>()),
                Box::new(all().map(|incident| Text::from(incident.title)).collect::<Vec<_>>()),
                Box::new(all().map(|incident| At(incident.opened_at)).collect::<Vec<_>>()),
                Box::new(all().map(|incident| At(incident.updated_at)).collect::<Vec<_>>()),
                Box::new(traces.0),
                Box::new(traces.1),
                Box::new(traces.2),
                Box::new(traces.3),
            ],
        })
    }
}

/// What a batch adds to one incident, open or not yet.
struct Incident<'a> {
    severity: RiskBand,
    title: &'a str,
    opened_at: Timestamp,
    updated_at: Timestamp,
}

/// Opens what is not open yet, and lists the traces with it. One scan may name a trigger twice.
const INCIDENTS: &str = "WITH open AS (
        INSERT INTO incidents AS i
            (incident_id, tenant_id, agent_id, trigger_name, severity, title, opened_at, updated_at)
        SELECT incident_id, $1, agent_id, trigger_name, severity, title, opened_at, updated_at
        FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[])
            AS new (incident_id, agent_id, trigger_name, severity, title, opened_at, updated_at)
        ON CONFLICT (agent_id, trigger_name) WHERE status <> 'closed' DO UPDATE SET
            severity = CASE WHEN array_position('{LOW,MEDIUM,HIGH,CRITICAL}'::text[], i.severity)
                               > array_position('{LOW,MEDIUM,HIGH,CRITICAL}'::text[], excluded.severity)
                            THEN i.severity ELSE excluded.severity END,
            updated_at = excluded.updated_at
        RETURNING incident_id, agent_id, trigger_name)
     INSERT INTO incident_traces (incident_id, ledger_seq, trace_id)
     SELECT open.incident_id, joined.ledger_seq, joined.trace_id
     FROM open JOIN unnest($9::uuid[], $10::text[], $11::bigint[], $12::uuid[])
        AS joined (agent_id, trigger_name, ledger_seq, trace_id) USING (agent_id, trigger_name)
     ON CONFLICT DO NOTHING";
