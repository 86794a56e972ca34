//! Files that are read again while the server runs: on change, and when the operator asks (SIGHUP).
//!
//! 1. Files are read every half second. A change counts once it was read twice
//!    ([`settings::Settling`]).
//! 2. It is checked as at the start, whole, and put in force at once for every request that
//!    follows; requests that are under way keep what they began with, and open streams are judged
//!    by it within a second.
//! 3. What is refused changes nothing: the old version stays in force. The log has the reason, and
//!    `/readyz` says that and since when, while callers are served.
//! 4. When the operator asks, all files are judged, also those that have not changed, and the log
//!    says of each what became of it.
//! 5. What is put in force is recorded in the audit log, if there is one.
//!
//! **Invariant:** no request is judged by half of one policy and half of another.

mod error;
mod health;
mod keys;
pub(crate) mod policy;
mod recheck;
mod records;
mod requests;
#[cfg(test)]
mod tests;
pub(crate) mod text;
mod watched;

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{Clock, JobHealth};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::health::ReloadHealth;
pub(crate) use self::{
    error::ReloadError,
    keys::AskedKeys,
    recheck::Recheck,
    records::ChangeRecords,
    requests::{ReloadEndedError, ReloadRequests},
    watched::{Applied, Part, Source, Watched},
};

/// How often files are read.
const INTERVAL: Duration = Duration::from_millis(500);
/// How long it takes to the second read when the operator asks.
const ASKED_INTERVAL: Duration = Duration::from_millis(50);

/// Parts that are replaced while they are read again. Its clones share them.
#[derive(Clone, Default)]
pub(crate) struct ReplaceableParts(Arc<Mutex<Replaceable>>);

#[derive(Default)]
struct Replaceable {
    parts: Vec<Box<dyn Part>>,
    health: Vec<ReloadHealth>,
    /// Counts how often they were replaced.
    generation: u64,
}

impl ReplaceableParts {
    /// Reads `parts` again in the place of those that there are.
    pub(crate) fn replace(&self, parts: Vec<Box<dyn Part>>) {
        let health = parts.iter().map(|part| part.health()).collect();
        let mut inner = self.inner();
        let generation = inner.generation.wrapping_add(1);
        *inner = Replaceable { parts, health, generation };
    }

    fn inner(&self) -> MutexGuard<'_, Replaceable> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn health(&self) -> Vec<ReloadHealth> {
        self.inner().health.clone()
    }

    /// The parts, to be looked at without holding them here; and which they are.
    fn take(&self) -> (Vec<Box<dyn Part>>, u64) {
        let mut inner = self.inner();
        (std::mem::take(&mut inner.parts), inner.generation)
    }

    /// Puts back what was taken, unless it was replaced meanwhile.
    fn put_back(&self, parts: Vec<Box<dyn Part>>, generation: u64) {
        let mut inner = self.inner();
        if inner.generation == generation {
            inner.parts = parts;
        }
    }
}

impl fmt::Debug for ReplaceableParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.health()).finish()
    }
}

/// What is read again.
pub(crate) struct Reload {
    parts: Vec<Box<dyn Part>>,
    replaceable: ReplaceableParts,
    requests: ReloadRequests,
    judged: watch::Sender<u64>,
    clock: Arc<dyn Clock>,
}

impl Reload {
    /// Reads `parts` again, on change and on request; then those that they may have replaced.
    pub(crate) fn new(
        parts: Vec<Box<dyn Part>>,
        replaceable: ReplaceableParts,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (judged, known) = watch::channel(0);
        let requests = ReloadRequests {
            asked: watch::channel(0).0,
            judged: known,
            lasting: parts.iter().map(|part| part.health()).collect(),
            replaceable: replaceable.clone(),
            reading: JobHealth::new("reading files again"),
        };
        Self { parts, replaceable, requests, judged, clock }
    }

    /// Asks for it to be read again.
    pub(crate) fn requests(&self) -> ReloadRequests {
        self.requests.clone()
    }

    /// Whether the newest version of each part that is not replaced is in force.
    pub(crate) fn health(&self) -> Vec<ReloadHealth> {
        self.requests.lasting.to_vec()
    }

    /// Whether anything is read again.
    pub(crate) fn reading(&self) -> JobHealth {
        self.requests.reading.clone()
    }

    /// Reads until `stop` is cancelled. Who waits for an answer then learns that there is none.
    pub(crate) async fn keep_fresh(self, stop: CancellationToken) {
        let Self { mut parts, replaceable, requests, judged, clock } = self;
        let mut asked = requests.asked.subscribe();
        // A request that came before counts, too.
        if *asked.borrow() > 0 {
            asked.mark_changed();
        }
        let (mut answering, mut is_new) = (None, false);
        loop {
            // Parsing a large policy takes a while: calls do not wait for it.
            let replaced = replaceable.clone();
            let look = tokio::task::spawn_blocking(move || looked(parts, &replaced, is_new));
            let looked = match look.await {
                Ok(looked) => looked,
                Err(error) => {
                    tracing::error!(%error, "Files are not read again any more: restart the server");
                    requests.reading.failed(error, clock.now());
                    return;
                }
            };
            // What was judged meanwhile may have been given up.
            if stop.is_cancelled() {
                return;
            }
            parts = looked.parts;
            is_new = false;
            if looked.is_settled
                && let Some(number) = answering.take()
            {
                judged.send_replace(number);
            }
            let pause = if answering.is_some() { ASKED_INTERVAL } else { INTERVAL };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // Never an error: there is a sender here. What is asked meanwhile waits until this
                // request is answered: else files would never settle while many ask.
                _ = asked.changed(), if answering.is_none() => {
                    answering = Some(*asked.borrow_and_update());
                    is_new = true;
                }
                () = stop.cancelled() => return,
            }
        }
    }
}

/// What was looked at.
struct Looked {
    parts: Vec<Box<dyn Part>>,
    is_settled: bool,
}

/// `parts`, and then those that they may have replaced, after a look at each. `is_asked`: the
/// operator asks for all of them.
fn looked(mut parts: Vec<Box<dyn Part>>, others: &ReplaceableParts, is_asked: bool) -> Looked {
    look_at(&mut parts, is_asked);
    // Those that a part has just put there are judged at the next look.
    let (mut replaceable, generation) = others.take();
    look_at(&mut replaceable, is_asked);
    let is_settled = parts.iter().chain(&replaceable).all(|part| part.is_settled());
    others.put_back(replaceable, generation);
    Looked { parts, is_settled }
}

fn look_at(parts: &mut [Box<dyn Part>], is_asked: bool) {
    for part in parts {
        if is_asked {
            part.ask();
        }
        // What panics has noted what it judged, and so does not judge it again.
        if catch_unwind(AssertUnwindSafe(|| part.look())).is_err() {
            tracing::error!("A panic while a file was read again: the old one stays in force");
        }
    }
}
