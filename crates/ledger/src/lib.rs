//! A log that proves itself.
//!
//! Events have canonical bytes ([`event_bytes`]); their hashes are the leaves of a Merkle tree (RFC 6962), kept in tiles
//! ([`Tile`], C2SP tlog-tiles); a signed checkpoint ([`Checkpoint`], C2SP tlog-checkpoint and signed-note) commits to
//! all of them. [`verify`] finds what was changed, removed, inserted, reordered or cut off since, and names the positions.
//!
//! Pure: keys and stored hashes are handed in. Positions of a log count from 1, indexes of leaves from 0.

mod checkpoint;
mod event;
mod hash;
mod note;
mod proof;
mod receipt;
mod tile;
mod tree;
mod verify;

pub use checkpoint::{Checkpoint, CheckpointError, notes_of};
pub use event::{EVENT_VERSION, Field, LONGEST_TEXT, event_bytes};
pub use hash::Hash;
pub use note::{KeyError, NoteError, NoteSigner, VerifierKey};
pub use proof::{verify_consistency, verify_inclusion};
pub use receipt::{Receipt, ReceiptError};
pub use tile::{
    Growth, TILE_WIDTH, Tile, TilePath, bundle_bytes, bundle_entries, edge, grow, node_in_tile, tile_bytes,
    tile_hash, tile_hashes,
};
pub use tree::{Node, Nodes, prove_consistency, prove_inclusion, root};
pub use verify::{Entry, Fault, Finding, Question, Report, Source, verify, verify_roots};
