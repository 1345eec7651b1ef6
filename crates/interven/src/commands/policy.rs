//! `interven policy`: check, apply, list.

use crate::{
    cli::ServerArgs,
    connect,
    exit::{Exit, UsageError, tell},
    terminal::{Terminal, or_dash, print, table},
};
use anyhow::{Result, anyhow};
use interven_client::ClientError;
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

pub(crate) fn validate(files: &[PathBuf], is_json: bool) -> Result<Exit> {
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

pub(crate) fn schema() -> Result<Exit> {
    print(&format!("{}\n", serde_json::to_string_pretty(&interven_policy::json_schema())?))?;
    Ok(Exit::Ok)
}

pub(crate) async fn apply(server: &ServerArgs, files: &[PathBuf], env: Option<&str>) -> Result<Exit> {
    let checked = check(files)?;
    checked.findings.iter().for_each(|finding| tell(&finding.to_string()));
    if checked.has_errors() {
        return Ok(Exit::Findings);
    }
    let sources = checked.policies.iter().map(serde_json::to_value).collect::<Result<Vec<_>, _>>()?;
    let applied = match connect::control(server)?.apply_policies(&sources, env).await {
        // What only the server could find: these policies beside those that it has.
        Err(ClientError::Refused(refusal)) if !refusal.diagnostics.is_empty() => {
            for finding in &refusal.diagnostics {
                tell(&format!("{}: {} ({})", finding.severity, finding.message, finding.path));
            }
            tell(&format!("interven: {refusal}"));
            return Ok(Exit::Findings);
        }
        answer => answer?,
    };
    Terminal::new(server.json).show(&applied, |applied| {
        let rows = applied.iter().map(|p| {
            [p.name.clone(), or_dash(p.env_name.as_ref()), p.version.to_string(), p.rules.to_string()]
        });
        table(["POLICY", "ENVIRONMENT", "VERSION", "RULES"], rows)
    })?;
    Ok(Exit::Ok)
}

pub(crate) async fn list(server: &ServerArgs) -> Result<Exit> {
    let policies = connect::control(server)?.policies().await?;
    Terminal::new(server.json).show(&policies, |policies| {
        let rows = policies.iter().map(|p| {
            [
                p.name.clone(),
                or_dash(p.env_name.as_ref()),
                p.version.to_string(),
                p.updated_at.to_string(),
                p.updated_by.clone(),
            ]
        });
        table(["POLICY", "ENVIRONMENT", "VERSION", "CHANGED", "BY"], rows)
    })?;
    Ok(Exit::Ok)
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

fn read(path: &Path) -> Result<String> {
    let unreadable =
        |error: std::io::Error| anyhow!(UsageError(format!("`{}` cannot be read: {error}", path.display())));
    if path.as_os_str() != "-" {
        return std::fs::read_to_string(path).map_err(unreadable);
    }
    let mut text = String::new();
    std::io::stdin().lock().read_to_string(&mut text).map_err(unreadable)?;
    Ok(text)
}
