//! Taking up a log where it ended.
//!
//! 1. Its last record must be one as it was written, and it must have the record that is known to
//!    have been in it.
//! 2. Only then the file is changed: what is behind the last line break was not written to its end,
//!    and is removed. A log that is refused stays as it is, as evidence.
//! 3. Without a whole record, the file must be empty or begin as a record does: another file that
//!    was named by mistake is not taken for a log.

use std::{
    fs::{File, TryLockError},
    io::{self, Read, Seek, SeekFrom},
    iter,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use auth_core::{
    SigningKey,
    audit::{Head, Line, Verifier},
};

use crate::{
    disk::append_to,
    error::AuditFileError,
    files::Files,
    lines::{Lines, MAX_LINE_BYTES},
};

/// How long the lock is waited for, and how often it is tried: a command has it for a moment, and
/// so does a server that is being stopped.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
const LOCK_INTERVAL: Duration = Duration::from_millis(20);
/// How each record begins.
const BEGIN: &[u8] = b"{\"seq\":";

/// A log that can be gone on with.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) lock: File,
    /// The file that is written, which ends with a whole record.
    pub(super) file: File,
    /// How long it is.
    pub(super) bytes: u64,
    /// The number of its first record, or of the one that will be.
    pub(super) first: u64,
    /// The last record of the log.
    pub(super) head: Head,
    /// How much was removed of a record that was not written to its end.
    pub(super) removed_bytes: u64,
}

/// Opens the log in `files`, or begins it. `kept`: a record that is known to have been in it.
pub(super) fn open(
    files: &Files,
    kept: Option<Head>,
    key: &SigningKey,
) -> Result<Opened, AuditFileError> {
    let lock = lock(files)?;
    let current = files.current();
    let io = AuditFileError::io(current);
    let mut file = append_to(current).map_err(&io)?;
    let End { last, whole, torn } = end_of(&mut file, current)?;
    // Where no record is in this file, the last is in the one before it.
    let head = last.map_or_else(|| last_of_full(files), Ok)?;
    if let Some(kept) = kept
        && !has(files, kept, head)?
        && !was_removed(files, kept, key)?
    {
        let (path, sequence) = (current.to_owned(), kept.sequence());
        return Err(AuditFileError::CutOff { path, sequence });
    }
    let first = if whole == 0 { head.sequence() + 1 } else { first_sequence(current)? };
    if torn > 0 {
        file.set_len(whole).map_err(&io)?;
    }
    Ok(Opened { lock, file, bytes: whole, first, head, removed_bytes: torn })
}

fn lock(files: &Files) -> Result<File, AuditFileError> {
    let path = files.lock();
    let lock = append_to(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => AuditFileError::NoFolder { folder: files.folder().to_owned() },
        _ => AuditFileError::io(&path)(source),
    })?;
    let begin = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if begin.elapsed() < LOCK_TIMEOUT => {
                thread::sleep(LOCK_INTERVAL);
            }
            Err(TryLockError::WouldBlock) => {
                return Err(AuditFileError::InUse { path: files.current().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(AuditFileError::io(&path)(source)),
        }
    }
}

/// The end of a file.
struct End {
    /// The last record; `None` if none is in it.
    last: Option<Head>,
    /// How long the file is up to its last line break, and how much is behind that.
    whole: u64,
    torn: u64,
}

/// Reads the end of a file, and changes nothing.
fn end_of(file: &mut File, path: &Path) -> Result<End, AuditFileError> {
    let io = AuditFileError::io(path);
    let length = file.metadata().map_err(&io)?.len();
    // The longest record, and one behind it that was not written to its end.
    let start = length.saturating_sub(2 * MAX_LINE_BYTES);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(&io)?;
    file.take(length - start).read_to_end(&mut end).map_err(&io)?;
    let damaged = || AuditFileError::Damaged { path: path.to_owned() };
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    let (lines, rest) = end.split_at_checked(whole).unwrap_or_default();
    let torn = rest.len() as u64;
    // What is longer than a record was not written here.
    if torn >= MAX_LINE_BYTES {
        return Err(damaged());
    }
    let Some(lines) = lines.strip_suffix(b"\n") else {
        let is_begun = rest.starts_with(BEGIN) || BEGIN.starts_with(rest);
        return if is_begun { Ok(End { last: None, whole: 0, torn }) } else { Err(damaged()) };
    };
    let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let last = Line::parse(last).map_err(|_| damaged())?.head();
    Ok(End { last: Some(last), whole: length - torn, torn })
}

/// The last record of the files that are full; [`Head::EMPTY`] if there is none. They were written
/// to their end before they were renamed.
fn last_of_full(files: &Files) -> Result<Head, AuditFileError> {
    let full = files.all_full().map_err(AuditFileError::io(files.folder()))?;
    let Some((_, path)) = full.last() else { return Ok(Head::EMPTY) };
    let mut file = File::open(path).map_err(AuditFileError::io(path))?;
    match end_of(&mut file, path)? {
        End { last: Some(head), torn: 0, .. } => Ok(head),
        _ => Err(AuditFileError::Damaged { path: path.clone() }),
    }
}

/// Whether `wanted` is a record of a log whose last one is `last`.
fn has(files: &Files, wanted: Head, last: Head) -> Result<bool, AuditFileError> {
    if wanted.sequence() >= last.sequence() {
        return Ok(wanted == last);
    }
    // It is among the last ones, unless there is something wrong.
    for path in files.all().map_err(AuditFileError::io(files.folder()))?.iter().rev() {
        let mut lines = Lines::open(path).map_err(AuditFileError::io(path))?;
        while let Some(line) = lines.next()? {
            if Line::parse(&line).is_ok_and(|line| line.head() == wanted) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a log of which every record is as it was written, and which `key` has signed, says that
/// it removed `wanted` with old files.
fn was_removed(files: &Files, wanted: Head, key: &SigningKey) -> Result<bool, AuditFileError> {
    let Ok(key) = key.verifying_key() else { return Ok(false) };
    let mut verifier = Verifier::new(Some(iter::once(key).collect())).expecting(wanted);
    for path in files.all().map_err(AuditFileError::io(files.folder()))? {
        let mut lines = Lines::open(&path).map_err(AuditFileError::io(&path))?;
        while let Some(line) = lines.next()? {
            verifier.push(&line, true);
        }
    }
    Ok(verifier.finish().is_ok())
}

/// The number of the first record of a file that has one.
fn first_sequence(path: &Path) -> Result<u64, AuditFileError> {
    let mut lines = Lines::open(path).map_err(AuditFileError::io(path))?;
    let first = lines.next()?.unwrap_or_default();
    Ok(Line::parse(&first).map_err(|_| lines.changed())?.sequence)
}
