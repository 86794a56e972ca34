//! A folder of signing keys that are rotated.
//!
//! 1. A key is published from the moment it is made, and signs from `active_from` on: by then every
//!    cache has seen it.
//! 2. A key signs until the next one is active, and is published until every token that it can have
//!    signed has expired, and the leeway beyond: `remove_after`.
//! 3. Which key signs follows from the time alone. So nothing has to run at the moment of the
//!    change.
//! 4. One rotation at a time: it holds a lock from before it reads the dates until all is written.
//!    The lock ends with its process.
//! 5. Files are written whole or not at all: the private key first, then the set, then the dates.
//!    So a rotation that breaks off leaves no key that signs and is not published. A key that is
//!    over is taken out of the set before its file goes.
//!
//! `rotation.json` holds the dates and no secret; `jwks.json` is the public set; `rotation.lock` is
//! empty.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use auth_core::{Algorithm, KeyError, KeyId, NumericDate, SigningKey};
use serde::{Deserialize, Serialize};

use super::{
    generate::{KeyGenerationError, PrivateKey, write_new},
    read::{KeyFileError, public_keys, signing_key},
};
use crate::{
    regular_file::{self, without_waiting},
    secret_file::{self, InsecureFolderError},
};

/// The file with the dates.
pub(super) const STATE: &str = "rotation.json";
/// The file with the published set.
pub const SET: &str = "jwks.json";
/// The longest file with the dates that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;
const LOCK: &str = "rotation.lock";
/// How often the lock is tried, and how long to wait in between: half a minute in all.
const LOCK_TRIES: u32 = 600;
const LOCK_PAUSE: Duration = Duration::from_millis(50);
/// How far clocks may disagree: the most that a server permits.
const LEEWAY: Duration = auth_core::Leeway::MAX;

/// A folder of keys.
pub struct Rotation {
    folder: PathBuf,
    keys: Vec<Entry>,
    /// Held until this is dropped; `None` if the folder is only read.
    lock: Option<File>,
}

/// One key and its dates, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its name.
    pub kid: String,
    /// What it signs with.
    pub alg: String,
    /// Its file in the folder.
    pub file: String,
    /// When it was made and published.
    pub created: i64,
    /// From when on it signs.
    pub active_from: i64,
    /// From when on it does not sign any more; not known while no other has been made.
    pub active_until: Option<i64>,
    /// When its last token has expired.
    pub remove_after: Option<i64>,
    /// How many seconds its tokens live at most.
    pub max_ttl: u64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    keys: Vec<Entry>,
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Plan {
    /// The keys as they will be; the last is the new one, if one is made.
    pub keys: Vec<Entry>,
    /// Those that are over, and go.
    pub removed: Vec<Entry>,
    /// Why no new key is made now, if none is.
    pub waits_until: Option<i64>,
}

/// Why keys cannot be rotated.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What it reported.
        source: io::Error,
    },
    /// `rotation.json` is not what it was written as.
    #[error("{0}: not the dates of a rotation")]
    State(PathBuf),
    /// A key cannot be read.
    #[error(transparent)]
    Key(#[from] KeyFileError),
    /// A key cannot be generated.
    #[error(transparent)]
    Generation(#[from] KeyGenerationError),
    /// A key that was made cannot be used, which does not happen.
    #[error(transparent)]
    Unusable(#[from] KeyError),
    /// A secret cannot be published.
    #[error("HS256 has one secret for both sides, which cannot be published: choose another --alg")]
    Secret,
    /// Another rotation has not ended.
    #[error("{0}: another rotation is under way in this folder. Try again when it has ended")]
    Busy(PathBuf),
    /// A rotation without the lock, which does not happen.
    #[error("{0}: the folder was opened for reading")]
    NotLocked(PathBuf),
    /// No key is active.
    #[error("{0}: no key is active yet")]
    NoneActive(PathBuf),
    /// The public half of a key is not in the published set.
    #[error(
        "{0}: this key is not in the published set beside it, so no token of it would be accepted"
    )]
    Unpublished(PathBuf),
    /// Other users may change the folder.
    #[error(transparent)]
    Folder(InsecureFolderError),
}

impl Rotation {
    /// The folder, with the dates that are in it; none if it is not there.
    pub fn open(folder: &Path) -> Result<Self, RotationError> {
        let path = folder.join(STATE);
        let state = match regular_file::read_text(&path, MAX_BYTES) {
            Ok(text) => serde_json::from_str(&text).map_err(|_| RotationError::State(path))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => State::default(),
            Err(source) => return Err(RotationError::Io { path, source }),
        };
        let is_plain = |file: &str| !file.contains(['/', '\\']) && !file.starts_with('.');
        if state.keys.iter().any(|key| !is_plain(&key.file)) {
            return Err(RotationError::State(folder.join(STATE)));
        }
        Ok(Self { folder: folder.into(), keys: state.keys, lock: None })
    }

