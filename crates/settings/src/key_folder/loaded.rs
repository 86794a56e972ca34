//! A folder of signing keys, as a program has it that signs while it runs.
//!
//! 1. The first key is made where there is none; of several processes that start at once, one makes
//!    it.
//! 2. Every key that signs now or later is in memory. So the change to the next one needs no file.
//! 3. A key whose public half is not in the published set never signs.
//! 4. Files that cannot be read change nothing: the keys in memory stay.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use auth_core::{
    ActiveKey, Algorithm, KeyId, KeySet, NumericDate, SigningKey, SigningKeys, SigningKeysError,
    VerifyingKey,
};

use super::{
    read::{public_keys, signing_key},
    rotation::{Rotation, RotationError, SET, STATE},
};
use crate::secret_file::{InsecureFolderError, check_folder};

/// How long tokens of a key that is made here may live: what `mint-token rotate` has as its
/// default.
const MAX_TTL: Duration = Duration::from_hours(24);

/// The keys of a folder at one moment: at least one that signs.
pub struct LoadedKeys {
    /// In the order of their dates.
    signing: Vec<Dated>,
    published: Vec<VerifyingKey>,
}

struct Dated {
    active_from: i64,
    max_ttl: Duration,
    key: SigningKey,
}

/// A folder of keys, for a program that signs while it runs.
pub struct KeyFolder {
    folder: PathBuf,
    loaded: RwLock<Arc<LoadedKeys>>,
    seen: Mutex<Seen>,
}

/// What was seen of the files when they were read last.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Seen {
    dates: Option<FileVersion>,
    set: Option<FileVersion>,
    /// Whether they could be read then.
    is_good: bool,
}

/// What distinguishes one version of a file from another: when it was modified, its size and inode.
type FileVersion = (SystemTime, u64, u64);

impl LoadedKeys {
    /// Reads the folder: the dates first. The set is written before them, so it has every key that
    /// they name.
    fn read(folder: &Path, now: NumericDate) -> Result<Self, RotationError> {
        check_folder(folder)?;
        let rotation = Rotation::open(folder)?;
        let published = public_keys(&folder.join(SET))?;
        let mut signing = Vec::new();
        let may_sign = |until: Option<i64>| until.is_none_or(|until| until > now.as_secs());
        for entry in rotation.entries().iter().filter(|entry| may_sign(entry.active_until)) {
            let key = signing_key(&folder.join(&entry.file))?;
            if key.id().is_none() || !published.iter().any(|it| it.id() == key.id()) {
                return Err(RotationError::Unpublished(folder.join(&entry.file)));
            }
            let max_ttl = Duration::from_secs(entry.max_ttl);
            signing.push(Dated { active_from: entry.active_from, max_ttl, key });
        }
        if signing.is_empty() {
            return Err(RotationError::NoneActive(folder.into()));
        }
        Ok(Self { signing, published })
    }

    /// The key that signs at `now`, and how long its tokens may live. Where none is active yet, as
    /// on a machine whose clock is behind, the first one.
    #[must_use]
    pub fn signing(&self, now: NumericDate) -> Option<(&SigningKey, Duration)> {
        let active = self.signing.iter().rev().find(|it| it.active_from <= now.as_secs());
        active.or(self.signing.first()).map(|it| (&it.key, it.max_ttl))
    }

    /// The ids of the keys that sign at `now` or later.
    pub fn signing_ids(&self, now: NumericDate) -> impl Iterator<Item = &KeyId> {
        let is_active = |it: &Dated| it.active_from <= now.as_secs();
        let first = self.signing.iter().rposition(is_active).unwrap_or_default();
        self.signing.iter().skip(first).filter_map(|it| it.key.id())
    }

    /// The public keys with which tokens are verified: those that sign, will sign and have signed.
    #[must_use]
    pub fn published(&self) -> &[VerifyingKey] {
        &self.published
    }
}

impl std::fmt::Debug for LoadedKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LoadedKeys({} sign, {} published)", self.signing.len(), self.published.len())
    }
}

