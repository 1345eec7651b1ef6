//! URLs: what is canonical stays so.

#![no_main]

use interven_normalize::CanonicalUrl;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok(url) = CanonicalUrl::parse(text) else { return };
    let again = CanonicalUrl::parse(url.as_str()).unwrap();
    assert_eq!(again.as_str(), url.as_str());
    assert_eq!(again.host(), url.host());
});
