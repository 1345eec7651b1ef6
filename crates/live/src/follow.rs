//! Following the store: reloads, waiting polls, and the chores of a running service.

use crate::{Live, retention};
use interven_store::Change;
use interven_types::ApprovalId;
use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{broadcast, watch};

/// Polls that wait for a decision, by approval.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    by_approval: Mutex<HashMap<ApprovalId, watch::Sender<()>>>,
    is_ended: AtomicBool,
}

impl Waiting {
    fn wake(&self, id: Option<ApprovalId>) {
        let mut waiting = self.by_approval.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.retain(|_, sender| sender.receiver_count() > 0);
        let concerned = waiting.iter().filter(|(key, _)| id.is_none_or(|id| **key == id));
        concerned.for_each(|(_, sender)| sender.send_replace(()));
    }
}

impl Live {
    /// Hears of what happens to the approval from now on. Subscribe, then read it, then wait: nothing is missed between.
    pub fn watch_approval(&self, id: ApprovalId) -> watch::Receiver<()> {
        let mut waiting = self.waiting.by_approval.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.entry(id).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// The process is to end: polls that wait answer what is known by now, and health says that others should be asked.
    pub fn begin_stopping(&self) {
        self.waiting.is_ended.store(true, Ordering::SeqCst);
        self.waiting.wake(None);
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.waiting.is_ended.load(Ordering::SeqCst)
    }
}

/// How often overdue approvals are expired and uses of keys written back.
const CHORES: Duration = Duration::from_secs(1);
/// How often events that left their window are taken out of the trust counters.
const AGEING: Duration = Duration::from_secs(60);

pub(crate) fn spawn(live: &Arc<Live>, changes: broadcast::Receiver<Change>) {
    tokio::spawn(follow(Arc::downgrade(live), changes));
    tokio::spawn(keep_house(Arc::downgrade(live)));
    tokio::spawn(retention::keep(Arc::downgrade(live)));
}

async fn follow(live: Weak<Live>, mut changes: broadcast::Receiver<Change>) {
    loop {
        let change = match changes.recv().await {
            Ok(change) => change,
            Err(broadcast::error::RecvError::Lagged(_)) => Change::Everything,
            Err(broadcast::error::RecvError::Closed) => return,
        };
        let Some(live) = live.upgrade() else { return };
        match change {
            Change::Tenant(id) => {
                if let Err(error) = live.reload(id).await {
                    tracing::error!(tenant_id = %id, %error, "could not load a change; the previous state stays");
                }
            }
            Change::Approval(_, id) => live.waiting.wake(Some(id)),
            Change::Agent(tenant, agent) => live.forget_agent(tenant, agent),
            Change::Activity(..) => {}
            Change::Everything => {
                if let Err(error) = live.reload_all().await {
                    tracing::error!(%error, "could not load a change; the previous state stays");
                }
                live.waiting.wake(None);
            }
        }
    }
}

async fn keep_house(live: Weak<Live>) {
    let mut chores = tokio::time::interval(CHORES);
    let mut since_ageing = Duration::ZERO;
    loop {
        chores.tick().await;
        let Some(live) = live.upgrade() else { return };
        live.catch_up().await;
        live.flush_seen_keys().await;
        if let Err(error) = live.store.expire_approvals(live.now()).await {
            tracing::warn!(%error, "could not expire approvals");
        }
        since_ageing += CHORES;
        if since_ageing >= AGEING {
            since_ageing = Duration::ZERO;
            if let Err(error) = live.store.age_trust_counters(live.now()).await {
                tracing::warn!(%error, "could not age the trust counters");
            }
        }
    }
}