    /// The same, to change it: makes the folder if it is not there, and waits until no other
    /// rotation is under way in it.
    pub fn lock(folder: &Path) -> Result<Self, RotationError> {
        secret_file::make_folder(folder).map_err(io_error(folder))?;
        let lock = lock(&folder.join(LOCK))?;
        // What the holder before wrote is read only now.
        Ok(Self { lock: Some(lock), ..Self::open(folder)? })
    }

    /// Its keys, in the order in which they were made.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.keys
    }

    /// The algorithm of the newest key, if there is one.
    #[must_use]
    pub fn algorithm(&self) -> Option<Algorithm> {
        self.keys.last().and_then(|key| key.alg.parse().ok())
    }

    /// The key that signs at `now`: of those that are active the last. And how long its tokens may
    /// live.
    pub fn active(&self, now: NumericDate) -> Result<(SigningKey, Duration), RotationError> {
        let active = self.keys.iter().rev().find(|key| key.active_from <= now.as_secs());
        let entry = active.ok_or_else(|| RotationError::NoneActive(self.folder.clone()))?;
        let path = self.folder.join(&entry.file);
        Ok((signing_key(&path)?, Duration::from_secs(entry.max_ttl)))
    }

    /// The plan for a rotation at `now`. While a key waits to become active, no other is made.
    #[must_use]
    pub fn plan(
        &self,
        algorithm: Algorithm,
        now: NumericDate,
        cache: Duration,
        max_ttl: Duration,
    ) -> Plan {
        let at = now.as_secs();
        let is_over = |key: &Entry| key.remove_after.is_some_and(|date| date <= at);
        let (removed, mut keys): (Vec<_>, Vec<_>) = self.keys.iter().cloned().partition(is_over);
        let waits_until = keys.iter().map(|key| key.active_from).find(|from| *from > at);
        if waits_until.is_none() {
            // No cache has an older set than the first key's.
            let active_from = if keys.is_empty() { now } else { now.plus(cache) };
            for key in keys.iter_mut().filter(|key| key.active_until.is_none()) {
                key.active_until = Some(active_from.as_secs());
                let longest = max_ttl.max(Duration::from_secs(key.max_ttl));
                let last = active_from.plus(longest).plus(LEEWAY);
                key.remove_after = Some(last.as_secs());
            }
            keys.push(Entry {
                kid: String::new(),
                alg: algorithm.name().into(),
                file: String::new(),
                created: at,
                active_from: active_from.as_secs(),
                active_until: None,
                remove_after: None,
                max_ttl: max_ttl.as_secs(),
            });
        }
        Plan { keys, removed, waits_until }
    }

    /// Carries out `plan`, and sets the new key's name in it.
    pub fn apply(&self, plan: &mut Plan, algorithm: Algorithm) -> Result<(), RotationError> {
        if algorithm == Algorithm::Hs256 {
            return Err(RotationError::Secret);
        }
        if self.lock.is_none() {
            return Err(RotationError::NotLocked(self.folder.clone()));
        }
        remove_drafts(&self.folder).map_err(io_error(&self.folder))?;
        if let Some(entry) = plan.keys.iter_mut().find(|key| key.file.is_empty()) {
            let key = PrivateKey::generate(algorithm)?;
            let id = key.signing()?.id().map(KeyId::to_string).unwrap_or_default();
            entry.file = format!("key-{id}.pem");
            entry.kid = id;
            let path = self.folder.join(&entry.file);
            write_new(&path, &key.pem()).map_err(io_error(&path))?;
        }
        let mut set = Vec::new();
        for entry in &plan.keys {
            let keys = public_keys(&self.folder.join(&entry.file))?;
            set.extend(keys.iter().filter_map(auth_core::VerifyingKey::to_jwk));
        }
        let set = serde_json::json!({ "keys": set });
        let state = State { keys: plan.keys.clone() };
        let state = serde_json::to_string_pretty(&state).unwrap_or_default();
        // The set first: a key that signs must be known, one that is known need not sign.
        for (name, text) in [(SET, format!("{set:#}\n")), (STATE, format!("{state}\n"))] {
            let path = self.folder.join(name);
            secret_file::write_public(&path, &text).map_err(io_error(&path))?;
        }
        for entry in &plan.removed {
            let path = self.folder.join(&entry.file);
            match fs::remove_file(&path) {
                Err(source) if source.kind() != io::ErrorKind::NotFound => {
                    return Err(RotationError::Io { path, source });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> RotationError {
    let path = path.to_owned();
    move |source| RotationError::Io { path, source }
}

/// Takes the lock in the file at `path`, which is made if it does not exist, and stays: removing it
/// could give two processes the lock.
fn lock(path: &Path) -> Result<File, RotationError> {
    let mut options = fs::OpenOptions::new();
    let options = without_waiting(options.write(true).create(true).truncate(false));
    let file = secret_file::private(options).open(path).map_err(io_error(path))?;
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(io_error(path)(source)),
        }
    }
    Err(RotationError::Busy(path.parent().unwrap_or(path).to_owned()))
}

/// Removes what rotations left that broke off. Only the holder of the lock may do so.
fn remove_drafts(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().as_encoded_bytes().starts_with(secret_file::DRAFT_PREFIX.as_bytes()) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}
