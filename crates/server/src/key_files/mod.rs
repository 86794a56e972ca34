//! Keys in files, which change while the server runs: keys are rotated.
//!
//! 1. A file is checked every second, and read if it has changed or could not be read before. It is
//!    read at once when the operator asks.
//! 2. Its new content replaces the old one, also if it is a set without a usable key: then no token
//!    of its issuer is accepted.
//! 3. A file that cannot be read, or has neither a key nor a key set, changes nothing: the known
//!    keys are used for a bounded time ([`KeyFile::outage`]). Then there are none, until the file
//!    can be read.
//! 4. Requests that are under way keep the keys that they began with.
//! 5. The issuer that signs in this process has the keys of its folder besides, found by their
//!    names alone ([`folder`]).

mod folder;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use auth_core::{Clock, FailureChange, Issuer, IssuerKeys, JobHealth, KeySet};
use bartizan::Issuers;
use settings::{KeySettingError, VerifyingKeys, regular_file::is_given_at_start};
use tokio_util::sync::CancellationToken;

pub(crate) use self::folder::WatchedFolder;

/// How often a file is checked.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// How long keys are used whose file cannot be read, by default: as long as fetched ones.
pub(crate) const DEFAULT_OUTAGE: Duration = Duration::from_hours(24);

/// A file with the keys of an issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFile {
    /// Whose keys they are.
    pub issuer: Issuer,
    /// Where it is.
    pub path: PathBuf,
    /// How long its keys serve while it cannot be read.
    pub outage: Duration,
}

/// The files whose keys change while the server runs.
pub(crate) struct KeyFiles {
    watched: Vec<Watched>,
    folder: Option<WatchedFolder>,
    issuers: Issuers,
    clock: Arc<dyn Clock>,
}

/// Key files that are read every second, and when the operator asks. Its clones share them.
#[derive(Clone)]
pub(crate) struct SharedKeyFiles(Arc<Mutex<KeyFiles>>);

/// One of the places with keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// The folder of the issuer that signs in this process.
    Folder,
    /// The file with this number.
    File(usize),
}

/// What distinguishes one version of a file from another: when it was modified, its size and inode.
/// `None` if there is no file.
type FileVersion = Option<(SystemTime, u64, u64)>;

struct Watched {
    file: KeyFile,
    /// As it was when it was read last; `None` before the first time. What was read at start is
    /// read once more, as it is not known in which state it was then.
    last_read: Option<FileVersion>,
    /// Whether there are keys that serve.
    has_keys: bool,
    /// The keys that were read last, none where they are over; `None` while those that were read at
    /// start serve.
    keys: Option<KeySet>,
    health: JobHealth,
}

impl KeyFiles {
    /// Those of `files`, for the keys of `issuers`. A pipe that was given at the start was read
    /// then.
    pub(crate) fn new(files: Vec<KeyFile>, issuers: Issuers, clock: Arc<dyn Clock>) -> Self {
        let watch = |file: KeyFile| Watched {
            health: JobHealth::new(format!("reading the keys of {}", file.issuer)),
            file,
            last_read: None,
            has_keys: true,
            keys: None,
        };
        let files = files.into_iter().filter(|file| !is_given_at_start(&file.path));
        let watched = files.map(watch).collect();
        Self { watched, folder: None, issuers, clock }
    }

    /// The same with the folder of the issuer that signs in this process.
    pub(crate) fn with_folder(self, folder: Option<WatchedFolder>) -> Self {
        Self { folder, ..self }
    }

    /// The same, to be read by several.
    pub(crate) fn shared(self) -> SharedKeyFiles {
        SharedKeyFiles(Arc::new(Mutex::new(self)))
    }

    /// Each place, and whether it can be read and has keys.
    fn places(&self) -> Vec<(Place, JobHealth)> {
        let file = |(number, it): (usize, &Watched)| (Place::File(number), it.health.clone());
        let folder = self.folder.as_ref().map(|it| (Place::Folder, it.health().clone()));
        self.watched.iter().enumerate().map(file).chain(folder).collect()
    }

    fn poll(&mut self) {
        for (place, _) in self.places() {
            self.poll_place(place, false);
        }
    }

    /// Checks one place; `is_asked`: the operator asks for it.
    fn poll_place(&mut self, place: Place, is_asked: bool) {
        let clock = self.clock.as_ref();
        let changed = match place {
            Place::Folder => {
                let changed = self.folder.as_ref().filter(|it| it.poll(clock, is_asked));
                changed.map(WatchedFolder::issuer)
            }
            Place::File(number) => {
                let file = self.watched.get_mut(number);
                file.and_then(|it| it.poll(clock, is_asked).then_some(&it.file.issuer))
            }
        };
        let Some(issuer) = changed.cloned() else { return };
        let keys = self.keys_of(&issuer);
        self.issuers.replace_keys(IssuerKeys::new(issuer, keys));
    }

