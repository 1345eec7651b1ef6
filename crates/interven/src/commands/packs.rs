//! What a judge in this process goes by.

use super::policy::check_packs;
use crate::exit::{UsageError, tell};
use anyhow::Result;
use interven_guard::LocalJudge;
use interven_policy::{PolicySource, default_policies};
use std::path::PathBuf;

/// A judge by the packs named, or by the default policies.
pub(crate) fn judge(packs: &[PathBuf]) -> Result<LocalJudge> {
    Ok(LocalJudge::new(&sources(packs)?).map_err(|problem| UsageError(problem.to_string()))?)
}

/// The packs named, or the default policies.
fn sources(packs: &[PathBuf]) -> Result<Vec<PolicySource>> {
    if packs.is_empty() {
        return Ok(default_policies());
    }
    let checked = check_packs(packs)?;
    checked.findings.iter().for_each(|finding| tell(&finding.to_string()));
    if checked.has_errors() {
        return Err(UsageError("the packs have errors; nothing was judged".to_owned()).into());
    }
    Ok(checked.policies)
}
