//! The thread that writes: no request waits for a disk.
//!
//! Records are collected for a moment and written together. A process that is killed loses what it
//! has not written by then. A checkpoint is written when so many records are there, and after a
//! while without one.

use std::{
    io,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use auth_core::{
    Clock,
    audit::{Head, Timestamp},
};
use tokio::sync::watch;

use crate::{
    queue::{Queue, Work},
    sink::Sink,
};

/// How long records are collected.
const COLLECT: Duration = Duration::from_millis(10);
/// How long until a failed write is tried again.
const RETRY_INTERVAL: Duration = Duration::from_secs(1);
/// How often there is a checkpoint where there are records without one.
const CHECKPOINT_INTERVAL: Duration = Duration::from_mins(1);
/// How often the disk is made to have what was written, so that its head can be kept elsewhere.
const SYNC_INTERVAL: Duration = Duration::from_secs(5);

pub(super) struct Worker<S> {
    pub(super) sink: S,
    pub(super) queue: Arc<Queue>,
    pub(super) clock: Arc<dyn Clock>,
    /// The last record that the disk has.
    pub(super) synced: watch::Sender<Head>,
}

impl<S: Sink> Worker<S> {
    /// Writes until the queue is closed.
    pub(super) fn run(mut self) {
        let (mut last_checkpoint, mut last_sync) = (Instant::now(), Instant::now());
        loop {
            let clock = Arc::clone(&self.clock);
            let work = self.queue.next(RETRY_INTERVAL, || now(clock.as_ref()));
            match work {
                Work::Write(records) => {
                    for (time, entry) in &records {
                        self.sink.append(*time, entry);
                    }
                    if !self.write_all() {
                        return;
                    }
                    if !self.queue.is_closing() {
                        thread::sleep(COLLECT);
                    }
                }
                Work::Idle => {}
                Work::Close => {
                    self.close();
                    return;
                }
            }
            if last_checkpoint.elapsed() >= CHECKPOINT_INTERVAL {
                last_checkpoint = Instant::now();
                self.sink.checkpoint(now(self.clock.as_ref()));
                if !self.write_all() {
                    return;
                }
            }
            if last_sync.elapsed() >= SYNC_INTERVAL {
                last_sync = Instant::now();
                self.sync();
            }
        }
    }

    /// Says which record is the last one that the disk has. After a failure that is not
    /// known: the system may have given up what it could not write, and says so once.
    fn sync(&mut self) {
        let head = self.sink.head();
        if *self.synced.borrow() == head {
            return;
        }
        let synced = self.sink.sync();
        if self.sink.has_sync_failed() {
            self.sync_failed(synced.as_ref().err());
        } else if let Err(error) = synced {
            tracing::warn!(
                %error,
                "The disk may not have the last records of the audit log yet: it is tried again"
            );
        } else {
            self.synced.send_modify(|last| *last = head);
        }
    }

    fn sync_failed(&self, error: Option<&io::Error>) {
        if self.queue.sync_failed(self.clock.as_ref()) {
            let error = error.map(tracing::field::display);
            tracing::error!(
                error,
                "The disk may lack records of the audit log for good, and the system would not say \
                 so again: calls are refused. Check the disk and run `audit verify`, then restart"
            );
        }
    }

    /// Closes the log, once nothing is to come.
    fn close(&mut self) {
        let closed = self.sink.close(now(self.clock.as_ref()));
        if self.sink.has_sync_failed() {
            self.sync_failed(closed.as_ref().err());
        } else if let Err(error) = closed {
            tracing::error!(
                %error,
                "The audit log could not be closed: its last records may have no signature, or the \
                 disk may lack them. Check the disk, and run `audit verify`"
            );
        } else {
            self.synced.send_modify(|last| *last = self.sink.head());
        }
    }

    /// Writes what was taken, however long it takes; `false` if the program ends before.
    fn write_all(&mut self) -> bool {
        loop {
            let written = self.sink.write();
            if self.sink.has_sync_failed() {
                self.sync_failed(written.as_ref().err());
            }
            match written {
                Ok(()) => {
                    if self.queue.failing_since().is_some() && !self.queue.may_lack_records() {
                        tracing::info!("The audit log is written again");
                    }
                    // A slow reader of the copy is waited for, but not by a stop.
                    while !self.sink.hand_over() && !self.queue.is_closing() {
                        thread::sleep(COLLECT);
                    }
                    self.queue.written();
                    return true;
                }
                Err(error) => {
                    if self.queue.failed(self.clock.as_ref()) {
                        tracing::error!(
                            %error,
                            "The audit log cannot be written: calls are refused until it can"
                        );
                    }
                    if self.queue.is_closing() {
                        tracing::error!(
                            lost = self.queue.unwritten(),
                            %error,
                            "The program stops while the audit log cannot be written: so many \
                             records are lost. Make room on the disk before the next start"
                        );
                        return false;
                    }
                    thread::sleep(RETRY_INTERVAL);
                }
            }
        }
    }
}

impl<S> Drop for Worker<S> {
    /// Nothing is written any more: no call is passed on.
    fn drop(&mut self) {
        self.queue.failed(self.clock.as_ref());
    }
}

fn now(clock: &dyn Clock) -> Timestamp {
    Timestamp::since_epoch(clock.since_epoch())
}
