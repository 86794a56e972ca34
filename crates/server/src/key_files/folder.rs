//! The folder of the keys with which the authorization server in this process signs.

use std::{error::Error, sync::Arc};

use auth_core::{Clock, FailureChange, Issuer, JobHealth, KeySet};
use settings::key_folder::KeyFolder;

/// A folder of keys, and the other keys of its issuer.
pub(crate) struct WatchedFolder {
    issuer: Issuer,
    folder: Arc<KeyFolder>,
    others: KeySet,
    health: JobHealth,
}

impl WatchedFolder {
    /// The folder of `issuer`, which has `others` besides: its secret, or what was read of its key
    /// file at start.
    pub(crate) fn new(issuer: Issuer, folder: Arc<KeyFolder>, others: KeySet) -> Self {
        let health = JobHealth::new("reading the signing keys");
        Self { issuer, folder, others, health }
    }

    /// Whose keys they are.
    pub(crate) const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The keys of the issuer that are not in the folder.
    pub(crate) const fn other_keys(&self) -> &KeySet {
        &self.others
    }

    /// `keys`, and those of the folder.
    pub(crate) fn added_to(&self, keys: KeySet) -> KeySet {
        keys.and_named(self.folder.keys().published().iter().cloned())
    }

    /// Whether it can be read.
    pub(super) const fn health(&self) -> &JobHealth {
        &self.health
    }

    /// Checks the folder, and reads it if it has changed or could not be read before. Returns its
    /// issuer if it did.
    pub(super) fn poll(&mut self, clock: &dyn Clock) -> Option<Issuer> {
        let name = self.folder.path().display();
        match self.folder.refresh(clock.now()) {
            Ok(false) => None,
            Ok(true) => {
                self.health.succeeded();
                let count = self.folder.keys().published().len();
                tracing::info!(issuer = %self.issuer, count, "The signing keys in {name} were read again");
                Some(self.issuer.clone())
            }
            Err(fault) => {
                if self.health.failed(&fault, clock.now()) != FailureChange::Same {
                    let fault: &dyn Error = &fault;
                    tracing::warn!(
                        issuer = %self.issuer, fault,
                        "The signing keys in {name} cannot be read: the old ones are used"
                    );
                }
                None
            }
        }
    }
}
