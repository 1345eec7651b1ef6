//! Secrets from the environment: `NAME`, or the file that `NAME_FILE` names.

use anyhow::{Context as _, Result, bail};
use interven_types::Secret;
use std::env;

/// Absent when neither variable is set, or when they are empty.
pub(crate) fn secret_variable(name: &str) -> Result<Option<Secret>> {
    let file_name = format!("{name}_FILE");
    let direct = env::var(name).ok().filter(|text| !text.is_empty());
    let file = env::var(&file_name).ok().filter(|path| !path.is_empty());
    match (direct, file) {
        (Some(_), Some(_)) => bail!("both {name} and {file_name} are set; set one of them"),
        (Some(text), None) => Ok(Some(Secret::new(text))),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(&path)
                .with_context(|| format!("{file_name}: `{path}` cannot be read"))?;
            Ok(Some(Secret::new(text.trim())))
        }
        (None, None) => Ok(None),
    }
}
