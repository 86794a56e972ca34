//! The file that is written: appended to under a lock, renamed when it is full, and taken up again
//! after a stop.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    iter,
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use auth_core::{
    SigningKey,
    audit::{Chain, Entry, Head, InvalidHeadError, Line, Timestamp, Verifier},
};

use crate::{config::AuditConfig, files::Files, sink::Sink, stdout_copy::StdoutCopy};

/// The longest record that is read at the end of a file, in bytes.
pub(crate) const MAX_RECORD_BYTES: u64 = 1024 * 1024;
/// How long the lock is waited for, and how often it is tried: a command has it for a moment, and
/// so does a server that is being stopped.
const LOCK_TIMEOUT: Duration = Duration::from_secs(2);
const LOCK_INTERVAL: Duration = Duration::from_millis(20);

/// Why an audit log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AuditFileError {
    /// The file system refused.
    #[error("the audit log {}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// The folder of the log is not there.
    #[error("the folder {} of the audit log is not there: make it, for the account that writes the log", folder.display())]
    NoFolder {
        /// Which folder.
        folder: PathBuf,
    },
    /// Another process writes it.
    #[error("the audit log {} is written by another process: give each server a file of its own", path.display())]
    InUse {
        /// Which file.
        path: PathBuf,
    },
    /// A change was made, and could not be recorded.
    #[error("the change was made, and could not be recorded in {}: {source}", path.display())]
    NotRecorded {
        /// Which file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// Its last record is not as it was written.
    #[error(
        "the audit log {} does not end with a record as it was written: name another file in AUDIT_FILE to begin a new log",
        path.display()
    )]
    Damaged {
        /// Which file.
        path: PathBuf,
    },
    /// A record is not in it that was.
    #[error(
        "the audit log {} was cut off or replaced: the database knows its record {sequence}, which is not there. Restore its files, or name another file in AUDIT_FILE to begin a new log",
        path.display()
    )]
    CutOff {
        /// Which file.
        path: PathBuf,
        /// The number of the record.
        sequence: u64,
    },
    /// What the database has is no record of it.
    #[error(
        "the database has no head of the audit log {} where one should be: {source}. Name another file in AUDIT_FILE to begin a new log",
        path.display()
    )]
    KeptHead {
        /// Which file.
        path: PathBuf,
        /// Why it is none.
        source: InvalidHeadError,
    },
}

/// An open audit log.
#[derive(Debug)]
pub struct LogFile {
    files: Files,
    _lock: File,
    /// `None` after a file was renamed, until the next one could be made.
    file: Option<File>,
    /// How long the file is, and the numbers of its first and its last record.
    bytes: u64,
    first: u64,
    last: u64,
    chain: Chain,
    key: SigningKey,
    max_bytes: u64,
    max_full_files: Option<usize>,
    checkpoint_records: u64,
    /// How many records there are since the last checkpoint.
    unsigned: u64,
    /// What was taken and is not yet written.
    pending: Vec<u8>,
    /// The time of the last record that was taken.
    last_time: Timestamp,
    copy: Option<StdoutCopy>,
}

