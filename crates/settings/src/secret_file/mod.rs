//! Files with secrets: written whole or not at all, for their owner alone, and checked when they
//! are read.
//!
//! 1. A file is written under a random name in the same folder (mode 0600), synchronized, and moved
//!    there. A reader sees the old text or the new one.
//! 2. Folders get mode 0700 where they are made ([`make_folder`]), which no other function here
//!    does.
//! 3. A file that the group or other users may read or write is not read
//!    ([`InsecurePermissionsError`]). The owner is not compared: a file of mode 0600 that belongs
//!    to another user can be read by root alone, as when a secret is mounted into a container.
//! 4. A file that a program keeps in a folder of its user is an [`OwnFile`], which has a lock. Its
//!    folder is checked, too.
//! 5. No error has a byte of the content.
//! 6. A pipe in the place of a file is an error and is not waited for, as [`regular_file`] has it.
//!
//! On systems whose files have no such modes, rule 3 does nothing.

mod own;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use auth_core::display::quoted;
use tempfile::NamedTempFile;
use zeroize::Zeroizing;

use crate::regular_file;

pub use own::{InsecureFolderError, Lock, OwnFile, check_folder};

/// The longest file that is read, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;
/// The bits of a mode that are for the group and for other users.
#[cfg(unix)]
const OTHERS: u32 = 0o077;
/// What a file is called until it is whole, before the random part.
pub const DRAFT_PREFIX: &str = ".draft-";

/// Other users may read or write a file with a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{path}: other users can read this file. Run `chmod 600 {}`",
    quoted(&path.to_string_lossy())
)]
pub struct InsecurePermissionsError {
    /// Which file.
    pub path: PathBuf,
}

/// Why a file with a secret could not be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    /// The file system refused.
    #[error("{path}: {source}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the file system reported.
        source: io::Error,
    },
    /// Other users may read or write it.
    #[error(transparent)]
    InsecurePermissions(#[from] InsecurePermissionsError),
    /// Other users may change its folder.
    #[error(transparent)]
    InsecureFolder(#[from] InsecureFolderError),
    /// It is longer than is read.
    #[error("{path}: longer than {max} bytes")]
    TooLong {
        /// Which file.
        path: PathBuf,
        /// How many bytes are read.
        max: u64,
    },
}

/// The text in `path`, of at most 1 MiB, if no other user may read or write the file.
pub fn read(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    read_at_most(path, MAX_BYTES)
}

/// The same with another bound, in bytes.
pub fn read_at_most(path: &Path, max: u64) -> Result<Zeroizing<String>, SecretFileError> {
    let file = open(path)?;
    // The file that is open, not the one that has its name by now.
    if file.metadata().is_ok_and(|metadata| !has_private_mode(&metadata)) {
        return Err(InsecurePermissionsError { path: path.into() }.into());
    }
    text_of(file, path, max)
}

/// The text in `path`, whatever its mode: it may hold a public key. Call [`check`] once it is known
/// not to.
pub fn read_unchecked(path: &Path) -> Result<Zeroizing<String>, SecretFileError> {
    let file = open(path)?;
    text_of(file, path, MAX_BYTES)
}

fn open(path: &Path) -> Result<File, SecretFileError> {
    regular_file::open(path).map_err(|source| SecretFileError::Io { path: path.into(), source })
}

fn text_of(file: File, path: &Path, max: u64) -> Result<Zeroizing<String>, SecretFileError> {
    let mut text = Zeroizing::new(String::new());
    file.take(max + 1)
        .read_to_string(&mut text)
        .map_err(|source| SecretFileError::Io { path: path.into(), source })?;
    if text.len() as u64 > max {
        return Err(SecretFileError::TooLong { path: path.into(), max });
    }
    Ok(text)
}

/// Refuses a file that other users may read or write. A file that does not exist passes.
pub fn check(path: &Path) -> Result<(), InsecurePermissionsError> {
    if is_private(path) { Ok(()) } else { Err(InsecurePermissionsError { path: path.into() }) }
}

/// Whether neither the group nor other users may read or write `path`, or it does not exist.
#[must_use]
pub fn is_private(path: &Path) -> bool {
    fs::metadata(path).map_or(true, |metadata| has_private_mode(&metadata))
}

#[cfg(unix)]
fn has_private_mode(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & OTHERS == 0
}

#[cfg(not(unix))]
fn has_private_mode(_metadata: &fs::Metadata) -> bool {
    true
}

/// Replaces the content of `path`, or makes the file. Its folder must exist.
pub fn write(path: &Path, text: &str) -> io::Result<()> {
    let draft = draft_with(path, text, Audience::Owner)?;
    draft.persist(path)?;
    synchronize(folder_of(path))
}

/// Makes `path` with this content. Returns `false`, and changes nothing, if the file exists: of two
/// programs that do this at once, one makes the file.
pub fn create(path: &Path, text: &str) -> io::Result<bool> {
    let draft = draft_with(path, text, Audience::Owner)?;
    match draft.persist_noclobber(path) {
        Ok(_) => synchronize(folder_of(path)).map(|()| true),
        Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error.error),
    }
}

