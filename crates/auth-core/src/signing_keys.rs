//! The keys that sign access tokens.

use std::{error::Error, fmt, time::Duration};

use crate::{KeyError, KeySet, NumericDate, SigningKey};

/// Where signing keys come from: a folder that is rotated, or one key.
pub trait SigningKeys: fmt::Debug + Send + Sync {
    /// The key that signs at `now`.
    fn active(&self, now: NumericDate) -> Result<ActiveKey, SigningKeysError>;

    /// The keys that are published: those that sign, will sign, or have signed tokens that live.
    fn published(&self) -> Result<KeySet, SigningKeysError>;
}

/// The key that signs.
#[derive(Debug, Clone)]
pub struct ActiveKey {
    /// The key.
    pub key: SigningKey,
    /// How long its tokens may live: as long as it stays published after it last signed. `None` if
    /// it is always published.
    pub longest: Option<Duration>,
}

impl ActiveKey {
    /// How long a token may live that is to live for `wanted`.
    #[must_use]
    pub fn lifetime(&self, wanted: Duration) -> Duration {
        self.longest.map_or(wanted, |longest| longest.min(wanted))
    }
}

/// There is no key to sign with.
#[derive(Debug, thiserror::Error)]
#[error("no signing key")]
pub struct SigningKeysError(#[source] pub Box<dyn Error + Send + Sync>);

/// One key that never changes: for tests, and for keys that are rotated elsewhere.
#[derive(Debug, Clone)]
pub struct StaticKeys {
    key: SigningKey,
    published: KeySet,
}

impl StaticKeys {
    /// Signs with `key`.
    ///
    /// # Errors
    ///
    /// [`KeyError`] if it has no public half.
    pub fn new(key: SigningKey) -> Result<Self, KeyError> {
        let published = KeySet::from_iter([key.verifying_key()?]);
        Ok(Self { key, published })
    }
}

impl SigningKeys for StaticKeys {
    fn active(&self, _: NumericDate) -> Result<ActiveKey, SigningKeysError> {
        Ok(ActiveKey { key: self.key.clone(), longest: None })
    }

    fn published(&self) -> Result<KeySet, SigningKeysError> {
        Ok(self.published.clone())
    }
}
