//! One scan as it lies in the file.

use interven_store::Settled;
use interven_types::TenantId;
use serde::{Deserialize, Serialize};

/// A settled scan and whose it is. Its request is sealed already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) tenant: TenantId,
    pub(crate) settled: Settled,
}

/// A batch holds no such entry: it was written by a newer version.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl Entry {
    /// The document, then the sealed request as it is; each under its length (32 bits, little endian).
    pub(crate) fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        let document = serde_json::to_vec(self)?;
        let mut bytes = Vec::with_capacity(document.len() + self.settled.row.sealed_request.len() + 8);
        for part in [&document, &self.settled.row.sealed_request] {
            bytes.extend(
                u32::try_from(part.len())
                    .map_err(<serde_json::Error as serde::ser::Error>::custom)?
                    .to_le_bytes(),
            );
            bytes.extend(part);
        }
        Ok(bytes)
    }

    /// The entries of one batch, which stand behind each other.
    pub(crate) fn read_all(mut bytes: &[u8]) -> Result<Vec<Self>, Unreadable> {
        let mut entries = Vec::new();
        while !bytes.is_empty() {
            let document = take_part(&mut bytes).ok_or(Unreadable)?;
            let request = take_part(&mut bytes).ok_or(Unreadable)?;
            let mut entry: Self = serde_json::from_slice(document).map_err(|_| Unreadable)?;
            entry.settled.row.sealed_request = request.to_vec();
            entries.push(entry);
        }
        Ok(entries)
    }
}

fn take_part<'a>(bytes: &mut &'a [u8]) -> Option<&'a [u8]> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (part, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    *bytes = rest;
    Some(part)
}