/// Opens a new file for its owner alone, for content that is too long to be held in memory. An
/// existing file is an error.
pub fn create_new(path: &Path) -> io::Result<File> {
    private(OpenOptions::new().write(true).create_new(true)).open(path)
}

/// As [`write()`], for content that is public: the mode is what the process's mask permits.
pub fn write_public(path: &Path, text: &str) -> io::Result<()> {
    let draft = draft_with(path, text, Audience::Everyone)?;
    draft.persist(path)?;
    synchronize(folder_of(path))
}

/// Makes a folder with mode 0700, and the folders above it. An existing folder is left as it is.
pub fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// A new file in `folder` for its owner alone, under a random name. It is removed when it is
/// dropped before it is persisted.
pub fn draft(folder: &Path) -> io::Result<NamedTempFile> {
    tempfile::Builder::new().prefix(DRAFT_PREFIX).tempfile_in(folder)
}

/// `options` with mode 0600 for a file that is made.
pub fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The folder that `path` is in.
#[must_use]
pub fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Audience {
    Owner,
    Everyone,
}

/// A draft with `text` in the folder of `path`, synchronized.
fn draft_with(path: &Path, text: &str, audience: Audience) -> io::Result<NamedTempFile> {
    let folder = folder_of(path);
    let mut draft = match audience {
        Audience::Owner => draft(folder)?,
        Audience::Everyone => public_draft(folder)?,
    };
    fill(&mut draft, text)?;
    Ok(draft)
}

/// Writes the text of a draft to the disk.
fn fill(draft: &mut NamedTempFile, text: &str) -> io::Result<()> {
    draft.write_all(text.as_bytes())?;
    draft.as_file().sync_all()
}

fn public_draft(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(DRAFT_PREFIX);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        // Less what the process's mask takes away.
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

/// Makes sure that a move is on the disk before anything that is written later.
fn synchronize(folder: &Path) -> io::Result<()> {
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn a_secret_is_written_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a/b/secret");
        assert!(write(&path, "one").is_err() && fs::read_dir(home.path()).unwrap().count() == 0);
        make_folder(folder_of(&path)).unwrap();
        write(&path, "one").unwrap();
        assert_eq!((mode(&path), mode(&home.path().join("a"))), (0o600, 0o700));
        set_mode(&path, 0o644);
        write(&path, "two").unwrap();
        assert_eq!((mode(&path), read(&path).unwrap().as_str()), (0o600, "two"));
        assert!(!create(&path, "three").unwrap());
        assert_eq!(read(&path).unwrap().as_str(), "two");
        let other = home.path().join("other");
        assert!(create(&other, "three").unwrap());
        assert_eq!(mode(&other), 0o600);
        let third = home.path().join("third");
        drop(create_new(&third).unwrap());
        assert_eq!(mode(&third), 0o600);
        assert_eq!(create_new(&third).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        // Nothing is left of the drafts.
        assert_eq!(fs::read_dir(home.path().join("a/b")).unwrap().count(), 1);
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 3);
    }

    #[test]
    fn a_secret_that_others_may_read_or_write_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("it is");
        write(&path, "hush").unwrap();
        for open in [0o640, 0o620, 0o604, 0o602, 0o644] {
            set_mode(&path, open);
            let error = read(&path).unwrap_err();
            assert!(matches!(error, SecretFileError::InsecurePermissions(_)), "{open:o}: {error}");
            let command = format!("chmod 600 {}", quoted(&path.to_string_lossy()));
            assert!(error.to_string().contains(&command), "{error}");
            assert!(!error.to_string().contains("hush"));
            assert_eq!(read_unchecked(&path).unwrap().as_str(), "hush");
        }
        set_mode(&path, 0o400);
        assert!(read(&path).is_ok());
    }

    #[test]
    fn a_file_that_is_too_long_or_not_there_is_an_error() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secret");
        assert!(matches!(read(&path), Err(SecretFileError::Io { .. })));
        assert!(is_private(&path));
        write(&path, &"x".repeat(1024 * 1024)).unwrap();
        assert!(read(&path).is_ok());
        write(&path, &"x".repeat(1024 * 1024 + 1)).unwrap();
        assert!(matches!(read(&path), Err(SecretFileError::TooLong { .. })));
    }

    #[test]
    fn a_pipe_in_the_place_of_a_secret_or_of_a_lock_is_an_error_at_once() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("secret");
        testkit::make_pipe(&path);
        for found in [read(&path), read_unchecked(&path)] {
            assert!(found.unwrap_err().to_string().ends_with("secret: this is no file"));
        }
        let file = OwnFile::at(path);
        assert!(file.read().is_err());
        testkit::make_pipe(&file.lock_path());
        assert!(matches!(file.try_lock(), Err(SecretFileError::Io { .. })));
    }

    #[test]
    fn what_is_public_may_be_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("jwks.json");
        write_public(&path, "{}").unwrap();
        // The mask of the process decides; it leaves the owner's bits.
        assert_ne!(mode(&path) & 0o600, 0);
        assert_eq!(fs::read_to_string(&path).unwrap(), "{}");
        let expected = {
            let plain = home.path().join("plain");
            fs::write(&plain, "").unwrap();
            mode(&plain)
        };
        assert_eq!(mode(&path), expected);
    }
}
