//! Policy files: read, and checked alone and together.

use super::packs;
use crate::{cli::PolicySources, exit::UsageError};
use anyhow::{Result, anyhow};
use interven_normalize::vocabulary;
use interven_policy::{Diagnostic, Document, PolicySet, PolicySource, Severity, check_documents, pack};
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

/// [`check`] of what a command names.
pub(super) fn check_sources(sources: &PolicySources) -> Result<Checked> {
    let files = sources.files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
    let packs = sources.packs.iter().map(|name| read_pack(name)).collect::<Result<Vec<_>>>()?;
    let names = sources.files.iter().chain(&sources.packs);
    check_texts(names.zip(files.into_iter().chain(packs)))
}

/// [`check_texts`] of policy files.
pub(super) fn check(files: &[PathBuf]) -> Result<Checked> {
    let texts = files.iter().map(|file| read(file)).collect::<Result<Vec<_>>>()?;
    check_texts(files.iter().zip(texts))
}

/// [`check_texts`] of packs, which may be files.
pub(crate) fn check_packs(packs: &[PathBuf]) -> Result<Checked> {
    let texts = packs.iter().map(|name| read_pack(name)).collect::<Result<Vec<_>>>()?;
    check_texts(packs.iter().zip(texts))
}

/// Reads texts one by one, and checks all that can be read together.
fn check_texts<'p>(texts: impl Iterator<Item = (&'p PathBuf, String)>) -> Result<Checked> {
    let mut checked = Checked::default();
    let mut documents = Vec::new();
    for (path, text) in texts {
        match Document::read(&text, &path.display().to_string()) {
            Ok(document) => documents.push(document),
            Err(errors) => checked.findings.extend(errors.0),
        }
    }
    checked.findings.extend(check_documents(&documents, &[], vocabulary()));
    checked.policies = documents.into_iter().flat_map(|document| document.policies).collect();
    if !checked.has_errors() {
        let installed: Vec<_> =
            checked.policies.iter().map(|p| p.install(PolicyId(Uuid::nil()), 1, None, None)).collect();
        if let Err(errors) = PolicySet::compile(&installed) {
            checked.findings.extend(errors);
        }
    }
    Ok(checked)
}

/// The pack of that name. A file of that path comes first, so that a copy that was changed is not passed over, but not for a
/// name without an ending: a guard runs where its agent writes files, and what is called `vibe-coder` there must not replace
/// the pack.
fn read_pack(name: &Path) -> Result<String> {
    let shipped = name.to_str().filter(|_| name.extension().is_none()).and_then(pack);
    match shipped {
        Some(pack) => Ok(pack.text.to_owned()),
        None if name.is_file() => read(name),
        None => Ok(packs::find(&name.to_string_lossy())?.text.to_owned()),
    }
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
