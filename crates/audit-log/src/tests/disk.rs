//! A disk that is full, or that does not take what was written.

use std::{
    io,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{
    Clock,
    audit::{Digest, Entry, Head, Timestamp},
};
use bartizan::{NoRoomError, Recorder};
use testkit::{ManualClock, NOW};
use tokio::sync::watch;

use super::{change, time};
use crate::{
    AuditLog, Sink,
    queue::{Cause, Queue},
    worker::Worker,
};

/// A disk that is full until the test says otherwise.
#[derive(Default)]
struct Disk {
    is_full: AtomicBool,
    taken: Mutex<Vec<Entry>>,
    written: Mutex<Vec<Entry>>,
    is_closed: AtomicBool,
    /// How many synchronizations fail before one succeeds.
    failing_syncs: AtomicU64,
    has_sync_failed: AtomicBool,
    syncs: AtomicU64,
}

struct DiskSink(Arc<Disk>);

impl Sink for DiskSink {
    fn append(&mut self, _: Timestamp, entry: &Entry) {
        self.0.taken.lock().unwrap().push(entry.clone());
    }

    fn write(&mut self) -> io::Result<()> {
        if self.0.is_full.load(Ordering::Relaxed) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.written.lock().unwrap().append(&mut self.0.taken.lock().unwrap());
        Ok(())
    }

    fn checkpoint(&mut self, _: Timestamp) {}

    /// So many records as were taken.
    fn head(&self) -> Head {
        let written = self.0.written.lock().unwrap().len() + self.0.taken.lock().unwrap().len();
        Head::new(written as u64, Digest::of(b""))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        if self.0.failing_syncs.load(Ordering::Relaxed) == 0 {
            return Ok(());
        }
        self.0.failing_syncs.fetch_sub(1, Ordering::Relaxed);
        self.0.has_sync_failed.store(true, Ordering::Relaxed);
        Err(io::Error::other("the disk"))
    }

    fn has_sync_failed(&self) -> bool {
        self.0.has_sync_failed.load(Ordering::Relaxed)
    }

    fn close(&mut self, _: Timestamp) -> io::Result<()> {
        self.0.is_closed.store(true, Ordering::Relaxed);
        self.write()
    }
}

fn log(disk: &Arc<Disk>, queue: &Arc<Queue>) -> AuditLog {
    let clock: Arc<dyn Clock> = ManualClock::at(NOW);
    AuditLog::start(DiskSink(Arc::clone(disk)), Arc::clone(queue), &clock).unwrap()
}

/// Waits until `is_so`, which another thread brings about.
async fn eventually(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn while_the_disk_is_full_there_is_no_room_and_nothing_is_lost() {
    let (disk, queue) = (Arc::new(Disk::default()), Queue::new());
    let log = log(&disk, &queue);
    let room = log.reserve().await.unwrap();
    queue.push(time(1), change(1));
    drop(room);
    eventually(|| disk.written.lock().unwrap().len() == 1).await;
    assert_eq!(log.failing(), None);

    disk.is_full.store(true, Ordering::Relaxed);
    let room = log.reserve().await.unwrap();
    queue.push(time(2), change(2));
    drop(room);
    eventually(|| log.failing().is_some()).await;
    assert_eq!(log.failing().unwrap().what, "the audit log cannot be written");
    assert_eq!(log.reserve().await.map(drop), Err(NoRoomError));

    disk.is_full.store(false, Ordering::Relaxed);
    eventually(|| log.failing().is_none()).await;
    let room = log.reserve().await.unwrap();
    queue.push(time(3), change(3));
    drop(room);
    log.close();
    assert!(disk.is_closed.load(Ordering::Relaxed));
    assert_eq!(*disk.written.lock().unwrap(), [change(1), change(2), change(3)]);
    // Nothing is passed on whose record would not be written any more.
    assert_eq!(log.reserve().await.map(drop), Err(NoRoomError));
}

#[tokio::test]
async fn a_head_is_known_once_the_disk_has_it() {
    let (disk, queue) = (Arc::new(Disk::default()), Queue::new());
    let log = log(&disk, &queue);
    let mut synced = log.synced();
    queue.push(time(1), change(1));
    synced.changed().await.unwrap();
    assert_eq!(synced.borrow_and_update().sequence(), 1);
    assert_eq!(disk.syncs.load(Ordering::Relaxed), 1);
    queue.push(time(2), change(2));
    log.close();
    assert_eq!(synced.borrow().sequence(), 2);
    // What the disk does not take is not known.
    let (disk, queue) = (Arc::new(Disk::default()), Queue::new());
    disk.is_full.store(true, Ordering::Relaxed);
    let log = self::log(&disk, &queue);
    queue.push(time(1), change(1));
    eventually(|| log.failing().is_some()).await;
    log.close();
    assert_eq!(*log.synced().borrow(), Head::EMPTY);
}

#[tokio::test]
async fn after_a_failed_synchronization_no_head_is_known_and_no_call_is_passed_on() {
    let (disk, queue) = (Arc::new(Disk::default()), Queue::new());
    disk.failing_syncs.store(1, Ordering::Relaxed);
    let log = log(&disk, &queue);
    let room = log.reserve().await.unwrap();
    queue.push(time(1), change(1));
    eventually(|| log.failing().is_some()).await;
    let what = "the disk may lack records of the audit log: check the disk, then restart";
    assert_eq!(log.failing().unwrap().what, what);
    assert_eq!(log.reserve().await.map(drop), Err(NoRoomError));
    // What is decided already is written nevertheless, and that changes nothing.
    queue.push(time(2), change(2));
    drop(room);
    eventually(|| disk.written.lock().unwrap().len() == 2 && queue.unwritten() == 0).await;
    assert_eq!(log.failing().unwrap().what, what);
    queue.push_if(Cause::Stranger, time(3), || Some(change(3)));
    queue.push_if(Cause::Server, time(4), || Some(change(4)));
    eventually(|| disk.syncs.load(Ordering::Relaxed) > 1).await;
    assert_eq!(*log.synced().borrow(), Head::EMPTY, "the second one counts");
    log.close();
    let skipped = Entry::Skipped { count: 1 };
    let mut written = disk.written.lock().unwrap().clone();
    written.sort_by_key(|entry| *entry == skipped);
    assert_eq!(written, [change(1), change(2), change(4), skipped]);
    assert_eq!(log.failing().unwrap().what, what);
    assert_eq!(*log.synced().borrow(), Head::EMPTY);
}

#[test]
fn a_stop_on_a_full_disk_says_how_many_records_are_lost() {
    let (disk, queue) = (Arc::new(Disk::default()), Queue::new());
    disk.is_full.store(true, Ordering::Relaxed);
    for number in 1..=3 {
        queue.push(time(number), change(number));
    }
    queue.close();
    let said = said(|| {
        Worker {
            sink: DiskSink(Arc::clone(&disk)),
            queue: Arc::clone(&queue),
            clock: ManualClock::at(NOW),
            synced: watch::channel(Head::EMPTY).0,
        }
        .run();
    });
    assert!(said.contains("lost=3") && said.contains("Make room on the disk"), "{said}");
}

/// What is logged meanwhile.
fn said(run: impl FnOnce()) -> String {
    let (mut reader, writer) = io::pipe().unwrap();
    let subscriber = tracing_subscriber::fmt().with_ansi(false).with_writer(Mutex::new(writer));
    tracing::subscriber::with_default(subscriber.finish(), run);
    let mut text = String::new();
    io::Read::read_to_string(&mut reader, &mut text).unwrap();
    text
}

#[tokio::test]
async fn a_log_on_a_full_disk_can_be_closed() {
    let (disk, queue) = (Arc::new(Disk::default()), Queue::new());
    let log = log(&disk, &queue);
    disk.is_full.store(true, Ordering::Relaxed);
    queue.push(time(1), change(1));
    eventually(|| log.failing().is_some()).await;
    log.close();
    assert!(disk.written.lock().unwrap().is_empty());
}
