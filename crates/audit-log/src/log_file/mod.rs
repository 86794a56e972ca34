//! The file that is written: appended to under a lock, renamed when it is full, and taken up again
//! after a stop.
//!
//! 1. A record is in one file as a whole: after a write that took a part of it, the rest follows,
//!    or all of it where another file is begun.
//! 2. After a failed synchronization nothing that was written before is known to be on the disk,
//!    whatever the next one says (`docs/adr/0043`): each further one fails.

mod opening;
mod rotating;

use std::{
    fs::{self, File},
    io,
    path::Path,
    time::Instant,
};

use auth_core::{
    SigningKey,
    audit::{Chain, Entry, Head, Timestamp},
};

use self::opening::Opened;
use crate::{
    config::AuditConfig,
    disk::{Disk, SystemDisk},
    error::AuditFileError,
    files::Files,
    sink::Sink,
    stdout_copy::StdoutCopy,
};

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
    /// What was taken and is not yet written, from the beginning of a record on; and how much of
    /// that record the file has.
    pending: Vec<u8>,
    begun: usize,
    /// The time of the last record that was taken.
    last_time: Timestamp,
    copy: Option<StdoutCopy>,
    disk: Box<dyn Disk>,
    /// Whether the disk has the names of the files.
    is_folder_synced: bool,
    /// Whether a synchronization has failed.
    has_sync_failed: bool,
    /// When it was last logged that an old file cannot be removed.
    removal_failure: Option<Instant>,
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
        Self::open_on(Box::new(SystemDisk), config, files, kept, time)
    }

    /// The same on another disk.
    pub(crate) fn open_on(
        disk: Box<dyn Disk>,
        config: &AuditConfig,
        files: Files,
        kept: Option<Head>,
        time: Timestamp,
    ) -> Result<Self, AuditFileError> {
        let io = AuditFileError::io(files.current());
        let AuditConfig { key, node, max_bytes, max_full_files, checkpoint_records, .. } = config;
        let copy = config.is_copied.then(StdoutCopy::start).transpose().map_err(&io)?;
        let Opened { lock, file, bytes, first, head, removed_bytes } =
            opening::open(&files, kept, key)?;
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
            begun: 0,
            last_time: time,
            copy,
            disk,
            // The file may be new.
            is_folder_synced: bytes > 0,
            has_sync_failed: false,
            removal_failure: None,
        };
        let version = env!("CARGO_PKG_VERSION").to_owned();
        log.append(time, &Entry::Start { version, removed_bytes });
        log.write().map_err(&io)?;
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
            self.leave_file();
        }
        let file = match &mut self.file {
            Some(file) => file,
            none => {
                self.is_folder_synced = false;
                none.insert(self.disk.open(self.files.current())?)
            }
        };
        while !self.pending.is_empty() {
            let rest = self.pending.get(self.begun..).unwrap_or_default();
            match self.disk.write(file, rest) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => {
                    self.bytes += written as u64;
                    let end = self.begun + written;
                    let written = self.pending.get(..end).unwrap_or_default();
                    let whole = written.iter().rposition(|byte| *byte == b'\n');
                    let whole = whole.map_or(0, |place| place + 1);
                    let records = written.split(|byte| *byte == b'\n').count() - 1;
                    self.last += records as u64;
                    self.begun = end - whole;
                    self.pending.drain(..whole);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Lets another file be begun, as this one was removed or moved. A record that is not in it as
    /// a whole will be in the next one.
    fn leave_file(&mut self) {
        tracing::error!(
            place = %self.files.full(self.first).display(),
            "The file of the audit log was removed or moved while it was written: another one is \
             begun. Move it to this place, or its records are missing"
        );
        if let Some(file) = &self.file
            && self.begun > 0
            // Otherwise another program has written in it.
            && file.metadata().is_ok_and(|it| it.len() == self.bytes)
            && let Err(error) = file.set_len(self.bytes - self.begun as u64)
        {
            tracing::error!(
                %error,
                "That file ends with a part of a record, which cannot be removed from it: remove \
                 what is behind its last line break"
            );
        }
        if let Err(error) = self.sync_file() {
            tracing::error!(%error, "The disk may lack records of that file: check the disk");
        }
        self.file = None;
        self.first = self.last + 1;
        (self.bytes, self.begun) = (0, 0);
    }

    /// Waits until the disk has what was written to the file.
    fn sync_file(&mut self) -> io::Result<()> {
        if self.has_sync_failed {
            return Err(io::Error::other("an earlier synchronization has failed"));
        }
        let synced = self.file.as_ref().map_or(Ok(()), |file| self.disk.sync(file));
        self.has_sync_failed = synced.is_err();
        synced
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
        // A file that the disk may lack a part of is not left behind.
        if self.bytes < self.max_bytes || self.has_sync_failed { Ok(()) } else { self.rotate() }
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

    fn sync(&mut self) -> io::Result<()> {
        self.sync_file()?;
        if !self.is_folder_synced {
            // Whether it can be opened says nothing of the disk.
            let folder = File::open(self.files.folder())?;
            let synced = self.disk.sync_folder(&folder);
            self.has_sync_failed = synced.is_err();
            synced?;
            self.is_folder_synced = true;
        }
        Ok(())
    }

    fn has_sync_failed(&self) -> bool {
        self.has_sync_failed
    }

    fn hand_over(&mut self) -> bool {
        self.copy.as_mut().is_none_or(StdoutCopy::hand_over)
    }

    fn close(&mut self, time: Timestamp) -> io::Result<()> {
        self.checkpoint(time);
        self.flush()?;
        let synced = self.sync();
        if let Some(copy) = self.copy.take() {
            copy.close();
        }
        synced
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
