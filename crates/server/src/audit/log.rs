//! The audit log as a recorder of the guard.

use std::{
    fmt,
    future::Future,
    io,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use auth_core::{
    Clock,
    audit::{Head, Timestamp},
};
use bartizan::{AuditEvent, NoRoomError, Observer, Outcome, Recorder, RefusalKind, Room};
use tokio::sync::watch;

use super::{
    config::AuditConfig,
    files::Files,
    log_file::{AuditFileError, LogFile},
    queue::{Cause, Queue},
    records,
    sink::Sink,
    worker::Worker,
};
use crate::admin::readiness::Failing;

/// How long a stop waits for what is left to be written.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Records every decision in a file. Its clones share it.
#[derive(Clone)]
pub struct AuditLog {
    queue: Arc<Queue>,
    clock: Arc<dyn Clock>,
    worker: Arc<Mutex<Option<JoinHandle<()>>>>,
    synced: watch::Receiver<Head>,
}

impl AuditLog {
    /// Opens the log that `config` describes, and starts its thread. `kept`: a record that is known
    /// to have been in it.
    pub(crate) fn open(
        config: &AuditConfig,
        kept: Option<Head>,
        clock: &Arc<dyn Clock>,
    ) -> Result<Self, AuditFileError> {
        let now = Timestamp::since_epoch(clock.since_epoch());
        let files = Files::at(&config.file);
        let path = files.current().to_owned();
        let sink = LogFile::open(config, files, kept, now)?;
        Self::start(sink, Queue::new(), clock).map_err(|source| AuditFileError::Io { path, source })
    }

    pub(super) fn start(
        sink: impl Sink,
        queue: Arc<Queue>,
        clock: &Arc<dyn Clock>,
    ) -> io::Result<Self> {
        // None yet: also the record of the start is to be kept.
        let (sender, synced) = watch::channel(Head::EMPTY);
        let (shared, time) = (Arc::clone(&queue), Arc::clone(clock));
        let worker = Worker { sink, queue: shared, clock: time, synced: sender };
        let thread = thread::Builder::new().name("audit".into()).spawn(move || worker.run())?;
        let worker = Arc::new(Mutex::new(Some(thread)));
        Ok(Self { queue, clock: Arc::clone(clock), worker, synced })
    }

    /// Writes what is left, with a checkpoint. After that every call is refused.
    pub(crate) fn close(&self) {
        self.queue.close();
        let worker = self.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(worker) = worker else { return };
        // A disk or a reader of the copy may hang, and a stop does not.
        let begun = Instant::now();
        while !worker.is_finished() && begun.elapsed() < CLOSE_TIMEOUT {
            thread::sleep(Duration::from_millis(20));
        }
        if worker.is_finished() {
            // A panic of the thread was logged.
            let _ = worker.join();
        } else {
            tracing::error!("The audit log was not written to its end in time");
        }
    }

    /// The last record that the disk has, and that there is another; [`Head::EMPTY`] at first.
    pub(crate) fn synced(&self) -> watch::Receiver<Head> {
        self.synced.clone()
    }

    /// How many records wait to be written, and how many may.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        self.queue.waiting()
    }

    /// How it fails, for `/readyz`.
    pub(crate) fn failing(&self) -> Option<Failing> {
        let since = self.queue.failing_since();
        let (waiting, most) = self.queue.waiting();
        let what = match since {
            Some(_) => "the audit log cannot be written",
            None if waiting >= most => "the audit log is not written in time",
            None => return None,
        };
        Some(Failing { what: what.into(), since, affects_callers: true })
    }
}

impl Observer for AuditLog {
    fn observe(&self, event: &AuditEvent<'_>) {
        let time = Timestamp::since_epoch(self.clock.since_epoch());
        let cause = match event.outcome {
            Outcome::Permitted | Outcome::Denied(_) => {
                if let Some(entry) = records::entry(event) {
                    self.queue.push(time, entry);
                }
                return;
            }
            // Steps, which have no record.
            Outcome::Authenticated | Outcome::Completed(_) => return,
            // It is refused because there is no room for its record.
            Outcome::Refused(RefusalKind::Unrecordable, _) => return self.queue.skip(),
            Outcome::Refused(..) if event.principal.is_some() => Cause::Caller,
            Outcome::Refused(..) | Outcome::Unauthenticated(_) => Cause::Stranger,
            _ => Cause::Server,
        };
        self.queue.push_if(cause, time, || records::entry(event));
    }
}

impl Recorder for AuditLog {
    fn reserve(&self) -> Pin<Box<dyn Future<Output = Result<Room, NoRoomError>> + Send + '_>> {
        Box::pin(self.queue.reserve())
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditLog(..)")
    }
}
