//! The lock of a file with secrets, and how long a run waits for it.

use std::{path::PathBuf, time::Duration};

use settings::{
    SecretFileError,
    secret_file::{Lock, OwnFile},
};
use tokio::time::{Instant, sleep};

/// How long to wait for another process: a refresh ends within 30 s, with a token or without.
const LOCK_TIMEOUT: Duration = Duration::from_secs(40);
/// The pause between two attempts.
const PAUSE: Duration = Duration::from_millis(15);

/// Why a file of the client cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    /// The file system, or who may read or change the file.
    #[error(transparent)]
    Secret(#[from] SecretFileError),
    /// Another process holds the lock.
    #[error("another process holds {0}")]
    Busy(PathBuf),
}

/// Takes the lock of a file, waiting for the process that holds it.
pub(crate) async fn lock(file: &OwnFile) -> Result<Lock, FileError> {
    lock_within(file, LOCK_TIMEOUT).await
}

async fn lock_within(file: &OwnFile, timeout: Duration) -> Result<Lock, FileError> {
    let deadline = Instant::now() + timeout;
    loop {
        match file.try_lock()? {
            Some(lock) => return Ok(lock),
            None if Instant::now() < deadline => sleep(PAUSE).await,
            None => return Err(FileError::Busy(file.lock_path())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_run_waits_for_the_lock() {
        let folder = tempfile::tempdir().unwrap();
        let file = OwnFile::at(folder.path().join("tokens.json"));
        let held = lock(&file).await.unwrap();
        let second = tokio::time::timeout(Duration::from_millis(80), lock(&file)).await;
        assert!(second.is_err());
        drop(held);
        assert!(tokio::time::timeout(Duration::from_secs(5), lock(&file)).await.is_ok());
    }

    #[tokio::test]
    async fn a_run_stops_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let file = OwnFile::at(folder.path().join("tokens.json"));
        let _held = lock(&file).await.unwrap();
        let second = lock_within(&file, Duration::ZERO).await;
        assert!(matches!(second, Err(FileError::Busy(_))));
    }
}
