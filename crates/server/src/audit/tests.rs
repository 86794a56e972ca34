//! Files that go on after a stop, room that is taken and given back, and writes that fail.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use auth_core::{
    Algorithm, Clock, KeySet, SigningKey,
    audit::{Change, Digest, Entry, Fault, Finding, Head, Line, Report, Timestamp, Verifier},
};
use bartizan::{NoRoomError, Recorder};
use tempfile::TempDir;
use testkit::{ManualClock, NOW, TestKey};

use super::{
    config::AuditConfig,
    files::Files,
    log::AuditLog,
    log_file::{AuditFileError, LogFile},
    queue::{Cause, Queue, Work},
    sink::Sink,
};

fn key() -> SigningKey {
    TestKey::shared(Algorithm::Es256).signing()
}

fn time(number: u64) -> Timestamp {
    Timestamp::since_epoch(Duration::from_secs(1_800_000_000 + number))
}

fn change(number: u64) -> Entry {
    let object = Some(number.to_string());
    let (by, command) = ("a@b".to_owned(), "users disable".to_owned());
    Entry::Change(Box::new(Change { by, command, object, detail: None }))
}

/// A folder with a log.
struct Folder {
    folder: TempDir,
    config: AuditConfig,
}

impl Folder {
    fn new(max_bytes: u64, max_full_files: Option<usize>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = AuditConfig {
            file: folder.path().join("audit.jsonl"),
            key: key(),
            node: "a".into(),
            max_bytes,
            max_full_files,
            checkpoint_records: 10,
            is_copied: false,
        };
        Self { folder, config }
    }

    fn files(&self) -> Files {
        Files::at(&self.config.file)
    }

    fn open(&self) -> Result<LogFile, AuditFileError> {
        self.open_knowing(None)
    }

    /// The same with a record that is known to have been in it.
    fn open_knowing(&self, kept: Option<Head>) -> Result<LogFile, AuditFileError> {
        LogFile::open(&self.config, self.files(), kept, time(0))
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn verify(&self) -> Result<Report, Finding> {
        verify(&self.files().all().unwrap())
    }

    fn last(&self) -> Line {
        let text = fs::read_to_string(&self.config.file).unwrap();
        Line::parse(text.lines().last().unwrap().as_bytes()).unwrap()
    }
}

fn verify(files: &[PathBuf]) -> Result<Report, Finding> {
    let keys = KeySet::from_iter([key().verifying_key().unwrap()]);
    let mut verifier = Verifier::new(Some(keys));
    for path in files {
        for line in fs::read(path).unwrap().split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(whole) => verifier.push(whole, true),
                None => verifier.push(line, false),
            }
        }
    }
    verifier.finish()
}

fn write(log: &mut LogFile, numbers: impl IntoIterator<Item = u64>) {
    for number in numbers {
        log.append(time(number), &change(number));
        log.write().unwrap();
    }
}

#[test]
fn the_chain_goes_on_when_the_log_is_opened_again() {
    let folder = Folder::new(u64::MAX, None);
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=3);
    log.close(time(4)).unwrap();
    drop(log);
    let report = folder.verify().unwrap();
    assert_eq!((report.head.sequence(), report.checkpoints, report.unsigned), (5, 1, 0));
    // Without being closed, as after a kill.
    let mut log = folder.open().unwrap();
    write(&mut log, 5..=6);
    drop(log);
    let mut log = folder.open().unwrap();
    log.close(time(7)).unwrap();
    let report = folder.verify().unwrap();
    assert_eq!((report.first, report.head.sequence(), report.unsigned), (1, 10, 0));
    // Nothing to sign: no further checkpoint.
    log.close(time(8)).unwrap();
    assert_eq!(folder.verify().unwrap().head, report.head);
}

#[test]
fn there_is_a_checkpoint_after_so_many_records() {
    let folder = Folder::new(u64::MAX, None);
    let mut log = folder.open().unwrap();
    // With the record of the start.
    write(&mut log, 1..=9);
    let report = folder.verify().unwrap();
    assert_eq!((report.head.sequence(), report.checkpoints, report.unsigned), (11, 1, 0));
    write(&mut log, 10..=28);
    let report = folder.verify().unwrap();
    assert_eq!((report.checkpoints, report.unsigned), (2, 9));
}

#[test]
fn the_chain_goes_on_over_files_that_are_full() {
    let folder = Folder::new(4096, None);
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=100);
    let full = folder.files().all_full().unwrap();
    assert!(full.len() > 3, "{full:?}");
    for (first, path) in &full {
        // Each ends with a checkpoint.
        let text = fs::read_to_string(path).unwrap();
        let line = |line: Option<&str>| Line::parse(line.unwrap().as_bytes()).unwrap();
        assert_eq!(line(text.lines().next()).sequence, *first);
        assert!(matches!(line(text.lines().last()).entry, Entry::Checkpoint { .. }));
        assert!(text.len() >= 4096);
    }
    drop(log);
    // Taken up again, and with the number of the first record of the file that is written.
    let mut log = folder.open().unwrap();
    write(&mut log, 101..=150);
    log.close(time(200)).unwrap();
    let report = folder.verify().unwrap();
    assert_eq!((report.first, report.unsigned), (1, 0));
    assert!(report.head.sequence() > 150);
    // A file that is missing.
    let full = folder.files().all_full().unwrap();
    let (first, path) = &full[1];
    fs::remove_file(path).unwrap();
    let through = Some(full[2].0 - 1);
    let found = folder.verify().unwrap_err();
    assert_eq!((found.sequence, found.fault), (*first, Fault::Missing { through }));
    // The first one.
    fs::remove_file(&full[0].1).unwrap();
    assert_eq!(folder.verify().unwrap_err().fault, Fault::Missing { through });
}

