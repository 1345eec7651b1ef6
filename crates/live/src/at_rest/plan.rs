//! What is to be changed about the stored keys, worked out on what is stored.

use super::{KeyError, MasterKeys};
use crate::{randomness, secrets::SERVER_KEY};
use interven_store::{AuditEntry, DataKeyRow, KeysChange, StoredKeys, TenantRow};
use interven_types::{KeyFingerprint, SecretBytes, TenantId, Timestamp};
use interven_vault::{KeyRing, Place, SealingKey, sealed_under};
use serde_json::json;
use std::collections::BTreeSet;

/// What a value in the table `installation` is bound to.
pub(crate) fn value_place(name: &str) -> Place<'_> {
    Place { tenant: None, table: "installation", row: name }
}

pub(super) struct Plan<'a> {
    masters: &'a MasterKeys,
    ring: KeyRing,
    change: KeysChange,
    /// Masters that keys were wrapped under so far, where they differ from the current one.
    left: BTreeSet<KeyFingerprint>,
    now: Timestamp,
}

impl<'a> Plan<'a> {
    /// Everything under the current master key; an earlier version's values, sealed under a master key itself, have that
    /// as a data key from now on.
    pub(super) fn of_start(
        stored: &StoredKeys,
        masters: &'a MasterKeys,
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let mut plan = Self {
            masters,
            ring: KeyRing::default(),
            change: KeysChange::default(),
            left: BTreeSet::new(),
            now,
        };
        plan.check_masters(&stored.keys)?;
        for row in &stored.keys {
            plan.take(row)?;
        }
        let named = stored.values.iter().filter_map(|(_, value)| sealed_under(value));
        for fingerprint in BTreeSet::from_iter(named) {
            if let Some(master) = masters.find(fingerprint).filter(|_| !plan.ring.holds(fingerprint)) {
                plan.add(None, master.clone())?;
            }
        }
        // Before anything is made: what no key opens was written with another one.
        if let Some((_, value)) = stored.values.iter().find(|(name, _)| name == SERVER_KEY)
            && let Some(stored) = sealed_under(value).filter(|named| !plan.ring.holds(*named))
        {
            return Err(KeyError::OtherKey { given: masters.current(), stored });
        }
        if plan.ring.newest(None).is_none_or(|newest| masters.find(newest).is_some()) {
            plan.add_fresh(None)?;
        }
        plan.reseal(&stored.values)?;
        Ok(plan)
    }

    /// A new key for each of `owners`.
    pub(super) fn of_new_keys(
        stored: &StoredKeys,
        masters: &'a MasterKeys,
        ring: &KeyRing,
        owners: &[Option<TenantId>],
        now: Timestamp,
    ) -> Result<Self, KeyError> {
        let other = stored.keys.iter().filter_map(|row| sealed_under(&row.wrapped_key));
        if let Some(stored) = other.into_iter().find(|under| *under != masters.current()) {
            return Err(KeyError::Superseded { stored });
        }
        let (ring, change) = (ring.clone(), KeysChange::default());
        let mut plan = Self { masters, ring, change, left: BTreeSet::new(), now };
        owners.iter().try_for_each(|owner| plan.add_fresh(*owner))?;
        if owners.contains(&None) {
            plan.reseal(&stored.values)?;
        }
        Ok(plan)
    }

    pub(super) fn is_rotation(&self) -> bool {
        !self.left.is_empty()
    }

    /// The change with what the audit logs say of it: nothing when everything is as it should be. A key of the
    /// installation serves all tenants, so all their logs tell of it.
    pub(super) fn into_change(self, tenants: &[TenantRow]) -> Option<KeysChange> {
        let mut change = self.change;
        if change == KeysChange::default() {
            return None;
        }
        let master = self.masters.current();
        for TenantRow { tenant_id, .. } in tenants {
            let own = |row: &&DataKeyRow| row.tenant_id.is_none_or(|tenant| tenant == *tenant_id);
            let mut entries: Vec<AuditEntry> = change
                .added
                .iter()
                .filter(own)
                .map(|row| AuditEntry {
                    action: "encryption.new_data_key".to_owned(),
                    target: row.fingerprint.to_string(),
                    details: json!({"of": if row.tenant_id.is_some() { "tenant" } else { "installation" }, "master_key": master}),
                })
                .collect();
            if !self.left.is_empty() {
                entries.push(AuditEntry {
                    action: "encryption.new_master_key".to_owned(),
                    target: master.to_string(),
                    details: json!({"before": self.left, "data_keys": change.rewrapped.len()}),
                });
            }
            change.audit.extend(entries.into_iter().map(|entry| (*tenant_id, entry)));
        }
        Some(change)
    }