    /// The keys of an issuer: those of its file, and of its folder.
    fn keys_of(&self, issuer: &Issuer) -> KeySet {
        let folder = self.folder.as_ref().filter(|folder| folder.issuer() == issuer);
        let file = self.watched.iter().find(|watched| watched.file.issuer == *issuer);
        let read = file.and_then(|watched| watched.keys.clone());
        let keys = read.or_else(|| Some(folder?.other_keys().clone())).unwrap_or_default();
        match folder {
            Some(folder) => folder.added_to(keys),
            None => keys,
        }
    }
}

impl SharedKeyFiles {
    /// Each place, and whether it can be read and has keys.
    pub(crate) fn places(&self) -> Vec<(Place, JobHealth)> {
        self.lock().places()
    }

    /// Reads one place at once, as the operator asks.
    pub(crate) fn read_again(&self, place: Place) {
        self.lock().poll_place(place, true);
    }

    /// Keeps the keys as the files have them, until `stop` is cancelled.
    pub(crate) async fn keep_fresh(self, stop: CancellationToken) {
        if self.places().is_empty() {
            return;
        }
        loop {
            let files = self.clone();
            // Files are not read on a thread that others wait for. A panic is logged by its hook.
            let _ = tokio::task::spawn_blocking(move || files.lock().poll()).await;
            tokio::select! {
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                () = stop.cancelled() => return,
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, KeyFiles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watched {
    /// Checks the file, and reads it if it has changed, could not be read before, or the operator
    /// asks. Returns whether its keys are others now.
    fn poll(&mut self, clock: &dyn Clock, is_asked: bool) -> bool {
        let (version, before) = (file_version(&self.file.path), self.last_read);
        // What could not be read may be readable now, without a change of its content.
        if before == Some(version) && self.health.failing_since().is_none() && !is_asked {
            return false;
        }
        self.last_read = Some(version);
        let (issuer, name) = (&self.file.issuer, self.file.path.display());
        match settings::verifying_keys_in(self.file.path.clone()) {
            Ok(found) => {
                let is_back = self.health.succeeded();
                if before.is_some() || is_back || is_asked {
                    log_keys(issuer, &self.file.path, &found);
                }
                self.has_keys = true;
                self.keys = Some(found.keys);
                true
            }
            Err(fault @ KeySettingError::NoUsableKeys { .. }) => {
                let change = self.health.failed(&fault, clock.now());
                if change != FailureChange::Same || is_asked {
                    tracing::warn!(%issuer, %fault, "No token of the issuer is accepted any more");
                }
                self.remove_keys()
            }
            Err(fault) => {
                let hours = self.file.outage.as_secs() / 3600;
                let change = self.health.failed(&fault, clock.now());
                if (change != FailureChange::Same || is_asked) && self.has_keys {
                    tracing::warn!(
                        %issuer, %fault,
                        "The keys of {name} cannot be read: the old ones are used for {hours} h"
                    );
                }
                let is_over = |since| clock.now().since(since) >= self.file.outage;
                let ends = self.has_keys && self.health.failing_since().is_some_and(is_over);
                if ends {
                    tracing::warn!(
                        %issuer,
                        "The keys of {name} could not be read for {hours} h: no token of the issuer is accepted any more"
                    );
                    self.remove_keys();
                }
                ends
            }
        }
    }

    /// Takes the keys away; returns whether there were any.
    fn remove_keys(&mut self) -> bool {
        self.keys = Some(KeySet::default());
        std::mem::replace(&mut self.has_keys, false)
    }
}

fn log_keys(issuer: &Issuer, path: &Path, found: &VerifyingKeys) {
    let name = path.display();
    for (place, fault) in &found.unusable {
        tracing::warn!(%issuer, place, %fault, "A key of {name} cannot be used");
    }
    let count = found.keys.iter().count();
    tracing::info!(%issuer, count, "The keys of {name} were read again");
}

fn file_version(path: &Path) -> FileVersion {
    use std::os::unix::fs::MetadataExt;
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.modified().ok()?, metadata.len(), metadata.ino()))
}

#[cfg(test)]
mod tests {
    use auth_core::{AccessToken, Algorithm, TrustedIssuer};
    use tempfile::TempDir;
    use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};

    use super::*;

    const OUTAGE: Duration = Duration::from_hours(2);
    const ALMOST: Duration = Duration::from_secs(7199);

    struct World {
        folder: TempDir,
        old: TestKey,
        new: TestKey,
        clock: Arc<ManualClock>,
        files: KeyFiles,
        runtime: tokio::runtime::Runtime,
    }

    impl World {
        /// A server that was started with the old key in its file.
        fn started() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let generate = || TestKey::generate(Algorithm::EdDsa);
            let (old, new) = (generate(), generate());
            let issuer: Issuer = ISSUER.parse().unwrap();
            let keys = [old.verifying()].into_iter().collect();
            let trust = TrustedIssuer::new(issuer.clone(), keys).into();
            let clock = ManualClock::at(NOW);
            let issuers = Issuers::new(RESOURCE.parse().unwrap(), clock.clone(), [trust]).unwrap();
            let file = KeyFile { issuer, path: folder.path().join("keys"), outage: OUTAGE };
            let files = KeyFiles::new(vec![file], issuers, clock.clone());
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let world = Self { folder, old, new, clock, files, runtime };
            world.write(&world.old.public_pem().unwrap());
            world
        }

        fn write(&self, text: &str) {
            let new = self.folder.path().join("new");
            fs::write(&new, text).unwrap();
            fs::rename(new, self.folder.path().join("keys")).unwrap();
        }

        fn remove(&self) {
            fs::remove_file(self.folder.path().join("keys")).unwrap();
        }

        /// Checks the file once; returns whether the old key is accepted then, and the new one.
        fn polled(&mut self) -> (bool, bool) {
            self.files.poll();
            let is_good = |key: &TestKey| {
                let lasting = Forge::valid(key).claim("exp", NOW + 30 * 24 * 3600).sign(key);
                let token: AccessToken = lasting.parse().unwrap();
                self.runtime.block_on(self.files.issuers.verify(&token)).is_ok()
            };
            (is_good(&self.old), is_good(&self.new))
        }

        fn failing_since(&self) -> Option<i64> {
            let (_, health) = self.files.places().remove(0);
            assert_eq!(health.job(), format!("reading the keys of {ISSUER}"));
            health.failing_since().map(auth_core::NumericDate::as_secs)
        }

        fn is_usable(&self) -> bool {
            self.files.issuers.status()[0].is_usable
        }
    }

