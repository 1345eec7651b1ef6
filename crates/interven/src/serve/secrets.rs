//! The operator's secrets: from the environment, else from the data directory, else made there.

use crate::{
    installation::{DataDir, read_file, write_private},
    secret_source::secret_variable,
};
use anyhow::{Context as _, Result, bail};
use interven_types::{Secret, SecretBytes};
use std::{collections::BTreeMap, path::PathBuf};

const ENCRYPTION_KEY: &str = "INTERVEN_CREDENTIAL_ENCRYPTION_KEY";
const ADMIN_TOKEN: &str = "INTERVEN_ADMIN_TOKEN";
const ADMIN_PASS: &str = "ADMIN_PASS";
/// A token shorter than this can be guessed.
const MIN_TOKEN_CHARS: usize = 32;

/// `secrets.json`: what was made because the environment did not have it. A secret is written before it is used, so a
/// crash loses none that something was sealed or set with.
struct MadeSecrets {
    path: PathBuf,
    by_name: BTreeMap<String, String>,
}

impl MadeSecrets {
    fn read(data_dir: &DataDir) -> Result<Self> {
        let path = data_dir.secrets();
        let by_name = match read_file(&path)? {
            None => BTreeMap::new(),
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| anyhow::anyhow!("`{}` is damaged; restore it from a backup", path.display()))?,
        };
        Ok(Self { path, by_name })
    }

    fn find(&self, name: &str) -> Option<Secret> {
        self.by_name.get(name).map(|text| Secret::new(text.as_str()))
    }

    fn keep(&mut self, name: &str, secret: Secret) -> Result<Secret> {
        self.by_name.insert(name.to_owned(), secret.reveal().to_owned());
        write_private(&self.path, &format!("{}\n", serde_json::to_string_pretty(&self.by_name)?))?;
        Ok(secret)
    }
}

/// The key that recorded requests are sealed under. `is_in_use` says that something was written with one already: then
/// a missing key is lost, and a new one would open nothing.
pub(crate) fn encryption_key(data_dir: &DataDir, is_in_use: bool) -> Result<SecretBytes> {
    const NAME: &str = "credential_encryption_key";
    if let Some(text) = secret_variable(ENCRYPTION_KEY)? {
        let parsed = SecretBytes::from_hex(text.reveal());
        return parsed.with_context(|| format!("{ENCRYPTION_KEY} is not 64 hexadecimal characters"));
    }
    let mut made = MadeSecrets::read(data_dir)?;
    let text = match made.find(NAME) {
        Some(text) => text,
        None if is_in_use => bail!(
            "the key of this database is missing: restore `{}` from a backup, or set {ENCRYPTION_KEY}",
            made.path.display()
        ),
        None => made.keep(NAME, interven_live::fresh_token()?)?,
    };
    let key = SecretBytes::from_hex(text.reveal());
    key.with_context(|| {
        format!("`{}` is damaged: its `{NAME}` is no key; restore it from a backup", made.path.display())
    })
}

/// The first person's password.
pub(crate) struct FirstPassword {
    pub(crate) secret: Secret,
    /// By the operator, in `ADMIN_PASS`: they know it, so nothing prints it.
    pub(crate) is_chosen: bool,
}

/// `ADMIN_PASS`, or one that is made: 80 bits in groups that can be typed.
pub(crate) fn first_password(data_dir: &DataDir) -> Result<FirstPassword> {
    const NAME: &str = "first_admin_password";
    if let Some(chosen) = secret_variable(ADMIN_PASS)? {
        return Ok(FirstPassword { secret: chosen, is_chosen: true });
    }
    let mut made = MadeSecrets::read(data_dir)?;
    if let Some(secret) = made.find(NAME) {
        return Ok(FirstPassword { secret, is_chosen: false });
    }
    let token = interven_live::fresh_token()?;
    let digits: Vec<char> = token.reveal().chars().take(20).collect();
    let groups: Vec<String> = digits.chunks(5).map(String::from_iter).collect();
    Ok(FirstPassword { secret: made.keep(NAME, Secret::new(groups.join("-")))?, is_chosen: false })
}

/// The operator's token for the control plane. One of the environment is not written down.
pub(crate) fn admin_token(data_dir: &DataDir) -> Result<Secret> {
    if let Some(token) = secret_variable(ADMIN_TOKEN)? {
        if token.reveal().chars().count() < MIN_TOKEN_CHARS {
            bail!("{ADMIN_TOKEN} is shorter than {MIN_TOKEN_CHARS} characters");
        }
        return Ok(token);
    }
    let path = data_dir.admin_token();
    if let Some(text) = read_file(&path)? {
        let token = text.trim();
        if token.len() < MIN_TOKEN_CHARS {
            bail!("`{}` is damaged; remove it and start again, and a new one is made", path.display());
        }
        return Ok(Secret::new(token));
    }
    let token = interven_live::fresh_token()?;
    write_private(&path, &format!("{}\n", token.reveal()))?;
    Ok(token)
}
