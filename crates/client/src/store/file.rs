//! A file that only its owner can read, written whole or not at all, and a lock beside it.
//!
//! The lock is another file, because the first is replaced when it is written. It is held by the
//! operating system: a process that dies lets go of it.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::{Instant, sleep};

/// How long to wait for another process: a refresh is done within 30 s, or has failed.
const PATIENCE: Duration = Duration::from_secs(40);
/// The bits of a mode that are not the owner's.
#[cfg(unix)]
const OTHERS: u32 = 0o077;
const PAUSE: Duration = Duration::from_millis(15);

/// A file with secrets.
#[derive(Debug, Clone)]
pub(crate) struct SecretFile(PathBuf);

/// Holds other processes off until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it lets go of the lock"]
pub(crate) struct Lock(#[expect(dead_code, reason = "held, not looked at")] File);

/// Why the file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// What the system said.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] io::Error),
    /// Others may read it.
    #[error("others may read {0}: its mode must be 0600")]
    Loose(PathBuf),
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
        let beside = self.0.with_extension(format!("{}.new", std::process::id()));
        let written = private(OpenOptions::new().write(true).create(true).truncate(true))
            .open(&beside)
            .and_then(|mut file| {
                file.write_all(text.as_bytes())?;
                file.sync_all()
            })
            .and_then(|()| fs::rename(&beside, &self.0));
        written.map_err(|fault| {
            // The half-written one is of no use; that it cannot be removed changes nothing.
            let _ = fs::remove_file(&beside);
            self.fault(fault)
        })
    }

    /// Takes the lock, waiting for whoever holds it.
    pub(crate) async fn lock(&self) -> Result<Lock, FileError> {
        self.make_folder()?;
        let path = self.0.with_extension("lock");
        let file = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&path)
            .map_err(|fault| FileError::Io(path.clone(), fault))?;
        let deadline = Instant::now() + PATIENCE;
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
        builder.create(folder).map_err(|fault| FileError::Io(folder.to_owned(), fault))
    }

    #[cfg(unix)]
    fn check_mode(&self, file: &File) -> Result<(), FileError> {
        use std::os::unix::fs::MetadataExt;
        let metadata = file.metadata().map_err(|fault| self.fault(fault))?;
        if metadata.mode() & OTHERS == 0 { Ok(()) } else { Err(FileError::Loose(self.0.clone())) }
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
        assert!(matches!(file.read(), Err(FileError::Loose(_))));
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
