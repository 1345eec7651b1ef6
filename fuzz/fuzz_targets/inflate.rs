//! `inflate` on any bytes.

#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| interven_classify::promises::check_inflate(bytes));
