//! `join` on any body.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    interven_classify::promises::check_join(&interven_fuzz::read_body(bytes));
});
