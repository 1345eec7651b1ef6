//! What PostgreSQL and the way to it report, told as what a caller or an operator can act on.

use deadpool::managed::PoolError;
use interven_store::StoreError;
use std::{error::Error, time::Duration};
use tokio_postgres::error::SqlState;

/// Why a database could not be opened. Each is one line that says what to do, and none shows the password.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    #[error(
        "the database address cannot be read: {reason}; write `postgres://user:password@host:5432/database`"
    )]
    Address { reason: String },
    #[error("cannot reach {place}: {reason}; check the address, and that PostgreSQL runs there")]
    Unreachable { place: String, reason: String },
    #[error("no answer from {place} within {limit:?}; check the address and the network")]
    NoAnswer { place: String, limit: Duration },
    #[error("no TLS with {place}: {reason}; check `sslmode` and `sslrootcert` in the address")]
    Tls { place: String, reason: String },
    #[error("PostgreSQL refuses the login to {place}: {reason}; check user, password and `pg_hba.conf`")]
    Login { place: String, reason: String },
    #[error("{place} does not exist; make it with `createdb`, owned by the user of the address")]
    NoDatabase { place: String },
    #[error(
        "{place} takes no more connections: {reason}; raise its `max_connections`, or lower `DATABASE_CONNECTIONS`"
    )]
    Full { place: String, reason: String },
    #[error("{place} is PostgreSQL {found}, and 14 or newer is needed; upgrade the server")]
    TooOld { place: String, found: String },
    #[error(
        "{place} keeps text as {found}, and UTF8 is needed; make one with `createdb --encoding UTF8 --template template0`"
    )]
    Encoding { place: String, found: String },
    #[error("{place} is read-only: {reason}; give the address of the primary server")]
    ReadOnly { place: String, reason: String },
    #[error(
        "this user lacks a right in {place}: {reason}; make the user the owner of the database, or migrate as the owner"
    )]
    NotPermitted { place: String, reason: String },
    #[error(
        "{place} was written by a newer version (schema {found}, this one knows {known}); start that version"
    )]
    NewerVersion { place: String, found: i64, known: i64 },
    #[error("{place} is of schema {found} and this version needs {known}; run `interven migrate up`")]
    Behind { place: String, found: i64, known: i64 },
    #[error("{place} was made by another build: migration {version} (`{name}`) differs; start that build")]
    ChangedMigration { place: String, version: i64, name: String },
    #[error("{place} cannot be opened: {reason}")]
    Other { place: String, reason: String },
}

impl OpenError {
    pub(crate) fn from_postgres(place: &str, error: &tokio_postgres::Error) -> Self {
        let (place, reason) = (place.to_owned(), told(error));
        let Some(code) = error.code() else {
            return match is_about_tls(error) {
                true => Self::Tls { place, reason },
                false => Self::Unreachable { place, reason },
            };
        };
        match *code {
            SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => {
                Self::Login { place, reason }
            }
            SqlState::INVALID_CATALOG_NAME => Self::NoDatabase { place },
            SqlState::TOO_MANY_CONNECTIONS => Self::Full { place, reason },
            SqlState::READ_ONLY_SQL_TRANSACTION => Self::ReadOnly { place, reason },
            SqlState::INSUFFICIENT_PRIVILEGE => Self::NotPermitted { place, reason },
            _ => Self::Other { place, reason },
        }
    }
}

/// TLS has no code of its own in the driver's errors, but says so.
fn is_about_tls(error: &tokio_postgres::Error) -> bool {
    error.to_string().contains("TLS") || sources(error).any(|source| source.is::<rustls::Error>())
}

fn sources(error: &tokio_postgres::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |source| (*source).source())
}

/// The server's own words, or what stood in the way of them. The driver alone says "db error".
pub(crate) fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => said.message().to_owned(),
        None => sources(error).fold(error.to_string(), |text, source| {
            let source = source.to_string();
            if text.contains(&source) { text } else { format!("{text}: {source}") }
        }),
    }
}

/// States of which the server's words alone do not say what they mean for the caller.
const MEANINGS: &[(&SqlState, &str)] = &[
    (&SqlState::DISK_FULL, "the disk of PostgreSQL is full"),
    (&SqlState::OUT_OF_MEMORY, "PostgreSQL is out of memory"),
    (&SqlState::READ_ONLY_SQL_TRANSACTION, "PostgreSQL is read-only"),
    (&SqlState::TOO_MANY_CONNECTIONS, "PostgreSQL takes no more connections"),
    (&SqlState::QUERY_CANCELED, "PostgreSQL ended the statement"),
    (&SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT, "PostgreSQL ended the transaction"),
    (&SqlState::ADMIN_SHUTDOWN, "PostgreSQL ended the connection"),
    (&SqlState::CRASH_SHUTDOWN, "PostgreSQL is starting again after a crash"),
    (&SqlState::CANNOT_CONNECT_NOW, "PostgreSQL is starting or stopping"),
    (&SqlState::T_R_DEADLOCK_DETECTED, "two transactions waited for each other"),
];

/// A broken constraint is a conflict; a damaged table is corruption; everything else means nothing was written.
pub(crate) fn store_error(error: tokio_postgres::Error) -> StoreError {
    let told = told(&error);
    let Some(code) = error.code() else {
        return match error.is_closed() {
            true => unavailable("the connection to PostgreSQL was lost"),
            false => StoreError::Unavailable(told),
        };
    };
    if *code == SqlState::UNIQUE_VIOLATION {
        return StoreError::Conflict(format!("already taken: {told}"));
    }
    // Another constraint, or text with a NUL, which PostgreSQL does not store: asking again would not help.
    if code.code().starts_with("23") || *code == SqlState::CHARACTER_NOT_IN_REPERTOIRE {
        return StoreError::Conflict(told);
    }
    if matches!(*code, SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED) {
        return StoreError::Corrupt(told);
    }
    let meaning = MEANINGS.iter().find(|(state, _)| *state == code);
    StoreError::Unavailable(meaning.map_or(told.clone(), |(_, meaning)| format!("{meaning}: {told}")))
}

pub(crate) fn pool_error(error: PoolError<tokio_postgres::Error>) -> StoreError {
    match error {
        PoolError::Backend(error) if error.code().is_some() => store_error(error),
        PoolError::Backend(error) => {
            StoreError::Unavailable(format!("cannot connect to PostgreSQL: {}", told(&error)))
        }
        PoolError::Timeout(_) => unavailable("connecting to PostgreSQL took too long"),
        PoolError::Closed => unavailable("it is closed"),
        other => StoreError::Unavailable(other.to_string()),
    }
}

pub(crate) fn unavailable(why: &str) -> StoreError {
    StoreError::Unavailable(why.to_owned())
}
