//! The lines of a file of an audit log, each of which is held in memory up to a bound.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use crate::error::AuditFileError;

/// How long a line is at most, with its line break, in bytes. What is longer was not written here.
pub(crate) const MAX_LINE_BYTES: u64 = 1024 * 1024;

/// A file that is read line by line, also while it is written.
#[derive(Debug)]
pub(crate) struct Lines {
    reader: BufReader<File>,
    path: PathBuf,
}

impl Lines {
    /// From the beginning of the file.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { reader: BufReader::new(File::open(path)?), path: path.to_owned() })
    }

    /// The next line without its line break; `None` if it is not complete. It can be called again
    /// then, and after an error.
    ///
    /// # Errors
    ///
    /// [`AuditFileError`] if the file cannot be read, or the line is longer than
    /// [`MAX_LINE_BYTES`].
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, AuditFileError> {
        let mut line = Vec::new();
        let mut bounded = self.reader.by_ref().take(MAX_LINE_BYTES);
        let read = bounded.read_until(b'\n', &mut line);
        let length = read.map_err(AuditFileError::io(&self.path))?;
        if line.pop() == Some(b'\n') {
            return Ok(Some(line));
        }
        self.back(length)?;
        if (length as u64) < MAX_LINE_BYTES { Ok(None) } else { Err(self.changed()) }
    }

    /// Lets the last line, of this length without its line break, be the next one again.
    pub(crate) fn unread(&mut self, length: usize) -> Result<(), AuditFileError> {
        self.back(length + 1)
    }

    /// That the file has something that is no record as it was written.
    pub(crate) fn changed(&self) -> AuditFileError {
        AuditFileError::Changed { path: self.path.clone() }
    }

    fn back(&mut self, bytes: usize) -> Result<(), AuditFileError> {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.reader.seek_relative(-bytes).map_err(AuditFileError::io(&self.path))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_line_has_a_bound_and_is_read_once_it_is_complete() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines");
        fs::write(&path, "one\ntw").unwrap();
        let mut lines = Lines::open(&path).unwrap();
        for _ in 0..2 {
            assert_eq!(lines.next().unwrap().as_deref(), Some(&b"one"[..]));
            lines.unread(3).unwrap();
        }
        lines.next().unwrap();
        assert_eq!(lines.next().unwrap(), None);
        fs::write(&path, "one\ntwo\n").unwrap();
        assert_eq!(lines.next().unwrap().as_deref(), Some(&b"two"[..]));

        let most = usize::try_from(MAX_LINE_BYTES).unwrap();
        let longest = [&vec![b'x'; most - 1][..], b"\n"].concat();
        fs::write(&path, &longest).unwrap();
        assert_eq!(Lines::open(&path).unwrap().next().unwrap().unwrap().len(), most - 1);
        fs::write(&path, [b"x", &longest[..]].concat()).unwrap();
        let mut lines = Lines::open(&path).unwrap();
        for _ in 0..2 {
            assert!(matches!(lines.next(), Err(AuditFileError::Changed { .. })));
        }
    }
}
