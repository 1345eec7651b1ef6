//! Somebody with the database in hand: one edit of a ledger after the other, each undone after it was looked for.

use crate::Random;
use anyhow::{Context as _, Result, bail};
use interven_ledger::{
    Checkpoint, Growth, Hash, NoteSigner, Question, VerifierKey, edge, grow, tile_bytes, verify,
};
use interven_store::{
    ActivityStore as _, Actor, AgentClaim, AgentStore as _, AuditEntry, AuditStore as _, LedgerStore as _,
    Log, Seal, TenantStore as _,
};
use interven_store_sqlite::{SqliteOptions, SqliteStore, StoredLog};
use interven_testkit::store_conformance::a_plain_scan;
use interven_types::{RuntimeType, TenantId, Timestamp};
use rusqlite::{Connection, params, types::Value};
use serde_json::json;
use std::{
    collections::BTreeMap,
    path::Path,
    time::{Duration, Instant},
};

/// The log's own key, and one that a forger makes.
const OWN_KEY: [u8; 32] = [1; 32];
const OTHER_KEY: [u8; 32] = [2; 32];

/// A ledger in a SQLite file, with what an auditor kept of it.
#[derive(Debug, Clone)]
pub struct SealedLedger {
    pub tenant: TenantId,
    rows: u64,
    /// Time that sealing both logs took.
    pub sealing: Duration,
    /// Of each log, the newest checkpoint and one of half its size.
    kept: BTreeMap<&'static str, Vec<Checkpoint>>,
}

impl SealedLedger {
    /// Records `rows` scans and a tenth as many changes of the control plane at `path`, and seals them in two steps.
    pub async fn make(path: &Path, rows: u64, random: &mut Random) -> Result<Self> {
        let store = SqliteStore::open(SqliteOptions::new(path)).await?;
        let now = Timestamp::from_unix_ms(1_790_000_000_000);
        let tenant = store.create_tenant("acme", &Actor::system(), now).await?.tenant_id;
        let claim = AgentClaim::Name("worker".into());
        let agent = store.ensure_agent(tenant, None, &claim, RuntimeType::Python, now).await?.agent_id;
        let mut kept: BTreeMap<&'static str, Vec<Checkpoint>> = BTreeMap::new();
        let mut sealing = Duration::ZERO;
        for half in [rows / 2, rows - rows / 2] {
            for number in 0..half {
                let (size, noise) = (random.below(3_000), random.number());
                let scan = a_plain_scan(agent, now, move |_, settled| {
                    settled.row.operation = format!("operation_{}", noise % 40);
                    settled.row.client_addr = (noise % 2 == 0).then(|| format!("10.0.0.{}", noise % 250));
                    settled.row.risk_score = (noise % 1_000) as f64 / 1_000.0;
                    settled.row.facts = json!({"noise": noise.to_string()});
                    settled.row.sealed_request =
                        vec![noise.to_le_bytes()[0]; usize::try_from(size).unwrap_or(0)];
                });
                store.record_scan(tenant, scan).await?;
                if number % 10 == 0 {
                    let entry = AuditEntry {
                        action: "settings.update".into(),
                        target: noise.to_string(),
                        details: json!(noise),
                    };
                    store.audit(tenant, &entry, &Actor::system(), now).await?;
                }
            }
            let began = Instant::now();
            for log in Log::ALL {
                let checkpoint = seal(&store, tenant, log, now).await?;
                kept.entry(log.as_str()).or_default().push(checkpoint);
            }
            sealing += began.elapsed();
        }
        store.close().await;
        Ok(Self { tenant, rows, sealing, kept })
    }
}

async fn seal(store: &SqliteStore, tenant: TenantId, log: Log, at: Timestamp) -> Result<Checkpoint> {
    let from = store.newest_checkpoint(tenant, log).await?.map_or(0, |checkpoint| checkpoint.size);
    let leaves: Vec<Hash> =
        store.leaves(tenant, log, from, u32::MAX).await?.into_iter().map(|(_, hash)| hash).collect();
    let known = store.tiles(tenant, log, &edge(from)).await?;
    let Growth { size, root, tiles } = grow(from, &known, &leaves).context("the tree cannot grow")?;
    let checkpoint = Checkpoint { origin: log.origin(tenant), size, root };
    let note = checkpoint.sign(&NoteSigner::new(&checkpoint.origin, &OWN_KEY));
    store.seal(tenant, log, &Seal { from, checkpoint: checkpoint.clone(), note, tiles, at }).await?;
    Ok(checkpoint)
}

