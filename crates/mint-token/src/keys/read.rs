//! Keys out of files.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use auth_core::{Jwk, Jwks, KeyError, SigningKey, VerifyingKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use settings::KeySettingError;
use zeroize::Zeroizing;

use super::encrypted::{self, DecryptError};
use crate::{Ask, World};

const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const ENCRYPTED_END: &str = "-----END ENCRYPTED PRIVATE KEY-----";
/// The longest file that is read.
const MAX_BYTES: u64 = 1024 * 1024;

/// Why there is no key, or none that may be used. No variant carries a byte of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyFault {
    /// The file system said no.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
    /// No key, or none that may be used.
    #[error("{path}: {fault}")]
    Key {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        fault: KeyError,
    },
    /// Behind a passphrase that does not open it.
    #[error("{path}: {fault}")]
    Encrypted {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        fault: DecryptError,
    },
    /// Others may read it.
    #[error("{path}: others may read this private key. Run `chmod 600 {path}`")]
    OpenToOthers {
        /// Which file.
        path: PathBuf,
    },
    /// A file too long for a key.
    #[error("{path}: too long for a key")]
    TooLong {
        /// Which file.
        path: PathBuf,
    },
    /// There is a passphrase, and nobody to ask for it.
    #[error("a passphrase is needed: name its file with --passphrase-file")]
    NoPassphrase,
    /// The file with the passphrase.
    #[error("--passphrase-file: {0}")]
    PassphraseFile(KeySettingError),
    /// An empty passphrase protects nothing.
    #[error("the passphrase is empty")]
    EmptyPassphrase,
    /// Two passphrases that should be one.
    #[error("the two passphrases differ")]
    Differs,
}

/// The passphrase out of its file, or from whoever sits there; `twice` if it is a new one.
pub(crate) fn passphrase(
    file: Option<&Path>,
    twice: bool,
    world: &mut World<'_>,
) -> Result<Zeroizing<String>, KeyFault> {
    let passphrase = match (file, &mut world.ask) {
        (Some(path), _) => settings::secret_file(path).map_err(KeyFault::PassphraseFile)?,
        (None, None) => return Err(KeyFault::NoPassphrase),
        (None, Some(ask)) => {
            let mut asked = |text| ask(Ask::Secret(text)).map_err(|_| KeyFault::NoPassphrase);
            let first = asked("Passphrase: ")?;
            if twice && *first != *asked("The same once more: ")? {
                return Err(KeyFault::Differs);
            }
            first
        }
    };
    if passphrase.is_empty() { Err(KeyFault::EmptyPassphrase) } else { Ok(passphrase) }
}

/// The private key in `path`, with its passphrase if it has one.
pub(crate) fn signing_key(
    path: &Path,
    passphrase_file: Option<&Path>,
    world: &mut World<'_>,
) -> Result<SigningKey, KeyFault> {
    let text = read(path)?;
    let key = private_key(path, &text, passphrase_file, world)?;
    if is_open_to_others(path) && !text.contains(ENCRYPTED) {
        return Err(KeyFault::OpenToOthers { path: path.into() });
    }
    Ok(key)
}

/// The public keys that are in `path`: those of a set, or the public half of what is there.
pub(crate) fn public_keys(
    path: &Path,
    passphrase_file: Option<&Path>,
    world: &mut World<'_>,
) -> Result<Vec<VerifyingKey>, KeyFault> {
    let text = read(path)?;
    let fault = |fault| KeyFault::Key { path: path.into(), fault };
    if text.trim_start().starts_with('{') {
        if let Ok(set) = Jwks::parse(&text) {
            return match set.unusable.first() {
                Some((_, found)) => Err(fault(*found)),
                None => Ok(set.keys),
            };
        }
        let value = serde_json::from_str(&text).map_err(|_| fault(KeyError::Members))?;
        match Jwk::parse(value).and_then(|jwk| jwk.verifying_key()) {
            Ok(key) => return Ok(vec![key]),
            Err(KeyError::Private) => {}
            Err(found) => return Err(fault(found)),
        }
    } else if !text.contains("PRIVATE KEY-----") {
        return VerifyingKey::from_pem(&text).map(|key| vec![key]).map_err(fault);
    }
    let key = private_key(path, &text, passphrase_file, world)?;
    key.verifying_key().map(|key| vec![key]).map_err(fault)
}

fn private_key(
    path: &Path,
    text: &str,
    passphrase_file: Option<&Path>,
    world: &mut World<'_>,
) -> Result<SigningKey, KeyFault> {
    let fault = |fault| KeyFault::Key { path: path.into(), fault };
    if text.trim_start().starts_with('{') {
        return SigningKey::from_jwk(text).map_err(fault);
    }
    let Some((_, rest)) = text.split_once(ENCRYPTED) else {
        return SigningKey::from_pem(text).map_err(fault);
    };
    let body = rest.split_once(ENCRYPTED_END).map_or(rest, |(body, _)| body);
    let body: String = body.split_ascii_whitespace().collect();
    let encrypted = |fault| KeyFault::Encrypted { path: path.into(), fault };
    let der = STANDARD.decode(body).map_err(|_| encrypted(DecryptError::Unsupported))?;
    let passphrase = passphrase(passphrase_file, false, world)?;
    let pkcs8 = encrypted::decrypt(&der, passphrase.as_bytes()).map_err(encrypted)?;
    let pem = super::generate::pem("PRIVATE KEY", &pkcs8);
    SigningKey::from_pem(&pem).map_err(fault)
}

fn read(path: &Path) -> Result<Zeroizing<String>, KeyFault> {
    let io = |source| KeyFault::Io { path: path.into(), source };
    let mut text = Zeroizing::new(String::new());
    let file = fs::File::open(path).map_err(io)?;
    io::Read::read_to_string(&mut io::Read::take(file, MAX_BYTES + 1), &mut text).map_err(io)?;
    if text.len() as u64 > MAX_BYTES {
        return Err(KeyFault::TooLong { path: path.into() });
    }
    Ok(text)
}

/// Whether anybody but the owner may read it.
fn is_open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| metadata.permissions().mode() & 0o077 != 0)
}

/// Whether the file has a key behind a passphrase.
pub(crate) fn is_encrypted(path: &Path) -> bool {
    read(path).is_ok_and(|text| text.contains(ENCRYPTED))
}
