//! Where the database is: a URL becomes a place, and the place is made ready for its owner alone.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io,
    path::{self, Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use crate::DirectoryError;

/// Where the database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// In the memory of this process.
    Memory,
    /// In a file at an absolute path, so that neither a later change of the working folder nor a
    /// name that SQLite would take for a URI leads elsewhere.
    File(PathBuf),
}

/// A file that is in use, and still known when another one is at its path.
#[derive(Debug, Clone)]
pub(super) struct OpenFile {
    path: PathBuf,
    id: FileId,
}

/// Device and inode. Nothing where files have none: there, a replacement is not noticed.
#[cfg(unix)]
type FileId = (u64, u64);
#[cfg(not(unix))]
type FileId = ();

impl Place {
    /// Reads a directory URL. What follows `sqlite://` is a path: nothing is decoded.
    pub(super) fn parse(url: &str) -> Result<Self, DirectoryError> {
        let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
        let unsupported = || DirectoryError::UnsupportedUrl { scheme: scheme.to_owned() };
        if url == "sqlite::memory:" {
            return Ok(Self::Memory);
        }
        let path = url.strip_prefix("sqlite://").ok_or_else(unsupported)?;
        // `:memory:` and parameters mean something to other programs; as file names they would
        // surprise.
        if path.ends_with(path::is_separator) || path.starts_with(':') || path.contains(['?', '\0'])
        {
            return Err(unsupported());
        }
        // The one fault besides an empty path is a working folder that is gone.
        path::absolute(path).map(Self::File).map_err(|_| unsupported())
    }

    /// Makes the folder (mode 0700) and the file (mode 0600) if they are not there. SQLite gives
    /// its `-wal` and `-shm` files the mode of the file.
    pub(super) fn prepare(&self) -> Result<(), DirectoryError> {
        let Self::File(path) = self else { return Ok(()) };
        if let Some(folder) = path.parent() {
            make_folder(folder)
                .map_err(|source| DirectoryError::Folder { path: folder.to_owned(), source })?;
        }
        make_file(path).map_err(|source| file_fault(path, source))?;
        // An account that can write the users can add itself.
        let open = [Some(path.as_path()), path.parent()]
            .into_iter()
            .flatten()
            .find(|path| is_writable_by_all(path));
        open.map_or(Ok(()), |path| {
            Err(DirectoryError::InsecurePermissions { path: path.to_owned() })
        })
    }

    /// What to call it in an error.
    pub(super) fn name(&self) -> &Path {
        match self {
            Self::Memory => Path::new(":memory:"),
            Self::File(path) => path,
        }
    }
}

impl OpenFile {
    /// Remembers which file it is that SQLite has opened at `place`, and written to: some file
    /// systems put another one in its place at the first write.
    pub(super) fn of(place: &Place) -> Result<Option<Self>, DirectoryError> {
        let Place::File(path) = place else { return Ok(None) };
        match fs::metadata(path) {
            Ok(metadata) => Ok(Some(Self { path: path.clone(), id: file_id(&metadata) })),
            Err(source) => Err(file_fault(path, source)),
        }
    }

    /// Its absolute path.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the path still leads to the file that was opened. SQLite asks this before it writes;
    /// a reader would otherwise trust a file that no one changes any more.
    pub(super) fn check(&self) -> Result<(), DirectoryError> {
        match fs::metadata(&self.path) {
            Ok(metadata) if file_id(&metadata) == self.id => Ok(()),
            _ => Err(DirectoryError::Replaced { path: self.path.clone() }),
        }
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Makes the file if it is not there. One that is there is never opened here: to close it again
/// would end the locks that SQLite holds on it elsewhere in this process
/// (<https://www.sqlite.org/howtocorrupt.html> §2.2).
fn make_file(path: &Path) -> io::Result<()> {
    // So that no other task in this process can lock the file between its making and its closing.
    static MAKING: Mutex<()> = Mutex::new(());
    let _making = MAKING.lock().unwrap_or_else(PoisonError::into_inner);

    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(fault) if fault.kind() != io::ErrorKind::AlreadyExists => Err(fault),
        _ => Ok(()),
    }
}

fn file_fault(path: &Path, source: io::Error) -> DirectoryError {
    DirectoryError::File { path: path.to_owned(), source: source.into() }
}

/// Whether any account can write there (and, in a folder, replace the files of others).
#[cfg(unix)]
fn is_writable_by_all(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    fs::metadata(path).is_ok_and(|metadata| {
        let mode = metadata.permissions().mode();
        let sticky = metadata.is_dir() && mode & 0o1000 != 0;
        mode & 0o002 != 0 && !sticky
    })
}

#[cfg(not(unix))]
fn is_writable_by_all(_: &Path) -> bool {
    false
}

#[cfg(unix)]
fn file_id(metadata: &fs::Metadata) -> FileId {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn file_id(_: &fs::Metadata) -> FileId {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_taken_as_it_stands() {
        let here = std::env::current_dir().unwrap();
        for (url, path) in [
            ("sqlite://data/users.db", here.join("data/users.db")),
            ("sqlite://a%20b c.db", here.join("a%20b c.db")),
            ("sqlite://file:users.db", here.join("file:users.db")),
            ("sqlite:///var/lib/users.db", "/var/lib/users.db".into()),
        ] {
            assert_eq!(Place::parse(url).unwrap(), Place::File(path), "{url}");
        }
        assert_eq!(Place::parse("sqlite::memory:").unwrap(), Place::Memory);
    }

    #[test]
    fn other_urls_are_refused_and_their_secrets_not_repeated() {
        for url in [
            "postgres://app:hunter2@db.example/users",
            "users.db",
            "",
            "sqlite:",
            "sqlite://",
            "sqlite:users.db",
            "sqlite://data/",
            "sqlite://:memory:",
            "sqlite://users.db?mode=ro",
            "SQLITE://users.db",
        ] {
            let fault = Place::parse(url).unwrap_err();
            assert!(matches!(fault, DirectoryError::UnsupportedUrl { .. }), "{url}");
            let text = fault.to_string();
            assert!(text.contains("sqlite://path/to/file.db"), "{text}");
            assert!(!text.contains("hunter2"), "{text}");
        }
    }
}
