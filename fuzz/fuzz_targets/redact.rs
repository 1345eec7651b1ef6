//! Redacting any body after any plan; the first byte is the plan.

#![no_main]

use interven_classify::{Classifier, RedactionPlan};
use interven_fuzz::{check_redaction, read_body, read_plan};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let Some((byte, body)) = bytes.split_first() else { return };
    let (classes, min_confidence) = read_plan(*byte);
    let plan = RedactionPlan { classes: &classes, min_confidence, fields: &[] };
    check_redaction(&Classifier::builtin(), &read_body(body), &plan);
});
