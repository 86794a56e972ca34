//! Reads the records of a log while another thread or process writes it, over files that are
//! renamed and removed meanwhile.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use auth_core::audit::Line;

use crate::{AuditFileError, Files, lines::Lines};

/// How often the files are looked at anew if one was renamed in between.
const ATTEMPTS: usize = 3;

/// A place in a log: before the record with a number.
#[derive(Debug)]
pub struct Follower {
    files: Files,
    next: u64,
    open: Option<OpenFile>,
}

/// A file that is read.
#[derive(Debug)]
struct OpenFile {
    lines: Lines,
    /// The number of its first record.
    first: u64,
}

impl Follower {
    /// Before the record `next` of the log in `files`.
    #[must_use]
    pub const fn new(files: Files, next: u64) -> Self {
        Self { files, next, open: None }
    }

    /// The number of the next record.
    #[must_use]
    pub const fn next(&self) -> u64 {
        self.next
    }

    /// The next record with its line; `None` if it is not written to its end yet. If it was removed
    /// with old files, the first one that is there: its number is higher than [`Self::next`] was.
    ///
    /// # Errors
    ///
    /// [`AuditFileError`] if a file cannot be read, or has something that is no record as it was
    /// written. It can be called again, and goes on where it stopped.
    pub fn read(&mut self) -> Result<Option<(Line, String)>, AuditFileError> {
        loop {
            if self.open.is_none() {
                self.open = self.locate()?;
            }
            let Some(open) = &mut self.open else { return Ok(None) };
            while let Some(line) = open.lines.next()? {
                if sequence_in(&line).is_some_and(|number| number < self.next) {
                    continue;
                }
                let Some((record, text)) = parsed(&line) else {
                    open.lines.unread(line.len())?;
                    return Err(open.lines.changed());
                };
                self.next = record.sequence.saturating_add(1);
                return Ok(Some((record, text)));
            }
            let first = open.first;
            match self.locate()? {
                Some(other) if other.first != first => {
                    // More may have been written before the file was renamed.
                    if let Some(open) = &mut self.open
                        && let Some(line) = open.lines.next()?
                    {
                        open.lines.unread(line.len())?;
                    } else {
                        self.open = Some(other);
                    }
                }
                _ => return Ok(None),
            }
        }
    }

    /// Makes the disk have the file that is written.
    ///
    /// # Errors
    ///
    /// [`AuditFileError::Io`] with what the file system said.
    pub fn sync(&self) -> Result<(), AuditFileError> {
        let path = self.files.current();
        let synced = match File::options().append(true).open(path) {
            Ok(file) => file.sync_data(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
        };
        synced.map_err(AuditFileError::io(path))
    }

    /// The file with the next record: the last one that begins at or before it. Without such a one,
    /// the first file.
    fn locate(&self) -> Result<Option<OpenFile>, AuditFileError> {
        for _ in 0..ATTEMPTS {
            let full = self.full()?;
            let current = OpenFile::at(self.files.current())?;
            if current.as_ref().is_some_and(|current| current.first <= self.next) {
                return Ok(current);
            }
            let begins = full.iter().rev().find(|(first, _)| *first <= self.next);
            if let Some((_, path)) = begins {
                return OpenFile::at(path);
            }
            // The file that was written when the others were looked for may be one of them now.
            if self.full()? == full {
                return match full.first() {
                    Some((_, path)) => OpenFile::at(path),
                    None => Ok(current),
                };
            }
        }
        Ok(None)
    }

    fn full(&self) -> Result<Vec<(u64, PathBuf)>, AuditFileError> {
        self.files.all_full().map_err(AuditFileError::io(self.files.folder()))
    }
}

impl OpenFile {
    /// `None` if there is none, or no record in it yet.
    fn at(path: &Path) -> Result<Option<Self>, AuditFileError> {
        let mut lines = match Lines::open(path) {
            Ok(lines) => lines,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(AuditFileError::io(path)(error)),
        };
        let Some(line) = lines.next()? else { return Ok(None) };
        let first = sequence_in(&line).ok_or_else(|| lines.changed())?;
        lines.unread(line.len())?;
        Ok(Some(Self { lines, first }))
    }
}

fn parsed(line: &[u8]) -> Option<(Line, String)> {
    Some((Line::parse(line).ok()?, str::from_utf8(line).ok()?.to_owned()))
}

/// The number of a record, from its beginning.
fn sequence_in(line: &[u8]) -> Option<u64> {
    let digits = line.strip_prefix(b"{\"seq\":")?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    str::from_utf8(digits.get(..end)?).ok()?.parse().ok()
}