    /// Says in one line which key is missing, rather than of each data key that it does not open.
    fn check_masters(&self, keys: &[DataKeyRow]) -> Result<(), KeyError> {
        let unknown: Vec<KeyFingerprint> = keys
            .iter()
            .filter_map(|row| sealed_under(&row.wrapped_key))
            .filter(|under| self.masters.find(*under).is_none())
            .collect();
        let given = self.masters.current();
        match unknown.first() {
            None => Ok(()),
            Some(stored) if unknown.len() == keys.len() => Err(KeyError::OtherKey { given, stored: *stored }),
            Some(stored) => {
                Err(KeyError::ThirdKey { given, stored: *stored, count: unknown.len(), of: keys.len() })
            }
        }
    }

    /// Opens a stored key, and wraps it under the current master key when it lies under another.
    fn take(&mut self, row: &DataKeyRow) -> Result<(), KeyError> {
        let key = self.masters.unwrap(row).map_err(|_| KeyError::Damaged)?;
        if let Some(under) = sealed_under(&row.wrapped_key).filter(|under| *under != self.masters.current()) {
            self.left.insert(under);
            let wrapped = self.masters.wrap(row, randomness::fill()?, &key);
            self.change.rewrapped.push((row.fingerprint, wrapped));
        }
        self.ring.add(row.tenant_id, key);
        Ok(())
    }

    fn add_fresh(&mut self, tenant_id: Option<TenantId>) -> Result<(), KeyError> {
        loop {
            let key = SealingKey::new(SecretBytes::new(randomness::fill()?));
            let fingerprint = key.fingerprint();
            if !self.ring.holds(fingerprint) && self.masters.find(fingerprint).is_none() {
                return self.add(tenant_id, key);
            }
        }
    }

    fn add(&mut self, tenant_id: Option<TenantId>, key: SealingKey) -> Result<(), KeyError> {
        let fingerprint = key.fingerprint();
        let mut row =
            DataKeyRow { fingerprint, tenant_id, number: 0, wrapped_key: Vec::new(), created_at: self.now };
        row.wrapped_key = self.masters.wrap(&row, randomness::fill()?, &key);
        self.change.added.push(row);
        self.ring.add(tenant_id, key);
        Ok(())
    }

