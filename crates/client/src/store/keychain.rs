//! The operating system's keychain: Keychain on macOS, Credential Manager on Windows, the Secret
//! Service elsewhere.
//!
//! 1. Where there is none, or it does not answer (a server without a desktop, a locked session),
//!    the store falls back to its file, and says so where it lists what it has.
//! 2. It has some time to answer, in which a person may be asked to unlock it. It is asked in a
//!    thread of its own: nothing else ends the wait for one that hangs, or lets Ctrl-C through.
//! 3. "Not found" and "keychain unavailable" are distinct; removal is reported only when confirmed.

use std::{thread, time::Duration};

use tokio::sync::oneshot;

use super::entry::Key;

const SERVICE: &str = "bartizan";

/// The keychain, and how long it may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keychain {
    /// How long each answer may take.
    pub(crate) timeout: Duration,
}

/// There is no keychain, or it does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeychainUnavailable;

impl Keychain {
    /// Stores a secret. Returns whether it can be read back.
    pub(crate) async fn put(self, key: &Key, secret: &str) -> bool {
        let secret = secret.to_owned();
        let is_there = self.ask(key, move |entry| {
            entry.set_password(&secret)?;
            Ok(entry.get_password()? == secret)
        });
        is_there.await == Ok(Some(true))
    }

    /// Takes a secret out to look at it; nothing if it is not there.
    pub(crate) async fn find(self, key: &Key) -> Result<Option<String>, KeychainUnavailable> {
        self.ask(key, keyring::Entry::get_password).await
    }

    /// Removes a secret; that it is not there is as good.
    pub(crate) async fn remove(self, key: &Key) -> Result<(), KeychainUnavailable> {
        self.ask(key, keyring::Entry::delete_credential).await.map(drop)
    }

    /// Nothing where there is no such entry.
    async fn ask<T: Send + 'static>(
        self,
        key: &Key,
        what: impl FnOnce(&keyring::Entry) -> keyring::Result<T> + Send + 'static,
    ) -> Result<Option<T>, KeychainUnavailable> {
        let account = account(key);
        let (answer, answered) = oneshot::channel();
        thread::spawn(move || {
            let found = keyring::Entry::new(SERVICE, &account).and_then(|entry| what(&entry));
            // The caller may have stopped waiting.
            let _ = answer.send(found);
        });
        match tokio::time::timeout(self.timeout, answered).await {
            Ok(Ok(Ok(found))) => Ok(Some(found)),
            Ok(Ok(Err(keyring::Error::NoEntry))) => Ok(None),
            _ => Err(KeychainUnavailable),
        }
    }
}

/// Both halves of the key, unmistakably: neither is a URL with a blank in it.
fn account(key: &Key) -> String {
    format!("{} {}", key.issuer, key.resource)
}
