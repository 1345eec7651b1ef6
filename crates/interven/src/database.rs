//! Where the state is kept, chosen at run time.

use anyhow::Result;
use interven_store::{SchemaStep, Store};
use interven_store_postgres::{PostgresOptions, PostgresStore};
use interven_store_sqlite::{SqliteOptions, SqliteStore};
use interven_types::Secret;
use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

/// `DATABASE_URL`, understood.
#[derive(Clone)]
pub(crate) enum DatabaseUrl {
    /// The embedded database: this file.
    Sqlite(PathBuf),
    /// A PostgreSQL server. The whole URL, which may hold a password.
    Postgres(Secret),
}

/// Says what is wrong without the URL, which may hold a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{scheme}` {expected}")]
pub(crate) struct InvalidDatabaseUrl {
    scheme: String,
    expected: &'static str,
}

impl DatabaseUrl {
    pub(crate) fn parse(url: &str) -> Result<Self, InvalidDatabaseUrl> {
        let refuse = |scheme: &str, expected| Err(InvalidDatabaseUrl { scheme: scheme.to_owned(), expected });
        match url.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() && !path.contains(['?', ':']) => {
                Ok(Self::Sqlite(path.into()))
            }
            Some(("sqlite", _)) => refuse("sqlite", "needs a plain path, such as sqlite://data/interven.db"),
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                Ok(Self::Postgres(Secret::new(url)))
            }
            Some(("postgres" | "postgresql", _)) => {
                refuse("postgres", "needs a server, such as postgres://user@localhost/interven")
            }
            other => {
                let scheme = other.map_or("…", |(scheme, _)| scheme);
                refuse(scheme, "is no kind of database that is known; use sqlite://PATH or postgres://…")
            }
        }
    }

    /// The migrations, and when each was applied here. Changes nothing.
    pub(crate) async fn schema_steps(&self) -> Result<Vec<SchemaStep>> {
        match self {
            Self::Sqlite(path) => Ok(SqliteStore::schema_steps(path).await?),
            Self::Postgres(url) => Ok(PostgresStore::schema_steps(PostgresOptions::new(url.reveal())).await?),
        }
    }

    /// The embedded database that is used where nothing was said.
    pub(crate) fn embedded_in(data_dir: &Path) -> Self {
        Self::Sqlite(data_dir.join("interven.db"))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres"),
        }
    }
}

/// How a database is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DatabaseSettings {
    /// Whether the schema is brought up to date; without, one that is behind is refused.
    pub(crate) auto_migrate: bool,
    /// To PostgreSQL, at most.
    pub(crate) connections: usize,
    /// Whether PostgreSQL is to tell of changes.
    pub(crate) listens: bool,
}

/// An open store of either kind.
pub(crate) enum Database {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Database {
    pub(crate) async fn open(url: &DatabaseUrl, settings: DatabaseSettings) -> Result<Self> {
        let DatabaseSettings { auto_migrate, connections: pool_size, listens } = settings;
        match url {
            DatabaseUrl::Sqlite(path) => {
                let options = SqliteOptions { auto_migrate, ..SqliteOptions::new(path) };
                Ok(Self::Sqlite(SqliteStore::open(options).await?))
            }
            DatabaseUrl::Postgres(url) => {
                let options = PostgresOptions {
                    auto_migrate,
                    pool_size,
                    listens,
                    ..PostgresOptions::new(url.reveal())
                };
                Ok(Self::Postgres(PostgresStore::open(options).await?))
            }
        }
    }

    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(store) => Arc::new(store.clone()),
            Self::Postgres(store) => Arc::new(store.clone()),
        }
    }

    /// Finishes what waits and lets go of it.
    pub(crate) async fn close(self) {
        match self {
            Self::Sqlite(store) => store.close().await,
            Self::Postgres(store) => store.close().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_names_a_file_or_a_server_and_its_password_is_never_told() {
        for (url, expected) in [
            ("sqlite://data/a.db", "Sqlite(\"data/a.db\")"),
            ("sqlite:///var/a.db", "Sqlite(\"/var/a.db\")"),
            ("sqlite://", "`sqlite` needs a plain path, such as sqlite://data/interven.db"),
            ("sqlite://me:pw@host/a.db", "`sqlite` needs a plain path, such as sqlite://data/interven.db"),
            ("postgres://me:pw@db/x", "Postgres"),
            ("postgresql://me:pw@db/x", "Postgres"),
            ("postgres://", "`postgres` needs a server, such as postgres://user@localhost/interven"),
            (
                "mysql://me:pw@db/x",
                "`mysql` is no kind of database that is known; use sqlite://PATH or postgres://…",
            ),
            ("me:pw@db", "`…` is no kind of database that is known; use sqlite://PATH or postgres://…"),
        ] {
            let told = match DatabaseUrl::parse(url) {
                Ok(found) => format!("{found:?}"),
                Err(error) => error.to_string(),
            };
            assert_eq!(told, expected, "{url}");
        }
    }
}
