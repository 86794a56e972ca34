//! Nodes of one directory sign with the same keys.
//!
//! 1. Each node notes in the directory, every `INTERVAL`, the keys with which it signs.
//! 2. A node whose folder lacks a key of another node refuses tokens that the other issues. So it
//!    does not start, and one that runs is not ready: the folder has to be shared, or copied.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use auth_core::{Clock, KeyId, NumericDate, VerifyingKey};
use directory::{DirectoryError, Shared};
use settings::key_folder::KeyFolder;
use tokio_util::sync::CancellationToken;

use crate::SetupError;

/// How often a node notes its keys.
const INTERVAL: Duration = Duration::from_mins(1);
/// For how long a node counts that does not do so any more.
const PATIENCE: i64 = 150;

/// Whether this node has the keys of the others. Its clones share what they know.
#[derive(Clone)]
pub struct KeyAgreement {
    shared: Shared,
    folder: Arc<KeyFolder>,
    clock: Arc<dyn Clock>,
    /// The key that is missing, and since when that is known.
    missing: Arc<Mutex<Option<(String, NumericDate)>>>,
}

impl KeyAgreement {
    /// That of a node with this folder. An error if it lacks a key of another node.
    pub(crate) async fn reached(
        shared: Shared,
        folder: Arc<KeyFolder>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SetupError> {
        let path = folder.path().display().to_string();
        let agreement = Self { shared, folder, clock, missing: Arc::default() };
        // Nothing is written yet, which would delay the start.
        match agreement.missing_of(&[]).await? {
            None => Ok(agreement),
            Some(key) => Err(SetupError::Settings(vec![format!(
                "SIGNING_KEYS {path}: another node of this directory signs with the key {key}, which is not in this folder. \
                 Let the nodes share the folder, or copy it from that node. If no other node runs, wait {PATIENCE} s"
            )])),
        }
    }

    /// Notes the keys of this node, and returns the key of another one that it lacks.
    async fn missing_key(&self) -> Result<Option<String>, DirectoryError> {
        let keys = self.folder.keys();
        let ours: Vec<_> = keys.signing_ids(self.clock.now()).map(KeyId::as_str).collect();
        self.missing_of(&ours).await
    }

    async fn missing_of(&self, announced: &[&str]) -> Result<Option<String>, DirectoryError> {
        let (keys, now) = (self.folder.keys(), self.clock.now());
        let known: BTreeSet<_> =
            keys.published().iter().filter_map(VerifyingKey::id).map(KeyId::as_str).collect();
        let since = NumericDate::from_secs(now.as_secs() - PATIENCE).unwrap_or(NumericDate::EPOCH);
        let all = self.shared.announce_keys(announced, now, since).await?;
        Ok(all.into_iter().find(|id| !known.contains(id.as_str())))
    }

    /// The key of another node that is not here, and since when that is known.
    #[must_use]
    pub fn missing(&self) -> Option<(String, NumericDate)> {
        self.missing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Checks every `INTERVAL`, until `stop` is cancelled.
    pub async fn keep(self, stop: CancellationToken) {
        loop {
            // A directory that cannot be asked is reported as such.
            if let Ok(missing) = self.missing_key().await {
                self.note(missing);
            }
            tokio::select! {
                () = tokio::time::sleep(INTERVAL) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn note(&self, missing: Option<String>) {
        let mut known = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().map(|(key, _)| key) == missing.as_ref() {
            return;
        }
        if let Some(key) = &missing {
            tracing::warn!(
                key,
                "Another node signs with a key that is not in the folder of this one: share the folder, or copy it"
            );
        } else {
            tracing::info!("The keys of all nodes are here");
        }
        *known = missing.map(|key| (key, self.clock.now()));
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use auth_core::Algorithm;
    use directory::AnyDirectory;
    use testkit::{ManualClock, NOW};

    use super::*;

    async fn reached(
        store: &AnyDirectory,
        folder: &Path,
        clock: &Arc<ManualClock>,
    ) -> Result<KeyAgreement, SetupError> {
        let folder = KeyFolder::open_or_make(folder, Algorithm::Es256, clock.now()).unwrap();
        let shared = Shared::new(store.clone());
        KeyAgreement::reached(shared, Arc::new(folder), Arc::clone(clock) as _).await
    }

    #[tokio::test]
    async fn a_node_with_other_keys_does_not_start_while_the_first_runs() {
        let home = tempfile::tempdir().unwrap();
        let store = AnyDirectory::open("sqlite::memory:").await.unwrap();
        let clock = ManualClock::at(NOW);
        let [one, other] = ["one", "other"].map(|name| home.path().join(name));
        let first = reached(&store, &one, &clock).await.unwrap();
        assert_eq!(first.missing_key().await.unwrap(), None);
        // The same folder is what it should be.
        reached(&store, &one, &clock).await.unwrap();
        let refused = reached(&store, &other, &clock).await.err().unwrap().to_string();
        assert!(refused.contains("another node") && refused.contains("other"), "{refused}");
        // What no node has noted for a while is over.
        clock.advance(Duration::from_secs(151));
        reached(&store, &other, &clock).await.unwrap();
    }

    #[tokio::test]
    async fn a_node_that_lacks_a_new_key_is_not_ready_until_it_has_it() {
        let home = tempfile::tempdir().unwrap();
        let store = AnyDirectory::open("sqlite::memory:").await.unwrap();
        let clock = ManualClock::at(NOW);
        let node = reached(&store, &home.path().join("keys"), &clock).await.unwrap();
        node.note(node.missing_key().await.unwrap());
        assert!(node.missing().is_none());
        let shared = Shared::new(store);
        shared.announce_keys(&["new"], clock.now(), clock.now()).await.unwrap();
        node.note(node.missing_key().await.unwrap());
        assert_eq!(node.missing(), Some(("new".to_owned(), clock.now())));
        clock.advance(Duration::from_secs(151));
        node.note(node.missing_key().await.unwrap());
        assert!(node.missing().is_none());
    }
}