/// What is done to a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Edit {
    Change,
    ChangeWithHash,
    Delete,
    Swap,
    Insert,
    InsertBetween,
    Truncate,
    ChangeTile,
    RemoveTile,
    ChangeCheckpoint,
    /// A change, every hash, tile and checkpoint made anew, signed with another key.
    SignAnew,
    /// The same, signed with the log's own key.
    SignAnewWithOwnKey,
    /// Back to an earlier state of everything, with the checkpoint that was genuine then.
    RollBack,
}

pub const EDITS: [Edit; 13] = [
    Edit::Change,
    Edit::ChangeWithHash,
    Edit::Delete,
    Edit::Swap,
    Edit::Insert,
    Edit::InsertBetween,
    Edit::Truncate,
    Edit::ChangeTile,
    Edit::RemoveTile,
    Edit::ChangeCheckpoint,
    Edit::SignAnew,
    Edit::SignAnewWithOwnKey,
    Edit::RollBack,
];

/// What came of one edit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    pub edit: Edit,
    /// What was done, for repeating it by hand.
    pub done: String,
    pub is_found: bool,
    /// Whether a finding covers a position that the edit touched.
    pub is_named: bool,
}

/// Edits one copy of a ledger.
#[derive(Debug)]
pub struct Forger {
    db: Connection,
    ledger: SealedLedger,
    random: Random,
}

impl Forger {
    pub fn at(path: &Path, ledger: SealedLedger, seed: u64) -> Result<Self> {
        let db = Connection::open(path)?;
        db.pragma_update(None, "foreign_keys", false)?;
        db.set_prepared_statement_cache_capacity(256);
        Ok(Self { db, ledger, random: Random::from_seed(seed) })
    }

    /// The ledger as it is must verify, or no edit proves anything. Returns how many events were looked at.
    pub fn verify_untouched(&self) -> Result<u64> {
        let mut events = 0;
        for log in Log::ALL {
            match self.findings(log)? {
                (looked_at, findings) if findings.is_empty() => events += looked_at,
                (_, findings) => bail!("the untouched {} log does not verify: {findings:?}", log.as_str()),
            }
        }
        Ok(events)
    }

    /// Does one edit, looks for it, and undoes it.
    pub fn try_edit(&mut self, edit: Edit) -> Result<Outcome> {
        let log = if self.random.below(4) == 0 { Log::Audit } else { Log::Activity };
        self.db.execute_batch("BEGIN")?;
        let forged = self.forge(edit, log);
        let outcome = forged.and_then(|(done, positions)| {
            let (_, findings) = self.findings(log)?;
            let covers = |(first, last): &(i64, i64)| positions.iter().any(|at| (first..=last).contains(&at));
            Ok(Outcome { edit, done, is_found: !findings.is_empty(), is_named: findings.iter().any(covers) })
        });
        self.db.execute_batch("ROLLBACK")?;
        outcome
    }

    /// Events looked at, and the positions that do not match. A checkpoint that the log's key does not open concerns all.
    fn findings(&self, log: Log) -> Result<(u64, Vec<(i64, i64)>)> {
        let tenant = self.ledger.tenant;
        let key = NoteSigner::new(&log.origin(tenant), &OWN_KEY).verifier().clone();
        let note: Option<String> = self
            .db
            .query_row(
                "SELECT note FROM ledger_checkpoints WHERE tenant_id = ?1 AND log = ?2 ORDER BY tree_size DESC LIMIT 1",
                params![tenant.to_string(), log.as_str()],
                |row| row.get(0),
            )
            .ok();
        let opened =
            note.and_then(|note| Checkpoint::open(&note, &VerifierKey::parse(&key.to_string()).ok()?).ok());
        let Some(newest) = opened else { return Ok((0, vec![(1, i64::MAX)])) };
        let kept = self.ledger.kept.get(log.as_str()).map(Vec::as_slice).unwrap_or_default();
        let question = Question { newest: &newest, kept, positions: None, pruned_through: 0 };
        let report = verify(&mut StoredLog::new(&self.db, tenant, log), &question)?;
        Ok((report.events, report.findings.iter().map(|finding| (finding.first, finding.last)).collect()))
    }

