//! A log in memory: its entries, and the tiles that sealing would have made of them.

use interven_ledger::{
    Checkpoint, Entry, Hash, Node, Nodes, NoteSigner, Source, Tile, grow, node_in_tile, root,
};
use std::{collections::BTreeMap, convert::Infallible};

pub(crate) const ORIGIN: &str = "interven/acme/activity";

pub(crate) fn signer(secret: u8) -> NoteSigner {
    NoteSigner::new(ORIGIN, &[secret; 32])
}

#[derive(Clone, Default)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
    pub(crate) tiles: BTreeMap<Tile, Vec<Hash>>,
    /// What its counter says.
    pub(crate) recorded: u64,
    pub(crate) sealed: u64,
}

impl Log {
    /// Sealed in runs of `run` entries.
    pub(crate) fn of(size: u64, run: usize) -> Self {
        let mut log = Self::default();
        let numbers: Vec<u64> = (0..size).collect();
        for numbers in numbers.chunks(run) {
            for number in numbers {
                log.append(format!("event {number}").as_bytes());
            }
            log.seal();
        }
        log
    }

    pub(crate) fn append(&mut self, event: &[u8]) {
        self.recorded += 1;
        self.entries.push(Entry {
            position: self.recorded as i64,
            event: Ok(event.to_vec()),
            leaf_hash: Some(Hash::of_leaf(event)),
        });
    }

    pub(crate) fn seal(&mut self) {
        let leaves: Vec<Hash> =
            self.entries[self.sealed as usize..].iter().map(|entry| entry.leaf_hash.unwrap()).collect();
        let growth = grow(self.sealed, &self.tiles, &leaves).unwrap();
        self.tiles.extend(growth.tiles);
        self.sealed = growth.size;
    }

    pub(crate) fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(|entry| Hash::of_leaf(entry.event.as_ref().unwrap())).collect()
    }

    pub(crate) fn checkpoint(&mut self, size: u64) -> Checkpoint {
        Checkpoint { origin: ORIGIN.to_owned(), size, root: root(self, size).unwrap() }
    }
}

impl Nodes for Log {
    type Error = Infallible;

    fn node(&mut self, node: Node) -> Result<Hash, Infallible> {
        Ok(node_in_tile(&self.tiles[&Tile::of(node)], node).unwrap())
    }
}

impl Source for Log {
    type Error = Infallible;

    fn recorded(&mut self) -> Result<u64, Infallible> {
        Ok(self.recorded)
    }

    fn tile(&mut self, tile: Tile, width: u64) -> Result<Vec<Hash>, Infallible> {
        let hashes = self.tiles.get(&tile).cloned().unwrap_or_default();
        Ok(hashes.into_iter().take(width as usize).collect())
    }

    fn entries(&mut self, from: i64) -> Result<Vec<Entry>, Infallible> {
        let mut stored = self.entries.clone();
        stored.sort_by_key(|entry| entry.position);
        Ok(stored.into_iter().filter(|entry| entry.position >= from).take(100).collect())
    }
}

/// RFC 6962 §2.1 as it is written: for checking the clever ways.
pub(crate) fn plain_root(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => Hash::of_nothing(),
        [one] => *one,
        more => {
            let (left, right) = more.split_at(more.len().next_power_of_two() / 2);
            Hash::of_node(plain_root(left), plain_root(right))
        }
    }
}
