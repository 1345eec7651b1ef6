//! The documented way of backing up: `pg_dump` while in use, `pg_restore` into an empty database.

use crate::{now, open};
use interven_store::{
    ActivityFilter, ActivityStore, Actor, AgentClaim, AgentStore, LedgerStore, Log, TenantStore,
};
use interven_testkit::{postgres::Cluster, store_conformance::a_plain_scan};
use interven_types::RuntimeType;
use std::process::Command;

#[track_caller]
fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dump_of_a_database_in_use_restores_to_one_that_goes_on() {
    let cluster = Cluster::shared();
    let (from, to) = (cluster.database(), cluster.database());
    let store = open(&from).await;
    let tenant = store.create_tenant("acme", &Actor::system(), now()).await.unwrap().tenant_id;
    let claim = AgentClaim::Name("worker".into());
    let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now()).await.unwrap().agent_id;
    for _ in 0..5 {
        store.record_scan(tenant, a_plain_scan(agent, now(), |_, _| ())).await.unwrap();
    }
    let everything = ActivityFilter { limit: 100, ..ActivityFilter::default() };
    let rows = store.activity(tenant, &everything).await.unwrap();
    let leaves = store.leaves(tenant, Log::Activity, 0, 100).await.unwrap();

    // The store stays open: gateways go on while a dump is made.
    let dump = cluster.directory().join("interven.dump");
    run(cluster.tool("pg_dump").args(["--format=custom", "--no-owner", "--file"]).arg(&dump).arg(&from));
    store.record_scan(tenant, a_plain_scan(agent, now(), |_, _| ())).await.unwrap();
    run(cluster.tool("pg_restore").args(["--no-owner", "--exit-on-error", "--dbname", &to]).arg(&dump));

    let restored = open(&to).await;
    assert_eq!(restored.activity(tenant, &everything).await.unwrap(), rows);
    assert_eq!(restored.leaves(tenant, Log::Activity, 0, 100).await.unwrap(), leaves);
    let next = restored.record_scan(tenant, a_plain_scan(agent, now(), |_, _| ())).await.unwrap();
    assert_eq!(next.ledger_seq, 6, "it goes on after the last position of the dump");
}
