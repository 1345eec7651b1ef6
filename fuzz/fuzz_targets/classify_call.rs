//! Classifying URL, headers and body of any call: spans lie in what they name, and twice gives the same.

#![no_main]

use interven_classify::Classifier;
use interven_fuzz::{Call, check_hits};
use interven_normalize::CanonicalUrl;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let call = Call::read(bytes);
    let url = CanonicalUrl::parse(&call.url).ok();
    let subject = call.subject(url.as_ref().and_then(CanonicalUrl::host));
    let classifier = Classifier::builtin();
    let findings = classifier.classify(&subject);
    check_hits(&findings.hits, &call);
    assert_eq!(classifier.classify(&subject).hits, findings.hits);
});
