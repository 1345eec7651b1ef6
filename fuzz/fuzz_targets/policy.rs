//! Policy text: what is parsed can be checked, and is the same policies in its one form, or says why not.

#![no_main]

use interven_policy::{check, check_yaml, format, parse_yaml};

libfuzzer_sys::fuzz_target!(|text: &str| {
    let Ok((policies, _)) = check_yaml(text, "fuzzed.yaml") else { return };
    for policy in &policies {
        let _ = check(policy);
    }
    if let Ok(formatted) = format(text, "fuzzed.yaml") {
        assert_eq!(parse_yaml(&formatted, "fuzzed.yaml").as_ref(), Ok(&policies));
    }
});
