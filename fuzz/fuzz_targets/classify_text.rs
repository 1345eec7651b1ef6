//! Classifying any text: spans lie in it.

#![no_main]

use interven_classify::Classifier;

libfuzzer_sys::fuzz_target!(|text: &str| {
    let length = text.chars().count();
    for hit in Classifier::builtin().classify_text(text).hits {
        assert!(hit.start < hit.end && hit.end <= length, "{hit:?} of {length}");
    }
});
