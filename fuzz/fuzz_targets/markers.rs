//! `markers` on any text.

#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| interven_classify::promises::check_markers(text));
