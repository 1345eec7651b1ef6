//! `interven policy validate`.

use super::files::check_sources;
use crate::{
    cli::PolicySources,
    exit::Exit,
    terminal::{counted, print},
};
use anyhow::Result;

pub(super) fn validate(sources: &PolicySources, is_json: bool) -> Result<Exit> {
    let checked = check_sources(sources)?;
    if is_json {
        print(&format!("{}\n", serde_json::to_string_pretty(&checked.findings)?))?;
    } else {
        for finding in &checked.findings {
            print(&format!("{finding}\n"))?;
        }
        if !checked.has_errors() {
            let rules: usize = checked.policies.iter().map(|policy| policy.rules.len()).sum();
            let policies = counted(checked.policies.len(), "policy", "policies");
            let rules = counted(rules, "rule", "rules");
            print(&format!("sound: {policies} with {rules}\n"))?;
        }
    }
    Ok(if checked.has_errors() { Exit::Findings } else { Exit::Ok })
}
