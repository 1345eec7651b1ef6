//! A log in an exported directory (C2SP tlog-tiles).

use interven_ledger::{Entry, Hash, Source, TILE_WIDTH, Tile, TilePath, bundle_entries, tile_hashes};
use std::{
    io::{Error, ErrorKind},
    path::PathBuf,
};

pub(super) struct ExportedLog {
    /// The directory that holds `checkpoint` and `tile`.
    pub(super) dir: PathBuf,
    /// That of its checkpoint.
    pub(super) size: u64,
}

impl ExportedLog {
    /// A file, as wide as the tree of this size has it, or the full one that came later.
    fn read(&self, path: impl Fn(u64) -> TilePath, width: u64) -> Result<Option<Vec<u8>>, Error> {
        for width in [width, TILE_WIDTH] {
            match std::fs::read(self.dir.join(path(width).to_string())) {
                Ok(bytes) => return Ok(Some(bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }
}

impl Source for ExportedLog {
    type Error = Error;

    fn recorded(&mut self) -> Result<u64, Error> {
        Ok(self.size)
    }

    fn tile(&mut self, tile: Tile, width: u64) -> Result<Vec<Hash>, Error> {
        let bytes = self.read(|width| TilePath::Hashes { tile, width }, width)?;
        let mut hashes = bytes.and_then(|bytes| tile_hashes(&bytes)).unwrap_or_default();
        hashes.truncate(usize::try_from(width).unwrap_or(0));
        Ok(hashes)
    }

    /// The rest of the bundle that `from` lies in, or the next one that is there.
    fn entries(&mut self, from: i64) -> Result<Vec<Entry>, Error> {
        let index = u64::try_from(from).unwrap_or(1).saturating_sub(1);
        for bundle in
            Tile::of_level(0, self.size).skip(usize::try_from(index / TILE_WIDTH).unwrap_or(usize::MAX))
        {
            let width = bundle.width(self.size);
            let bytes = self.read(|width| TilePath::Entries { index: bundle.index, width }, width)?;
            let Some(bytes) = bytes else { continue };
            let first = i64::try_from(bundle.index * TILE_WIDTH).unwrap_or(i64::MAX).saturating_add(1);
            let entry = |(position, event)| Entry { position, event, leaf_hash: None };
            let entries: Vec<Entry> = match bundle_entries(&bytes) {
                Some(events) => (first..).zip(events.into_iter().map(Ok)).map(entry).collect(),
                None => vec![entry((first, Err("its bundle is cut off or damaged".to_owned())))],
            };
            let entries: Vec<Entry> = entries.into_iter().filter(|entry| entry.position >= from).collect();
            if !entries.is_empty() {
                return Ok(entries);
            }
        }
        Ok(Vec::new())
    }
}
