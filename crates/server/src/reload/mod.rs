//! Files that are read again while the server runs: on change, and when the operator asks (SIGHUP).
//!
//! 1. Files are read every half second. A change counts once it was read twice ([`settling`]).
//! 2. It is checked as at the start, whole, and put in force at once for every request that
//!    follows; requests that are under way keep what they began with, and open streams are judged
//!    by it within a second.
//! 3. What is refused changes nothing: the old version stays in force. The log has the reason, and
//!    `/readyz` says that and since when, while callers are served.
//! 4. When the operator asks, all files are judged, also those that have not changed, and the log
//!    says of each what became of it.
//!
//! **Invariant:** no request is judged by half of one policy and half of another.

mod error;
mod health;
pub(crate) mod policy;
mod recheck;
mod settling;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod watched;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::health::ReloadHealth;
pub(crate) use self::{
    error::ReloadError,
    recheck::Recheck,
    watched::{Applied, Part, Source, Watched},
};

/// How often files are read.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long it takes to the second read when the operator asks.
const ASKED_INTERVAL: Duration = Duration::from_millis(50);

/// Asks for everything to be read again. Its clones do the same.
#[derive(Debug, Clone)]
pub(crate) struct ReloadRequests(watch::Sender<()>);

impl ReloadRequests {
    /// Asks now. Requests that come before the first is done count as one.
    pub(crate) fn ask(&self) {
        self.0.send_replace(());
    }
}

/// What is read again.
pub(crate) struct Reload {
    parts: Vec<Box<dyn Part>>,
    requests: ReloadRequests,
}

impl Reload {
    /// Reads `parts` again, on change and on request.
    pub(crate) fn new(parts: Vec<Box<dyn Part>>) -> Self {
        Self { parts, requests: ReloadRequests(watch::channel(()).0) }
    }

    /// Asks for it to be read again.
    pub(crate) fn requests(&self) -> ReloadRequests {
        self.requests.clone()
    }

    /// Whether the newest version of each is in force.
    pub(crate) fn health(&self) -> Vec<ReloadHealth> {
        self.parts.iter().map(|part| part.health()).collect()
    }

    /// Reads until `stop` is cancelled.
    pub(crate) async fn keep_fresh(self, stop: CancellationToken) {
        let Self { mut parts, requests } = self;
        let mut asked = requests.0.subscribe();
        let mut is_asked = false;
        loop {
            // Parsing a large policy takes a while: calls do not wait for it.
            let look = tokio::task::spawn_blocking(move || looked(parts));
            parts = match look.await {
                Ok(parts) => parts,
                Err(error) => {
                    tracing::error!(%error, "Files are not read again any more");
                    return;
                }
            };
            is_asked &= !parts.iter().all(|part| part.is_settled());
            let pause = if is_asked { ASKED_INTERVAL } else { INTERVAL };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // Never an error: there is a sender here.
                _ = asked.changed() => {
                    is_asked = true;
                    for part in &mut parts {
                        part.ask();
                    }
                    if parts.is_empty() {
                        tracing::warn!("Asked to read files again: there are none");
                    }
                }
                () = stop.cancelled() => return,
            }
        }
    }
}

/// `parts`, after a look at each.
fn looked(mut parts: Vec<Box<dyn Part>>) -> Vec<Box<dyn Part>> {
    for part in &mut parts {
        // What panics has noted what it judged, and so does not judge it again.
        if catch_unwind(AssertUnwindSafe(|| part.look())).is_err() {
            tracing::error!("A panic while a file was read again: the old one stays in force");
        }
    }
    parts
}
