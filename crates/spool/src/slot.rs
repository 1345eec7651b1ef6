//! The last step of a decision, in a place where it can still be found when the store failed.
//!
//! A store runs it in its transaction, or fails before. What happens afterwards depends on which: a step that never ran is run
//! without the store, and one that ran stands as it is, for the store may have committed it.

use interven_store::{Settle, Settled};
use interven_types::Precedent;
use std::sync::{Arc, Mutex, PoisonError};

pub(crate) enum Phase {
    /// Not run yet.
    Open(Settle),
    /// Run in the store's transaction, whose end may be unknown.
    Settled(Box<Settled>),
    /// Taken out, or run without a result.
    Spent,
}

#[derive(Clone)]
pub(crate) struct Slot(Arc<Mutex<Phase>>);

impl Slot {
    pub(crate) fn new(settle: Settle) -> Self {
        Self(Arc::new(Mutex::new(Phase::Open(settle))))
    }

    /// What stands in the slot; from now on the store finds nothing in it, however late it comes.
    pub(crate) fn take(&self) -> Phase {
        std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), Phase::Spent)
    }

    /// For the store: at most once, and never after [`Slot::take`].
    pub(crate) fn settle(&self, precedent: &Precedent) -> Option<Settled> {
        let mut phase = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Phase::Open(settle) = std::mem::replace(&mut *phase, Phase::Spent) else { return None };
        let settled = settle(precedent)?;
        *phase = Phase::Settled(Box::new(settled.clone()));
        Some(settled)
    }
}
