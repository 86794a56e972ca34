//! The folder of signing keys, which changes while a program runs: keys are rotated.

use std::{error::Error, sync::Arc, time::Duration};

use auth_core::{Clock, FailureChange, Issuer, JobHealth};
use settings::key_folder::KeyFolder;
use tokio_util::sync::CancellationToken;

/// How often the folder is checked.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A folder of keys that is read again when it has changed.
pub struct FolderWatch {
    issuer: Issuer,
    folder: Arc<KeyFolder>,
    health: JobHealth,
}

impl FolderWatch {
    /// The folder of `issuer`.
    #[must_use]
    pub fn new(issuer: Issuer, folder: Arc<KeyFolder>) -> Self {
        Self { issuer, folder, health: JobHealth::new("reading the signing keys") }
    }

    /// Whose keys they are.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &KeyFolder {
        &self.folder
    }

    /// Whether it can be read.
    #[must_use]
    pub const fn health(&self) -> &JobHealth {
        &self.health
    }

    /// Checks the folder, and reads it if it has changed or could not be read before. Returns
    /// whether it did.
    pub fn poll(&self, clock: &dyn Clock) -> bool {
        self.read(clock, false)
    }

    /// Reads the folder again, whether or not it has changed, and logs what became of it.
    pub fn read_again(&self, clock: &dyn Clock) {
        self.read(clock, true);
    }

    fn read(&self, clock: &dyn Clock, is_asked: bool) -> bool {
        let name = self.folder.path().display();
        let read = if is_asked {
            self.folder.read_again(clock.now()).map(|()| true)
        } else {
            self.folder.refresh(clock.now())
        };
        match read {
            Ok(false) => false,
            Ok(true) => {
                self.health.succeeded();
                let count = self.folder.keys().published().len();
                tracing::info!(issuer = %self.issuer, count, "The signing keys in {name} were read again");
                true
            }
            Err(fault) => {
                if self.health.failed(&fault, clock.now()) != FailureChange::Same || is_asked {
                    let fault: &dyn Error = &fault;
                    tracing::warn!(
                        issuer = %self.issuer, fault,
                        "The signing keys in {name} cannot be read: the old ones are used"
                    );
                }
                false
            }
        }
    }

    /// Checks it every second, until `stop` is cancelled.
    pub async fn keep_fresh(self, clock: Arc<dyn Clock>, stop: CancellationToken) {
        let watch = Arc::new(self);
        loop {
            let (polled, clock) = (Arc::clone(&watch), Arc::clone(&clock));
            // Files are not read on a thread that others wait for. A panic is logged by its hook.
            let _ = tokio::task::spawn_blocking(move || polled.poll(clock.as_ref())).await;
            tokio::select! {
                () = tokio::time::sleep(POLL_INTERVAL) => {}
                () = stop.cancelled() => return,
            }
        }
    }
}
