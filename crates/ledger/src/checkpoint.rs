//! Checkpoints: the size and root of a log, signed (C2SP tlog-checkpoint), and files in which they are kept.

use crate::{
    Hash,
    note::{NoteError, NoteSigner, VerifierKey},
    tile::plain_number,
};

/// What a log said of itself at one time. Extension lines are left out, as the specification asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// Names the log.
    pub origin: String,
    pub size: u64,
    pub root: Hash,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    #[error("the checkpoint {0}")]
    Note(#[from] NoteError),
    #[error("the checkpoint is not of the form: origin, size, root, each on a line")]
    Malformed,
    #[error("the checkpoint is of the log `{found}`, not of `{expected}`")]
    OtherLog { expected: String, found: String },
}

impl Checkpoint {
    /// The signed note.
    pub fn sign(&self, signer: &NoteSigner) -> String {
        signer.sign(&format!("{}\n{}\n{}\n", self.origin, self.size, self.root))
    }

    /// The checkpoint of a note that `key` signed. The log must be the one that the key is named after.
    pub fn open(note: &str, key: &VerifierKey) -> Result<Self, CheckpointError> {
        let checkpoint = Self::parse(key.open(note)?)?;
        if checkpoint.origin != key.name() {
            return Err(CheckpointError::OtherLog {
                expected: key.name().to_owned(),
                found: checkpoint.origin,
            });
        }
        Ok(checkpoint)
    }

    /// What a note says, signed or not: for choosing a key. Trust only [`Checkpoint::open`].
    pub fn origin_of(note: &str) -> Option<&str> {
        note.lines().next().filter(|origin| !origin.is_empty())
    }

    fn parse(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.strip_suffix('\n').ok_or(CheckpointError::Malformed)?.split('\n');
        let origin = lines.next().filter(|origin| !origin.is_empty());
        let size = lines.next().and_then(plain_number);
        let root = lines.next().and_then(Hash::parse);
        let (Some(origin), Some(size), Some(root)) = (origin, size, root) else {
            return Err(CheckpointError::Malformed);
        };
        if lines.any(str::is_empty) {
            return Err(CheckpointError::Malformed);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }
}

/// The notes of a file in which checkpoints are kept one after the other, oldest first, with or without empty lines
/// between them. What stands behind the last signature without being signed is a note too, and opens as none.
pub fn notes_of(text: &str) -> Vec<String> {
    let mut notes: Vec<String> = Vec::new();
    let mut is_signed = true;
    for line in text.lines() {
        let is_signature = line.starts_with("— ");
        if is_signed && !is_signature {
            if line.trim().is_empty() {
                continue;
            }
            notes.push(String::new());
        }
        is_signed = is_signature;
        if let Some(note) = notes.last_mut() {
            note.push_str(line);
            note.push('\n');
        }
    }
    notes
}
