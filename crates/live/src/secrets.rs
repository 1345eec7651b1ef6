//! Keys of the installation: kept in the store, sealed, the same for every service.

use crate::{
    Live,
    at_rest::{AtRest, KeyError, StartError, value_place},
    randomness,
};
use interven_store::Store;
use interven_types::{ApiKey, Secret, SecretBytes};
use interven_vault::{OpenError, keyed_hash};

/// Hashes API keys and signs exact calls.
#[derive(Debug)]
pub(crate) struct ServerSecrets {
    master: SecretBytes,
}

impl ServerSecrets {
    pub(crate) fn key_hash(&self, key: &ApiKey) -> interven_store::KeyHash {
        interven_store::KeyHash(keyed_hash(self.master.reveal(), "api key", &[key.reveal().as_bytes()]))
    }

    pub(crate) fn signing_key(&self) -> &[u8; 32] {
        self.master.reveal()
    }
}

/// Its name in the table `installation`. Every database in use has it.
pub(crate) const SERVER_KEY: &str = "server_key";

pub(crate) async fn load(store: &dyn Store, at_rest: &AtRest) -> Result<ServerSecrets, StartError> {
    Ok(ServerSecrets { master: installation_key(store, at_rest, SERVER_KEY).await? })
}

impl Live {
    /// Whether every process of this database has been started with the same secret of that name. The first to ask
    /// decides. What the store keeps is a sealed hash under the installation's own key.
    pub async fn agrees_on(&self, name: &str, secret: &Secret) -> Result<bool, StartError> {
        let key = self.secrets.master.reveal();
        let ours = keyed_hash(key, "shared secret", &[name.as_bytes(), secret.reveal().as_bytes()]);
        let name = fingerprint_name(name);
        let first = installation_value(self.store.as_ref(), &self.at_rest, &name, &ours).await?;
        Ok(first == ours)
    }
}

/// Under what name the table `installation` holds the fingerprint of a shared secret.
pub fn fingerprint_name(secret: &str) -> String {
    format!("fingerprint of {secret}")
}

/// The key of this name, the same for every service on this store: made when it is asked for the first time.
pub(crate) async fn installation_key(
    store: &dyn Store,
    at_rest: &AtRest,
    name: &str,
) -> Result<SecretBytes, StartError> {
    let fresh: [u8; 32] = randomness::fill().map_err(KeyError::from)?;
    Ok(SecretBytes::new(installation_value(store, at_rest, name, &fresh).await?))
}

/// What is sealed under this name: the value proposed, when it is the first.
async fn installation_value(
    store: &dyn Store,
    at_rest: &AtRest,
    name: &str,
    proposed: &[u8; 32],
) -> Result<[u8; 32], StartError> {
    let proposed = at_rest.seal(&value_place(name), proposed)?;
    let stored = store.installation_value(name, &proposed).await?;
    at_rest.learn_keys_of(store, std::iter::once(stored.as_slice())).await?;
    let opened = at_rest.open(&value_place(name), &stored).map_err(|error| match error {
        OpenError::OtherKey(stored) => KeyError::Superseded { stored },
        OpenError::Damaged => KeyError::Damaged,
    })?;
    Ok(opened.try_into().map_err(|_| KeyError::Damaged)?)
}