impl LogFile {
    /// Opens the log in `files`, or begins it, and takes the record of the start. `kept`: a record
    /// that is known to have been in it.
    pub fn open(
        config: &AuditConfig,
        files: Files,
        kept: Option<Head>,
        time: Timestamp,
    ) -> Result<Self, AuditFileError> {
        let io = |path: &Path| {
            let path = path.to_owned();
            move |source| AuditFileError::Io { path, source }
        };
        let lock = lock(&files)?;
        let current = files.current();
        let mut file = append_to(current).map_err(io(current))?;
        let (end, removed_bytes) = resume(&mut file, current)?;
        let (head, bytes) = match end {
            Some(end) => end,
            // There is no record in this file: the last is in the one before it.
            None => (last_of_full(&files)?, 0),
        };
        if let Some(kept) = kept
            && !has(&files, kept, head).map_err(io(current))?
            && !was_removed(&files, kept, &config.key).map_err(io(current))?
        {
            let (path, sequence) = (current.to_owned(), kept.sequence());
            return Err(AuditFileError::CutOff { path, sequence });
        }
        let first = if bytes == 0 { head.sequence() + 1 } else { first_sequence(current)? };
        let AuditConfig { key, node, max_bytes, max_full_files, checkpoint_records, .. } = config;
        let copy = config.is_copied.then(StdoutCopy::start).transpose().map_err(io(current))?;
        let mut log = Self {
            chain: Chain::after(head, node.clone()),
            files,
            _lock: lock,
            file: Some(file),
            bytes,
            first,
            last: head.sequence(),
            key: key.clone(),
            max_bytes: *max_bytes,
            max_full_files: *max_full_files,
            checkpoint_records: *checkpoint_records,
            // What was written before may have no checkpoint.
            unsigned: u64::from(head != Head::EMPTY),
            pending: Vec::new(),
            last_time: time,
            copy,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        log.append(time, &Entry::Start { version, removed_bytes });
        log.write().map_err(io(log.files.current()))?;
        Ok(log)
    }

    fn take(&mut self, line: &str) {
        let start = self.pending.len();
        self.pending.extend_from_slice(line.as_bytes());
        self.end_record(start);
    }

    /// Ends the record that begins at `start`, and copies it.
    fn end_record(&mut self, start: usize) {
        self.pending.push(b'\n');
        if let Some(copy) = &mut self.copy {
            copy.add(self.pending.get(start..).unwrap_or_default());
        }
    }

    /// Writes what was taken. Records do not go into a file that was removed or moved: no one would
    /// find them.
    fn flush(&mut self) -> io::Result<()> {
        if self.file.as_ref().is_some_and(|file| !is_at(file, self.files.current())) {
            tracing::error!(
                place = %self.files.full(self.first).display(),
                "The file of the audit log was removed or moved while it was written: another one \
                 is begun. Move it to this place, or its records are missing"
            );
            self.file = None;
            self.first = self.last + 1;
            self.bytes = 0;
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(append_to(self.files.current())?),
        };
        while !self.pending.is_empty() {
            match file.write(&self.pending) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.pending.drain(..written);
                    self.bytes += written as u64;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.last = self.chain.head().sequence();
        Ok(())
    }

    /// Renames the file, which is full, and begins the next one.
    fn rotate(&mut self) -> io::Result<()> {
        self.checkpoint(self.last_time);
        self.flush()?;
        self.sync()?;
        if self.file.take().is_some() {
            fs::rename(self.files.current(), self.files.full(self.first))?;
        }
        self.first = self.chain.head().sequence() + 1;
        self.bytes = 0;
        self.file = Some(append_to(self.files.current())?);
        File::open(self.files.folder())?.sync_all()?;
        self.remove_old()
    }

    /// Removes the oldest files, where there are more than are to be kept, and records it.
    fn remove_old(&mut self) -> io::Result<()> {
        let Some(most) = self.max_full_files else { return Ok(()) };
        let full = self.files.all_full()?;
        let Some(count) = full.len().checked_sub(most).filter(|count| *count > 0) else {
            return Ok(());
        };
        // The first record that stays is that of the first file that stays.
        let stays = full.get(count).map_or(self.first, |(first, _)| *first);
        self.append(self.last_time, &Entry::Removed { through: stays - 1 });
        self.checkpoint(self.last_time);
        self.flush()?;
        self.sync()?;
        for (_, path) in full.into_iter().take(count) {
            fs::remove_file(path)?;
        }
        Ok(())
    }
}

impl Sink for LogFile {
    fn append(&mut self, time: Timestamp, entry: &Entry) {
        self.last_time = time;
        let start = self.pending.len();
        self.chain.append_to(&mut self.pending, time, entry);
        self.end_record(start);
        self.unsigned += 1;
        if self.unsigned >= self.checkpoint_records {
            self.checkpoint(time);
        }
    }

    fn write(&mut self) -> io::Result<()> {
        self.flush()?;
        if self.bytes >= self.max_bytes { self.rotate() } else { Ok(()) }
    }

    fn checkpoint(&mut self, time: Timestamp) {
        if self.unsigned == 0 {
            return;
        }
        match self.chain.checkpoint(time, &self.key) {
            Ok(line) => {
                self.take(&line);
                self.unsigned = 0;
            }
            // The next one signs these records, too.
            Err(error) => tracing::error!(%error, "No checkpoint of the audit log"),
        }
    }

    fn head(&self) -> Head {
        self.chain.head()
    }

    fn sync(&self) -> io::Result<()> {
        self.file.as_ref().map_or(Ok(()), File::sync_data)
    }

    fn hand_over(&mut self) -> bool {
        self.copy.as_mut().is_none_or(StdoutCopy::hand_over)
    }

    fn close(&mut self, time: Timestamp) -> io::Result<()> {
        self.checkpoint(time);
        self.flush()?;
        self.sync()?;
        if let Some(copy) = self.copy.take() {
            copy.close();
        }
        Ok(())
    }
}

/// Whether the open file is the one that has this name.
fn is_at(file: &File, path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let id = |metadata: fs::Metadata| (metadata.dev(), metadata.ino());
        file.metadata().map(id).ok() == fs::metadata(path).map(id).ok()
    }
    #[cfg(not(unix))]
    {
        let _ = file;
        path.exists()
    }
}

fn lock(files: &Files) -> Result<File, AuditFileError> {
    let path = files.lock();
    let io = |source| AuditFileError::Io { path: path.clone(), source };
    let lock = append_to(&path).map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => AuditFileError::NoFolder { folder: files.folder().to_owned() },
        _ => io(source),
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
            Err(TryLockError::Error(source)) => return Err(io(source)),
        }
    }
}

