//! What the writer of files asks of the system. Tests let single steps fail, and see their order.

use std::{
    fmt,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
};

/// The steps that a disk may refuse. By default each is what the system does.
pub(crate) trait Disk: fmt::Debug + Send + 'static {
    /// Opens a file to append to it, or makes it.
    fn open(&self, path: &Path) -> io::Result<File> {
        append_to(path)
    }

    /// Appends bytes; how many were taken.
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    /// Waits until the disk has what was written.
    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_data()
    }

    /// Renames a file.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    /// Waits until the disk has the names of a folder.
    fn sync_folder(&self, folder: &File) -> io::Result<()> {
        match folder.sync_all() {
            // The file system has no such call for folders.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
                ) =>
            {
                Ok(())
            }
            synced => synced,
        }
    }

    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }
}

/// The disk of this machine.
#[derive(Debug)]
pub(crate) struct SystemDisk;

impl Disk for SystemDisk {}

/// Opens a file that its owner alone may read, or makes it.
pub(crate) fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}
