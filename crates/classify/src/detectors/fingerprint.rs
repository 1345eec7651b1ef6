//! What tells two sets of detectors apart.

use super::Detector;
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// Hex SHA-256 over everything of the detectors that can change a finding or its weight.
pub(crate) fn fingerprint(detectors: &[Detector]) -> String {
    let mut hash = Sha256::new();
    for d in detectors {
        // Debug text of plain fields in declaration order: changes exactly when a field does.
        let line = format!(
            "{:?}\n",
            (
                (&d.id, d.class, &d.provider, &d.hosts, d.confidence, &d.keywords, &d.pattern, d.prefilter),
                (d.in_url, d.window, &d.validator, d.validator_failure, d.min_entropy, d.weight),
                (&d.context, d.required_context, &d.labels, d.bare, &d.doubt, &d.other_names, &d.allow),
            )
        );
        hash.update(line.as_bytes());
    }
    write_hex(&hash.finalize())
}

/// Hexadecimal digits in lower case.
pub(crate) fn write_hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}
