//! The keys that `JWT_SECRET` and `JWT_KEY_FILE` name.
//!
//! `JWT_SECRET` is used as it is: its bytes are the key, as with every other JWT library. With the
//! prefix `base64url:` the rest is decoded first, for secrets that are not text. Nothing is
//! guessed.

use std::path::{Path, PathBuf};

use auth_core::{Jwk, Jwks, KeyError, KeySet, Leeway, SigningKey, VerifyingKey, base64url};
use zeroize::Zeroizing;

use crate::{
    Environment, Variable,
    secret_file::{self, SecretFileError},
};

/// Marks a secret that is not text.
const BASE64URL_PREFIX: &str = "base64url:";
/// Texts of placeholders in documentation.
const PLACEHOLDERS: [&str; 8] = [
    "change-me",
    "changeme",
    "change_me",
    "your-secret",
    "your_secret",
    "your-256-bit-secret",
    "placeholder",
    "example-secret",
];

/// Where a key came from, for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// `JWT_SECRET`.
    Secret,
    /// `JWT_KEY_FILE`.
    File(PathBuf),
}

/// Why there is no usable key. No variant carries a byte of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeySettingError {
    /// Neither variable is set.
    #[error("no key: set JWT_SECRET or JWT_KEY_FILE")]
    Missing,
    /// Both are set.
    #[error("JWT_SECRET and JWT_KEY_FILE are both set: keep one")]
    Both,
    /// A placeholder from documentation.
    #[error(
        "JWT_SECRET is a placeholder. Set a real one, for example the output of \
         `openssl rand -base64 48`"
    )]
    Placeholder,
    /// `base64url:` and something that is not.
    #[error("JWT_SECRET begins with base64url: but what follows is not base64url")]
    NotBase64Url,
    /// The secret is too short.
    #[error(
        "JWT_SECRET: {0}. Set a longer one, for example the output of `openssl rand -base64 48`"
    )]
    Secret(KeyError),
    /// The file could not be read.
    #[error("JWT_KEY_FILE {path}: {reason}")]
    Unreadable {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        reason: String,
    },
    /// A private key that others may read.
    #[error("JWT_KEY_FILE {path}: other users can read this private key. Run `chmod 600 {path}`")]
    InsecurePermissions {
        /// Which file.
        path: PathBuf,
    },
    /// The file is a key set, and none of its keys can be used: there may be none in it.
    #[error("JWT_KEY_FILE {path}: the set has no key that can be used: {reason}")]
    NoUsableKeys {
        /// Which file.
        path: PathBuf,
        /// Why the first key cannot be used, or that there is none.
        reason: String,
    },
    /// The file holds no usable key.
    #[error("JWT_KEY_FILE {path}: {fault}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        fault: KeyError,
    },
}

impl KeySettingError {
    /// Whether a fresh `.env` file, made by a program of ours, would have a key that can be used.
    #[must_use]
    pub const fn is_fixed_by_a_new_env_file(&self) -> bool {
        matches!(self, Self::Missing | Self::Placeholder | Self::Secret(_))
    }
}

/// A fresh secret: 256 random bits as 43 characters of text.
pub fn fresh_secret() -> Result<Zeroizing<String>, getrandom::Error> {
    let mut random = Zeroizing::new([0u8; 32]);
    getrandom::fill(random.as_mut_slice())?;
    Ok(Zeroizing::new(base64url::encode(random.as_slice())))
}

/// The key to sign with, and where it came from.
pub fn signing_key(environment: &Environment) -> Result<(SigningKey, KeySource), KeySettingError> {
    match source(environment)? {
        Source::Secret(secret) => {
            let key = SigningKey::from_secret(&secret).map_err(KeySettingError::Secret)?;
            Ok((key, KeySource::Secret))
        }
        Source::File(path) => {
            let text = read(&path)?;
            let key = signing_key_from(&text).map_err(|fault| key_fault(&path, fault))?;
            if !secret_file::is_private(&path) {
                return Err(KeySettingError::InsecurePermissions { path });
            }
            Ok((key, KeySource::File(path)))
        }
    }
}

/// The keys to verify with.
#[derive(Debug, Clone)]
pub struct VerifyingKeys {
    /// The keys.
    pub keys: KeySet,
    /// Where they came from.
    pub source: KeySource,
    /// What of a JWK Set was left out: the index in the set, from 0, and the error.
    pub unusable: Vec<(usize, KeyError)>,
}

impl VerifyingKeys {
    /// The leeway of the tokens that they verify. A secret signs on this machine, by its clock; who
    /// holds the keys of a file is not known.
    #[must_use]
    pub fn leeway(&self) -> Leeway {
        match self.source {
            KeySource::Secret => Leeway::SAME_CLOCK,
            KeySource::File(_) => Leeway::default(),
        }
    }
}

