//! Keys of the installation: kept in the store, sealed under the operator's key, the same for every service.

use crate::randomness;
use interven_store::{Store, StoreError};
use interven_types::{ApiKey, SecretBytes};
use interven_vault::{OpenError, Place, Vault, keyed_hash};

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

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error(
        "INTERVEN_CREDENTIAL_ENCRYPTION_KEY is not the key that this database was written with; start with that key, or with an empty database"
    )]
    OtherKey,
    #[error("the installation's sealed keys are damaged; restore the database from a backup")]
    Damaged,
    #[error("the operating system gives no random numbers: {0}")]
    NoRandomness(#[from] getrandom::Error),
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] KeyError),
}

const NAME: &str = "server_key";

pub(crate) async fn load(store: &dyn Store, vault: &Vault) -> Result<ServerSecrets, StartError> {
    let place = Place { tenant: None, table: "installation", row: NAME };
    let fresh: [u8; 32] = randomness::fill().map_err(KeyError::from)?;
    let proposed = vault.seal(&place, randomness::fill().map_err(KeyError::from)?, &fresh);
    let stored = store.installation_value(NAME, &proposed).await?;
    let opened = vault.open(&place, &stored).map_err(|error| match error {
        OpenError::OtherKey => KeyError::OtherKey,
        OpenError::Damaged => KeyError::Damaged,
    })?;
    let bytes: [u8; 32] = opened.try_into().map_err(|_| KeyError::Damaged)?;
    Ok(ServerSecrets { master: SecretBytes::new(bytes) })
}
