//! The folder of the keys with which the authorization server in this process signs.

use auth_core::{Clock, Issuer, JobHealth, KeySet};
use issuer_setup::FolderWatch;

/// A folder of keys, and the other keys of its issuer.
pub(crate) struct WatchedFolder {
    watch: FolderWatch,
    others: KeySet,
}

impl WatchedFolder {
    /// The folder of an issuer, which has `others` besides: its secret, or what was read of its key
    /// file at start.
    pub(crate) const fn new(watch: FolderWatch, others: KeySet) -> Self {
        Self { watch, others }
    }

    /// Whose keys they are.
    pub(crate) const fn issuer(&self) -> &Issuer {
        self.watch.issuer()
    }

    /// The keys of the issuer that are not in the folder.
    pub(crate) const fn other_keys(&self) -> &KeySet {
        &self.others
    }

    /// `keys`, and those of the folder.
    pub(crate) fn added_to(&self, keys: KeySet) -> KeySet {
        keys.and_named(self.watch.folder().keys().published().iter().cloned())
    }

    /// Whether it can be read.
    pub(super) const fn health(&self) -> &JobHealth {
        self.watch.health()
    }

    /// Checks the folder, and reads it if it has changed, could not be read before, or the operator
    /// asks. Returns whether its keys are others now.
    pub(super) fn poll(&self, clock: &dyn Clock, is_asked: bool) -> bool {
        if is_asked {
            self.watch.read_again(clock);
            return self.watch.health().failing_since().is_none();
        }
        self.watch.poll(clock)
    }
}
