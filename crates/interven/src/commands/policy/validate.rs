//! `interven policy validate`.

use super::files::check;
use crate::{exit::Exit, terminal::print};
use anyhow::Result;
use std::path::PathBuf;

pub(super) fn validate(files: &[PathBuf], is_json: bool) -> Result<Exit> {
    let checked = check(files)?;
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