/// The keys to verify with. A file may hold a public key, a JWK Set, or a private key, of which the
/// public half is used.
pub fn verifying_keys(environment: &Environment) -> Result<VerifyingKeys, KeySettingError> {
    match source(environment)? {
        Source::Secret(secret) => {
            let key = VerifyingKey::from_secret(&secret).map_err(KeySettingError::Secret)?;
            let keys = KeySet::from_iter([key]);
            Ok(VerifyingKeys { keys, source: KeySource::Secret, unusable: Vec::new() })
        }
        Source::File(path) => verifying_keys_in(path),
    }
}

/// The keys to verify with that are in a file, as `JWT_KEY_FILE` names one: one at least.
///
/// [`KeySettingError::NoUsableKeys`] is the one error that says what the keys are: none. After any
/// other it is not known.
pub fn verifying_keys_in(path: PathBuf) -> Result<VerifyingKeys, KeySettingError> {
    let text = read(&path)?;
    let found = verifying_keys_from(&text).map_err(|fault| key_fault(&path, fault))?;
    if found.keys.is_empty() {
        let reason = match found.unusable.first() {
            Some((_, fault)) => fault.to_string(),
            None => "it is empty".to_owned(),
        };
        return Err(KeySettingError::NoUsableKeys { path, reason });
    }
    if found.private && !secret_file::is_private(&path) {
        return Err(KeySettingError::InsecurePermissions { path });
    }
    let Found { keys, unusable, .. } = found;
    Ok(VerifyingKeys { keys, source: KeySource::File(path), unusable })
}

/// The key to verify with that is a secret, written as in `JWT_SECRET`.
pub fn verifying_secret(secret: &str) -> Result<VerifyingKey, KeySettingError> {
    VerifyingKey::from_secret(&secret_bytes(secret)?).map_err(KeySettingError::Secret)
}

/// The secret in a file of its own, without the line break at its end.
pub fn secret_file(path: &Path) -> Result<Zeroizing<String>, KeySettingError> {
    let text = read(path)?;
    if !secret_file::is_private(path) {
        return Err(KeySettingError::InsecurePermissions { path: path.into() });
    }
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
}

enum Source {
    Secret(Zeroizing<Vec<u8>>),
    File(PathBuf),
}

fn source(environment: &Environment) -> Result<Source, KeySettingError> {
    let [secret, file] = environment.alternatives([Variable::JwtSecret, Variable::JwtKeyFile]);
    match (secret, file) {
        (None, None) => Err(KeySettingError::Missing),
        (Some(_), Some(_)) => Err(KeySettingError::Both),
        (Some(secret), None) => secret_bytes(secret).map(Source::Secret),
        (None, Some(file)) => Ok(Source::File(file.into())),
    }
}

fn secret_bytes(secret: &str) -> Result<Zeroizing<Vec<u8>>, KeySettingError> {
    let bytes = match secret.strip_prefix(BASE64URL_PREFIX) {
        Some(encoded) => padded_base64url(encoded).ok_or(KeySettingError::NotBase64Url)?,
        None => Zeroizing::new(secret.as_bytes().to_vec()),
    };
    let lower = secret.to_lowercase();
    let mut distinct = [false; 256];
    for &byte in bytes.iter() {
        if let Some(seen) = distinct.get_mut(usize::from(byte)) {
            *seen = true;
        }
    }
    // Of a shorter one the length is the fault.
    let monotonous = bytes.len() >= 8 && distinct.iter().filter(|seen| **seen).count() < 8;
    let bracketed = secret.starts_with('<') && secret.ends_with('>');
    if monotonous || bracketed || PLACEHOLDERS.iter().any(|text| lower.contains(text)) {
        return Err(KeySettingError::Placeholder);
    }
    Ok(bytes)
}

/// A secret is text that a person copies, so padding at its end is permitted.
fn padded_base64url(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let unpadded = text.trim_end_matches('=');
    let padding = text.len() - unpadded.len();
    let is_padded = padding == 0 || (padding <= 2 && text.len().is_multiple_of(4));
    base64url::decode(unpadded).ok().filter(|_| is_padded).map(Zeroizing::new)
}

fn signing_key_from(text: &str) -> Result<SigningKey, KeyError> {
    if text.trim_start().starts_with('{') {
        SigningKey::from_jwk(text)
    } else {
        SigningKey::from_pem(text)
    }
}

