//! Signed notes with Ed25519 (C2SP signed-note): a text, and lines that say whose key signed it.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::{Signature, Signer as _};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// The identifier of Ed25519 among the types of signatures.
const ED25519: u8 = 1;
/// More text than any checkpoint with its signatures has.
const LONGEST_NOTE: usize = 65_536;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("is no signed note: a text, an empty line, then lines that begin with `— `")]
    Malformed,
    #[error("carries no signature of the key `{0}`")]
    OtherKey(String),
    #[error("carries a signature under the name of the key `{0}` that this key did not make")]
    Forged(String),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("`{0}` is no verifier key: `<name>+<8 hexadecimal digits>+<base64>`")]
    Malformed(String),
    #[error("the verifier key of `{0}` is no Ed25519 key")]
    OtherAlgorithm(String),
    #[error("the verifier key of `{0}` is damaged: its name, hash and key do not belong together")]
    Damaged(String),
}

/// Signs notes. Deterministic (RFC 8032): needs no randomness.
pub struct NoteSigner {
    secret: ed25519_dalek::SigningKey,
    verifier: VerifierKey,
}

impl NoteSigner {
    /// `name` should be the origin of the log. Blanks and plus signs in it are replaced: a key's name cannot have them.
    pub fn new(name: &str, secret: &[u8; 32]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(secret);
        let name =
            name.replace(|letter: char| letter.is_whitespace() || letter.is_control() || letter == '+', "-");
        let verifier = VerifierKey {
            id: key_id(&name, secret.verifying_key().as_bytes()),
            name,
            key: secret.verifying_key(),
        };
        Self { secret, verifier }
    }

    pub fn verifier(&self) -> &VerifierKey {
        &self.verifier
    }

    /// `text` ends in a line end.
    pub fn sign(&self, text: &str) -> String {
        let signature = self.secret.sign(text.as_bytes()).to_bytes();
        let line = STANDARD.encode([self.verifier.id.as_slice(), &signature].concat());
        format!("{text}\n— {} {line}\n", self.verifier.name)
    }
}

impl fmt::Debug for NoteSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NoteSigner").field("verifier", &self.verifier).finish_non_exhaustive()
    }
}

/// What a note is checked with. As text: `<name>+<hash>+<base64 of the type and the key>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifierKey {
    name: String,
    id: [u8; 4],
    key: ed25519_dalek::VerifyingKey,
}

impl VerifierKey {
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let malformed = || KeyError::Malformed(text.to_owned());
        let parts: Vec<&str> = text.trim().splitn(3, '+').collect();
        let [name, id, key] = parts.as_slice() else { return Err(malformed()) };
        let is_name = !name.is_empty() && !name.contains(char::is_whitespace);
        let id =
            u32::from_str_radix(id, 16).ok().filter(|_| id.len() == 8 && is_name).ok_or_else(malformed)?;
        let key = STANDARD.decode(key).map_err(|_| malformed())?;
        let name = (*name).to_owned();
        let Some((&ED25519, key)) = key.split_first() else { return Err(KeyError::OtherAlgorithm(name)) };
        let key: [u8; 32] = key.try_into().map_err(|_| malformed())?;
        let (id, damaged) = (id.to_be_bytes(), KeyError::Damaged(name.clone()));
        match ed25519_dalek::VerifyingKey::from_bytes(&key) {
            Ok(verifying) if key_id(&name, &key) == id => Ok(Self { name, id, key: verifying }),
            _ => Err(damaged),
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// The text of a note that this key signed.
    pub fn open<'note>(&self, note: &'note str) -> Result<&'note str, NoteError> {
        let (text, signatures) = split(note).ok_or(NoteError::Malformed)?;
        for (name, signature) in signatures {
            let Some((id, signature)) = signature.split_first_chunk::<4>() else { continue };
            if name == self.name && *id == self.id {
                let signature = Signature::from_slice(signature);
                let is_right = signature
                    .is_ok_and(|signature| self.key.verify_strict(text.as_bytes(), &signature).is_ok());
                return if is_right { Ok(text) } else { Err(NoteError::Forged(self.to_string())) };
            }
        }
        Err(NoteError::OtherKey(self.to_string()))
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = STANDARD.encode([&[ED25519], self.key.as_bytes().as_slice()].concat());
        write!(f, "{}+{:08x}+{key}", self.name, u32::from_be_bytes(self.id))
    }
}

fn key_id(name: &str, key: &[u8; 32]) -> [u8; 4] {
    let digest: [u8; 32] =
        Sha256::new().chain_update(name).chain_update([b'\n', ED25519]).chain_update(key).finalize().into();
    let [a, b, c, d, ..] = digest;
    [a, b, c, d]
}

/// The key's name, and its id with the signature.
type NamedSignature<'note> = (&'note str, Vec<u8>);

/// The text with its line end, and what signs it.
fn split(note: &str) -> Option<(&str, Vec<NamedSignature<'_>>)> {
    let has_control = note.chars().any(|letter| letter < ' ' && letter != '\n');
    if note.len() > LONGEST_NOTE || has_control {
        return None;
    }
    let end = note.rfind("\n\n")?;
    let (text, rest) = note.split_at_checked(end + 1)?;
    let lines = rest.strip_prefix('\n')?.strip_suffix('\n')?;
    let signatures: Option<Vec<_>> = lines.split('\n').map(signature).collect();
    signatures.filter(|_| !text.trim().is_empty()).map(|signatures| (text, signatures))
}

fn signature(line: &str) -> Option<NamedSignature<'_>> {
    let (name, bytes) = line.strip_prefix("— ")?.split_once(' ')?;
    Some((name, STANDARD.decode(bytes).ok().filter(|bytes| bytes.len() > 4)?))
}
