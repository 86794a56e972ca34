//! Room that is taken and given back, and a disk that is full.

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

use super::{change, time};
use crate::{
    AuditLog, Sink,
    queue::{Cause, Queue, Work},
};

/// A disk that is full until the test says otherwise.
#[derive(Default)]
struct Disk {
    is_full: AtomicBool,
    taken: Mutex<Vec<Entry>>,
    written: Mutex<Vec<Entry>>,
    is_closed: AtomicBool,
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

    fn sync(&self) -> io::Result<()> {
        self.0.syncs.fetch_add(1, Ordering::Relaxed);
        Ok(())
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
async fn a_log_on_a_full_disk_can_be_closed() {
    let (disk, queue) = (Arc::new(Disk::default()), Queue::new());
    let log = log(&disk, &queue);
    disk.is_full.store(true, Ordering::Relaxed);
    queue.push(time(1), change(1));
    eventually(|| log.failing().is_some()).await;
    log.close();
    assert!(disk.written.lock().unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn room_is_bounded_and_waited_for() {
    let queue = Queue::with_capacity(2);
    let one = queue.reserve().await.unwrap();
    queue.push(time(1), change(1));
    drop(one);
    let two = queue.reserve().await.unwrap();
    // One is waiting to be written, and one decision is being made.
    assert_eq!(queue.reserve().await.map(drop), Err(NoRoomError));
    // Room that is given back is taken by the request that waits for it.
    let (waiting, ()) = tokio::join!(queue.reserve(), async {
        tokio::task::yield_now().await;
        drop(two);
    });
    let two = waiting.unwrap();
    // The same for room that a write gives back.
    let Work::Write(records) = queue.next(Duration::ZERO, || time(9)) else {
        panic!("there is something to write")
    };
    assert_eq!(records, [(time(1), change(1))]);
    assert_eq!(queue.reserve().await.map(drop), Err(NoRoomError), "not yet written");
    let (waiting, ()) = tokio::join!(queue.reserve(), async {
        tokio::task::yield_now().await;
        queue.written();
    });
    drop((waiting.unwrap(), two));
    assert!(matches!(queue.next(Duration::ZERO, || time(9)), Work::Idle));
}

#[test]
fn refusals_beyond_a_number_in_a_second_are_counted() {
    let queue = Queue::new();
    for number in 0..3000 {
        queue.push_if(Cause::Stranger, time(1), || Some(change(number)));
    }
    queue.skip();
    let mut count = 0;
    let mut recorded = 0;
    while count + recorded < 3001 {
        match queue.next(Duration::from_millis(50), || time(9)) {
            Work::Write(records) => {
                for (_, entry) in records {
                    match entry {
                        Entry::Skipped { count: more } => count += more,
                        _ => recorded += 1,
                    }
                }
                queue.written();
            }
            Work::Idle => {}
            Work::Close => panic!("the log is open"),
        }
    }
    assert_eq!(count + recorded, 3001);
    // A busy machine may begin another second in between.
    assert!((100..=1000).contains(&recorded), "{recorded}");
}
