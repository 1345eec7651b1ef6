//! The operator's secrets: from the environment, else from the data directory, else made there.

use super::shared_secrets::KEYS_ADMIN_SECRET;
use crate::{
    exit::UsageError,
    installation::{DataDir, read_file, write_private},
    secret_source::secret_variable,
};
use anyhow::{Context as _, Result, bail};
use interven_live::MasterKeys;
use interven_types::{Secret, SecretBytes};
use std::{collections::BTreeMap, path::PathBuf};

const ENCRYPTION_KEY: &str = "INTERVEN_CREDENTIAL_ENCRYPTION_KEY";
const PREVIOUS_KEY: &str = "INTERVEN_CREDENTIAL_ENCRYPTION_KEY_PREVIOUS";
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
        self.write()?;
        Ok(secret)
    }

    fn write(&self) -> Result<()> {
        write_private(&self.path, &format!("{}\n", serde_json::to_string_pretty(&self.by_name)?))
    }

    fn key(&self, name: &str, text: &Secret) -> Result<SecretBytes> {
        SecretBytes::from_hex(text.reveal()).with_context(|| {
            format!("`{}` is damaged: its `{name}` is no key; restore it from a backup", self.path.display())
        })
    }
}

const MADE_KEY: &str = "credential_encryption_key";
const MADE_KEY_BEFORE: &str = "credential_encryption_key_previous";

/// The key that data keys are wrapped under and, while it is exchanged for another, the one before. `is_in_use` says that
/// something was written with one already: then a missing key is lost, and a new one would open nothing.
pub(crate) fn master_keys(data_dir: &DataDir, is_in_use: bool) -> Result<MasterKeys> {
    let previous = previous_master_key()?;
    if let Some(text) = secret_variable(ENCRYPTION_KEY)? {
        return Ok(MasterKeys::new(chosen_key(ENCRYPTION_KEY, &text)?).after(previous));
    }
    let mut made = MadeSecrets::read(data_dir)?;
    let text = match made.find(MADE_KEY) {
        Some(text) => text,
        None if is_in_use => bail!(
            "the key of this database is missing: restore `{}` from a backup, or set {ENCRYPTION_KEY}",
            made.path.display()
        ),
        None => made.keep(MADE_KEY, interven_live::fresh_token()?)?,
    };
    let current = made.key(MADE_KEY, &text)?;
    let previous = match (previous, made.find(MADE_KEY_BEFORE)) {
        (None, Some(text)) => Some(made.key(MADE_KEY_BEFORE, &text)?),
        (given, _) => given,
    };
    Ok(MasterKeys::new(current).after(previous))
}

/// The key before, where the operator gives one.
pub(super) fn previous_master_key() -> Result<Option<SecretBytes>> {
    let given = secret_variable(PREVIOUS_KEY)?;
    given.map(|text| chosen_key(PREVIOUS_KEY, &text)).transpose()
}

fn chosen_key(variable: &str, text: &Secret) -> Result<SecretBytes> {
    SecretBytes::from_hex(text.reveal())
        .with_context(|| format!("{variable} is not 64 hexadecimal characters"))
}

/// Puts a new master key beside the one that `serve` made: the next start changes to it. Returns the file that has it.
pub(crate) fn prepare_new_master_key(data_dir: &DataDir) -> Result<PathBuf> {
    if secret_variable(ENCRYPTION_KEY)?.is_some() {
        bail!(UsageError(format!(
            "the master key comes from {ENCRYPTION_KEY}: start with a new one there and this one in {PREVIOUS_KEY}"
        )));
    }
    let mut made = MadeSecrets::read(data_dir)?;
    let Some(current) = made.find(MADE_KEY) else {
        bail!(UsageError(format!(
            "`{}` holds no master key; name the data directory of `interven serve` with --data-dir, or set the key in \
             {ENCRYPTION_KEY}",
            made.path.display()
        )));
    };
    if made.find(MADE_KEY_BEFORE).is_some() {
        bail!("a new master key waits already; restart `interven serve`, which changes to it");
    }
    made.by_name.insert(MADE_KEY_BEFORE.to_owned(), current.reveal().to_owned());
    made.keep(MADE_KEY, interven_live::fresh_token()?)?;
    Ok(made.path)
}

/// Once everything lies under the new master key, the one before opens nothing any more.
pub(crate) fn forget_previous_master_key(data_dir: &DataDir) -> Result<()> {
    if secret_variable(PREVIOUS_KEY)?.is_some() {
        tracing::info!("{PREVIOUS_KEY} is no longer needed: everything lies under {ENCRYPTION_KEY}");
    }
    // With a key from the environment, what stands in the file is not what was used.
    let mut made = MadeSecrets::read(data_dir)?;
    if secret_variable(ENCRYPTION_KEY)?.is_none() && made.by_name.remove(MADE_KEY_BEFORE).is_some() {
        made.write()?;
    }
    Ok(())
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

/// Whoever has it makes keys at the gateway: the operator, unless somebody else was given a secret for that alone.
pub(super) fn keys_admin_secret(admin_token: &Secret) -> Result<Secret> {
    let Some(secret) = secret_variable(KEYS_ADMIN_SECRET)? else { return Ok(admin_token.clone()) };
    if secret.reveal().chars().count() < MIN_TOKEN_CHARS {
        bail!("{KEYS_ADMIN_SECRET} is shorter than {MIN_TOKEN_CHARS} characters");
    }
    Ok(secret)
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
