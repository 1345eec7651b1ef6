//! Keys that keys make for one task.

use super::{Call, Stage, ada, control::key, is_conflict, is_not_found, minutes};
use interven_store::{
    EPHEMERAL_KEPT, Ephemeral, KeyRecord, KeyUse, MOST_EPHEMERAL, NewKey, Receipt, StoreError, StoreResult,
};
use interven_types::{CallScope, Decision, KeyId, KeyKind, Timestamp, Verb};
use std::collections::BTreeSet;
use uuid::Uuid;

/// Made at `at` for a quarter of an hour.
fn ephemeral(stage: &Stage, parent: KeyId, secret: u8, max_uses: u32, at: Timestamp) -> NewKey {
    let NewKey { record, hash, .. } = key(stage, secret);
    let scope = CallScope {
        tools: BTreeSet::from(["slack".into(), "github.create_issue".into()]),
        verbs: BTreeSet::from([Verb::Read, Verb::Write]),
    };
    let limits = Ephemeral { parent_key_id: parent, scope, max_uses, uses: 0 };
    let record = KeyRecord {
        created_at: at,
        expires_at: Some(at.saturating_add(minutes(15))),
        ephemeral: Some(limits),
        ..record
    };
    NewKey { record, hash, sealed_secret: None }
}

/// A key of the stage's tenant that makes others.
async fn parent(stage: &Stage) -> KeyId {
    let NewKey { record, hash, .. } = key(stage, 1);
    let new = NewKey { record: KeyRecord { expires_at: None, ..record }, hash, sealed_secret: None };
    stage.store.create_key(stage.tenant, &new, &ada()).await.unwrap();
    new.record.key_id
}

async fn scan(stage: &Stage, use_of: KeyUse, decision: Decision) -> StoreResult<Receipt> {
    let call = Call { use_of: Some(use_of), ..Call::by(stage.agent, stage.now) };
    call.record(stage, move |_, settled| settled.row.decision = Some(decision)).await
}

async fn uses(stage: &Stage, new: &NewKey) -> Option<u32> {
    let record = stage.store.key_by_hash(&new.hash).await.unwrap()?;
    record.ephemeral.map(|limits| limits.uses)
}

pub(super) async fn an_ephemeral_key_stands_apart_and_ends_with_its_parent(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let parent = parent(&stage).await;
    let made = ephemeral(&stage, parent, 2, 3, stage.now);
    store.create_key(tenant, &made, &ada()).await.unwrap();
    assert_eq!(store.key_by_hash(&made.hash).await.unwrap().as_ref(), Some(&made.record));
    assert_eq!(store.keys(tenant, KeyKind::Ephemeral).await.unwrap(), std::slice::from_ref(&made.record));
    let lasting = store.keys(tenant, KeyKind::Live).await.unwrap();
    assert_eq!(lasting.iter().map(|key| key.key_id).collect::<Vec<_>>(), [parent]);

    store.revoke_key(tenant, parent, &ada(), stage.now).await.unwrap();
    let ended = store.key_by_hash(&made.hash).await.unwrap().unwrap();
    assert_eq!(ended.revoked_at, Some(stage.now));
    let refused = ephemeral(&stage, parent, 3, 1, stage.now);
    assert!(is_not_found(&store.create_key(tenant, &refused, &ada()).await), "its parent is revoked");
    assert_eq!(store.key_by_hash(&refused.hash).await.unwrap(), None, "nothing is left of it");
    let orphan = ephemeral(&stage, KeyId(Uuid::nil()), 4, 1, stage.now);
    assert!(is_not_found(&store.create_key(tenant, &orphan, &ada()).await));
}

pub(super) async fn a_use_is_taken_with_the_record_of_the_answer(stage: Stage) {
    let parent = parent(&stage).await;
    let made = ephemeral(&stage, parent, 2, 2, stage.now);
    stage.store.create_key(stage.tenant, &made, &ada()).await.unwrap();
    let key = KeyUse { key_id: made.record.key_id, max_uses: 2 };

    scan(&stage, key, Decision::RequireApproval).await.unwrap();
    assert_eq!(uses(&stage, &made).await, Some(0), "it has not been answered yet");
    scan(&stage, key, Decision::Deny).await.unwrap();
    scan(&stage, key, Decision::Allow).await.unwrap();
    assert_eq!(uses(&stage, &made).await, Some(2));
    for decision in [Decision::Allow, Decision::RequireApproval] {
        assert_eq!(scan(&stage, key, decision).await.unwrap_err(), StoreError::KeyExhausted);
    }
    // What was refused left no row and no gap.
    assert_eq!(stage.scan(|_, _| ()).await.ledger_seq, 4);
    let unknown = KeyUse { key_id: KeyId(Uuid::nil()), max_uses: 2 };
    assert_eq!(scan(&stage, unknown, Decision::Allow).await.unwrap_err(), StoreError::KeyExhausted);
}

pub(super) async fn of_many_calls_at_once_as_many_pass_as_there_are_uses(stage: Stage) {
    let parent = parent(&stage).await;
    let made = ephemeral(&stage, parent, 2, 5, stage.now);
    stage.store.create_key(stage.tenant, &made, &ada()).await.unwrap();
    let key = KeyUse { key_id: made.record.key_id, max_uses: 5 };
    let calls = (0..40).map(|_| {
        let call = Call { use_of: Some(key), ..Call::by(stage.agent, stage.now) };
        let (store, tenant) = (stage.store.clone(), stage.tenant);
        tokio::spawn(async move { store.record_scan(tenant, call.entry(|_, _| ())).await })
    });
    let mut passed = 0;
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Ok(_) => passed += 1,
            Err(error) => assert_eq!(error, StoreError::KeyExhausted),
        }
    }
    assert_eq!((passed, uses(&stage, &made).await), (5, Some(5)));
}

pub(super) async fn a_key_has_so_many_ephemeral_ones_and_the_ended_are_removed(stage: Stage) {
    let (store, tenant) = (&stage.store, stage.tenant);
    let parent = parent(&stage).await;
    let numbered = |number: u32, at| {
        let mut new = ephemeral(&stage, parent, 2, 1, at);
        new.hash.0[..4].copy_from_slice(&number.to_be_bytes());
        new
    };
    for number in 0..MOST_EPHEMERAL {
        store.create_key(tenant, &numbered(number, stage.now), &ada()).await.unwrap();
    }
    let one_more = numbered(MOST_EPHEMERAL, stage.now);
    assert!(is_conflict(&store.create_key(tenant, &one_more, &ada()).await));
    // Ended, they stand on the list for a while, and in nobody's way.
    store.create_key(tenant, &numbered(MOST_EPHEMERAL, stage.later(minutes(16))), &ada()).await.unwrap();
    let many = store.keys(tenant, KeyKind::Ephemeral).await.unwrap().len();
    assert_eq!(many, MOST_EPHEMERAL as usize + 1);
    let much_later = stage.later(EPHEMERAL_KEPT + minutes(40));
    store.create_key(tenant, &numbered(MOST_EPHEMERAL + 1, much_later), &ada()).await.unwrap();
    assert_eq!(store.keys(tenant, KeyKind::Ephemeral).await.unwrap().len(), 1);
}