impl KeyFolder {
    /// Opens the folder. Where there is no key in it, makes the first, of `algorithm`, and the
    /// folder with mode 0700.
    ///
    /// # Errors
    ///
    /// [`RotationError`] if the folder cannot be made, or a file in it cannot be read or used.
    pub fn open_or_make(
        folder: &Path,
        algorithm: Algorithm,
        now: NumericDate,
    ) -> Result<Self, RotationError> {
        check_folder(folder)?;
        if Rotation::open(folder)?.entries().is_empty() {
            let rotation = Rotation::lock(folder)?;
            // Another process may have made it meanwhile.
            if rotation.entries().is_empty() {
                let mut plan = rotation.plan(algorithm, now, Duration::ZERO, MAX_TTL);
                rotation.apply(&mut plan, algorithm)?;
            }
        }
        let seen = Seen::of(folder);
        let loaded = RwLock::new(Arc::new(LoadedKeys::read(folder, now)?));
        Ok(Self { folder: folder.into(), loaded, seen: Mutex::new(seen) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// Its keys, as they were read last.
    #[must_use]
    pub fn keys(&self) -> Arc<LoadedKeys> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Reads the folder again if its files have changed, or could not be read before. Returns
    /// whether it did. After an error the keys are the old ones.
    ///
    /// # Errors
    ///
    /// [`RotationError`] if a file cannot be read or used.
    pub fn refresh(&self, now: NumericDate) -> Result<bool, RotationError> {
        self.refreshed(now, false)
    }

    /// Reads the folder again, whether or not its files have changed. After an error the keys are
    /// the old ones.
    ///
    /// # Errors
    ///
    /// As for [`refresh`](Self::refresh).
    pub fn read_again(&self, now: NumericDate) -> Result<(), RotationError> {
        self.refreshed(now, true).map(|_| ())
    }

    fn refreshed(&self, now: NumericDate, is_asked: bool) -> Result<bool, RotationError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        // Before they are read: what changes meanwhile is read the next time.
        let current = Seen::of(&self.folder);
        if *seen == current && !is_asked {
            return Ok(false);
        }
        *seen = Seen { is_good: false, ..current };
        let loaded = LoadedKeys::read(&self.folder, now)?;
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
        seen.is_good = true;
        Ok(true)
    }
}

impl SigningKeys for KeyFolder {
    fn active(&self, now: NumericDate) -> Result<ActiveKey, SigningKeysError> {
        let keys = self.keys();
        let none = || RotationError::NoneActive(self.folder.clone());
        let (key, longest) = keys.signing(now).ok_or_else(|| SigningKeysError(none().into()))?;
        Ok(ActiveKey { key: key.clone(), longest: Some(longest) })
    }

    fn published(&self) -> Result<KeySet, SigningKeysError> {
        Ok(self.keys().published().iter().cloned().collect())
    }
}

impl std::fmt::Debug for KeyFolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("KeyFolder").field(&self.folder).finish()
    }
}

impl Seen {
    fn of(folder: &Path) -> Self {
        let version = |name| file_version(&folder.join(name));
        Self { dates: version(STATE), set: version(SET), is_good: true }
    }
}

impl From<InsecureFolderError> for RotationError {
    fn from(error: InsecureFolderError) -> Self {
        Self::Folder(error)
    }
}

