//! How a connection is made, and when one may be used again.

use crate::error::told;
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use std::{
    collections::HashMap,
    ops::Deref,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};
use tokio::task::JoinHandle;
use tokio_postgres::{Client, Config, Error, Socket, Statement, tls::MakeTlsConnect};
use tokio_postgres_rustls::MakeRustlsConnect;

pub(crate) type Pool = deadpool::managed::Pool<Connections>;
type TlsStream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

/// What every connection to the database has in common.
#[derive(Clone)]
pub(crate) struct Connections {
    pub config: Config,
    pub tls: MakeRustlsConnect,
    /// Run first on each.
    pub settings: String,
}

impl Connections {
    /// A connection and what has to be polled for it to go on.
    pub(crate) async fn connect(
        &self,
    ) -> Result<(Client, tokio_postgres::Connection<Socket, TlsStream>), Error> {
        self.config.connect(self.tls.clone()).await
    }

    pub(crate) async fn open(&self) -> Result<Connection, Error> {
        let (client, driver) = self.connect().await?;
        let task = tokio::spawn(async move {
            if let Err(error) = driver.await {
                tracing::warn!(error = told(&error), "a connection to PostgreSQL was lost");
            }
        });
        // Owned from here on, so that a failure ends the task too.
        let connection =
            Connection { client, task, prepared: Mutex::default(), is_given_up: AtomicBool::new(false) };
        connection.batch_execute(&self.settings).await?;
        Ok(connection)
    }
}

/// One connection with the statements that are prepared on it.
pub(crate) struct Connection {
    client: Client,
    task: JoinHandle<()>,
    prepared: Mutex<HashMap<String, Statement>>,
    is_given_up: AtomicBool,
}

impl Connection {
    /// Prepares on first use.
    pub(crate) async fn prepare_cached(&self, sql: &str) -> Result<Statement, Error> {
        let known = self.prepared.lock().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(statement) = known {
            return Ok(statement);
        }
        let statement = self.client.prepare(sql).await?;
        let mut prepared = self.prepared.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(prepared.entry(sql.to_owned()).or_insert(statement).clone())
    }

    /// Nobody uses the connection again: an answer did not come in time, and whoever were next would wait for it too, or
    /// the server writes nothing any more.
    pub(crate) fn give_up(&self) {
        self.is_given_up.store(true, Relaxed);
    }
}

impl Deref for Connection {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Manager for Connections {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection, Error> {
        self.open().await
    }

    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<Error> {
        if connection.is_closed() || connection.is_given_up.load(Relaxed) {
            return Err(RecycleError::message("it is closed or given up"));
        }
        Ok(())
    }
}
