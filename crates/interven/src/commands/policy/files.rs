//! Policy files: read, and checked alone and together.

use crate::exit::UsageError;
use anyhow::{Result, anyhow};
use interven_policy::{Diagnostic, PolicySet, PolicySource, Severity, check_yaml};
use interven_types::PolicyId;
use std::{
    io::Read as _,
    path::{Path, PathBuf},
};
use uuid::Uuid;

/// What reading some files gave: whatever can be read of them, and every finding.
#[derive(Debug, Default)]
pub(crate) struct Checked {
    pub(crate) policies: Vec<PolicySource>,
    pub(crate) findings: Vec<Diagnostic>,
}

impl Checked {
    pub(crate) fn has_errors(&self) -> bool {
        self.findings.iter().any(|finding| finding.severity == Severity::Error)
    }
}

/// Reads and checks files one by one, then all that are sound together.
pub(crate) fn check(files: &[PathBuf]) -> Result<Checked> {
    let mut checked = Checked::default();
    for path in files {
        match check_yaml(&read(path)?, &path.display().to_string()) {
            Ok((policies, findings)) => {
                checked.policies.extend(policies);
                checked.findings.extend(findings);
            }
            Err(errors) => checked.findings.extend(errors.0),
        }
    }
    if !checked.has_errors() {
        let installed: Vec<_> =
            checked.policies.iter().map(|p| p.install(PolicyId(Uuid::nil()), 1, None, None)).collect();
        if let Err(errors) = PolicySet::compile(&installed) {
            checked.findings.extend(errors);
        }
    }
    Ok(checked)
}

pub(super) fn read(path: &Path) -> Result<String> {
    let unreadable =
        |error: std::io::Error| anyhow!(UsageError(format!("`{}` cannot be read: {error}", path.display())));
    if !is_standard_input(path) {
        return std::fs::read_to_string(path).map_err(unreadable);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}

pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}
