//! The two files of an upstream: its policy and its lock file.

use std::{
    io,
    path::{Path, PathBuf},
};

use auth_core::{Policy, PolicyDocument};
use settings::{
    regular_file::{self, MAX_BYTES},
    secret_file,
};
use upstream::catalog::{Lock, LockError};

use crate::config::{policy_file::PolicyFileError, upstreams::UpstreamConfig};

/// The policy and the lock file of an upstream, as they are.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct UpstreamFiles {
    /// The text of the policy; `None` if there is no file.
    pub(crate) policy: Option<String>,
    /// The lock; `None` if there is no file.
    pub(crate) lock: Option<Lock>,
}

/// Why the files of an upstream cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum GatewayFileError {
    /// One cannot be read or written.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The lock file is no lock file.
    #[error("{path}: {error}. Restore it, or remove it and accept what is offered anew")]
    Lock {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        error: LockError,
    },
}

impl UpstreamFiles {
    /// Reads them.
    pub(crate) fn read(config: &UpstreamConfig) -> Result<Self, GatewayFileError> {
        Ok(Self { policy: text_of(&config.policy)?, lock: read_lock(&config.lock)? })
    }

    /// The files of `config`, which have these texts; `None` if there is no file.
    pub(crate) fn of_texts(
        config: &UpstreamConfig,
        policy: Option<&str>,
        lock: Option<&str>,
    ) -> Result<Self, GatewayFileError> {
        let lock = lock.map(|text| lock_of(&config.lock, text)).transpose()?;
        Ok(Self { policy: policy.map(str::to_owned), lock })
    }

    /// Whether the policy was accepted or edited. One without a lock file was written by a person.
    pub(crate) fn is_accepted(&self) -> bool {
        match (&self.policy, &self.lock) {
            (Some(policy), Some(lock)) => lock.is_accepted(policy),
            (policy, None) => policy.is_some(),
            (None, Some(_)) => false,
        }
    }
}

/// Reads the lock file at `path`, if there is one.
pub(crate) fn read_lock(path: &Path) -> Result<Option<Lock>, GatewayFileError> {
    text_of(path)?.map(|text| lock_of(path, &text)).transpose()
}

/// The lock file at `path`, which has this text.
fn lock_of(path: &Path, text: &str) -> Result<Lock, GatewayFileError> {
    Lock::parse(text).map_err(|error| GatewayFileError::Lock { path: path.to_owned(), error })
}

/// Reads the policy in `text`.
pub(crate) fn policy_of(text: &str) -> Result<Policy, PolicyFileError> {
    Ok(Policy::try_from(toml::from_str::<PolicyDocument>(text)?)?.read_from(text))
}

/// Writes a file whole or not at all.
pub(crate) fn write(path: &Path, text: &str) -> Result<(), GatewayFileError> {
    secret_file::write_public(path, text)
        .map_err(|source| GatewayFileError::Io { path: path.to_owned(), source })
}

fn text_of(path: &Path) -> Result<Option<String>, GatewayFileError> {
    let fault = |source| GatewayFileError::Io { path: path.to_owned(), source };
    match regular_file::read_text(path, MAX_BYTES) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(fault(error)),
    }
}
