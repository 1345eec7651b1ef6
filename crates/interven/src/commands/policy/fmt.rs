//! `interven policy fmt`.

use super::files::{is_standard_input, read};
use crate::{
    exit::{Exit, tell},
    terminal::{Terminal, print},
};
use anyhow::{Context as _, Result};
use serde::Serialize;
use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// A file that is not in canonical form, or was not.
#[derive(Debug, Serialize)]
struct Rewritten {
    file: String,
}

/// Each file on its own: one that cannot be read as policies does not keep the others from being formatted.
pub(super) fn format(files: &[PathBuf], check: bool, is_json: bool) -> Result<Exit> {
    let mut rewritten = Vec::new();
    let mut has_errors = false;
    for path in files {
        let file = path.display().to_string();
        let text = read(path)?;
        let formatted = match interven_policy::format(&text, &file) {
            Ok(formatted) => formatted,
            Err(errors) => {
                tell(&errors.to_string());
                has_errors = true;
                continue;
            }
        };
        if is_standard_input(path) && !check {
            print(&formatted)?;
        } else if formatted != text {
            if !check {
                replace(path, &formatted).with_context(|| format!("`{file}` cannot be written"))?;
            }
            rewritten.push(Rewritten { file });
        }
    }
    let is_text = !check && files.iter().any(|path| is_standard_input(path));
    Terminal::new(is_json && !is_text)
        .show(&rewritten, |rewritten| rewritten.iter().map(|one| format!("{}\n", one.file)).collect())?;
    Ok(if has_errors || check && !rewritten.is_empty() { Exit::Findings } else { Exit::Ok })
}

/// At once, and the file that a link names: a crash leaves the old text or the new one.
fn replace(path: &Path, text: &str) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let beside = path.with_extension("formatted");
    fs::write(&beside, text)?;
    fs::set_permissions(&beside, fs::metadata(&path)?.permissions())?;
    fs::rename(&beside, &path)
}
