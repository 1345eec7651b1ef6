//! What processes on one database tell each other, and how one notices that it was told nothing.
//!
//! Every change counts up its tenant's revision. A notification carries the revision it made, so that a look at the
//! revisions shows whether any was missed.

use interven_store::Change;
use interven_types::{AgentId, ApprovalId, TenantId};
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Mutex, MutexGuard, PoisonError},
};
use uuid::Uuid;

/// A change that others must hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub tenant: TenantId,
    pub change: Change,
}

impl Announcement {
    /// Scans are too many to be told, and what came from elsewhere is known there.
    pub(crate) fn of(change: Change) -> Option<Self> {
        match change {
            Change::Tenant(tenant) | Change::Agent(tenant, _) | Change::Approval(tenant, _) => {
                Some(Self { tenant, change })
            }
            Change::Activity(..) | Change::Everything => None,
        }
    }

    /// `KIND TENANT REVISION WRITER [ID]`, words apart by spaces.
    pub(crate) fn payload(&self, revision: i64, writer: Uuid) -> String {
        let (kind, id) = match self.change {
            Change::Agent(_, agent) => ("agent", format!(" {agent}")),
            Change::Approval(_, approval) => ("approval", format!(" {approval}")),
            _ => ("tenant", String::new()),
        };
        format!("{kind} {} {revision} {writer}{id}", self.tenant)
    }
}

/// A notification, as it arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// By another or this process.
    Told { announcement: Announcement, revision: i64, writer: Uuid },
    /// By hand, or by a newer version: anything may have changed.
    Untold,
}

impl Heard {
    pub(crate) fn read(payload: &str) -> Self {
        Self::told(payload).unwrap_or(Self::Untold)
    }

    fn told(payload: &str) -> Option<Self> {
        let mut words = payload.split(' ');
        let kind = words.next()?;
        let tenant = TenantId(words.next()?.parse().ok()?);
        let revision = words.next()?.parse().ok()?;
        let writer = words.next()?.parse().ok()?;
        let id = words.next().map(|id| id.parse::<Uuid>());
        let change = match (kind, id) {
            ("tenant", None) => Change::Tenant(tenant),
            ("agent", Some(Ok(id))) => Change::Agent(tenant, AgentId(id)),
            ("approval", Some(Ok(id))) => Change::Approval(tenant, ApprovalId(id)),
            _ => return None,
        };
        Some(Self::Told { announcement: Announcement { tenant, change }, revision, writer })
    }
}

/// Which revisions of each tenant this process has made or heard of.
#[derive(Debug, Default)]
pub(crate) struct Revisions(HashMap<Uuid, Known>);

#[derive(Debug, Default)]
struct Known {
    /// All up to here.
    up_to: i64,
    /// And these, which came early.
    beyond: BTreeSet<i64>,
}

impl Revisions {
    pub(crate) fn hear(&mut self, revisions: &BTreeMap<Uuid, i64>) {
        for (tenant, revision) in revisions {
            let known = self.0.entry(*tenant).or_default();
            known.beyond.insert(*revision);
            while known.beyond.remove(&(known.up_to + 1)) {
                known.up_to += 1;
            }
        }
    }

    /// Whether these came to be is not known: what is stored next counts as missed.
    pub(crate) fn forget<'a>(&mut self, tenants: impl Iterator<Item = &'a Uuid>) {
        tenants.for_each(|tenant| _ = self.0.insert(*tenant, Known { up_to: -1, beyond: BTreeSet::new() }));
    }

    /// Whether any of the changes that are stored was neither made nor heard of here. More may have been heard while
    /// the answer was on its way.
    pub(crate) fn has_missed(&self, stored: &[(Uuid, i64)]) -> bool {
        let unknown = Known::default();
        stored.iter().any(|(tenant, revision)| {
            let known = self.0.get(tenant).unwrap_or(&unknown);
            (known.up_to + 1..=*revision).any(|made| !known.beyond.contains(&made))
        })
    }

    /// Takes what is stored as known.
    pub(crate) fn catch_up(&mut self, stored: &[(Uuid, i64)]) {
        for (tenant, revision) in stored {
            let known = self.0.entry(*tenant).or_default();
            known.up_to = known.up_to.max(*revision);
            known.beyond.retain(|made| *made > known.up_to);
        }
    }
}

/// One [`Revisions`] for all who hear.
#[derive(Debug, Default)]
pub(crate) struct SharedRevisions(Mutex<Revisions>);

impl SharedRevisions {
    pub(crate) fn lock(&self) -> MutexGuard<'_, Revisions> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(revision: i64) -> BTreeMap<Uuid, i64> {
        BTreeMap::from([(Uuid::nil(), revision)])
    }

    #[test]
    fn a_payload_says_what_was_announced() {
        let (tenant, id, writer) = (TenantId(Uuid::now_v7()), Uuid::now_v7(), Uuid::now_v7());
        for change in [
            Change::Tenant(tenant),
            Change::Agent(tenant, AgentId(id)),
            Change::Approval(tenant, ApprovalId(id)),
        ] {
            let announcement = Announcement::of(change).unwrap();
            let heard = Heard::read(&announcement.payload(7, writer));
            assert_eq!(heard, Heard::Told { announcement, revision: 7, writer });
        }
        for foreign in ["", "everything", "tenant x 1 y", "weather 1 2 3"] {
            assert_eq!(Heard::read(foreign), Heard::Untold, "{foreign}");
        }
        assert_eq!(Announcement::of(Change::Activity(tenant, 3)), None, "scans are not told");
    }

    #[test]
    fn a_revision_that_nobody_told_of_is_missed_once() {
        for (heard, stored, has_missed) in [
            (vec![1, 2], 2, false),
            (vec![2, 1], 2, false),
            (vec![1, 3], 3, true),
            (vec![3], 2, true),
            (vec![1, 2, 3], 2, false),
            (vec![], 0, false),
            (vec![], 1, true),
        ] {
            let mut revisions = Revisions::default();
            heard.iter().for_each(|revision| revisions.hear(&one(*revision)));
            let stored = [(Uuid::nil(), stored)];
            assert_eq!(revisions.has_missed(&stored), has_missed, "{heard:?} {stored:?}");
            revisions.catch_up(&stored);
            assert!(!revisions.has_missed(&stored), "{heard:?} {stored:?}");
        }
    }

    #[test]
    fn what_may_not_have_come_to_be_is_looked_for_again() {
        let mut revisions = Revisions::default();
        let stored = [(Uuid::nil(), 4)];
        revisions.catch_up(&stored);
        revisions.hear(&one(5));
        revisions.forget([Uuid::nil()].iter());
        assert!(revisions.has_missed(&stored));
    }
}
