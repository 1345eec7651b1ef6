//! The keys that requests are sealed under: loaded at start, made where one is missing, followed while running.
//!
//! All processes on one store hold the same keys. A change is planned on what is stored and made only if nobody made
//! another in between, so of two that want the same key one makes it and both use it.

mod error;
mod masters;
mod plan;
mod status;

pub use error::{KeyError, StartError};
pub use masters::{MasterKeys, wrapped_under};
pub use status::{DataKeyStatus, EncryptionStatus};

use crate::{Live, randomness};
use interven_store::{Actor, DataKeyRow, Store, StoreError, StoredKeys};
use interven_types::{TenantId, Timestamp};
use interven_vault::{KeyRing, OpenError, Place};
use plan::Plan;
pub(crate) use plan::value_place;
use std::sync::{Arc, PoisonError, RwLock};

/// How often a change is planned anew because others were first.
const MOST_ATTEMPTS: u32 = 32;

#[derive(Debug)]
pub(crate) struct AtRest {
    masters: MasterKeys,
    known: RwLock<Known>,
    /// One at a time, so that keys are added in their order.
    refreshing: tokio::sync::Mutex<()>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    ring: Arc<KeyRing>,
    /// The highest number among the keys that have been looked at.
    last: u64,
}

impl Known {
    /// Takes in keys that are stored; one that no master key of this process opens is passed over.
    fn learn(&mut self, keys: &[DataKeyRow], masters: &MasterKeys) {
        let mut ring = KeyRing::clone(&self.ring);
        for row in keys {
            match masters.unwrap(row) {
                Ok(key) => ring.add(row.tenant_id, key),
                Err(error) => tracing::error!(
                    data_key = %row.fingerprint, %error,
                    "a data key does not open, and nor does what is sealed under it; restart with the master key of today"
                ),
            }
            self.last = row.number;
        }
        self.ring = Arc::new(ring);
    }
}

impl AtRest {
    /// Opens all keys that are stored, wraps under the current master key what lies under an earlier one, and makes the
    /// installation's own key when there is none: in one transaction, or not at all.
    pub(crate) async fn start(
        store: &dyn Store,
        masters: MasterKeys,
        now: Timestamp,
    ) -> Result<Self, StartError> {
        for _ in 0..MOST_ATTEMPTS {
            let stored = store.stored_keys(0).await?;
            let plan = Plan::of_start(&stored, &masters, now)?;
            let is_rotated = plan.is_rotation();
            if let Some(change) = plan.into_change(&store.tenants().await?)
                && !store.change_keys(stored.revision, &change, &Actor::system(), now).await?
            {
                continue;
            }
            if is_rotated {
                tracing::info!(master_key = %masters.current(), "all data keys are wrapped under the new master key");
            }
            let at_rest =
                Self { masters, known: RwLock::default(), refreshing: tokio::sync::Mutex::default() };
            at_rest.refresh(store).await?;
            return Ok(at_rest);
        }
        Err(KeyError::Contended.into())
    }

    fn ring(&self) -> Arc<KeyRing> {
        Arc::clone(&self.known.read().unwrap_or_else(PoisonError::into_inner).ring)
    }

    /// Seals under the newest key of the place's tenant.
    pub(crate) fn seal(&self, place: &Place<'_>, plaintext: &[u8]) -> Result<Vec<u8>, KeyError> {
        self.ring().seal(place, randomness::fill()?, plaintext).ok_or(KeyError::NoDataKey)
    }

    pub(crate) fn open(&self, place: &Place<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.ring().open(place, sealed)
    }

    /// Looks for keys that other processes have made, when one of these values names a key that is not known here.
    pub(crate) async fn learn_keys_of(
        &self,
        store: &dyn Store,
        mut sealed: impl Iterator<Item = &[u8]>,
    ) -> Result<(), StoreError> {
        let ring = self.ring();
        if sealed.any(|value| ring.lacks_key_of(value)) {
            self.refresh(store).await?;
        }
        Ok(())
    }

