//! The body of `POST /v1/scan`: strict JSON, then the request's fields. What is read is read alike once it is written.

#![no_main]

use interven_normalize::{OwnDomains, normalize};
use interven_types::{ScanRequest, parse_json};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Ok(value) = parse_json(bytes) else { return };
    let written = serde_json::to_vec(&value).unwrap();
    assert_eq!(parse_json(&written).unwrap(), value);
    if let Ok(request) = ScanRequest::from_json(value) {
        let _ = normalize(&request, &OwnDomains::default());
    }
});
