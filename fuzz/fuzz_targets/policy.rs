//! Policy text: what is parsed can be checked, installed and compiled, or says why not.

#![no_main]

use interven_policy::{check, check_yaml};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok((policies, _)) = check_yaml(text, "fuzzed.yaml") else { return };
    for policy in &policies {
        let _ = check(policy);
    }
});
