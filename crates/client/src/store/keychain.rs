//! The operating system's keychain: Keychain on macOS, Credential Manager on Windows, the Secret Service
//! elsewhere.
//!
//! Where there is none, or it does not answer (a server without a desktop, a locked session), the store
//! falls back to its file, and says so where it lists what it has.

use super::entry::Key;

const SERVICE: &str = "mcp-client";

/// The keychain, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keychain {
    /// The operating system's.
    System,
    /// Not used.
    Off,
}

impl Keychain {
    /// Puts a secret in, and tells whether it is there now: read back, not just accepted.
    pub(crate) fn put(self, key: &Key, secret: &str) -> bool {
        self.entry(key).is_some_and(|entry| {
            entry.set_password(secret).is_ok()
                && entry.get_password().is_ok_and(|stored| stored == secret)
        })
    }

    /// Takes a secret out to look at it.
    pub(crate) fn find(self, key: &Key) -> Option<String> {
        self.entry(key)?.get_password().ok()
    }

    /// Removes a secret; that it is not there is as good.
    pub(crate) fn remove(self, key: &Key) {
        if let Some(entry) = self.entry(key) {
            let _ = entry.delete_credential();
        }
    }

    fn entry(self, key: &Key) -> Option<keyring::Entry> {
        match self {
            Self::System => keyring::Entry::new(SERVICE, &account(key)).ok(),
            Self::Off => None,
        }
    }
}

/// Both halves of the key, unmistakably: neither is a URL with a blank in it.
fn account(key: &Key) -> String {
    format!("{} {}", key.issuer, key.resource)
}
