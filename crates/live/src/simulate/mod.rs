//! What a draft of policies would have decided otherwise: recorded calls judged once more, by the policies in force and by
//! the draft, side by side and by the same core. Nothing is recorded of it but that somebody did it.

mod compare;
mod report;

pub use report::SimulationReport;

use crate::{
    ApplyError, Live, NewPolicies, TenantError,
    policies::Plan,
    tenants::{PolicySets, Tenant, compile_each_environment},
};
use compare::Bench;
use interven_store::{ActivityExtent, ActivityFilter, Actor, AuditEntry, PolicyRow, StoreError};
use interven_types::{AgentId, TenantId, Timestamp};
use report::Tally;
use serde::Serialize;
use serde_json::json;
use std::{
    collections::{BTreeSet, VecDeque},
    num::NonZero,
    sync::Arc,
    thread,
    time::Instant,
};
use tokio::{
    sync::{Semaphore, mpsc},
    task::{JoinError, spawn_blocking},
};

/// Scans read and judged in one go. At the largest body that a tenant may allow by default, a page is 32 MiB.
const PAGE: u32 = 128;

/// Policies to try, and how they would come to be in force.
#[derive(Clone, Debug)]
pub struct Draft {
    pub policies: NewPolicies,
    /// The draft judges alone, without the tenant's other policies.
    pub is_alone: bool,
}

/// Which recorded scans; all that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct SimulationWindow {
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub agent_id: Option<AgentId>,
    pub tool_name: Option<String>,
    /// The newest ones, at most so many.
    pub limit: Option<u64>,
}

/// What is heard of a simulation while it runs; the report or the error is the last.
#[derive(Debug)]
pub enum SimulationEvent {
    Progress(Progress),
    Report(Box<SimulationReport>),
    Failed(SimulateError),
}

/// How far a simulation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Progress {
    pub scans: u64,
    pub of: u64,
}

