//! A file that is full is renamed, the next one begun, and the oldest removed.

use std::{io, time::Instant};

use auth_core::audit::Entry;

use super::LogFile;
use crate::sink::Sink;

/// How often it is logged that an old file cannot be removed, in seconds.
const REMOVAL_LOG_SECS: u64 = 60;

impl LogFile {
    /// Renames the file, which is full, and begins the next one. The disk has a file before it has
    /// its new name, and that before a file is removed.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.checkpoint(self.last_time);
        self.flush()?;
        self.sync()?;
        if self.file.take().is_some() {
            self.is_folder_synced = false;
            self.disk.rename(self.files.current(), &self.files.full(self.first))?;
        }
        self.first = self.chain.head().sequence() + 1;
        self.bytes = 0;
        self.file = Some(self.disk.open(self.files.current())?);
        self.sync()?;
        self.remove_old()
    }

    /// Removes the oldest files, where there are more than are to be kept, and records it. One that
    /// cannot be removed is no reason to refuse a call.
    fn remove_old(&mut self) -> io::Result<()> {
        let Some(most) = self.max_full_files else { return Ok(()) };
        let full = match self.files.all_full() {
            Ok(full) => full,
            Err(error) => {
                self.not_removed(&error);
                return Ok(());
            }
        };
        let Some(count) = full.len().checked_sub(most).filter(|count| *count > 0) else {
            return Ok(());
        };
        // The first record that stays is that of the first file that stays.
        let stays = full.get(count).map_or(self.first, |(first, _)| *first);
        self.append(self.last_time, &Entry::Removed { through: stays - 1 });
        self.checkpoint(self.last_time);
        self.flush()?;
        self.sync()?;
        let mut failure = None;
        for (_, path) in full.into_iter().take(count) {
            match self.disk.remove(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => failure = Some(error),
                _ => self.is_folder_synced = false,
            }
        }
        match failure {
            Some(error) => self.not_removed(&error),
            None => self.removal_failure = None,
        }
        Ok(())
    }

    fn not_removed(&mut self, error: &io::Error) {
        let is_logged = |since: Instant| since.elapsed().as_secs() < REMOVAL_LOG_SECS;
        if self.removal_failure.is_some_and(is_logged) {
            return;
        }
        self.removal_failure = Some(Instant::now());
        tracing::error!(
            %error,
            folder = %self.files.folder().display(),
            "Old files of the audit log cannot be removed: the disk fills. Remove them, or let this \
             account do so"
        );
    }
}