    /// Values of the installation move to its newest key. One that does not open is left as it is.
    fn reseal(&mut self, values: &[(String, Vec<u8>)]) -> Result<(), KeyError> {
        for (name, value) in values {
            let place = value_place(name);
            let is_current = sealed_under(value).is_none_or(|under| self.ring.newest(None) == Some(under));
            if let Some(opened) = self.ring.open(&place, value).ok().filter(|_| !is_current)
                && let Some(sealed) = self.ring.seal(&place, randomness::fill()?, &opened)
            {
                self.change.values.push((name.clone(), sealed));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    const TENANT: TenantId = TenantId(Uuid::from_u128(7));

    fn now() -> Timestamp {
        Timestamp::from_unix_ms(1_790_000_000_000)
    }

    fn secret(byte: u8) -> SecretBytes {
        SecretBytes::new([byte; 32])
    }

    fn masters(current: u8, previous: Option<u8>) -> MasterKeys {
        MasterKeys::new(secret(current)).after(previous.map(secret))
    }

    fn name(byte: u8) -> KeyFingerprint {
        SealingKey::new(secret(byte)).fingerprint()
    }

    fn request(row: &str) -> Place<'_> {
        Place { tenant: Some(TENANT), table: "activity_log", row }
    }

    fn tenants() -> Vec<TenantRow> {
        vec![TenantRow { tenant_id: TENANT, name: "acme".into(), created_at: now() }]
    }

    /// The store after a change was made.
    fn after(mut stored: StoredKeys, change: &KeysChange) -> StoredKeys {
        stored.keys.extend(change.added.iter().cloned());
        for (number, row) in (1..).zip(&mut stored.keys) {
            row.number = number;
            if let Some((_, wrapped)) = change.rewrapped.iter().find(|(name, _)| *name == row.fingerprint) {
                row.wrapped_key.clone_from(wrapped);
            }
        }
        stored.values.retain(|(name, _)| change.values.iter().all(|(changed, _)| changed != name));
        stored.values.extend(change.values.iter().cloned());
        stored
    }

    /// An installation under master key 1 whose server key is 32 nines, with a key for the tenant.
    fn installed() -> (StoredKeys, KeyRing) {
        let masters = masters(1, None);
        let plan = Plan::of_start(&StoredKeys::default(), &masters, now()).unwrap();
        let ring = plan.ring.clone();
        let mut stored = after(StoredKeys::default(), &plan.into_change(&[]).unwrap());
        let sealed = ring.seal(&value_place(SERVER_KEY), [3; 16], &[9; 32]).unwrap();
        stored.values.push((SERVER_KEY.to_owned(), sealed));
        let plan = Plan::of_new_keys(&stored, &masters, &ring, &[Some(TENANT)], now()).unwrap();
        let ring = plan.ring.clone();
        (after(stored, &plan.into_change(&tenants()).unwrap()), ring)
    }

    #[test]
    fn a_start_on_what_is_in_order_changes_nothing() {
        let (stored, _) = installed();
        assert_eq!(Plan::of_start(&stored, &masters(1, None), now()).unwrap().into_change(&tenants()), None);
        // A key before that nothing lies under any more is no harm.
        assert_eq!(
            Plan::of_start(&stored, &masters(1, Some(2)), now()).unwrap().into_change(&tenants()),
            None
        );
    }

    #[test]
    fn a_new_master_key_wraps_every_data_key_anew_and_changes_no_sealed_value() {
        let (stored, ring) = installed();
        let sealed = ring.seal(&request("r"), [4; 16], b"body").unwrap();
        let masters_now = masters(2, Some(1));
        let plan = Plan::of_start(&stored, &masters_now, now()).unwrap();
        assert!(plan.is_rotation());
        assert_eq!(plan.ring.open(&request("r"), &sealed).unwrap(), b"body");
        let change = plan.into_change(&tenants()).unwrap();
        assert_eq!((change.added.len(), change.rewrapped.len(), change.values.len()), (0, 2, 0));
        let [(_, entry)] = change.audit.as_slice() else { panic!("{:?}", change.audit) };
        assert_eq!(
            (entry.action.as_str(), entry.target.clone()),
            ("encryption.new_master_key", name(2).to_string())
        );
        // Now the new one alone opens everything, and the old one nothing.
        let stored = after(stored, &change);
        assert_eq!(Plan::of_start(&stored, &masters(2, None), now()).unwrap().into_change(&tenants()), None);
        let refused = Plan::of_start(&stored, &masters(1, None), now()).err();
        assert_eq!(refused, Some(KeyError::OtherKey { given: name(1), stored: name(2) }));
    }

    #[test]
    fn what_an_earlier_version_sealed_under_the_master_key_itself_still_opens() {
        let old = SealingKey::new(secret(1));
        let server_key = old.seal(&value_place(SERVER_KEY), [3; 16], &[9; 32]);
        let sealed = old.seal(&request("r"), [4; 16], b"body");
        let stored =
            StoredKeys { values: vec![(SERVER_KEY.to_owned(), server_key)], ..StoredKeys::default() };
        // With that key, and with a new one in its place at the same start.
        for masters in [masters(1, None), masters(2, Some(1))] {
            let plan = Plan::of_start(&stored, &masters, now()).unwrap();
            assert_eq!(plan.ring.open(&request("r"), &sealed).unwrap(), b"body");
            let change = plan.into_change(&tenants()).unwrap();
            assert_eq!(change.added.len(), 2, "the old master key, and one for what is sealed from now on");
            assert_eq!(sealed_under(&change.values[0].1), Some(change.added[1].fingerprint));
            let plan = Plan::of_start(&after(stored.clone(), &change), &masters, now()).unwrap();
            assert_eq!(plan.into_change(&tenants()), None);
        }
        let refused = Plan::of_start(&stored, &masters(2, None), now()).err();
        assert_eq!(refused, Some(KeyError::OtherKey { given: name(2), stored: name(1) }));
    }

    #[test]
    fn a_wrong_key_is_told_in_one_line_and_plans_nothing() {
        let (mut stored, _) = installed();
        let other = Plan::of_start(&stored, &masters(5, Some(6)), now()).err();
        assert_eq!(other, Some(KeyError::OtherKey { given: name(5), stored: name(1) }));
        // One of the two data keys lies under a third key.
        let (fifth, row) = (SealingKey::new(secret(5)), &mut stored.keys[1]);
        let key =
            SealingKey::new(secret(1)).unwrap(row.tenant_id, row.fingerprint, &row.wrapped_key).unwrap();
        row.wrapped_key = fifth.wrap(row.tenant_id, [3; 16], &key);
        let third = Plan::of_start(&stored, &masters(1, Some(2)), now()).err();
        assert_eq!(third, Some(KeyError::ThirdKey { given: name(1), stored: name(5), count: 1, of: 2 }));
        assert!(Plan::of_start(&stored, &masters(1, Some(5)), now()).is_ok());
    }

    #[test]
    fn a_process_on_an_earlier_master_key_makes_no_data_keys() {
        let (stored, ring) = installed();
        let newer = Plan::of_start(&stored, &masters(2, Some(1)), now()).unwrap().into_change(&[]).unwrap();
        let stored = after(stored, &newer);
        let refused = Plan::of_new_keys(&stored, &masters(1, None), &ring, &[Some(TENANT)], now()).err();
        assert_eq!(refused, Some(KeyError::Superseded { stored: name(2) }));
    }

    #[test]
    fn a_new_key_of_the_installation_takes_over_its_values() {
        let (stored, ring) = installed();
        let masters = masters(1, None);
        let plan = Plan::of_new_keys(&stored, &masters, &ring, &[None, Some(TENANT)], now()).unwrap();
        let ring = plan.ring.clone();
        let change = plan.into_change(&tenants()).unwrap();
        let (name, value) = &change.values[0];
        assert_eq!(sealed_under(value), ring.newest(None));
        assert_eq!(ring.open(&value_place(name), value).unwrap(), [9; 32]);
        assert_eq!(change.audit.len(), 2, "the tenant hears of its own and of the installation's key");
    }
}