    /// Reads the keys that were added since the last time.
    async fn refresh(&self, store: &dyn Store) -> Result<(), StoreError> {
        let _turn = self.refreshing.lock().await;
        let last = self.known.read().unwrap_or_else(PoisonError::into_inner).last;
        let stored = store.stored_keys(last).await?;
        self.learn(&stored);
        Ok(())
    }

    fn learn(&self, stored: &StoredKeys) {
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let first_new = stored.keys.partition_point(|row| row.number <= known.last);
        if let Some(new) = stored.keys.get(first_new..).filter(|new| !new.is_empty()) {
            known.learn(new, &self.masters);
        }
    }

    /// Makes the new keys that `wanted` asks for, seeing the keys as they are stored. Returns the keys made.
    async fn add_keys(
        &self,
        store: &dyn Store,
        wanted: impl Fn(&KeyRing) -> Vec<Option<TenantId>>,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<Vec<DataKeyRow>, KeyError> {
        for _ in 0..MOST_ATTEMPTS {
            let (stored, ring) = {
                let _turn = self.refreshing.lock().await;
                let stored = store.stored_keys(0).await?;
                self.learn(&stored);
                (stored, self.ring())
            };
            let owners = wanted(&ring);
            if owners.is_empty() {
                return Ok(Vec::new());
            }
            let plan = Plan::of_new_keys(&stored, &self.masters, &ring, &owners, now)?;
            let Some(change) = plan.into_change(&store.tenants().await?) else { return Ok(Vec::new()) };
            if store.change_keys(stored.revision, &change, actor, now).await? {
                self.refresh(store).await?;
                return Ok(change.added);
            }
        }
        Err(KeyError::Contended)
    }
}

impl Live {
    /// Makes the tenant's first data key, unless it has one.
    pub(crate) async fn ensure_data_key(&self, tenant: TenantId) -> Result<(), KeyError> {
        self.at_rest.refresh(self.store.as_ref()).await?;
        if self.at_rest.ring().newest(Some(tenant)).is_some() {
            return Ok(());
        }
        let wanted = |ring: &KeyRing| match ring.newest(Some(tenant)) {
            Some(_) => Vec::new(),
            None => vec![Some(tenant)],
        };
        self.at_rest.add_keys(self.store.as_ref(), wanted, &Actor::system(), self.now()).await.map(drop)
    }

    /// Makes a new data key for the tenant; without one, for every tenant and for the installation. What is sealed from
    /// now on is sealed under it, in every process within a second; what was sealed before stays as it is.
    pub async fn rotate_data_keys(
        &self,
        tenant: Option<TenantId>,
        actor: &Actor,
    ) -> Result<Vec<DataKeyStatus>, KeyError> {
        let store = self.store.as_ref();
        let tenants = store.tenants().await?;
        let owners = match tenant {
            Some(tenant) => vec![Some(tenant)],
            None => std::iter::once(None).chain(tenants.iter().map(|row| Some(row.tenant_id))).collect(),
        };
        let made = self.at_rest.add_keys(store, |_| owners.clone(), actor, self.now()).await?;
        Ok(made.iter().map(|row| DataKeyStatus::of(row, &self.at_rest.ring(), &tenants)).collect())
    }

    /// Which master key this process has, and which data keys there are.
    pub async fn encryption_status(&self) -> Result<EncryptionStatus, StoreError> {
        self.at_rest.refresh(self.store.as_ref()).await?;
        let stored = self.store.stored_keys(0).await?;
        let (ring, tenants) = (self.at_rest.ring(), self.store.tenants().await?);
        Ok(EncryptionStatus {
            master_key: self.at_rest.masters.current(),
            data_keys: stored.keys.iter().map(|row| DataKeyStatus::of(row, &ring, &tenants)).collect(),
        })
    }
}
