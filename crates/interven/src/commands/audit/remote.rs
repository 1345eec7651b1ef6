//! A log behind a server.

use interven_client::{ClientError, ControlClient, StoredEntry};
use interven_ledger::{Entry, Hash, Source, TILE_WIDTH, Tile, TilePath, tile_hashes};
use tokio::runtime::Handle;

/// Read by the verifier, on a thread that may block.
pub(super) struct RemoteLog {
    pub(super) client: ControlClient,
    pub(super) log: &'static str,
    pub(super) runtime: Handle,
}

impl Source for RemoteLog {
    type Error = ClientError;

    fn recorded(&mut self) -> Result<u64, ClientError> {
        let logs = self.runtime.block_on(self.client.ledger())?;
        Ok(logs.iter().find(|status| status.log == self.log).map_or(0, |status| status.recorded))
    }

    fn tile(&mut self, tile: Tile, width: u64) -> Result<Vec<Hash>, ClientError> {
        let path = TilePath::Hashes { tile, width: width.min(TILE_WIDTH) }.to_string();
        let bytes = self.runtime.block_on(self.client.ledger_tile(self.log, &path))?;
        Ok(bytes.and_then(|bytes| tile_hashes(&bytes)).unwrap_or_default())
    }

    fn entries(&mut self, from: i64) -> Result<Vec<Entry>, ClientError> {
        let entries = self.runtime.block_on(self.client.ledger_entries(self.log, from))?;
        Ok(entries.into_iter().map(entry).collect())
    }
}

fn entry(stored: StoredEntry) -> Entry {
    let StoredEntry { position, event, error, leaf_hash } = stored;
    let event = event.map(String::into_bytes).ok_or_else(|| error.unwrap_or_default());
    Entry { position, event, leaf_hash: leaf_hash.as_deref().and_then(Hash::parse) }
}