    #[test]
    fn a_file_that_changes_changes_the_keys() {
        let mut world = World::started();
        assert_eq!(world.polled(), (true, false));
        world.write(&world.new.public_pem().unwrap());
        assert_eq!(world.polled(), (false, true));
        assert_eq!(world.failing_since(), None);
    }

    #[test]
    fn a_set_without_usable_keys_takes_the_place_of_the_old_one_at_once() {
        let unusable = r#"{"keys":[{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}]}"#;
        for text in [r#"{"keys":[]}"#, unusable] {
            let mut world = World::started();
            assert_eq!(world.polled(), (true, false));
            world.write(text);
            assert_eq!(world.polled(), (false, false), "{text}");
            assert!(!world.is_usable());
            assert_eq!(world.failing_since(), Some(NOW));
            // It stays so when the file goes, and ends with a key.
            world.remove();
            assert_eq!(world.polled(), (false, false));
            world.write(&world.new.public_pem().unwrap());
            assert_eq!(world.polled(), (false, true));
            assert!(world.is_usable());
            assert_eq!(world.failing_since(), None);
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_leaves_the_keys_for_a_bounded_time() {
        for text in [None, Some("no key"), Some(""), Some(r#"{"keys":["#)] {
            let mut world = World::started();
            assert_eq!(world.polled(), (true, false));
            world.clock.advance(Duration::from_mins(1));
            match text {
                Some(text) => world.write(text),
                None => world.remove(),
            }
            assert_eq!(world.polled(), (true, false), "{text:?}");
            assert_eq!(world.failing_since(), Some(NOW + 60));
            assert!(world.is_usable());
            world.clock.advance(ALMOST);
            assert_eq!(world.polled(), (true, false));
            world.clock.advance(Duration::from_secs(1));
            assert_eq!(world.polled(), (false, false), "{text:?}: the bound");
            assert!(!world.is_usable());
            assert_eq!(world.failing_since(), Some(NOW + 60));
            world.write(&world.old.public_pem().unwrap());
            assert_eq!(world.polled(), (true, false), "{text:?}: it is back");
            assert!(world.is_usable());
            assert_eq!(world.failing_since(), None);
        }
    }

    #[test]
    fn a_file_that_is_gone_before_the_first_look_is_noticed() {
        let mut world = World::started();
        world.remove();
        assert_eq!(world.polled(), (true, false));
        assert_eq!(world.failing_since(), Some(NOW));
    }

    #[test]
    fn a_file_that_may_be_read_again_is_read_though_it_did_not_change() {
        use std::os::unix::fs::PermissionsExt;
        let mut world = World::started();
        let path = world.folder.path().join("keys");
        world.write(&world.new.private_pem().unwrap());
        let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        mode(0o644);
        assert_eq!(world.polled(), (true, false));
        assert_eq!(world.failing_since(), Some(NOW));
        mode(0o600);
        assert_eq!(world.polled(), (false, true));
        assert_eq!(world.failing_since(), None);
    }
}
