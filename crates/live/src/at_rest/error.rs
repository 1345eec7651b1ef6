//! What can be wrong with keys, and what to do about it.

use interven_store::StoreError;
use interven_types::KeyFingerprint;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error(
        "INTERVEN_CREDENTIAL_ENCRYPTION_KEY is not the key that this database was written with (it is `{given}`, the \
         database's is `{stored}`); start with that key, or with an empty database; to change to a new key, give the old \
         one in INTERVEN_CREDENTIAL_ENCRYPTION_KEY_PREVIOUS"
    )]
    OtherKey { given: KeyFingerprint, stored: KeyFingerprint },
    #[error(
        "{count} of {of} data keys are wrapped under a third key, `{stored}`: neither INTERVEN_CREDENTIAL_ENCRYPTION_KEY \
         (`{given}`) nor INTERVEN_CREDENTIAL_ENCRYPTION_KEY_PREVIOUS opens them; give that key as one of the two"
    )]
    ThirdKey { given: KeyFingerprint, stored: KeyFingerprint, count: usize, of: usize },
    #[error(
        "the data keys are wrapped under a newer master key, `{stored}`; restart this process with that key in \
         INTERVEN_CREDENTIAL_ENCRYPTION_KEY"
    )]
    Superseded { stored: KeyFingerprint },
    #[error("the installation's sealed keys are damaged; restore the database from a backup")]
    Damaged,
    #[error("the tenant has no data key that this process can open")]
    NoDataKey,
    #[error("the keys are being changed by other processes; try again")]
    Contended,
    #[error("the operating system gives no random numbers: {0}")]
    NoRandomness(#[from] getrandom::Error),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Spool(#[from] interven_spool::SpoolError),
}
