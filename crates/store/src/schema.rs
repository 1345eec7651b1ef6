//! The schema's history, as both backends tell it.

use interven_types::Timestamp;
use serde::Serialize;

/// One migration. Forward only, applied once, in the order of the versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SchemaStep {
    pub version: u32,
    pub name: String,
    /// When this database took it; absent while it is still to come.
    pub applied_at: Option<Timestamp>,
    /// False: a newer build applied it.
    pub is_known: bool,
}