/// What a key file held.
struct Found {
    keys: KeySet,
    unusable: Vec<(usize, KeyError)>,
    /// Whether anything in it was a private key or a secret.
    private: bool,
}

fn verifying_keys_from(text: &str) -> Result<Found, KeyError> {
    let one = |key: VerifyingKey, private| Found {
        keys: KeySet::from_iter([key]),
        unusable: Vec::new(),
        private,
    };
    if text.trim_start().starts_with('{') {
        if let Ok(set) = Jwks::parse(text) {
            let private = set.unusable.iter().any(|(_, fault)| *fault == KeyError::Private);
            let keys = set.keys.into_iter().collect();
            return Ok(Found { keys, unusable: set.unusable, private });
        }
        let value = serde_json::from_str(text).map_err(|_| KeyError::Members)?;
        match Jwk::parse(value).and_then(|jwk| jwk.verifying_key()) {
            Ok(key) => return Ok(one(key, false)),
            Err(KeyError::Private) => {}
            Err(fault) => return Err(fault),
        }
    } else if !text.contains("PRIVATE KEY-----") {
        return Ok(one(VerifyingKey::from_pem(text)?, false));
    }
    Ok(one(signing_key_from(text)?.verifying_key()?, true))
}

fn read(path: &Path) -> Result<Zeroizing<String>, KeySettingError> {
    secret_file::read_unchecked(path).map_err(|error| KeySettingError::Unreadable {
        path: path.into(),
        reason: match error {
            SecretFileError::Io { source, .. } => source.to_string(),
            SecretFileError::TooLong { .. } => "too long for a key".into(),
            SecretFileError::InsecurePermissions(error) => error.to_string(),
            SecretFileError::InsecureFolder(error) => error.to_string(),
        },
    })
}

fn key_fault(path: &Path, fault: KeyError) -> KeySettingError {
    KeySettingError::Key { path: path.into(), fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> Environment {
        Environment::from_pairs(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())))
    }

    fn fault(pairs: &[(&str, &str)]) -> KeySettingError {
        let (signing, verifying) = (signing_key(&with(pairs)), verifying_keys(&with(pairs)));
        let fault = verifying.unwrap_err();
        assert_eq!(signing.unwrap_err(), fault);
        fault
    }

    #[test]
    fn there_is_no_default_secret_and_no_placeholder_passes() {
        assert_eq!(fault(&[]), KeySettingError::Missing);
        assert_eq!(fault(&[("JWT_SECRET", "")]), KeySettingError::Missing);
        for placeholder in [
            "<just-token-writes-a-real-secret-here-xxxxx>",
            "please-change-me-0123456789abcdefghijklm",
            "YOUR-256-BIT-SECRET-0123456789abcdefghij",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "base64url:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(
                fault(&[("JWT_SECRET", placeholder)]),
                KeySettingError::Placeholder,
                "{placeholder}"
            );
        }
    }

    #[test]
    fn secrets_are_long_enough_and_read_as_they_say() {
        let short = fault(&[("JWT_SECRET", "0123456789abcdefghijklmnopqrstu")]);
        assert_eq!(short, KeySettingError::Secret(KeyError::SecretTooShort));
        assert_eq!(fault(&[("JWT_SECRET", "short")]), short);
        assert!(!short.to_string().contains("0123"));
        assert!(signing_key(&with(&[("JWT_SECRET", "0123456789abcdefghijklmnopqrstuv")])).is_ok());
        let encoded = "base64url:MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY";
        assert!(signing_key(&with(&[("JWT_SECRET", encoded)])).is_ok());
        assert!(signing_key(&with(&[("JWT_SECRET", &format!("{encoded}="))])).is_ok());
        assert_eq!(fault(&[("JWT_SECRET", "base64url:?")]), KeySettingError::NotBase64Url);
        assert_eq!(
            secret_bytes(encoded).unwrap(),
            secret_bytes("0123456789abcdefghijklmnopqrstuv").unwrap()
        );
    }

    #[test]
    fn fresh_secrets_are_usable_and_differ() {
        let (one, other) = (fresh_secret().unwrap(), fresh_secret().unwrap());
        assert_ne!(one, other);
        assert_eq!(one.len(), 43);
        assert!(signing_key(&with(&[("JWT_SECRET", &one)])).is_ok());
    }

    #[test]
    fn two_sources_are_one_too_many_and_a_file_must_be_there() {
        let both = [("JWT_SECRET", "x"), ("JWT_KEY_FILE", "y")];
        assert_eq!(fault(&both), KeySettingError::Both);
        assert!(matches!(
            fault(&[("JWT_KEY_FILE", "/no/such")]),
            KeySettingError::Unreadable { .. }
        ));
    }
}