fn file_version(path: &Path) -> Option<FileVersion> {
    let metadata = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some((metadata.modified().ok()?, metadata.len(), inode))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = 24 * 3600;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(1_800_000_000 + secs).unwrap()
    }

    fn made(folder: &Path) -> KeyFolder {
        KeyFolder::open_or_make(folder, Algorithm::Es256, at(0)).unwrap()
    }

    fn rotate(folder: &Path, now: NumericDate, cache: u64) {
        let rotation = Rotation::lock(folder).unwrap();
        let mut plan = rotation.plan(Algorithm::Es256, now, Duration::from_secs(cache), MAX_TTL);
        rotation.apply(&mut plan, Algorithm::Es256).unwrap();
    }

    fn id(keys: &LoadedKeys, now: NumericDate) -> String {
        keys.signing(now).unwrap().0.id().unwrap().to_string()
    }

    #[test]
    fn the_first_key_is_made_once_by_many_at_once() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("data/keys");
        let names: Vec<String> = std::thread::scope(|scope| {
            let each: Vec<_> =
                (0..8).map(|_| scope.spawn(|| id(&made(&folder).keys(), at(0)))).collect();
            each.into_iter().map(|it| it.join().unwrap()).collect()
        });
        assert!(names.iter().all(|name| *name == names[0]), "{names:?}");
        let keys = made(&folder).keys();
        assert_eq!(keys.published().len(), 1);
        assert_eq!(keys.signing(at(0)).unwrap().0.algorithm(), Algorithm::Es256);
        let again = made(&folder);
        assert_eq!(again.active(at(0)).unwrap().key.id().unwrap().as_str(), names[0]);
        assert_eq!(again.published().unwrap().iter().count(), 1);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(&folder), 0o700);
            let key = format!("key-{}.pem", names[0]);
            assert_eq!(mode(&folder.join(key)), 0o600);
        }
    }

    #[test]
    fn a_rotation_is_seen_and_the_next_key_signs_when_its_time_has_come() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        let keys = made(&folder);
        let first = id(&keys.keys(), at(0));
        assert!(!keys.refresh(at(1)).unwrap());
        rotate(&folder, at(10), 60);
        assert!(keys.refresh(at(11)).unwrap());
        assert!(!keys.refresh(at(12)).unwrap());
        let loaded = keys.keys();
        assert_eq!(loaded.published().len(), 2);
        assert_eq!(id(&loaded, at(69)), first);
        let second = id(&loaded, at(70));
        assert_ne!(second, first);
        let ids = |now| loaded.signing_ids(now).map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(ids(at(69)), [first.clone(), second.clone()]);
        assert_eq!(ids(at(70)), std::slice::from_ref(&second));
        // A clock that is behind all dates signs with what is published.
        assert_eq!(id(&loaded, at(-DAY)), first);
        // The first key is not needed any more, but tokens of it are still verified.
        fs::remove_file(folder.join(format!("key-{first}.pem"))).unwrap();
        let again = KeyFolder::open_or_make(&folder, Algorithm::Es256, at(80)).unwrap();
        assert_eq!((id(&again.keys(), at(80)), again.keys().published().len()), (second, 2));
    }

    #[test]
    fn a_token_lives_no_longer_than_its_key_is_published_for() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        let keys = made(&folder);
        let active = keys.active(at(0)).unwrap();
        assert_eq!(active.lifetime(Duration::from_hours(1)), Duration::from_hours(1));
        let rotation = Rotation::lock(&folder).unwrap();
        let short = Duration::from_mins(5);
        let mut plan = rotation.plan(Algorithm::Es256, at(10), Duration::ZERO, short);
        rotation.apply(&mut plan, Algorithm::Es256).unwrap();
        assert!(keys.refresh(at(11)).unwrap());
        let active = keys.active(at(11)).unwrap();
        assert_eq!(active.longest, Some(short));
        assert_eq!(active.lifetime(Duration::from_hours(1)), short);
        assert_eq!(active.lifetime(Duration::from_mins(1)), Duration::from_mins(1));
    }

    #[test]
    fn files_that_cannot_be_used_leave_the_keys_and_are_read_again() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        let keys = made(&folder);
        let first = id(&keys.keys(), at(0));
        let path = folder.join(STATE);
        let good = fs::read_to_string(&path).unwrap();
        fs::write(&path, "{").unwrap();
        assert!(matches!(keys.refresh(at(1)), Err(RotationError::State(_))));
        assert!(matches!(keys.refresh(at(2)), Err(RotationError::State(_))));
        assert_eq!(id(&keys.keys(), at(2)), first);
        fs::write(&path, good).unwrap();
        assert!(keys.refresh(at(3)).unwrap());
        // A key is in memory already: that its file cannot be used is found when it is asked for.
        let key = folder.join(format!("key-{first}.pem"));
        let good = fs::read_to_string(&key).unwrap();
        fs::write(&key, "no key").unwrap();
        assert!(!keys.refresh(at(3)).unwrap());
        assert!(matches!(keys.read_again(at(3)), Err(RotationError::Key(_))));
        assert!(matches!(keys.refresh(at(3)), Err(RotationError::Key(_))));
        fs::write(&key, good).unwrap();
        keys.read_again(at(3)).unwrap();
        fs::remove_file(folder.join(SET)).unwrap();
        assert!(matches!(keys.refresh(at(4)), Err(RotationError::Key(_))));
        assert_eq!(keys.keys().published().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_the_place_of_a_file_leaves_the_keys_and_no_one_waits_for_it() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        let keys = made(&folder);
        let first = id(&keys.keys(), at(0));
        for name in [STATE.to_owned(), SET.to_owned(), format!("key-{first}.pem")] {
            let path = folder.join(name);
            let good = fs::read_to_string(&path).unwrap();
            testkit::make_pipe(&path);
            assert!(keys.read_again(at(1)).is_err(), "{}", path.display());
            assert_eq!(id(&keys.keys(), at(1)), first);
            fs::remove_file(&path).unwrap();
            crate::secret_file::write(&path, &good).unwrap();
            keys.read_again(at(1)).unwrap();
        }
        testkit::make_pipe(&folder.join("rotation.lock"));
        assert!(matches!(Rotation::lock(&folder), Err(RotationError::Io { .. })));
    }

    #[test]
    fn a_key_that_is_not_published_does_not_sign() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        let keys = made(&folder);
        let other = home.path().join("other");
        made(&other);
        fs::copy(other.join(SET), folder.join(SET)).unwrap();
        assert!(matches!(keys.refresh(at(1)), Err(RotationError::Unpublished(_))));
        let opened = KeyFolder::open_or_make(&folder, Algorithm::Es256, at(1));
        assert!(matches!(opened, Err(RotationError::Unpublished(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_write_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("keys");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        let opened = KeyFolder::open_or_make(&folder, Algorithm::Es256, at(0));
        assert!(matches!(opened, Err(RotationError::Folder(_))));
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let home = tempfile::tempdir().unwrap();
        let keys = made(&home.path().join("keys"));
        assert_eq!(format!("{:?}", keys.keys()), "LoadedKeys(1 sign, 1 published)");
        assert!(format!("{keys:?}").starts_with("KeyFolder("));
    }
}
