//! Where tokens are kept: in the keychain, else in a file that only its owner can read.
//!
//! 1. An entry is stored under its issuer and its resource. It is found by the server's URL, byte
//!    for byte, and so goes to no other.
//! 2. A change is made under a lock that other processes respect: read, change, write.
//! 3. The list in the file says what there is. The secrets are in the keychain, or, where there is
//!    none, beside the list. Whichever it is, they are looked for, replaced and removed there.

mod entry;
mod file;
mod keychain;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use settings::secret_file::OwnFile;

pub(crate) use entry::{AuthMethod, Client, Entry, Grant, Summary};
pub(crate) use file::{FileError, lock};
pub(crate) use keychain::{Keychain, KeychainUnavailable};
pub(crate) use settings::secret_file::Lock;

/// All that is stored.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    file: OwnFile,
    keychain: Keychain,
    /// Where new ones go.
    preferred: Place,
}

/// Where secrets are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// The operating system's keychain; for new ones only as far as there is one.
    Keychain,
    /// The file with the list.
    File,
}

/// Why the store cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file is not ours, or damaged.
    #[error("{0} cannot be read as a list of tokens")]
    Damaged(PathBuf),
}

#[derive(Default, Serialize, Deserialize)]
struct List {
    tokens: Vec<Row>,
}

#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(flatten)]
    summary: Summary,
    /// Nothing if it is in the keychain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<Box<Entry>>,
}

impl Row {
    fn place(&self) -> Place {
        if self.secret.is_some() { Place::File } else { Place::Keychain }
    }
}

/// What is listed of an entry, and where its secrets are.
#[derive(Debug, Serialize)]
pub(crate) struct Listed {
    #[serde(flatten)]
    pub(crate) summary: Summary,
    pub(crate) kept_in: Place,
}

/// What came of removing entries.
#[derive(Default)]
pub(crate) struct Removed {
    /// What is gone, with what was in it as far as it could be read.
    pub(crate) gone: Vec<(Summary, Option<Entry>)>,
    /// What is still in the keychain, and so in the list, because the keychain does not answer.
    pub(crate) left: Vec<Summary>,
}

impl Store {
    /// The store in a folder.
    pub(crate) fn in_folder(folder: &Path, keychain: Keychain, preferred: Place) -> Self {
        Self { file: OwnFile::at(folder.join("tokens.json")), keychain, preferred }
    }

    /// The file with the list.
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// Takes the lock.
    pub(crate) async fn lock(&self) -> Result<Lock, StoreError> {
        Ok(lock(&self.file).await?)
    }

    /// What there is, without secrets.
    pub(crate) fn list(&self) -> Result<Vec<Listed>, StoreError> {
        let rows = self.read()?.tokens.into_iter();
        let listed = rows.map(|row| Listed { kept_in: row.place(), summary: row.summary });
        Ok(listed.collect())
    }