/// Opens a file that its owner alone may read, or makes it.
fn append_to(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).read(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// The last record of a file, and how long the file is; `None` if no record is in it. What is
/// behind the last line break was not written to its end, and is removed.
type End = (Option<(Head, u64)>, u64);

fn resume(file: &mut File, path: &Path) -> Result<End, AuditFileError> {
    let io = |source| AuditFileError::Io { path: path.to_owned(), source };
    let length = file.metadata().map_err(io)?.len();
    let start = length.saturating_sub(MAX_RECORD_BYTES);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(start)).map_err(io)?;
    file.take(length - start).read_to_end(&mut end).map_err(io)?;
    let whole = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |place| place + 1);
    let torn = (end.len() - whole) as u64;
    if torn > 0 {
        file.set_len(length - torn).map_err(io)?;
    }
    if whole == 0 {
        // A record that is longer than this was not written here.
        let damaged = AuditFileError::Damaged { path: path.to_owned() };
        return if start == 0 { Ok((None, torn)) } else { Err(damaged) };
    }
    let lines = end.get(..whole - 1).unwrap_or_default();
    let last = lines.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let line = Line::parse(last).map_err(|_| AuditFileError::Damaged { path: path.to_owned() })?;
    Ok((Some((line.head(), length - torn)), torn))
}

/// The last record of the files that are full; [`Head::EMPTY`] if there is none.
fn last_of_full(files: &Files) -> Result<Head, AuditFileError> {
    let folder = files.folder();
    let full = files
        .all_full()
        .map_err(|source| AuditFileError::Io { path: folder.to_owned(), source })?;
    let Some((_, path)) = full.last() else { return Ok(Head::EMPTY) };
    let io = |source| AuditFileError::Io { path: path.clone(), source };
    let mut file = OpenOptions::new().read(true).write(true).open(path).map_err(io)?;
    let (end, _) = resume(&mut file, path)?;
    let damaged = || AuditFileError::Damaged { path: path.clone() };
    end.map(|(head, _)| head).ok_or_else(damaged)
}

/// Whether `wanted` is a record of a log whose last one is `last`.
fn has(files: &Files, wanted: Head, last: Head) -> io::Result<bool> {
    if wanted.sequence() >= last.sequence() {
        return Ok(wanted == last);
    }
    // It is among the last ones, unless there is something wrong.
    for path in files.all()?.iter().rev() {
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            if Line::parse(&line?).is_ok_and(|line| line.head() == wanted) {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a log of which every record is as it was written, and which `key` has signed, says that
/// it removed `wanted` with old files.
fn was_removed(files: &Files, wanted: Head, key: &SigningKey) -> io::Result<bool> {
    let Ok(key) = key.verifying_key() else { return Ok(false) };
    let mut verifier = Verifier::new(Some(iter::once(key).collect())).expecting(wanted);
    for path in files.all()? {
        for line in BufReader::new(File::open(path)?).split(b'\n') {
            verifier.push(&line?, true);
        }
    }
    Ok(verifier.finish().is_ok())
}

/// The number of the first record of a file that has one.
fn first_sequence(path: &Path) -> Result<u64, AuditFileError> {
    let io = |source| AuditFileError::Io { path: path.to_owned(), source };
    let file = File::open(path).map_err(io)?;
    let mut first = Vec::new();
    BufReader::new(file.take(MAX_RECORD_BYTES)).read_until(b'\n', &mut first).map_err(io)?;
    let line = first.strip_suffix(b"\n").unwrap_or(&first);
    let damaged = |_| AuditFileError::Damaged { path: path.to_owned() };
    Ok(Line::parse(line).map_err(damaged)?.sequence)
}
