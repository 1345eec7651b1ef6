//! Two logs that prove themselves.

use super::{Stage, ada};
use interven_ledger::{
    Checkpoint, Entry, Growth, Hash, NoteSigner, Question, Source, Tile, edge, grow, verify,
};
use interven_store::{AuditEntry, Log, Seal, Store, StoreResult};
use interven_types::{TenantId, Verb};
use serde_json::json;
use std::sync::Arc;

async fn record(stage: &Stage, scans: usize) {
    for number in 0..scans {
        stage.scan(move |_, settled| settled.row.operation = format!("operation_{number}")).await;
        let entry = AuditEntry {
            action: "body.reveal".into(),
            target: number.to_string(),
            details: json!({"n": number}),
        };
        stage.store.audit(stage.tenant, &entry, &ada(), stage.now).await.unwrap();
    }
}

async fn all_entries(stage: &Stage, log: Log) -> Vec<Entry> {
    stage.store.entries(stage.tenant, log, i64::MIN, 1_000).await.unwrap()
}

/// Creating the tenant is the first of its audit log.
const AUDITED_BEFORE: u64 = 1;

pub(super) async fn every_row_is_a_leaf_of_its_log(stage: Stage) {
    record(&stage, 5).await;
    for (log, size) in [(Log::Activity, 5), (Log::Audit, 5 + AUDITED_BEFORE)] {
        let store = &stage.store;
        assert_eq!(store.recorded(stage.tenant, log).await.unwrap(), size);
        let entries = all_entries(&stage, log).await;
        let leaves = store.leaves(stage.tenant, log, 0, 100).await.unwrap();
        let of_events: Vec<(u64, Hash)> = entries
            .iter()
            .map(|entry| (entry.position as u64, Hash::of_leaf(entry.event.as_ref().unwrap())))
            .collect();
        assert_eq!(leaves, of_events, "{log:?}");
        assert_eq!(
            leaves.iter().map(|(position, _)| *position).collect::<Vec<_>>(),
            (1..=size).collect::<Vec<_>>()
        );
        assert!(entries.iter().all(|entry| entry.leaf_hash.is_some()));
        assert_eq!(store.leaves(stage.tenant, log, 2, 2).await.unwrap(), leaves[2..4]);
        assert_eq!(store.entries(stage.tenant, log, 3, 2).await.unwrap(), entries[2..4]);
    }
}

pub(super) async fn an_event_is_made_of_the_row_as_it_is_stored(stage: Stage) {
    let long = "p".repeat(2_000);
    let url = format!("https://api.example/{long}");
    stage
        .scan(move |_, settled| {
            settled.row.url = url;
            settled.row.verb = Verb::Read;
            settled.row.risk_score = 0.1;
            settled.row.reason_codes = vec!["A \"B\"".into()];
            settled.row.sealed_request = b"abc".to_vec();
        })
        .await;
    let events = all_entries(&stage, Log::Activity).await;
    let text = String::from_utf8(events[0].event.clone().unwrap()).unwrap();
    for part in [
        format!("\"tenant_id\":\"{}\"", stage.tenant),
        format!("\"agent_id\":\"{}\"", stage.agent),
        format!("\"created_at\":\"{}\"", stage.now),
        "\"approval_id\":null".to_owned(),
        "\"ledger_seq\":1".to_owned(),
        "\"risk_score\":\"0.1\"".to_owned(),
        "\"reason_codes\":\"[\\\"A \\\\\\\"B\\\\\\\"\\\"]\"".to_owned(),
        "\"url_sha256\":\"".to_owned(),
        "\"v\":1,\"verb\":\"READ\",\"verdict_sha256\":\"".to_owned(),
        // SHA-256 of `abc`.
        "\"sealed_request_sha256\":\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""
            .to_owned(),
    ] {
        assert!(text.contains(&part), "{part} in {text}");
    }
    assert!(!text.contains(&long));
}

fn signer(stage: &Stage, log: Log) -> NoteSigner {
    NoteSigner::new(&log.origin(stage.tenant), &[7; 32])
}

/// The next seal, as one of the services would make it.
pub(super) async fn next_seal(stage: &Stage, log: Log) -> Seal {
    let store = &stage.store;
    let from =
        store.newest_checkpoint(stage.tenant, log).await.unwrap().map_or(0, |checkpoint| checkpoint.size);
    let leaves: Vec<Hash> = store
        .leaves(stage.tenant, log, from, 10_000)
        .await
        .unwrap()
        .into_iter()
        .map(|(_, hash)| hash)
        .collect();
    let known = store.tiles(stage.tenant, log, &edge(from)).await.unwrap();
    let Growth { size, root, tiles } = grow(from, &known, &leaves).unwrap();
    let checkpoint = Checkpoint { origin: log.origin(stage.tenant), size, root };
    let note = checkpoint.sign(&signer(stage, log));
    Seal { from, checkpoint, note, tiles, at: stage.now }
}

pub(super) async fn a_log_is_sealed_by_one_of_many_and_verifies(stage: Stage) {
    record(&stage, 5).await;
    let log = Log::Activity;
    let first = next_seal(&stage, log).await;
    assert!(stage.store.seal(stage.tenant, log, &first).await.unwrap());
    assert!(!stage.store.seal(stage.tenant, log, &first).await.unwrap(), "another was first");
    assert_eq!(
        stage.store.newest_checkpoint(stage.tenant, Log::Audit).await.unwrap(),
        None,
        "each log by itself"
    );
    record(&stage, 3).await;
    let second = next_seal(&stage, log).await;
    assert_eq!((second.from, second.checkpoint.size), (5, 8));
    assert!(stage.store.seal(stage.tenant, log, &second).await.unwrap());
    let newest = stage.store.newest_checkpoint(stage.tenant, log).await.unwrap().unwrap();
    assert_eq!((newest.size, &newest.note, newest.signed_at), (8, &second.note, stage.now));

    let opened = Checkpoint::open(&newest.note, signer(&stage, log).verifier()).unwrap();
    let kept = [first.checkpoint];
    let question = Question { newest: &opened, kept: &kept, positions: None, pruned_through: 0 };
    let mut source = StoredLog {
        store: stage.store.clone(),
        tenant: stage.tenant,
        log,
        runtime: tokio::runtime::Handle::current(),
    };
    let report = tokio::task::block_in_place(|| verify(&mut source, &question)).unwrap();
    assert_eq!((report.events, report.sealed), (8, 8));
    assert_eq!(report.findings, []);
}

/// A log of a store, read by the verifier. For threads that may block.
#[derive(Debug)]
struct StoredLog {
    store: Arc<dyn Store>,
    tenant: TenantId,
    log: Log,
    runtime: tokio::runtime::Handle,
}

impl Source for StoredLog {
    type Error = interven_store::StoreError;

    fn recorded(&mut self) -> StoreResult<u64> {
        self.runtime.block_on(self.store.recorded(self.tenant, self.log))
    }

    fn tile(&mut self, tile: Tile, width: u64) -> StoreResult<Vec<Hash>> {
        let found = self.runtime.block_on(self.store.tiles(self.tenant, self.log, &[tile]))?;
        let hashes = found.into_values().next().unwrap_or_default();
        Ok(hashes.into_iter().take(width as usize).collect())
    }

    fn entries(&mut self, from: i64) -> StoreResult<Vec<Entry>> {
        self.runtime.block_on(self.store.entries(self.tenant, self.log, from, 3))
    }
}
