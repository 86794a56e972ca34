//! The key that signs: the one that `--key` names, else the configured one.
//!
//! 1. A key has one algorithm. `--alg` does not choose it; it only requires one.
//! 2. The rules for `--key` are those for `JWT_KEY_FILE`; messages name the one that was used.

use std::{fmt, path::Path, time::Duration};

use auth_core::{Algorithm, SigningKey, display::quoted};
use settings::{
    Environment, KeySettingError, KeySource, Variable,
    key_folder::{self, KeyFileError, Rotation, RotationError},
};
use terminal::{Invocation, Program};

use crate::{World, args::MintArgs};

/// Where the key came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum KeyOrigin {
    /// `JWT_SECRET`.
    Secret,
    /// `JWT_KEY_FILE`.
    File(String),
    /// `--key`.
    Flag(String),
}

/// Why there is no usable key. No variant carries a byte of it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SignerError {
    /// The key is encrypted with a passphrase.
    #[error("--key {0}")]
    Encrypted(KeyFileError),
    /// The folder of keys has no active one.
    #[error("--key {0}")]
    Rotation(RotationError),
    /// The configured key is not usable.
    #[error(transparent)]
    Configured(KeySettingError),
    /// The key that `--key` names is not usable.
    #[error("--key {path}: {reason}")]
    Flag {
        /// Which file.
        path: String,
        /// What is wrong with it.
        reason: String,
    },
    /// `--alg` requires another algorithm than the key's.
    #[error(
        "--alg {wanted}: the key from {origin} is {}, which signs {found} only. {}, or leave --alg \
         out",
        kind(*.found),
        remedy(*.wanted)
    )]
    Algorithm {
        /// What `--alg` says.
        wanted: Algorithm,
        /// What the key is.
        found: Algorithm,
        /// Where the key came from.
        origin: KeyOrigin,
    },
}

impl SignerError {
    /// The command that helps.
    pub(crate) fn hint(&self, invocation: &Invocation) -> Option<String> {
        match self {
            Self::Rotation(error) => first_key(error, invocation),
            Self::Configured(error) => new_env_file(error, invocation),
            _ => None,
        }
    }
}

/// How to get the first key of a folder, where it has none.
pub(crate) fn first_key(error: &RotationError, invocation: &Invocation) -> Option<String> {
    let RotationError::NoneActive(folder) = error else { return None };
    let folder = quoted(&folder.to_string_lossy());
    let command = invocation.command(Program::MintToken, &format!("rotate {folder}"));
    Some(format!("`{command}` makes the first key"))
}

/// How to get a key, where a new `.env` file has one.
pub(crate) fn new_env_file(error: &KeySettingError, invocation: &Invocation) -> Option<String> {
    let command = invocation.make_env_file();
    let first = if *error == KeySettingError::Missing { "" } else { "delete .env first: " };
    error
        .is_fixed_by_a_new_env_file()
        .then(|| format!("{first}`{command}` makes a .env with a fresh secret where there is none"))
}

/// The key to sign with, where it came from, and how long its tokens may live.
pub(crate) struct Signer {
    pub(crate) key: SigningKey,
    pub(crate) origin: KeyOrigin,
    pub(crate) max_ttl: Option<Duration>,
}

/// The key to sign with.
pub(crate) fn signing_key(
    args: &MintArgs,
    environment: &Environment,
    world: &World<'_>,
) -> Result<Signer, SignerError> {
    let flag = args.key.as_deref();
    let (key, origin, max_ttl) = match flag {
        Some(path) if Path::new(path).is_dir() => {
            let rotation = Rotation::open(Path::new(path));
            let active = rotation.and_then(|it| it.active(world.clock.now()));
            let (key, max_ttl) = active.map_err(SignerError::Rotation)?;
            (key, KeyOrigin::Flag(path.to_owned()), Some(max_ttl))
        }
        Some(path) if key_folder::is_encrypted(Path::new(path)) => {
            return Err(SignerError::Encrypted(KeyFileError::Encrypted { path: path.into() }));
        }
        Some(path) => (key_of_flag(path)?, KeyOrigin::Flag(path.to_owned()), None),
        None => {
            let (key, origin) = configured_key(environment)?;
            (key, origin, None)
        }
    };
    let found = key.algorithm();
    match args.alg {
        Some(wanted) if wanted != found => Err(SignerError::Algorithm { wanted, found, origin }),
        _ => Ok(Signer { key, origin, max_ttl }),
    }
}

fn configured_key(environment: &Environment) -> Result<(SigningKey, KeyOrigin), SignerError> {
    let (key, source) = settings::signing_key(environment).map_err(SignerError::Configured)?;
    let origin = match source {
        KeySource::File(path) => KeyOrigin::File(path.display().to_string()),
        KeySource::Secret => KeyOrigin::Secret,
    };
    Ok((key, origin))
}

/// Reads the file by the rules for `JWT_KEY_FILE`, in an environment where nothing else is set.
fn key_of_flag(path: &str) -> Result<SigningKey, SignerError> {
    let name = Variable::JwtKeyFile.name().to_owned();
    let alone = Environment::from_pairs([(name, path.to_owned())]);
    settings::signing_key(&alone).map(|(key, _)| key).map_err(|fault| SignerError::Flag {
        path: path.to_owned(),
        reason: match fault {
            KeySettingError::Unreadable { reason, .. } => reason,
            KeySettingError::Key { fault, .. } => fault.to_string(),
            KeySettingError::InsecurePermissions { path } => {
                let path = path.display();
                format!("other users can read this private key. Run `chmod 600 {path}`")
            }
            other => other.to_string(),
        },
    })
}

impl fmt::Display for KeyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Secret => f.write_str("JWT_SECRET"),
            Self::File(path) => write!(f, "JWT_KEY_FILE {path}"),
            Self::Flag(path) => write!(f, "--key {path}"),
        }
    }
}

/// What a key is, as text.
const fn kind(algorithm: Algorithm) -> &'static str {
    match algorithm {
        Algorithm::Hs256 => "a secret",
        Algorithm::Rs256 => "an RSA key",
        Algorithm::Es256 => "an EC P-256 key",
        Algorithm::EdDsa => "an Ed25519 key",
    }
}

/// How to get a key of the algorithm that is wanted.
fn remedy(wanted: Algorithm) -> String {
    let options = match wanted {
        Algorithm::Hs256 => {
            return "HS256 signs with a secret: set JWT_SECRET to the output of \
                    `openssl rand -base64 48`, without JWT_KEY_FILE and --key"
                .to_owned();
        }
        Algorithm::Rs256 => "RSA -pkeyopt rsa_keygen_bits:3072",
        Algorithm::Es256 => "EC -pkeyopt ec_paramgen_curve:P-256",
        Algorithm::EdDsa => "ED25519",
    };
    format!(
        "Make {} with `openssl genpkey -algorithm {options} -out key.pem` and give `--key key.pem`, \
         or set JWT_KEY_FILE=key.pem in place of JWT_SECRET",
        kind(wanted)
    )
}