#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The draft could not be applied either.
    #[error(transparent)]
    Draft(#[from] ApplyError),
    #[error("the policies in force cannot be loaded: {0}")]
    InForce(#[from] TenantError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("a part of the simulation ended before its time: {0}")]
    Interrupted(#[from] JoinError),
}

/// How many pages are judged at once in the whole process, so that calls that wait for an answer keep half of the cores.
#[derive(Debug)]
pub(crate) struct Places {
    free: Arc<Semaphore>,
    count: usize,
}

impl Places {
    pub(crate) fn new() -> Self {
        let count = (thread::available_parallelism().map_or(1, NonZero::get) / 2).max(1);
        Self { free: Arc::new(Semaphore::new(count)), count }
    }
}

/// A simulation that is ready to run.
#[derive(Debug)]
pub struct Simulation {
    live: Arc<Live>,
    tenant: TenantId,
    bench: Arc<Bench>,
    filter: ActivityFilter,
    extent: ActivityExtent,
    tally: Tally,
}

/// How a simulation came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With a report or an error as its last event.
    Told,
    /// Nobody listened any more when so many scans had been judged.
    Abandoned { scans: u64 },
}

impl Live {
    /// Checks the draft as an apply would, and writes down who simulates what: the recorded requests are about to be opened.
    pub async fn prepare_simulation(
        self: &Arc<Self>,
        tenant: TenantId,
        draft: Draft,
        window: SimulationWindow,
        actor: &Actor,
    ) -> Result<Simulation, SimulateError> {
        let plan = self.plan_policies(tenant, &draft.policies).await?;
        let drafted = drafted(&plan);
        let loaded: Arc<Tenant> = self.tenant(tenant).ok_or(StoreError::NotFound("tenant"))?;
        let in_force = compile_each_environment(&plan.before)?;
        let draft_sets: PolicySets =
            if draft.is_alone { compile_each_environment(&drafted)? } else { plan.sets_after };
        let filter = ActivityFilter {
            agent_id: window.agent_id,
            tool_name: window.tool_name,
            envs: environments(&drafted),
            since: window.since,
            until: window.until,
            ..ActivityFilter::default()
        };
        let mut extent = self.store.activity_extent(tenant, &filter).await?;
        extent.rows = extent.rows.min(window.limit.unwrap_or(u64::MAX));
        let tally = Tally::new(&drafted, &filter, draft.is_alone)?;
        let names: BTreeSet<&str> = drafted.iter().map(|row| row.name.as_str()).collect();
        let entry = AuditEntry {
            action: "policy.simulate".to_owned(),
            target: names.into_iter().collect::<Vec<_>>().join(", "),
            details: json!({
                "environments": filter.envs, "since": filter.since, "until": filter.until, "agent_id": filter.agent_id,
                "tool": filter.tool_name, "alone": draft.is_alone, "scans": extent.rows,
            }),
        };
        self.store.audit(tenant, &entry, actor, self.now()).await?;
        let bench = Arc::new(Bench { tenant: loaded, in_force, draft: draft_sets });
        Ok(Simulation { live: Arc::clone(self), tenant, bench, filter, extent, tally })
    }
}

/// The draft's own policies among those that would be in force.
fn drafted(plan: &Plan) -> Vec<PolicyRow> {
    let is_drafted = |row: &&PolicyRow| {
        let key = (&row.name, &row.env_name, row.agent_id);
        plan.upserts.iter().any(|policy| (&policy.name, &policy.env_name, policy.agent_id) == key)
    };
    plan.after.iter().filter(is_drafted).cloned().collect()
}

/// Where the draft is in force; empty when that is everywhere. Scans of other environments it cannot change.
fn environments(drafted: &[PolicyRow]) -> Vec<String> {
    let named: Option<BTreeSet<String>> = drafted.iter().map(|row| row.env_name.clone()).collect();
    named.unwrap_or_default().into_iter().collect()
}

impl Simulation {
    /// How many scans it is about.
    pub fn scans(&self) -> u64 {
        self.extent.rows
    }

    /// Judges all of them, newest first, and tells how far it is after each page. Waits for its listener, and ends when
    /// there is none any more.
    pub async fn run(mut self, events: mpsc::Sender<SimulationEvent>) -> Ended {
        let started = Instant::now();
        let last = match self.judge_all(&events).await {
            Ok(Ended::Told) => {
                let report = self.tally.report(started.elapsed());
                SimulationEvent::Report(Box::new(report))
            }
            Ok(abandoned) => return abandoned,
            Err(error) => SimulationEvent::Failed(error),
        };
        match events.send(last).await {
            Ok(()) => Ended::Told,
            Err(_gone) => self.abandoned(),
        }
    }

    fn abandoned(&self) -> Ended {
        Ended::Abandoned { scans: self.tally.scans() }
    }

    async fn judge_all(&mut self, events: &mpsc::Sender<SimulationEvent>) -> Result<Ended, SimulateError> {
        let of = self.extent.rows;
        let mut before = self.extent.newest.map_or(0, |newest| newest.saturating_add(1));
        let mut unread = of;
        let mut pages = VecDeque::new();
        loop {
            // One more than there are places: it is read while they are taken.
            while unread > 0 && pages.len() <= self.live.simulations.count {
                let limit = u32::try_from(unread).unwrap_or(PAGE).min(PAGE);
                let filter = ActivityFilter { before_seq: Some(before), limit, ..self.filter.clone() };
                let rows = self.live.store.sealed_activity(self.tenant, &filter).await?;
                unread = unread.saturating_sub(rows.len() as u64);
                let sealed = rows.iter().filter_map(|(_, row)| row.as_ref().ok());
                let sealed = sealed.map(|row| row.sealed_request.as_slice());
                self.live.at_rest.learn_keys_of(self.live.store.as_ref(), sealed).await?;
                match rows.last() {
                    Some((seq, _)) => before = *seq,
                    None => unread = 0,
                }
                let (live, bench) = (Arc::clone(&self.live), Arc::clone(&self.bench));
                let tenant = self.tenant;
                let place = Arc::clone(&self.live.simulations.free).acquire_owned().await;
                pages.push_back(spawn_blocking(move || {
                    let judged = bench.judge(&live, tenant, rows);
                    drop(place);
                    judged
                }));
            }
            let Some(page) = pages.pop_front() else { return Ok(Ended::Told) };
            let judged = page.await?;
            judged.into_iter().for_each(|scan| self.tally.add(scan));
            let progress = Progress { scans: self.tally.scans(), of };
            if events.send(SimulationEvent::Progress(progress)).await.is_err() {
                return Ok(self.abandoned());
            }
        }
    }
}
