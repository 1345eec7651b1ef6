//! Keys of the installation: kept in the store, sealed, the same for every service.

use crate::{
    at_rest::{AtRest, KeyError, StartError, value_place},
    randomness,
};
use interven_store::Store;
use interven_types::{ApiKey, SecretBytes};
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

/// The key of this name, the same for every service on this store: made when it is asked for the first time.
pub(crate) async fn installation_key(
    store: &dyn Store,
    at_rest: &AtRest,
    name: &str,
) -> Result<SecretBytes, StartError> {
    let fresh: [u8; 32] = randomness::fill().map_err(KeyError::from)?;
    let proposed = at_rest.seal(&value_place(name), &fresh)?;
    let stored = store.installation_value(name, &proposed).await?;
    at_rest.learn_keys_of(store, std::iter::once(stored.as_slice())).await?;
    let opened = at_rest.open(&value_place(name), &stored).map_err(|error| match error {
        OpenError::OtherKey(stored) => KeyError::Superseded { stored },
        OpenError::Damaged => KeyError::Damaged,
    })?;
    let bytes: [u8; 32] = opened.try_into().map_err(|_| KeyError::Damaged)?;
    Ok(SecretBytes::new(bytes))
}
