//! Secrets that the services of one database share: all there, well formed, and everywhere the same.

use super::{Service, secrets::previous_master_key};
use crate::secret_source::secret_variable;
use anyhow::{Context as _, Result, bail};
use interven_live::{Live, MasterKeys};
use interven_types::{Secret, SecretBytes};
use std::collections::BTreeMap;

const ENCRYPTION_KEY: &str = "INTERVEN_CREDENTIAL_ENCRYPTION_KEY";
const ADMIN_TOKEN: &str = "INTERVEN_ADMIN_TOKEN";
pub(super) const KEYS_ADMIN_SECRET: &str = "INTERVEN_API_KEYS_ADMIN_SECRET";

/// What a value must look like.
#[derive(Clone, Copy)]
enum Form {
    /// Exactly 64 hexadecimal characters: a key of 32 bytes.
    Key,
    /// At least 32 hexadecimal characters.
    Hex,
    /// At least 32 characters.
    Token,
}

impl Form {
    fn expected(self) -> &'static str {
        match self {
            Self::Key => "64 hexadecimal characters",
            Self::Hex => "32 hexadecimal characters or more",
            Self::Token => "32 characters or more",
        }
    }

    fn fits(self, text: &str) -> bool {
        let is_hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        match self {
            Self::Key => text.len() == 64 && is_hex,
            Self::Hex => text.len() >= 32 && is_hex,
            Self::Token => text.chars().count() >= 32,
        }
    }
}

struct Shared {
    name: &'static str,
    form: Form,
    users: &'static [Service],
}

use Service::{Gateway, Telemetry};
const SHARED: &[Shared] = &[
    Shared { name: ENCRYPTION_KEY, form: Form::Key, users: &[Gateway, Telemetry] },
    Shared { name: "INTERVEN_INTERNAL_SECRET", form: Form::Token, users: &[Gateway, Telemetry] },
    Shared { name: KEYS_ADMIN_SECRET, form: Form::Token, users: &[Gateway] },
    Shared { name: ADMIN_TOKEN, form: Form::Token, users: &[Telemetry] },
    Shared { name: "AIF_CONSOLE_SECRET", form: Form::Hex, users: &[Telemetry] },
];

/// Those of one service.
pub(super) struct SharedSecrets {
    by_name: BTreeMap<&'static str, Secret>,
}

impl SharedSecrets {
    /// Reads what the service needs.
    ///
    /// # Errors
    /// Names every one that is missing or has not the form it should have, each on a line of its own.
    pub(super) fn read(service: Service) -> Result<Self> {
        let mut by_name = BTreeMap::new();
        let mut wrong = Vec::new();
        for Shared { name, form, .. } in SHARED.iter().filter(|shared| shared.users.contains(&service)) {
            match secret_variable(name) {
                Ok(Some(secret)) if form.fits(secret.reveal().trim()) => {
                    by_name.insert(*name, Secret::new(secret.reveal().trim()));
                }
                Ok(Some(_)) => wrong.push(format!("{name} is not {}", form.expected())),
                Ok(None) => wrong.push(format!("{name} is not set: {}", form.expected())),
                Err(error) => wrong.push(format!("{error:#}")),
            }
        }
        if wrong.is_empty() {
            return Ok(Self { by_name });
        }
        bail!(
            "{} of the secrets cannot be used; give every service of this database the same, in NAME or in a file that \
             NAME_FILE names:\n  {}\n`openssl rand -hex 32` makes one",
            wrong.len(),
            wrong.join("\n  ")
        )
    }

    /// The key that data keys are wrapped under and, while it is exchanged for another, the one before.
    pub(super) fn master_keys(&self) -> Result<MasterKeys> {
        let key = self.by_name.get(ENCRYPTION_KEY).and_then(|key| SecretBytes::from_hex(key.reveal()));
        let key = key.with_context(|| format!("{ENCRYPTION_KEY} is not set"))?;
        Ok(MasterKeys::new(key).after(previous_master_key()?))
    }

    pub(super) fn admin_token(&self) -> Result<Secret> {
        self.named(ADMIN_TOKEN)
    }

    pub(super) fn keys_admin_secret(&self) -> Result<Secret> {
        self.named(KEYS_ADMIN_SECRET)
    }

    fn named(&self, name: &str) -> Result<Secret> {
        self.by_name.get(name).cloned().with_context(|| format!("{name} is not set"))
    }

    /// Compares each with what the other services of the database were started with. The first one to start decides. Whether
    /// the encryption key is the right one has shown before: with another, nothing opens.
    ///
    /// # Errors
    /// Names every one that differs.
    pub(super) async fn agree(&self, live: &Live) -> Result<()> {
        let mut differing = Vec::new();
        for (name, secret) in self.by_name.iter().filter(|(name, _)| **name != ENCRYPTION_KEY) {
            if !live.agrees_on(name, secret).await? {
                differing.push(format!("{name} differs from that of the other services of this database"));
            }
        }
        if differing.is_empty() {
            return Ok(());
        }
        bail!("{}; give this service the same", differing.join("; "))
    }
}

/// Names of the secrets that services compare.
pub(crate) fn comparable_secrets() -> impl Iterator<Item = &'static str> {
    SHARED.iter().map(|shared| shared.name).filter(|name| *name != ENCRYPTION_KEY)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_the_form_that_its_use_asks_for() {
        let hex = "0f".repeat(32);
        for (form, text, fits) in [
            (Form::Key, hex.as_str(), true),
            (Form::Key, &hex[..62], false),
            (Form::Hex, &hex[..32], true),
            (Form::Hex, &hex[..30], false),
            (Form::Hex, "a sentence that is no hexadecimal", false),
            (Form::Token, "a sentence that is no hexadecimal", true),
            (Form::Token, "short", false),
        ] {
            assert_eq!(form.fits(text), fits, "{} {text}", form.expected());
        }
    }
}
