//! Opening a database: a server that is new enough, a schema that this build knows, and a pool of connections.

use crate::{
    CHANGES_KEPT, Inner, OpenError, PostgresOptions, PostgresStore,
    address::Address,
    changes::SharedRevisions,
    connections::{Connection, Connections, Pool},
    listen::{self, Listener},
    migrate::{self, migrate},
    partitions,
    recorder::Recorder,
    tls,
};
use deadpool::{Runtime, managed::Timeouts};
use interven_store::SchemaStep;
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{sync::broadcast, time::timeout};
use tokio_postgres::Client;
use uuid::Uuid;

/// The oldest server whose features the schema uses.
const OLDEST: i32 = 14;

pub(crate) async fn open(options: PostgresOptions) -> Result<PostgresStore, OpenError> {
    let (place, connections) = connections(&options)?;
    let client = connect(&connections, &options, &place).await?;
    match options.auto_migrate {
        true => migrate(&client, &place).await?,
        false => migrate::require_current(&client, &place).await?,
    }
    drop(client);
    let limits = Timeouts { wait: None, create: Some(options.connect_timeout), recycle: None };
    let pool = Pool::builder(connections.clone())
        .max_size(options.pool_size.max(1))
        .timeouts(limits)
        .runtime(Runtime::Tokio1)
        .build()
        .map_err(|error| OpenError::Other { place: place.clone(), reason: error.to_string() })?;
    let (changes, _) = broadcast::channel(CHANGES_KEPT);
    let inner = Arc::new(Inner {
        place,
        pool,
        transaction_timeout: options.transaction_timeout,
        queue_len: options.queue_len.max(1),
        recorder: Recorder::default(),
        writer: Uuid::now_v7(),
        changes,
        revisions: SharedRevisions::default(),
        listener: Mutex::new(None),
    });
    listen::begin(&inner)
        .await
        .map_err(|error| OpenError::Other { place: inner.place.clone(), reason: error.to_string() })?;
    partitions::make_now(&inner).await;
    partitions::drop_empty(&inner).await;
    let listener = Listener::start(&inner, options.listens.then_some(connections));
    *inner.listener.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(listener);
    Ok(PostgresStore(inner))
}

fn configured(address: Address, options: &PostgresOptions) -> tokio_postgres::Config {
    let mut config = address.config;
    if config.get_application_name().is_none() {
        config.application_name("interven");
    }
    config.connect_timeout(options.connect_timeout);
    // A server that is gone without a word is noticed by the kernel too.
    config.tcp_user_timeout(options.transaction_timeout);
    config.keepalives_idle(Duration::from_secs(10));
    config.keepalives_interval(Duration::from_secs(5));
    config.keepalives_retries(3);
    config
}

/// What holds on each connection: our writes announce themselves, commits are durable however the role is set up, and a
/// statement or an abandoned transaction ends by itself.
fn settings(options: &PostgresOptions) -> String {
    format!(
        "SET interven.writer = 'on'; SET TIME ZONE 'UTC'; SET client_min_messages = 'warning';
         SET statement_timeout = {statement}; SET idle_in_transaction_session_timeout = {transaction};
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
        statement = options.statement_timeout.as_millis(),
        transaction = options.transaction_timeout.as_millis(),
    )
}

/// The place without its password, and the way to it.
pub(crate) fn connections(options: &PostgresOptions) -> Result<(String, Connections), OpenError> {
    let address = Address::read(&options.url)?;
    let place = address.place();
    let tls = tls::connector(address.trust, &address.roots)
        .map_err(|reason| OpenError::Tls { place: place.clone(), reason })?;
    let config = configured(address, options);
    Ok((place, Connections { config, tls, settings: settings(options) }))
}

/// What was applied to the database and what is still to come.
pub(crate) async fn schema_steps(options: &PostgresOptions) -> Result<Vec<SchemaStep>, OpenError> {
    let (place, connections) = connections(options)?;
    let client = connect(&connections, options, &place).await?;
    let applied = migrate::applied(&client).await;
    Ok(migrate::steps(&applied.map_err(|error| OpenError::from_postgres(&place, &error))?))
}

/// A connection of its own to a server that is new enough, which no limit hurries: for what concerns all of the database.
pub(crate) async fn connect(
    connections: &Connections,
    options: &PostgresOptions,
    place: &str,
) -> Result<Connection, OpenError> {
    let failed = |error: tokio_postgres::Error| OpenError::from_postgres(place, &error);
    let unhurried = Connections {
        settings: "SET interven.writer = 'on'; SET TIME ZONE 'UTC'; SET client_min_messages = 'warning'"
            .to_owned(),
        ..connections.clone()
    };
    let limit = options.connect_timeout;
    let connected = timeout(limit, unhurried.open()).await;
    let connected = connected.map_err(|_| OpenError::NoAnswer { place: place.to_owned(), limit })?;
    let client = connected.map_err(failed)?;
    check(&client, place).await?;
    Ok(client)
}

async fn check(client: &Client, place: &str) -> Result<(), OpenError> {
    let failed = |error: tokio_postgres::Error| OpenError::from_postgres(place, &error);
    let sql = "SELECT current_setting('server_version_num')::int / 10000, current_setting('server_version'),
        current_setting('server_encoding')";
    let about = client.query_one(sql, &[]).await.map_err(failed)?;
    let major: i32 = about.try_get(0).map_err(failed)?;
    if major < OLDEST {
        return Err(OpenError::TooOld { place: place.to_owned(), found: about.try_get(1).map_err(failed)? });
    }
    let encoding: String = about.try_get(2).map_err(failed)?;
    if encoding != "UTF8" {
        return Err(OpenError::Encoding { place: place.to_owned(), found: encoding });
    }
    Ok(())
}
