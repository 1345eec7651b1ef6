//! `interven policy validate`.

use super::files::check_sources;
use crate::{cli::PolicySources, exit::Exit, terminal::print};
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
            print(&format!("{} policies with {rules} rules are sound\n", checked.policies.len()))?;
        }
    }
    Ok(if checked.has_errors() { Exit::Findings } else { Exit::Ok })
}
