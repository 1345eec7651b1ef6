//! Retention: once a day, of each tenant that keeps its record for so many days only, in steps that scans do not feel.

use crate::Live;
use interven_store::{Actor, RetentionRun, StoreError, StoreResult};
use interven_types::{TenantId, Timestamp};
use serde::Serialize;
use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

/// How often it is looked whether a run is due.
const LOOK: Duration = Duration::from_secs(600);
/// From the beginning of one run to the next.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// A run that was cut off is begun anew after this time.
const CUT_OFF: Duration = Duration::from_secs(60 * 60);
/// Rows of each kind taken in one transaction. Scans wait for it, so it is short.
const STEP: u32 = 256;
/// Between two steps at least so many times as long as a step took: others have most of the store.
const PAUSES: u32 = 4;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a tenant keeps its record, and the newest run.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct RetentionStatus {
    /// Absent: for ever.
    pub retention_days: Option<u32>,
    pub run: Option<RetentionRun>,
    /// When the next one is due.
    pub next_at: Option<Timestamp>,
}

impl Live {
    pub async fn retention_status(&self, tenant: TenantId) -> StoreResult<RetentionStatus> {
        let retention_days = self.store.settings(tenant).await?.settings.retention_days;
        let run = self.store.retention_run(tenant).await?;
        let next_at = retention_days.map(|_| run.as_ref().map_or_else(|| self.now(), due_after));
        Ok(RetentionStatus { retention_days, run, next_at })
    }

    /// Begins a run now, unless one is under way. It goes on beside the caller.
    pub async fn start_retention(
        self: &Arc<Self>,
        tenant: TenantId,
        actor: &Actor,
    ) -> StoreResult<RetentionRun> {
        let now = self.now();
        let settings = self.store.settings(tenant).await?.settings;
        let days = settings.retention_days.ok_or_else(|| {
            StoreError::Conflict("the tenant keeps everything: set `retention_days` first".to_owned())
        })?;
        if let Some(run) = self.store.retention_run(tenant).await?.filter(|run| is_under_way(run, now)) {
            return Err(StoreError::Conflict(format!("a run is under way since {}", run.started_at)));
        }
        let begun = self.store.begin_retention(tenant, cutoff(days, now), now, actor, now).await?;
        let begun = begun.ok_or_else(|| StoreError::Conflict("a run has just begun".to_owned()))?;
        let (live, actor) = (Arc::downgrade(self), actor.clone());
        tokio::spawn(async move { take_all(&live, tenant, &actor).await });
        Ok(begun)
    }

    async fn start_due_retention(self: &Arc<Self>, tenant: TenantId) -> StoreResult<()> {
        let now = self.now();
        let RetentionStatus { retention_days: Some(days), run, .. } = self.retention_status(tenant).await?
        else {
            return Ok(());
        };
        if run.as_ref().is_some_and(|run| due_after(run) > now) {
            return Ok(());
        }
        let system = Actor::system();
        let unless_since = run.map_or(Timestamp::from_unix_ms(0), |run| run.started_at);
        let begun = self.store.begin_retention(tenant, cutoff(days, now), unless_since, &system, now).await?;
        // Another process may have been first.
        if begun.is_some() {
            take_all(&Arc::downgrade(self), tenant, &system).await;
        }
        Ok(())
    }
}

fn cutoff(days: u32, now: Timestamp) -> Timestamp {
    now.saturating_sub(DAY * days)
}

fn due_after(run: &RetentionRun) -> Timestamp {
    run.started_at.saturating_add(if run.ended_at.is_some() { EVERY } else { CUT_OFF })
}

fn is_under_way(run: &RetentionRun, now: Timestamp) -> bool {
    run.ended_at.is_none() && due_after(run) > now
}

/// Looks now and then, as long as the service runs, which tenants are due.
pub(crate) async fn keep(live: Weak<Live>) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        let Some(live) = live.upgrade() else { return };
        for tenant in live.tenants() {
            if let Err(error) = live.start_due_retention(tenant.id).await {
                tracing::warn!(%error, tenant_id = %tenant.id, "retention could not run; it is tried again");
            }
        }
    }
}

/// Step by step to the end of the run that was begun. One that fails is begun anew later.
async fn take_all(live: &Weak<Live>, tenant: TenantId, actor: &Actor) {
    loop {
        let Some(live) = live.upgrade() else { return };
        let began = Instant::now();
        let taken = live.store.prune(tenant, STEP, live.now()).await;
        let is_over = match taken {
            Ok(taken) => taken.is_nothing(),
            Err(error) => {
                tracing::warn!(%error, tenant_id = %tenant, "retention stopped before its end; it is begun anew");
                return;
            }
        };
        if is_over {
            match live.store.end_retention(tenant, actor, live.now()).await {
                Ok(run) => tracing::info!(tenant_id = %tenant, pruned = ?run.pruned, "retention is done"),
                Err(error) => {
                    tracing::warn!(%error, tenant_id = %tenant, "the end of retention was not noted")
                }
            }
            return;
        }
        let pause = began.elapsed() * PAUSES;
        drop(live);
        tokio::time::sleep(pause).await;
    }
}
