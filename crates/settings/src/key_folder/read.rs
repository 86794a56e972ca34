//! Keys out of files.

use std::path::{Path, PathBuf};

use crate::secret_file::{self, InsecurePermissionsError, SecretFileError, read_unchecked};
use auth_core::{Jwk, Jwks, KeyError, SigningKey, VerifyingKey, display::quoted};

const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";

/// Why there is no key, or none that may be used. No variant carries a byte of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] SecretFileError),
    /// Other users may read a private key.
    #[error(transparent)]
    InsecurePermissions(#[from] InsecurePermissionsError),
    /// No key, or none that may be used.
    #[error("{path}: {error}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        error: KeyError,
    },
    /// A private key that is encrypted with a passphrase.
    #[error(
        "{path}: this private key is encrypted. Decrypt it into a file of your own: \
         `(umask 077; openssl pkcs8 -in {} -out key.pem)`",
        quoted(&path.to_string_lossy())
    )]
    Encrypted {
        /// Which file.
        path: PathBuf,
    },
}

/// The private key in `path`, which no other user may read.
pub(super) fn signing_key(path: &Path) -> Result<SigningKey, KeyFileError> {
    let text = read_unchecked(path)?;
    let key = private_key(path, &text)?;
    secret_file::check(path)?;
    Ok(key)
}

/// The public keys in `path`: those of a set, or the public half of the key there.
pub fn public_keys(path: &Path) -> Result<Vec<VerifyingKey>, KeyFileError> {
    let text = read_unchecked(path)?;
    let key_error = |error| KeyFileError::Key { path: path.into(), error };
    if text.trim_start().starts_with('{') {
        if let Ok(set) = Jwks::parse(&text) {
            return match set.unusable.first() {
                Some((_, error)) => Err(key_error(*error)),
                None => Ok(set.keys),
            };
        }
        let value = serde_json::from_str(&text).map_err(|_| key_error(KeyError::Members))?;
        match Jwk::parse(value).and_then(|jwk| jwk.verifying_key()) {
            Ok(key) => return Ok(vec![key]),
            Err(KeyError::Private) => {}
            Err(error) => return Err(key_error(error)),
        }
    } else if !text.contains("PRIVATE KEY-----") {
        return VerifyingKey::from_pem(&text).map(|key| vec![key]).map_err(key_error);
    }
    let key = private_key(path, &text)?;
    key.verifying_key().map(|key| vec![key]).map_err(key_error)
}

fn private_key(path: &Path, text: &str) -> Result<SigningKey, KeyFileError> {
    let key_error = |error| KeyFileError::Key { path: path.into(), error };
    if text.contains(ENCRYPTED) {
        return Err(KeyFileError::Encrypted { path: path.into() });
    }
    if text.trim_start().starts_with('{') {
        SigningKey::from_jwk(text).map_err(key_error)
    } else {
        SigningKey::from_pem(text).map_err(key_error)
    }
}

/// Whether the file has a private key that is encrypted.
#[must_use]
pub fn is_encrypted(path: &Path) -> bool {
    read_unchecked(path).is_ok_and(|text| text.contains(ENCRYPTED))
}
