//! A secret file in a folder that no other user may change, and a lock beside it.
//!
//! 1. The folder is made with mode 0700. One that other users may write, or that belongs to another
//!    user, is refused ([`InsecureFolderError`]): they could replace the file.
//! 2. No link is followed when the file is written: a draft has a random name, and takes the place
//!    of whatever has the name of the file.
//! 3. The lock is a file of its own, because the file itself is replaced when it is written. The
//!    operating system holds it: a process that ends releases it.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use zeroize::Zeroizing;

use crate::regular_file::without_waiting;

use super::{
    SecretFileError, draft, fill, folder_of, make_folder, private, read_at_most, synchronize,
};

/// The bits of a mode with which the group and other users can change a folder.
#[cfg(unix)]
const OTHERS_WRITE: u32 = 0o022;
/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 16 << 20;

/// Other users may change a folder with secret files.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path}: other users can write to this folder, or it belongs to another user. Run `chmod 700 \
     {0}`, or make it yours with `chown`",
    auth_core::display::quoted(&path.to_string_lossy())
)]
pub struct InsecureFolderError {
    /// Which folder.
    pub path: PathBuf,
}

/// A secret file of a program, in a folder of its user.
#[derive(Debug, Clone)]
pub struct OwnFile(PathBuf);

/// Excludes other processes until it is dropped.
#[derive(Debug)]
#[must_use = "dropping it releases the lock"]
pub struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl OwnFile {
    /// The file at a path. Nothing is read or made.
    #[must_use]
    pub const fn at(path: PathBuf) -> Self {
        Self(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where its lock is: beside it, with the extension `lock`.
    #[must_use]
    pub fn lock_path(&self) -> PathBuf {
        self.0.with_extension("lock")
    }

    /// The text in it, of at most 16 MiB; `None` if it does not exist.
    pub fn read(&self) -> Result<Option<Zeroizing<String>>, SecretFileError> {
        check_folder(folder_of(&self.0))?;
        match read_at_most(&self.0, MAX_BYTES) {
            Err(SecretFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                Ok(None)
            }
            read => read.map(Some),
        }
    }

    /// Replaces its content. Makes it and its folder if they do not exist.
    pub fn write(&self, text: &str) -> Result<(), SecretFileError> {
        let folder = self.made_folder()?;
        let io = |source| self.io(source);
        let mut draft = draft(folder).map_err(io)?;
        check_owner(folder, draft.as_file())?;
        fill(&mut draft, text).map_err(io)?;
        draft.persist(&self.0).map_err(|error| self.io(error.error))?;
        synchronize(folder).map_err(io)
    }

    /// Takes its lock; `None` if another process has it. Makes its folder if it does not exist.
    pub fn try_lock(&self) -> Result<Option<Lock>, SecretFileError> {
        self.made_folder()?;
        let path = self.lock_path();
        let mut options = OpenOptions::new();
        let options = without_waiting(options.write(true).create(true).truncate(false));
        let file = private(options).open(&path);
        match file.map(|file| file.try_lock().map(|()| Lock(file))) {
            Ok(Ok(lock)) => Ok(Some(lock)),
            Ok(Err(fs::TryLockError::WouldBlock)) => Ok(None),
            Ok(Err(fs::TryLockError::Error(source))) | Err(source) => {
                Err(SecretFileError::Io { path, source })
            }
        }
    }

    fn made_folder(&self) -> Result<&Path, SecretFileError> {
        let folder = folder_of(&self.0);
        make_folder(folder)
            .map_err(|source| SecretFileError::Io { path: folder.into(), source })?;
        check_folder(folder)?;
        Ok(folder)
    }

    fn io(&self, source: io::Error) -> SecretFileError {
        SecretFileError::Io { path: self.0.clone(), source }
    }
}

/// Refuses a folder in which the group or other users may make or replace files. A folder that does
/// not exist passes.
pub fn check_folder(folder: &Path) -> Result<(), InsecureFolderError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        if fs::metadata(folder).is_ok_and(|metadata| metadata.mode() & OTHERS_WRITE != 0) {
            return Err(InsecureFolderError { path: folder.into() });
        }
    }
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

/// Refuses the folder of another user: its owner is compared with that of a file that this process
/// has just made in it.
fn check_owner(folder: &Path, ours: &File) -> Result<(), SecretFileError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let io = |source| SecretFileError::Io { path: folder.into(), source };
        let owner = fs::metadata(folder).map_err(io)?.uid();
        if owner != ours.metadata().map_err(io)?.uid() {
            return Err(InsecureFolderError { path: folder.into() }.into());
        }
    }
    #[cfg(not(unix))]
    let _ = (folder, ours);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &OwnFile) -> Option<String> {
        file.read().unwrap().map(|text| text.as_str().to_owned())
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_can_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let file = OwnFile::at(home.path().join("state/tokens.json"));
        assert_eq!(text(&file), None);
        file.write("a").unwrap();
        file.write("b").unwrap();
        assert_eq!(text(&file).as_deref(), Some("b"));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        let folder = folder_of(file.path());
        assert_eq!((mode(file.path()), mode(folder)), (0o600, 0o700));
        assert_eq!(fs::read_dir(folder).unwrap().count(), 1);
        let lock = file.try_lock().unwrap();
        assert_eq!(mode(&file.lock_path()), 0o600);
        drop(lock);
        fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
        assert!(matches!(file.read(), Err(SecretFileError::InsecurePermissions(_))));
    }

    #[cfg(unix)]
    #[test]
    fn a_folder_that_others_may_write_is_refused_and_no_link_is_followed() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let (state, bait) = (home.path().join("state"), home.path().join("bait"));
        let file = OwnFile::at(state.join("tokens.json"));
        file.write("a").unwrap();
        fs::remove_file(file.path()).unwrap();
        std::os::unix::fs::symlink(&bait, file.path()).unwrap();
        file.write("b").unwrap();
        assert!(!bait.exists());
        let is_refused = |error: SecretFileError| {
            assert!(error.to_string().contains("chmod 700 "), "{error}");
            matches!(error, SecretFileError::InsecureFolder(_))
        };
        for mode in [0o770, 0o707, 0o777] {
            fs::set_permissions(&state, fs::Permissions::from_mode(mode)).unwrap();
            assert!(is_refused(file.read().unwrap_err()), "{mode:o}");
            assert!(is_refused(file.write("c").unwrap_err()), "{mode:o}");
            assert!(is_refused(file.try_lock().unwrap_err()), "{mode:o}");
        }
        fs::set_permissions(&state, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(text(&file).as_deref(), Some("b"));
    }

    #[test]
    fn one_process_has_the_lock() {
        let home = tempfile::tempdir().unwrap();
        let file = OwnFile::at(home.path().join("tokens.json"));
        let lock = file.try_lock().unwrap();
        assert!(lock.is_some());
        assert!(file.try_lock().unwrap().is_none());
        drop(lock);
        assert!(file.try_lock().unwrap().is_some());
    }
}