    /// Returns what was done, and the positions that it touched.
    fn forge(&mut self, edit: Edit, log: Log) -> Result<(String, Vec<i64>)> {
        let (name, at) = (log.table().name, log.table().position);
        let size = self.size(log)?;
        let position = self.position(size);
        match edit {
            Edit::Change => {
                let done = self.change(log, position, &["leaf_hash"])?;
                Ok((done, vec![position]))
            }
            Edit::ChangeWithHash => {
                let done = self.change(log, position, &[])?;
                self.rehash(log)?;
                Ok((format!("{done}, with its hash"), vec![position]))
            }
            Edit::Delete => {
                let last = (position + i64::try_from(self.random.below(5))?).min(size);
                self.run(&format!("DELETE FROM {name} WHERE {at} BETWEEN {position} AND {last}"))?;
                Ok((format!("delete {position} to {last}"), vec![position]))
            }
            Edit::Swap => {
                let other = self.other_position(size, position);
                for (from, to) in [(position, -1), (other, position), (-1, other)] {
                    self.run(&format!("UPDATE {name} SET {at} = {to} WHERE {at} = {from}"))?;
                }
                self.maybe_rehash(log)?;
                Ok((format!("swap {position} and {other}"), vec![position, other]))
            }
            Edit::Insert => {
                let beyond = size + 1 + i64::try_from(self.random.below(3))?;
                let place = *self.random.pick(&[0, -1, i64::MIN, beyond, i64::MAX]).unwrap_or(&0);
                self.copy(log, position, place)?;
                self.maybe_rehash(log)?;
                Ok((format!("insert a copy of {position} at {place}"), vec![place]))
            }
            Edit::InsertBetween => {
                // Behind the last one it would be an append, which no earlier checkpoint can tell from an honest one.
                let position = position.min(size - 1);
                // Through the negative numbers, so that no two rows meet on the way.
                self.run(&format!("UPDATE {name} SET {at} = -{at} - 1 WHERE {at} >= {position}"))?;
                self.run(&format!("UPDATE {name} SET {at} = -{at} WHERE {at} < 0"))?;
                self.copy(log, position + 1, position)?;
                self.run(&format!("UPDATE tenant_counters SET {c} = {c} + 1", c = log.table().counter))?;
                self.maybe_rehash(log)?;
                Ok((format!("insert at {position} and move the rest"), vec![position, position + 1]))
            }
            Edit::Truncate => {
                self.run(&format!("DELETE FROM {name} WHERE {at} >= {position}"))?;
                if self.random.below(2) == 0 {
                    self.run(&format!(
                        "UPDATE tenant_counters SET {} = {}",
                        log.table().counter,
                        position - 1
                    ))?;
                }
                Ok((format!("cut off from {position} on"), vec![position]))
            }
            Edit::ChangeTile => {
                let (row, mut bytes) = self.tile(log)?;
                let place = usize::try_from(self.random.below(bytes.len() as u64))?;
                if let Some(byte) = bytes.get_mut(place) {
                    *byte ^= 1 << self.random.below(8);
                }
                self.db
                    .execute("UPDATE ledger_tiles SET hashes = ?2 WHERE rowid = ?1", params![row, bytes])?;
                Ok((format!("change byte {place} of tile row {row}"), (1..=size).collect()))
            }
            Edit::RemoveTile => {
                let (row, mut bytes) = self.tile(log)?;
                bytes.truncate(bytes.len().saturating_sub(32 + usize::try_from(self.random.below(31))?));
                if self.random.below(2) == 0 {
                    self.db.execute("DELETE FROM ledger_tiles WHERE rowid = ?1", [row])?;
                } else {
                    self.db.execute(
                        "UPDATE ledger_tiles SET hashes = ?2 WHERE rowid = ?1",
                        params![row, bytes],
                    )?;
                }
                Ok((format!("take tile row {row} or a part of it"), (1..=size).collect()))
            }
            Edit::ChangeCheckpoint => {
                let sql = format!(
                    "UPDATE ledger_checkpoints SET note = replace(note, char(10) || tree_size || char(10),
                        char(10) || (tree_size + {position}) || char(10)) WHERE log = '{}'",
                    log.as_str()
                );
                self.run(&sql)?;
                Ok(("another size in the checkpoint".into(), vec![1]))
            }
            Edit::SignAnew | Edit::SignAnewWithOwnKey => {
                let done = if self.random.below(2) == 0 {
                    self.change(log, position, &[])?
                } else {
                    self.run(&format!("DELETE FROM {name} WHERE {at} = {position}"))?;
                    self.run(&format!("UPDATE {name} SET {at} = -({at} - 1) WHERE {at} > {position}"))?;
                    self.run(&format!("UPDATE {name} SET {at} = -{at} WHERE {at} < 0"))?;
                    self.run(&format!("UPDATE tenant_counters SET {c} = {c} - 1", c = log.table().counter))?;
                    format!("delete {position} and close the gap")
                };
                self.rehash(log)?;
                let is_own = edit == Edit::SignAnewWithOwnKey;
                let leaves = self.leaves(log)?;
                self.replace_tree(log, &leaves, if is_own { &OWN_KEY } else { &OTHER_KEY })?;
                Ok((format!("{done}, and everything signed anew"), vec![position]))
            }
            Edit::RollBack => {
                let left = position.min(size - 1);
                self.run(&format!("DELETE FROM {name} WHERE {at} > {left}"))?;
                self.run(&format!("UPDATE tenant_counters SET {} = {left}", log.table().counter))?;
                let leaves = self.leaves(log)?;
                self.replace_tree(log, &leaves, &OWN_KEY)?;
                Ok((format!("everything as it was at {left} events"), vec![left + 1]))
            }
        }
    }

    fn size(&self, log: Log) -> Result<i64> {
        let kept = self.ledger.kept.get(log.as_str()).and_then(|kept| kept.last());
        Ok(i64::try_from(kept.map_or(self.ledger.rows, |checkpoint| checkpoint.size))?)
    }

    fn position(&mut self, size: i64) -> i64 {
        i64::try_from(self.random.below(size.unsigned_abs())).unwrap_or(0) + 1
    }

    fn other_position(&mut self, size: i64, position: i64) -> i64 {
        let step = i64::try_from(self.random.below(size.unsigned_abs() - 1)).unwrap_or(0) + 1;
        (position - 1 + step) % size + 1
    }

    fn run(&self, sql: &str) -> Result<()> {
        self.db.execute_batch(sql).with_context(|| sql.to_owned())
    }

    fn copy(&self, log: Log, from: i64, to: i64) -> Result<()> {
        let (name, at) = (log.table().name, log.table().position);
        let columns: Vec<&str> =
            log.table().columns.iter().map(|(column, _)| *column).chain(["leaf_hash"]).collect();
        let values: Vec<String> = columns
            .iter()
            .map(|column| match *column {
                column if column == at => to.to_string(),
                "trace_id" => "trace_id || '-copy'".to_owned(),
                column => column.to_owned(),
            })
            .collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        self.run(&format!("INSERT INTO {name} ({columns}) SELECT {values} FROM {name} WHERE {at} = {from}"))
    }

    /// Another value in one column of one row: any column that is hashed, and those of `more`.
    fn change(&mut self, log: Log, position: i64, more: &[&str]) -> Result<String> {
        let (name, at) = (log.table().name, log.table().position);
        let columns: Vec<&str> =
            log.table().columns.iter().map(|(column, _)| *column).chain(more.iter().copied()).collect();
        let column = *self.random.pick(&columns).context("a table without columns")?;
        let sql = format!("SELECT {column} FROM {name} WHERE {at} = {position}");
        let value = match self.db.query_row(&sql, [], |row| row.get::<_, Value>(0))? {
            Value::Null => Value::Text("x".into()),
            Value::Integer(number) => Value::Integer(number + self.far_away()),
            Value::Real(number) => {
                Value::Real(if self.random.below(2) == 0 { number.next_up() } else { number + 0.25 })
            }
            Value::Text(text) => Value::Text(self.other_text(&text)),
            Value::Blob(bytes) => Value::Blob(self.other_bytes(bytes)),
        };
        let shown = format!("{value:?}");
        self.db.execute(&format!("UPDATE {name} SET {column} = ?1 WHERE {at} = {position}"), [value])?;
        Ok(format!("{column} of {position} = {}", shown.chars().take(60).collect::<String>()))
    }

    /// Further than any position that is there, so that a changed position takes no other row's.
    fn far_away(&mut self) -> i64 {
        let by = i64::try_from(self.random.below(1_000) + 10 * self.ledger.rows).unwrap_or(i64::MAX);
        if self.random.below(2) == 0 { by } else { -by }
    }

    fn other_text(&mut self, text: &str) -> String {
        let length = text.chars().count() as u64;
        match self.random.below(3) {
            0 => format!("{text} "),
            1 if length > 0 => text.chars().skip(1).collect(),
            _ => {
                let at = self.random.below(length.max(1));
                let other = |(place, letter): (u64, char)| {
                    if place == at { if letter == 'z' { 'y' } else { 'z' } } else { letter }
                };
                let changed: String = (0..).zip(text.chars()).map(other).collect();
                if changed == text { format!("{text}z") } else { changed }
            }
        }
    }

    fn other_bytes(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        let place = usize::try_from(self.random.below(bytes.len() as u64)).unwrap_or(0);
        match bytes.get_mut(place) {
            Some(byte) => *byte ^= 1 << self.random.below(8),
            None => bytes.push(0),
        }
        bytes
    }

    fn maybe_rehash(&mut self, log: Log) -> Result<()> {
        if self.random.below(2) == 0 { self.rehash(log) } else { Ok(()) }
    }

    /// Gives every row the hash of what it now is.
    fn rehash(&self, log: Log) -> Result<()> {
        let (name, at) = (log.table().name, log.table().position);
        let sql = format!("UPDATE {name} SET leaf_hash = ?3 WHERE tenant_id = ?1 AND {at} = ?2");
        let mut update = self.db.prepare_cached(&sql)?;
        for (position, hash, stored) in self.hashes(log)? {
            if stored != Some(hash) {
                update.execute(params![self.ledger.tenant.to_string(), position, hash.0])?;
            }
        }
        Ok(())
    }

    fn leaves(&self, log: Log) -> Result<Vec<Hash>> {
        Ok(self.hashes(log)?.into_iter().map(|(_, hash, _)| hash).collect())
    }

    /// Of each row its position, the hash of what it is, and the one that stands beside it.
    fn hashes(&self, log: Log) -> Result<Vec<(i64, Hash, Option<Hash>)>> {
        let entries = StoredLog::new(&self.db, self.ledger.tenant, log).page(i64::MIN, u32::MAX)?;
        // What cannot be read has no hash to be given.
        let hash = |entry: interven_ledger::Entry| {
            Some((entry.position, Hash::of_leaf(&entry.event.ok()?), entry.leaf_hash))
        };
        Ok(entries.into_iter().filter_map(hash).collect())
    }

    /// The row of a random tile that the verifier needs, and its hashes.
    fn tile(&mut self, log: Log) -> Result<(i64, Vec<u8>)> {
        let mut statement =
            self.db.prepare_cached("SELECT rowid, hashes FROM ledger_tiles WHERE log = ?1")?;
        let found: Vec<(i64, Vec<u8>)> = statement
            .query_map([log.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<_, _>>()?;
        self.random.pick(&found).cloned().context("a log without tiles")
    }

    /// A tree over `leaves` in place of the one that is there, with a checkpoint of its own.
    fn replace_tree(&self, log: Log, leaves: &[Hash], key: &[u8; 32]) -> Result<()> {
        let tenant = self.ledger.tenant.to_string();
        self.db.execute("DELETE FROM ledger_tiles WHERE log = ?1", [log.as_str()])?;
        self.db.execute("DELETE FROM ledger_checkpoints WHERE log = ?1", [log.as_str()])?;
        let Growth { size, root, tiles } =
            grow(0, &BTreeMap::new(), leaves).context("the tree cannot grow")?;
        for (tile, hashes) in tiles {
            self.db.execute(
                "INSERT INTO ledger_tiles (tenant_id, log, level, tile_index, hashes) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![tenant, log.as_str(), tile.level, i64::try_from(tile.index)?, tile_bytes(&hashes)],
            )?;
        }
        let origin = log.origin(self.ledger.tenant);
        let note = Checkpoint { origin: origin.clone(), size, root }.sign(&NoteSigner::new(&origin, key));
        self.db.execute(
            "INSERT INTO ledger_checkpoints (tenant_id, log, tree_size, root, note, signed_at)
             VALUES (?1, ?2, ?3, ?4, ?5, '2026-11-23T00:00:00.000Z')",
            params![tenant, log.as_str(), i64::try_from(size)?, root.0, note],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{EDITS, Forger, SealedLedger};
    use crate::Random;

    #[tokio::test(flavor = "multi_thread")]
    async fn every_kind_of_edit_is_found_and_named() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("data.db");
        let ledger = SealedLedger::make(&path, 300, &mut Random::from_seed(5)).await.unwrap();
        let mut forger = Forger::at(&path, ledger, 7).unwrap();
        assert_eq!(forger.verify_untouched().unwrap(), 300 + 30 + 1);
        for round in 0..20 {
            for edit in EDITS {
                let outcome = forger.try_edit(edit).unwrap();
                assert!(outcome.is_found && outcome.is_named, "round {round}: {outcome:?}");
            }
        }
        forger.verify_untouched().unwrap();
    }
}
