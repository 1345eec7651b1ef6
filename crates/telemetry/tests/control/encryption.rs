//! Keys change while processes run, and nothing that was recorded is lost by it.

use crate::world::World;
use interven_live::{KeyError, Live, MasterKeys, ScanRequestContext, StartError};
use interven_store::Actor;
use interven_types::{ScanRequest, SecretBytes, TraceId};
use serde_json::{Value, json};

/// The world's own master key is made of sevens.
fn master(byte: u8) -> MasterKeys {
    MasterKeys::new(SecretBytes::new([byte; 32]))
}

async fn opened(world: &World, live: &Live, trace: TraceId) -> Result<Value, String> {
    let row = live.store.trace(world.tenant, trace).await.unwrap();
    let request = live.open_request(world.tenant, &row).await;
    request.map(|request| request.body).map_err(|error| error.to_string())
}

async fn scan(world: &World, live: &Live, said: &str) -> TraceId {
    let caller = world.caller().await;
    let request = ScanRequest::new("POST", "https://api.example/notes", json!({"said": said}));
    let recorded = live.scan(&caller, request, ScanRequestContext::default()).await.unwrap();
    recorded.into_parts().0.trace_id
}

#[tokio::test]
async fn new_data_keys_are_used_at_once_and_open_in_every_process() {
    let world = World::new().await;
    let other = world.another(master(7)).await.unwrap();
    let before = scan(&world, &world.live, "before").await;
    let made = world.post("encryption/rotate", json!({})).await.ok();
    assert_eq!(made.as_array().map(Vec::len), Some(1), "the tenant's alone: {made}");
    let after = scan(&world, &world.live, "after").await;

    // The other has not been told yet, and opens both.
    assert_eq!(opened(&world, &other, after).await.unwrap()["said"], "after");
    assert_eq!(opened(&world, &other, before).await.unwrap()["said"], "before");
    let by_other = scan(&world, &other, "by the other").await;
    assert_eq!(opened(&world, &world.live, by_other).await.unwrap()["said"], "by the other");

    let status = world.ask("GET", "encryption").without_tenant().send().await.ok();
    let keys = status["data_keys"].as_array().unwrap();
    let owners: Vec<_> = keys.iter().map(|key| (key["tenant"].as_str(), key["is_newest"] == true)).collect();
    assert_eq!(owners, [(None, true), (Some("acme"), false), (Some("acme"), true)], "{status}");
    assert!(keys.iter().all(|key| key["wrapped_under"] == status["master_key"]), "{status}");
    assert_eq!(keys[2]["fingerprint"], made[0]["fingerprint"]);
    let audit = world.audit().await;
    assert!(audit.contains(&("encryption.new_data_key".to_owned(), "operator".to_owned())), "{audit:?}");
}

#[tokio::test]
async fn without_a_tenant_every_key_is_new() {
    let world = World::new().await;
    let made = world.ask("POST", "encryption/rotate").without_tenant().send().await.ok();
    let owners: Vec<_> = made.as_array().unwrap().iter().map(|key| key["tenant"].as_str()).collect();
    assert_eq!(owners, [None, Some("acme")]);
    // The server's own key moved to the new one: API keys are still known.
    let another = world.another(master(7)).await.unwrap();
    scan(&world, &another, "hello").await;
}

#[tokio::test]
async fn a_new_master_key_takes_over_while_a_process_on_the_old_one_goes_on() {
    let world = World::new().await;
    let before = scan(&world, &world.live, "before").await;
    let new = world.another(master(8).after(Some(SecretBytes::new([7; 32])))).await.unwrap();
    assert_eq!(opened(&world, &new, before).await.unwrap()["said"], "before");
    // The old process scans on, and both read it.
    let meanwhile = scan(&world, &world.live, "meanwhile").await;
    assert_eq!(opened(&world, &new, meanwhile).await.unwrap()["said"], "meanwhile");
    assert_eq!(opened(&world, &world.live, meanwhile).await.unwrap()["said"], "meanwhile");
    // It makes no keys that the new one could not open, and says so.
    let refused = world.post("encryption/rotate", json!({})).await;
    assert_eq!(refused.refusal(), (409, "CONFLICT"));
    assert!(refused.message().contains("restart this process"), "{}", refused.message());
    // From now on the new key alone is enough, and the old one is refused.
    drop(new);
    world.another(master(8)).await.unwrap();
    let refused = world.another(master(7)).await.err();
    assert!(matches!(refused, Some(StartError::Key(KeyError::OtherKey { .. }))), "{refused:?}");
}

#[tokio::test]
async fn two_processes_that_want_the_first_key_of_a_tenant_use_one() {
    let world = World::new().await;
    let other = world.another(master(7)).await.unwrap();
    let (store, now) = (&world.live.store, world.live.now());
    let tenant = store.create_tenant("zeta", &Actor::system(), now).await.unwrap().tenant_id;
    let (one, two) = tokio::join!(world.live.reload(tenant), other.reload(tenant));
    one.unwrap();
    two.unwrap();
    let status = world.live.encryption_status().await.unwrap();
    assert_eq!(status.data_keys.iter().filter(|key| key.tenant_id == Some(tenant)).count(), 1, "{status:?}");
}