    /// The entry for a server: the one stored last.
    pub(crate) async fn find(&self, server: &str) -> Result<Option<Entry>, StoreError> {
        let rows = self.read()?.tokens.into_iter().rev();
        for row in rows.filter(|row| row.summary.server == server) {
            if let Some(entry) = row.secret {
                return Ok(Some(*entry));
            }
            // A keychain that was emptied behind our back has what it has.
            let found = self.keychain.find(&row.summary.key).await.ok().flatten();
            let found = found.and_then(|text| serde_json::from_str(&text).ok());
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    /// Stores an entry in the place of the one with its key. The lock shows that no other process
    /// does.
    pub(crate) async fn save(&self, entry: &Entry, _lock: &Lock) -> Result<(), StoreError> {
        let mut list = self.read()?;
        let key = entry.key();
        let is_ours = |row: &Row| row.summary.key == key;
        let was_in_keychain =
            list.tokens.iter().any(|row| is_ours(row) && row.place() == Place::Keychain);
        list.tokens.retain(|row| !is_ours(row));
        let text = serde_json::to_string(entry).unwrap_or_default();
        let in_keychain = self.preferred == Place::Keychain && self.keychain.put(&key, &text).await;
        let secret = (!in_keychain).then(|| Box::new(entry.clone()));
        list.tokens.push(Row { summary: entry.into(), secret });
        self.write(&list)?;
        if was_in_keychain && !in_keychain {
            // One that does not answer keeps a token that is no longer looked for.
            let _ = self.keychain.remove(&key).await;
        }
        Ok(())
    }

    /// Removes the entries that `which` picks.
    pub(crate) async fn remove(
        &self,
        which: impl Fn(&Summary) -> bool,
        _lock: &Lock,
    ) -> Result<Removed, StoreError> {
        let mut removed = Removed::default();
        let mut kept = Vec::new();
        for row in self.read()?.tokens {
            if !which(&row.summary) {
                kept.push(row);
                continue;
            }
            if let Ok(entry) = self.take(&row).await {
                removed.gone.push((row.summary, entry));
            } else {
                removed.left.push(row.summary.clone());
                kept.push(row);
            }
        }
        self.write(&List { tokens: kept })?;
        Ok(removed)
    }

    /// What is in an entry, which is not in the keychain afterwards.
    async fn take(&self, row: &Row) -> Result<Option<Entry>, KeychainUnavailable> {
        if let Some(entry) = &row.secret {
            return Ok(Some(*entry.clone()));
        }
        let found = self.keychain.find(&row.summary.key).await?;
        self.keychain.remove(&row.summary.key).await?;
        Ok(found.and_then(|text| serde_json::from_str(&text).ok()))
    }

    fn read(&self) -> Result<List, StoreError> {
        match self.file.read().map_err(FileError::from)? {
            Some(text) => serde_json::from_str(&text)
                .map_err(|_| StoreError::Damaged(self.file.path().to_owned())),
            None => Ok(List::default()),
        }
    }

    fn write(&self, list: &List) -> Result<(), StoreError> {
        let text = serde_json::to_string_pretty(list).unwrap_or_default();
        Ok(self.file.write(&text).map_err(FileError::from)?)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{entry::tests::entry, *};

    const SERVER: &str = "https://mcp.example/mcp";

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let keychain = Keychain { timeout: Duration::ZERO };
        let store = Store::in_folder(folder.path(), keychain, Place::File);
        (folder, store)
    }

    async fn token(store: &Store, server: &str) -> Option<String> {
        Some(store.find(server).await.unwrap()?.token()?.expose().to_owned())
    }

    #[tokio::test]
    async fn an_entry_is_found_by_its_server_and_replaced_by_its_key() {
        let (_folder, store) = store();
        let lock = store.lock().await.unwrap();
        assert_eq!(token(&store, SERVER).await, None);
        store.save(&entry(SERVER, "one", 60), &lock).await.unwrap();
        store.save(&entry("https://mcp.example/other", "two", 60), &lock).await.unwrap();
        store.save(&entry(SERVER, "three", 60), &lock).await.unwrap();
        assert_eq!(token(&store, SERVER).await.as_deref(), Some("three"));
        assert_eq!(store.list().unwrap().len(), 2);
        for other in ["https://mcp.example/mcp/", "https://mcp.example", "http://mcp.example/mcp"] {
            assert_eq!(token(&store, other).await, None, "{other}");
        }
        // Another issuer for the same server: both are kept, the last one counts.
        let mut second = entry(SERVER, "four", 60);
        second.issuer = "https://other.example".into();
        store.save(&second, &lock).await.unwrap();
        assert_eq!(token(&store, SERVER).await.as_deref(), Some("four"));
        assert_eq!(store.list().unwrap().len(), 3);
    }

    #[tokio::test]
    async fn what_is_removed_is_gone() {
        let (_folder, store) = store();
        let lock = store.lock().await.unwrap();
        store.save(&entry(SERVER, "one", 60), &lock).await.unwrap();
        let nothing = store.remove(|summary| summary.server == "x", &lock).await.unwrap();
        assert!(nothing.gone.is_empty() && nothing.left.is_empty());
        let removed = store.remove(|summary| summary.server == SERVER, &lock).await.unwrap();
        assert!(matches!(removed.gone.as_slice(), [(_, Some(_))]));
        assert!(removed.left.is_empty());
        assert_eq!(token(&store, SERVER).await, None);
    }

    #[tokio::test]
    async fn a_damaged_list_is_not_overwritten() {
        let (_folder, store) = store();
        let lock = store.lock().await.unwrap();
        store.file.write("{").unwrap();
        let saved = store.save(&entry(SERVER, "one", 60), &lock).await;
        assert!(matches!(saved, Err(StoreError::Damaged(_))));
        assert_eq!(store.file.read().unwrap().unwrap().as_str(), "{");
    }
}
