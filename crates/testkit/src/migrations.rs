//! The migrations of a backend as files, for databases as earlier versions left them.

use sha2::{Digest, Sha256};
use std::{collections::BTreeMap, fs, path::Path};

/// One migration, as `schema_migrations` knows it.
#[derive(Clone, Debug)]
pub struct Migration {
    pub version: i64,
    pub sql: String,
    /// SHA-256 of the text, in hexadecimal.
    pub checksum: String,
}

/// Those of a folder with files like `0001_initial.sql`, in order.
pub fn read(folder: &Path) -> Vec<Migration> {
    let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let read = |path: std::path::PathBuf| {
        let version = path.file_name().unwrap().to_str().unwrap()[..4].parse().unwrap();
        let sql = fs::read_to_string(path).unwrap();
        let checksum = Sha256::digest(&sql).iter().map(|byte| format!("{byte:02x}")).collect();
        (version, Migration { version, sql, checksum })
    };
    files.map(read).collect::<BTreeMap<_, _>>().into_values().collect()
}
