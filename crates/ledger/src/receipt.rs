//! A proof that stands alone (C2SP tlog-proof): an event, its place, the hashes up to a root, and the checkpoint that
//! signs this root.

use crate::{
    Hash,
    checkpoint::{Checkpoint, CheckpointError},
    note::VerifierKey,
    proof::verify_inclusion,
    tile::plain_number,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// As text, the format of the specification; the event is its extra data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The canonical bytes. Their hash is what is proved.
    pub event: Vec<u8>,
    /// From 0: the position less one.
    pub index: u64,
    pub path: Vec<Hash>,
    /// The signed checkpoint.
    pub note: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    #[error("the proof is not of the form of `{FIRST_LINE}` with the event as its extra data")]
    Malformed,
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    #[error("the event is not at position {position} of the log of {size} events that the checkpoint signs")]
    NotIncluded { position: u64, size: u64 },
}

impl Receipt {
    pub fn parse(text: &str) -> Result<Self, ReceiptError> {
        let (head, note) = text.split_once("\n\n").ok_or(ReceiptError::Malformed)?;
        let mut lines = head.split('\n');
        let is_known = lines.next() == Some(FIRST_LINE);
        let extra = lines.next().and_then(|line| line.strip_prefix("extra "));
        let event = extra.and_then(|text| STANDARD.decode(text).ok()).filter(|_| is_known);
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(plain_number);
        let path: Option<Vec<Hash>> = lines.map(Hash::parse).collect();
        match (event, index, path) {
            (Some(event), Some(index), Some(path)) => Ok(Self { event, index, path, note: note.to_owned() }),
            _ => Err(ReceiptError::Malformed),
        }
    }

    /// The checkpoint under which the event stands, once everything is proved.
    pub fn verify(&self, key: &VerifierKey) -> Result<Checkpoint, ReceiptError> {
        let checkpoint = Checkpoint::open(&self.note, key)?;
        let leaf = Hash::of_leaf(&self.event);
        if verify_inclusion(leaf, self.index, checkpoint.size, checkpoint.root, &self.path) {
            Ok(checkpoint)
        } else {
            Err(ReceiptError::NotIncluded { position: self.index.saturating_add(1), size: checkpoint.size })
        }
    }
}

impl fmt::Display for Receipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FIRST_LINE}\nextra {}\nindex {}", STANDARD.encode(&self.event), self.index)?;
        self.path.iter().try_for_each(|hash| writeln!(f, "{hash}"))?;
        write!(f, "\n{}", self.note)
    }
}
