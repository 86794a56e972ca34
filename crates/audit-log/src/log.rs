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
    Clock, NumericDate,
    audit::{Change, Head, Timestamp},
};
use bartizan::{AuditEvent, NoRoomError, Observer, Outcome, Recorder, RefusalKind, Room};
use tokio::sync::watch;

use crate::{
    config::AuditConfig,
    error::AuditFileError,
    files::Files,
    log_file::LogFile,
    queue::{Cause, Queue},
    records,
    sink::Sink,
    worker::Worker,
};

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

/// Records cannot be written: no call is passed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriteFailure {
    /// What cannot be done, without secrets.
    pub what: &'static str,
    /// Since when, if a write has failed.
    pub since: Option<NumericDate>,
}

impl AuditLog {
    /// Opens the log that `config` describes, and starts its thread. `kept`: a record that is known
    /// to have been in it.
    pub fn open(
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

    pub(crate) fn start(
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
    pub fn close(&self) {
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
            tracing::error!(
                unwritten = self.queue.unwritten(),
                "The audit log was not written to its end in time: these records may be missing, \
                 and those before have no signature. See whether the disk hangs, and run `audit \
                 verify`"
            );
        }
    }

    /// Records a change that was made through this server. Changes have bounds of their own, so
    /// those of callers without a credential share no budget with refused requests.
    pub fn record_change(&self, change: impl FnOnce() -> Change) {
        let time = Timestamp::since_epoch(self.clock.since_epoch());
        self.queue.push_if(Cause::Server, time, || Some(records::change(change())));
    }

    /// Records a change for which there is room, which was taken before it was made.
    pub fn record_change_in(&self, room: Room, change: Change) {
        let time = Timestamp::since_epoch(self.clock.since_epoch());
        self.queue.push(time, records::change(change));
        drop(room);
    }

    /// The last record that the disk has, and that there is another; [`Head::EMPTY`] at first.
    #[must_use]
    pub fn synced(&self) -> watch::Receiver<Head> {
        self.synced.clone()
    }

    /// How many records wait to be written, and how many may.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        self.queue.waiting()
    }

    /// How it fails now.
    #[must_use]
    pub fn failing(&self) -> Option<WriteFailure> {
        let since = self.queue.failing_since();
        let (waiting, most) = self.queue.waiting();
        let what = match since {
            Some(_) if self.queue.may_lack_records() => {
                "the disk may lack records of the audit log: check the disk, then restart"
            }
            Some(_) => "the audit log cannot be written",
            None if waiting >= most => "the audit log is not written in time",
            None => return None,
        };
        Some(WriteFailure { what, since })
    }
}

impl Observer for AuditLog {
    fn observe(&self, event: &AuditEvent<'_>) {
        let time = Timestamp::since_epoch(self.clock.since_epoch());
        match way_of(event.outcome, event.principal.is_some()) {
            Way::Decision => {
                if let Some(entry) = records::entry(event) {
                    self.queue.push(time, entry);
                }
            }
            Way::Bounded(cause) => self.queue.push_if(cause, time, || records::entry(event)),
            Way::Counted => self.queue.skip(),
            Way::Step => {}
        }
    }
}

/// How an event is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    /// In the room that was taken for it.
    Decision,
    /// Within bounds.
    Bounded(Cause),
    /// As a number.
    Counted,
    /// Not at all.
    Step,
}

/// How an event is recorded. `is_known`: whether its caller has a token that is valid.
const fn way_of(outcome: Outcome<'_>, is_known: bool) -> Way {
    match outcome {
        Outcome::Permitted | Outcome::Denied(_) => Way::Decision,
        Outcome::Authenticated | Outcome::Completed(_) => Way::Step,
        // It is refused because there is no room for its record.
        Outcome::Refused(RefusalKind::Unrecordable, _) => Way::Counted,
        Outcome::Refused(..) if is_known => Way::Bounded(Cause::Caller),
        Outcome::Refused(..) | Outcome::Unauthenticated(_) => Way::Bounded(Cause::Stranger),
        _ => Way::Bounded(Cause::Server),
    }
}

impl Recorder for AuditLog {
    fn try_reserve(&self) -> Option<Result<Room, NoRoomError>> {
        self.queue.try_reserve()
    }

    fn reserve(&self) -> Pin<Box<dyn Future<Output = Result<Room, NoRoomError>> + Send + '_>> {
        Box::pin(self.queue.reserve())
    }
}

impl fmt::Debug for AuditLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AuditLog(..)")
    }
}

#[cfg(test)]
mod tests {
    use bartizan::NoRoomError;

    use super::*;

    #[test]
    fn a_refusal_counts_against_its_caller_and_one_without_room_has_no_record() {
        let refused = |kind, is_known| way_of(Outcome::Refused(kind, &NoRoomError), is_known);
        for kind in [RefusalKind::Malformed, RefusalKind::NotOwned, RefusalKind::RateReached] {
            assert_eq!(refused(kind, true), Way::Bounded(Cause::Caller));
            assert_eq!(refused(kind, false), Way::Bounded(Cause::Stranger));
        }
        for is_known in [true, false] {
            assert_eq!(refused(RefusalKind::Unrecordable, is_known), Way::Counted);
            assert_eq!(way_of(Outcome::Permitted, is_known), Way::Decision);
            assert_eq!(way_of(Outcome::Authenticated, is_known), Way::Step);
            assert_eq!(way_of(Outcome::Panicked, is_known), Way::Bounded(Cause::Server));
        }
    }
}