#[test]
fn a_file_that_was_just_renamed_is_taken_up_in_the_next_one() {
    let folder = Folder::new(4096, None);
    let mut log = folder.open().unwrap();
    let mut number = 0;
    while folder.files().all_full().unwrap().is_empty() {
        number += 1;
        write(&mut log, [number]);
    }
    drop(log);
    // As if the process had stopped before it made the next file.
    assert_eq!(fs::read(&folder.config.file).unwrap(), b"");
    fs::remove_file(&folder.config.file).unwrap();
    let mut log = folder.open().unwrap();
    log.close(time(0)).unwrap();
    let report = folder.verify().unwrap();
    assert_eq!((report.first, report.unsigned), (1, 0));
}

#[test]
fn old_files_are_removed_and_the_log_says_so() {
    let folder = Folder::new(4096, Some(2));
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=200);
    log.close(time(300)).unwrap();
    let full = folder.files().all_full().unwrap();
    assert_eq!(full.len(), 2);
    let report = folder.verify().unwrap();
    assert_eq!(report.first, full[0].0);
    assert!(report.first > 1);
    // One more is missing than it says.
    fs::remove_file(&full[0].1).unwrap();
    let through = Some(full[1].0 - 1);
    let found = folder.verify().unwrap_err();
    assert_eq!((found.sequence, found.fault), (1, Fault::Missing { through }));
}

#[test]
fn a_record_that_was_not_written_to_its_end_is_removed() {
    let whole = {
        let folder = Folder::new(u64::MAX, None);
        write(&mut folder.open().unwrap(), 1..=3);
        fs::read(&folder.config.file).unwrap()
    };
    let lines: Vec<_> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let (before, last) = (lines[..3].concat(), lines[3]);
    for length in [1, last.len() / 2, last.len() - 1] {
        let folder = Folder::new(u64::MAX, None);
        fs::write(&folder.config.file, [&before, &last[..length]].concat()).unwrap();
        assert_eq!(folder.verify().unwrap_err().fault, Fault::Incomplete);
        let log = folder.open().unwrap();
        let removed_bytes = length as u64;
        let version = env!("CARGO_PKG_VERSION").to_owned();
        assert_eq!(folder.last().entry, Entry::Start { version, removed_bytes });
        assert_eq!(folder.verify().unwrap().head.sequence(), 4);
        drop(log);
    }
    // The very first record.
    let folder = Folder::new(u64::MAX, None);
    fs::write(&folder.config.file, &lines[0][..10]).unwrap();
    drop(folder.open().unwrap());
    assert_eq!(folder.verify().unwrap().head.sequence(), 1);
}

#[test]
fn a_log_whose_end_was_changed_is_not_opened() {
    let folder = Folder::new(u64::MAX, None);
    write(&mut folder.open().unwrap(), 1..=3);
    let text = fs::read_to_string(&folder.config.file).unwrap();
    fs::write(&folder.config.file, text.replace("\"3\"", "\"4\"")).unwrap();
    assert!(matches!(folder.open(), Err(AuditFileError::Damaged { .. })));
    fs::write(&folder.config.file, "no record\n").unwrap();
    assert!(matches!(folder.open(), Err(AuditFileError::Damaged { .. })));
    let missing =
        AuditConfig { file: folder.path().join("no/audit.jsonl"), ..folder.config.clone() };
    let opened = LogFile::open(&missing, Files::at(&missing.file), None, time(0));
    assert!(matches!(opened, Err(AuditFileError::Io { .. })));
}

#[test]
fn a_log_without_a_record_that_is_known_is_not_opened() {
    let folder = Folder::new(4096, None);
    let mut log = folder.open().unwrap();
    write(&mut log, 1..=20);
    let early = log.head();
    write(&mut log, 21..=60);
    let last = log.head();
    drop(log);
    for kept in [early, last] {
        drop(folder.open_knowing(Some(kept)).unwrap());
    }
    let assert_cut_off = |kept: Head| {
        let Err(AuditFileError::CutOff { sequence, .. }) = folder.open_knowing(Some(kept)) else {
            panic!("{kept} is not there")
        };
        assert_eq!(sequence, kept.sequence());
    };
    // Another with the number of one that is there, at the end or before it.
    assert_cut_off(Head::new(early.sequence(), last.hash()));
    let end = folder.verify().unwrap().head;
    assert_cut_off(Head::new(end.sequence(), early.hash()));
    // Cut off behind a record that is as it was written.
    for path in folder.files().all().unwrap().iter().skip(1) {
        fs::remove_file(path).unwrap();
    }
    assert_cut_off(last);
    assert_cut_off(end);
    // Removed altogether.
    for path in folder.files().all().unwrap() {
        fs::remove_file(path).unwrap();
    }
    assert_cut_off(Head::new(1, early.hash()));
}

#[test]
fn a_log_has_one_writer() {
    let folder = Folder::new(u64::MAX, None);
    let log = folder.open().unwrap();
    assert!(matches!(folder.open(), Err(AuditFileError::InUse { .. })));
    // Commands have a log of their own.
    LogFile::open(&folder.config, folder.files().of_commands(), None, time(0)).unwrap();
    drop(log);
    folder.open().unwrap();
}

#[cfg(unix)]
#[test]
fn only_the_owner_can_read_a_log() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new(4096, None);
    write(&mut folder.open().unwrap(), 1..=50);
    for path in folder.files().all().unwrap() {
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
    }
}

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
    assert!(log.failing().unwrap().affects_callers);
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
