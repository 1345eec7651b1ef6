//! From what was named on the command line to test files and their policies.

use crate::{
    commands::policy::{
        files::{Checked, check, read},
        packs,
    },
    exit::UsageError,
};
use anyhow::Result;
use interven_policy::{
    Diagnostic, Diagnostics, Pack, PolicySource, Severity, Suite, check_yaml, parse_suite,
};
use std::path::{Path, PathBuf};

/// One test file, read.
pub(super) struct Found {
    /// As the report names it.
    pub(super) file: String,
    pub(super) content: Result<Content, Vec<Diagnostic>>,
}

/// The cases, and the policies in force in them.
pub(super) struct Content {
    pub(super) suite: Suite,
    pub(super) policies: Vec<PolicySource>,
}

/// Each test file once, in the order named. A policy file stands for the test file beside it, the name of a pack for its
/// own cases; a file of that path comes first.
pub(super) fn suites(named: &[PathBuf]) -> Result<Vec<Found>> {
    let mut tests: Vec<PathBuf> = Vec::new();
    let mut found = Vec::new();
    for path in named {
        if !path.is_file() {
            found.push(of_pack(pack_instead(path)?));
            continue;
        }
        let tests_file = if is_tests_file(path) { path.clone() } else { beside(path)? };
        if !tests.contains(&tests_file) {
            found.push(of_file(&tests_file)?);
            tests.push(tests_file);
        }
    }
    Ok(found)
}

fn pack_instead(path: &Path) -> Result<&'static Pack, UsageError> {
    let name = path.to_string_lossy();
    packs::find(&name).map_err(|no_pack| UsageError(format!("`{name}` is no file, and {no_pack}")))
}

/// `x.tests.yaml`
fn is_tests_file(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| Path::new(stem).extension().is_some_and(|e| e == "tests"))
}

/// `x.tests.yaml` for `x.yaml`.
fn beside(policies: &Path) -> Result<PathBuf, UsageError> {
    let candidates = ["yaml", "yml", "json"].map(|ending| policies.with_extension(format!("tests.{ending}")));
    let [expected, ..] = &candidates;
    let missing = format!("`{}` has no tests: `{}` is not there", policies.display(), expected.display());
    candidates.into_iter().find(|path| path.is_file()).ok_or(UsageError(missing))
}

/// `x.yaml` for `x.tests.yaml`.
fn tested_by(tests: &Path) -> Result<PathBuf, UsageError> {
    let candidates = ["yaml", "yml", "json"].map(|ending| tests.with_extension("").with_extension(ending));
    let [expected, ..] = &candidates;
    let missing = format!(
        "`{}` names neither `policies` nor a `pack`, and `{}` is not there",
        tests.display(),
        expected.display()
    );
    candidates.into_iter().find(|path| path.is_file()).ok_or(UsageError(missing))
}

fn of_pack(pack: &Pack) -> Found {
    let file = format!("{}.tests.yaml", pack.name);
    let content = parse_suite(pack.tests, &file).and_then(|suite| {
        let (policies, _) = check_yaml(pack.text, pack.name)?;
        complete(suite, Checked { policies, findings: Vec::new() })
    });
    Found { file: format!("pack {}", pack.name), content: content.map_err(|errors| errors.0) }
}

fn of_file(path: &Path) -> Result<Found> {
    let file = path.display().to_string();
    let content = match parse_suite(&read(path)?, &file) {
        Ok(suite) => {
            let policies = policies_of(&suite, path)?;
            complete(suite, policies)
        }
        Err(errors) => Err(errors),
    };
    Ok(Found { file, content: content.map_err(|errors| errors.0) })
}

fn policies_of(suite: &Suite, tests: &Path) -> Result<Checked> {
    if let Some(name) = &suite.pack {
        let pack = packs::find(name)?;
        return Ok(Checked { policies: pack.policies(), findings: Vec::new() });
    }
    let home = tests.parent().unwrap_or(Path::new(""));
    match suite.policies.as_slice() {
        [] => check(&[tested_by(tests)?]),
        files => check(&files.iter().map(|file| home.join(file)).collect::<Vec<_>>()),
    }
}

/// Policies with errors and expectations about rules that do not exist are not run.
fn complete(suite: Suite, Checked { policies, findings }: Checked) -> Result<Content, Diagnostics> {
    let mut errors: Vec<Diagnostic> =
        findings.into_iter().filter(|finding| finding.severity == Severity::Error).collect();
    if errors.is_empty() {
        errors = suite.unknown_rules(&policies);
    }
    if errors.is_empty() { Ok(Content { suite, policies }) } else { Err(Diagnostics(errors)) }
}
