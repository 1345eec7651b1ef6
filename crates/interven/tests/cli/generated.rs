//! Committed descriptions that the code generates must be the ones that it generates now.

use crate::world::{interven, run};
use std::path::Path;

#[test]
fn committed_descriptions_are_up_to_date() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let commands: [(&[&str], &str); 6] = [
        (&["openapi"], "docs/openapi/gateway.json"),
        (&["openapi", "--telemetry"], "docs/openapi/telemetry.json"),
        (&["policy", "schema"], "docs/policy.schema.json"),
        (&["detectors", "page"], "docs/detectors.md"),
        (&["policy", "schema", "--page"], "docs/policy-reference.md"),
        (&["policy", "packs", "--page"], "docs/packs.md"),
    ];
    for (arguments, file) in commands {
        let generated = run(interven().args(arguments), "").must_exit(0).stdout;
        let committed = std::fs::read_to_string(root.join(file)).unwrap_or_default();
        assert!(
            generated == committed,
            "{file} is not what `interven {}` prints: run `make generate`",
            arguments.join(" ")
        );
    }
}
