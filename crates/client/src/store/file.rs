//! A file that only its owner can read, written whole or not at all, and a lock beside it.
//!
//! No other user may write the folder: they could place links for us to follow, or replace the
//! file. A temporary file has a new random name, and is never opened through a link.
//!
//! The lock is another file, because the first is replaced when it is written. It is held by the
//! operating system: a process that ends releases it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::NamedTempFile;
use tokio::time::{Instant, sleep};

/// How long to wait for another process: a refresh is done within 30 s, or has failed.
const LOCK_TIMEOUT: Duration = Duration::from_secs(40);
/// The bits of a mode that are not the owner's.
#[cfg(unix)]
const OTHERS: u32 = 0o077;
/// Those of them with which a folder can be changed.
#[cfg(unix)]
const OTHERS_WRITE: u32 = 0o022;
const PAUSE: Duration = Duration::from_millis(15);

/// A file with secrets.
#[derive(Debug, Clone)]
pub(crate) struct SecretFile(PathBuf);

/// Excludes other processes until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it releases the lock"]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not looked at")] File);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// What the system said.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Others may read it.
    #[error("others may read {0}: its mode must be 0600")]
    InsecurePermissions(PathBuf),
    /// Others may write its folder.
    #[error("other users can write to {0}, or it belongs to another user")]
    InsecureFolder(PathBuf),
    /// Another process holds the lock.
    #[error("another process holds {0}")]
    Busy(PathBuf),
}

impl SecretFile {
    /// The file at a path.
    pub(crate) fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// What is in it; nothing if it is not there.
    pub(crate) fn read(&self) -> Result<Option<String>, FileError> {
        self.check_folder()?;
        match File::open(&self.0) {
            Ok(file) => {
                self.check_mode(&file)?;
                io::read_to_string(file).map(Some).map_err(|fault| self.fault(fault))
            }
            Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(fault) => Err(self.fault(fault)),
        }
    }

    /// Replaces what is in it.
    pub(crate) fn write(&self, text: &str) -> Result<(), FileError> {
        self.make_folder()?;
        let folder = self.0.parent().unwrap_or(Path::new("."));
        let mut draft = draft(folder).map_err(|fault| self.fault(fault))?;
        check_owner(folder, draft.as_file())?;
        let written = draft.write_all(text.as_bytes()).and_then(|()| draft.as_file().sync_all());
        let written = written.and_then(|()| Ok(draft.persist(&self.0)?));
        written.map(drop).map_err(|fault| self.fault(fault))
    }

    /// Takes the lock, waiting for the process that holds it.
    pub(crate) async fn lock(&self) -> Result<Lock, FileError> {
        self.make_folder()?;
        let path = self.0.with_extension("lock");
        let file = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&path)
            .map_err(|fault| FileError::Io(path.clone(), fault))?;
        let deadline = Instant::now() + LOCK_TIMEOUT;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                    sleep(PAUSE).await;
                }
                Err(fs::TryLockError::WouldBlock) => return Err(FileError::Busy(path)),
                Err(fs::TryLockError::Error(fault)) => return Err(FileError::Io(path, fault)),
            }
        }
    }

    fn make_folder(&self) -> Result<(), FileError> {
        let Some(folder) = self.0.parent() else {
            return Ok(());
        };
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder).map_err(|fault| FileError::Io(folder.to_owned(), fault))?;
        self.check_folder()
    }

    fn check_folder(&self) -> Result<(), FileError> {
        match self.0.parent() {
            Some(folder) if is_open_to_others(folder) => {
                Err(FileError::InsecureFolder(folder.to_owned()))
            }
            _ => Ok(()),
        }
    }

    #[cfg(unix)]
    fn check_mode(&self, file: &File) -> Result<(), FileError> {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata().map_err(|fault| self.fault(fault))?;
        if metadata.mode() & OTHERS == 0 {
            Ok(())
        } else {
            Err(FileError::InsecurePermissions(self.0.clone()))
        }
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "as on Unix")]
    fn check_mode(&self, _file: &File) -> Result<(), FileError> {
        Ok(())
    }

    fn fault(&self, fault: io::Error) -> FileError {
        FileError::Io(self.0.clone(), fault)
    }
}

/// A new file in a folder, for its owner alone, under a name that cannot be guessed. It is gone
/// when it is dropped before it has its place.
pub(crate) fn draft(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(".").suffix(".new").tempfile_in(folder)
}

/// Whether others than its owner may change a folder. One that does not exist is not open.
pub(crate) fn is_open_to_others(folder: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & OTHERS_WRITE != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        false
    }
}

/// Refuses the folder of another user, by whose a file is that we just made in it.
fn check_owner(folder: &Path, ours: &File) -> Result<(), FileError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let fault = |fault| FileError::Io(folder.to_owned(), fault);
        let owner = fs::metadata(folder).map_err(fault)?.uid();
        if owner != ours.metadata().map_err(fault)?.uid() {
            return Err(FileError::InsecureFolder(folder.to_owned()));
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, ours);
    Ok(())
}

fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = SecretFile::at(folder.path().join("state/tokens.json"));
        assert_eq!(file.read().unwrap(), None);
        file.write("a").unwrap();
        file.write("b").unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("b"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(file.path()), 0o600);
        assert_eq!(mode(file.path().parent().unwrap()), 0o700);
        assert_eq!(fs::read_dir(file.path().parent().unwrap()).unwrap().count(), 1);
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(file.read(), Err(FileError::InsecurePermissions(_))));
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn a_folder_that_others_may_write_is_refused_and_no_link_is_followed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (state, bait) = (folder.path().join("state"), folder.path().join("bait"));
        let file = SecretFile::at(state.join("tokens.json"));
        file.write("a").unwrap();
        // What a draft was called once.
        let guess = state.join(format!("tokens.{}.new", std::process::id()));
        std::os::unix::fs::symlink(&bait, guess).unwrap();
        file.write("b").unwrap();
        assert!(!bait.exists());
        for mode in [0o770, 0o707, 0o777] {
            fs::set_permissions(&state, fs::Permissions::from_mode(mode)).unwrap();
            assert!(matches!(file.read(), Err(FileError::InsecureFolder(_))), "{mode:o}");
            assert!(matches!(file.write("c"), Err(FileError::InsecureFolder(_))), "{mode:o}");
            assert!(matches!(file.lock().await, Err(FileError::InsecureFolder(_))), "{mode:o}");
        }
        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(file.read().unwrap().as_deref(), Some("b"));
    }

    #[tokio::test]
    async fn the_lock_is_one_persons_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretFile::at(folder.path().join("tokens.json"));
        let lock = file.lock().await.unwrap();
        let second = tokio::time::timeout(Duration::from_millis(80), file.lock()).await;
        assert!(second.is_err());
        drop(lock);
        assert!(tokio::time::timeout(Duration::from_secs(5), file.lock()).await.is_ok());
    }
}
