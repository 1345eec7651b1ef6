//! Opening a database: the first time, many at once, and where something stands in the way.

use crate::{now, open};
use interven_store::{ActivityStore, Actor, AgentClaim, AgentStore, AuditStore, StoreError, TenantStore};
use interven_store_postgres::{OpenError, PostgresOptions, PostgresStore};
use interven_testkit::{
    postgres::{Cluster, Durability},
    store_conformance::a_plain_scan,
};
use interven_types::RuntimeType;
use std::time::Duration;

async fn refused(url: &str) -> OpenError {
    PostgresStore::open(PostgresOptions::new(url)).await.unwrap_err()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_may_start_on_an_empty_database_at_once() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let mut opening = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let options = PostgresOptions { pool_size: 2, ..PostgresOptions::new(&url) };
        opening.spawn(async move { PostgresStore::open(options).await.unwrap() });
    }
    let stores = opening.join_all().await;
    let row = stores[0].create_tenant("acme", &Actor::system(), now()).await.unwrap();
    for store in &stores {
        assert_eq!(store.tenants().await.unwrap(), std::slice::from_ref(&row));
        store.close().await;
    }
    assert!(matches!(stores[0].tenants().await, Err(StoreError::Unavailable(_))), "it is closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_of_another_version_is_refused() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    open(&url).await.close().await;
    cluster.sql(&url, "INSERT INTO schema_migrations VALUES (9999, 'later', '', now())");
    let newer = refused(&url).await;
    assert!(matches!(newer, OpenError::NewerVersion { found: 9999, .. }), "{newer}");
    cluster.sql(&url, "DELETE FROM schema_migrations WHERE version = 9999");
    cluster.sql(&url, "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1");
    let changed = refused(&url).await;
    assert!(matches!(changed, OpenError::ChangedMigration { version: 1, .. }), "{changed}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_schema_that_is_behind_is_told_and_refused_where_it_may_not_change() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let untouched = || PostgresOptions { auto_migrate: false, ..PostgresOptions::new(&url) };
    let steps = PostgresStore::schema_steps(untouched()).await.unwrap();
    assert!(steps.iter().all(|step| step.applied_at.is_none() && step.is_known), "{steps:?}");
    let behind = PostgresStore::open(untouched()).await.unwrap_err();
    assert!(matches!(behind, OpenError::Behind { found: 0, .. }), "{behind}");
    open(&url).await.close().await;
    PostgresStore::open(untouched()).await.unwrap().close().await;
    cluster.sql(&url, "INSERT INTO schema_migrations VALUES (9999, 'later', '', now())");
    let steps = PostgresStore::schema_steps(untouched()).await.unwrap();
    assert!(steps.iter().all(|step| step.applied_at.is_some()), "{steps:?}");
    let last = steps.last().unwrap();
    assert_eq!((last.version, last.name.as_str(), last.is_known), (9999, "later", false));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stands_in_the_way_is_told_in_a_line_that_says_what_to_do() {
    let cluster =
        Cluster::start(Durability::None, &["max_connections = 12", "superuser_reserved_connections = 1"]);
    let ready = cluster.database();
    open(&ready).await.close().await;
    cluster.sql("postgres", "CREATE DATABASE ascii ENCODING SQL_ASCII TEMPLATE template0");
    cluster.sql("postgres", "CREATE ROLE reader LOGIN; CREATE ROLE owner LOGIN; CREATE DATABASE empty");
    cluster.sql("empty", "REVOKE CREATE ON SCHEMA public FROM PUBLIC");
    cluster.sql("postgres", "ALTER DATABASE empty SET default_transaction_read_only = off");
    cluster.sql(
        "postgres",
        "CREATE DATABASE frozen; ALTER DATABASE frozen SET default_transaction_read_only = on",
    );
    let port = cluster.port();
    let at = |user: &str, database: &str| format!("postgres://{user}:hunter2@127.0.0.1:{port}/{database}");
    for (url, said) in [
        ("not a url".to_owned(), "write `postgres://"),
        ("postgres://ada:hunter2@127.0.0.1:1/x".to_owned(), "check the address"),
        (format!("{}?sslmode=require", at("postgres", "empty")), "`sslmode`"),
        (format!("{}?sslmode=verify-full&sslrootcert=/nowhere.pem", at("postgres", "empty")), "/nowhere.pem"),
        (at("postgres", "nowhere"), "createdb"),
        (at("stranger", "empty"), "check user, password"),
        (at("postgres", "ascii"), "UTF8"),
        (at("reader", "empty"), "owner"),
        (at("postgres", "frozen"), "primary"),
    ] {
        let error = refused(&url).await.to_string();
        assert!(error.contains(said), "{url}: {error}");
        assert!(!error.contains("hunter2") && !error.contains('\n'), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stops_is_unavailable_and_found_again() {
    let cluster = Cluster::start(Durability::None, &[]);
    let url = cluster.database();
    let options =
        PostgresOptions { transaction_timeout: Duration::from_secs(3), ..PostgresOptions::new(&url) };
    let store = PostgresStore::open(options).await.unwrap();
    store.create_tenant("acme", &Actor::system(), now()).await.unwrap();
    cluster.stop();
    for _ in 0..20 {
        let error = store.create_tenant("late", &Actor::system(), now()).await.unwrap_err();
        assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    }
    cluster.restart();
    let names: Vec<_> = store.tenants().await.unwrap().into_iter().map(|tenant| tenant.name).collect();
    assert_eq!(names, ["acme"]);
    store.create_tenant("late", &Actor::system(), now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_failover_connections_to_the_server_that_only_reads_are_given_up() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let name = url.rsplit('/').next().unwrap();
    let store =
        PostgresStore::open(PostgresOptions { pool_size: 1, ..PostgresOptions::new(&url) }).await.unwrap();
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid();";
    cluster.sql(&url, &format!("ALTER DATABASE {name} SET default_transaction_read_only = on; {cut}"));
    loop {
        // The first may still meet the connection that was cut.
        let error = store.create_tenant("acme", &Actor::system(), now()).await.unwrap_err().to_string();
        if error.contains("read-only") {
            break;
        }
        assert!(error.contains("ended") || error.contains("lost"), "{error}");
    }
    let mended = format!(
        "SET default_transaction_read_only = off; ALTER DATABASE {name} RESET default_transaction_read_only"
    );
    cluster.sql(&url, &mended);
    // Once more it may meet a connection that was made for reading meanwhile.
    if store.create_tenant("acme", &Actor::system(), now()).await.is_err() {
        store.create_tenant("acme", &Actor::system(), now()).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn text_that_postgresql_cannot_hold_is_no_outage() {
    let store = open(&Cluster::shared().database()).await;
    let refused = store.create_tenant("a\0b", &Actor::system(), now()).await;
    assert!(matches!(refused, Err(StoreError::Conflict(_))), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_who_owns_nothing_can_serve_what_the_owner_has_migrated() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    open(&url).await.close().await;
    // As the page on PostgreSQL says.
    cluster.sql(
        &url,
        "CREATE ROLE worker LOGIN;
        GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO worker;
        GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO worker;
        REVOKE CREATE ON SCHEMA public FROM PUBLIC",
    );
    let store = open(&url.replace("postgres@", "worker@")).await;
    let tenant = store.create_tenant("acme", &Actor::system(), now()).await.unwrap().tenant_id;
    let claim = AgentClaim::Name("worker".into());
    let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now()).await.unwrap().agent_id;
    let receipt = store.record_scan(tenant, a_plain_scan(agent, now(), |_, _| ())).await.unwrap();
    assert_eq!(receipt.ledger_seq, 1);
    store.ping().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_that_is_over_goes_once_none_of_its_rows_is_left() {
    let cluster = Cluster::shared();
    let url = cluster.database();
    let store = open(&url).await;
    for (month, next) in [("2020_01", "2020-02-01"), ("2020_02", "2020-03-01")] {
        let first = format!("{}-01", month.replace('_', "-"));
        cluster.sql(
            &url,
            &format!("CREATE TABLE activity_log_{month} PARTITION OF activity_log FOR VALUES FROM ('{first}') TO ('{next}')"),
        );
    }
    let tenant = store.create_tenant("acme", &Actor::system(), now()).await.unwrap().tenant_id;
    let claim = AgentClaim::Name("old".into());
    let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now()).await.unwrap().agent_id;
    let then = "2020-02-03T04:05:06Z".parse().unwrap();
    store.record_scan(tenant, a_plain_scan(agent, then, |_, _| ())).await.unwrap();
    store.close().await;

    let store = open(&url).await;
    let months = "SELECT string_agg(inhrelid::regclass::text, ' ' ORDER BY 1) FROM pg_inherits
        WHERE inhparent = 'activity_log'::regclass AND inhrelid::regclass::text ~ '_2020_'";
    assert_eq!(cluster.sql(&url, months), "activity_log_2020_02");
    cluster.sql(&url, "DELETE FROM activity_log");
    store.close().await;
    open(&url).await.close().await;
    assert_eq!(cluster.sql(&url, months), "");
    assert_ne!(
        cluster.sql(&url, "SELECT count(*) FROM pg_inherits WHERE inhparent = 'activity_log'::regclass"),
        "0"
    );
}
