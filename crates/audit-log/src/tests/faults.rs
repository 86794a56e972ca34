//! A disk that refuses single steps, and the order in which they are taken.

use std::{
    fs::{self, File},
    io,
    path::Path,
    sync::{Arc, Mutex},
};

use auth_core::audit::Entry;

use super::{Folder, change, time, write};
use crate::{AuditFileError, LogFile, Sink, disk::Disk};

/// What it does, shared with the test.
#[derive(Debug, Clone, Default)]
struct FaultyDisk(Arc<Mutex<Plan>>);

#[derive(Debug, Default)]
struct Plan {
    /// How many more bytes it takes.
    room: Option<usize>,
    fails_sync: bool,
    fails_folder: bool,
    fails_removal: bool,
    steps: Vec<&'static str>,
}

impl FaultyDisk {
    fn set(&self, set: impl FnOnce(&mut Plan)) {
        set(&mut self.0.lock().unwrap());
    }

    fn step(&self, step: &'static str, fails: impl FnOnce(&Plan) -> bool) -> io::Result<()> {
        let mut plan = self.0.lock().unwrap();
        plan.steps.push(step);
        if fails(&plan) { Err(io::Error::other(step)) } else { Ok(()) }
    }

    fn steps(&self) -> Vec<&'static str> {
        std::mem::take(&mut self.0.lock().unwrap().steps)
    }

    fn open(&self, folder: &Folder) -> LogFile {
        let disk = Box::new(self.clone());
        LogFile::open_on(disk, &folder.config, folder.files(), None, time(0)).unwrap()
    }
}

impl Disk for FaultyDisk {
    fn write(&self, file: &mut File, bytes: &[u8]) -> io::Result<usize> {
        let mut plan = self.0.lock().unwrap();
        let taken = plan.room.map_or(bytes.len(), |room| room.min(bytes.len()));
        if taken == 0 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        plan.room = plan.room.map(|room| room - taken);
        io::Write::write_all(file, &bytes[..taken])?;
        Ok(taken)
    }

    fn sync(&self, _: &File) -> io::Result<()> {
        self.step("sync", |plan| plan.fails_sync)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.step("rename", |_| false)?;
        fs::rename(from, to)
    }

    fn sync_folder(&self, _: &File) -> io::Result<()> {
        self.step("sync folder", |plan| plan.fails_folder)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        self.step("remove", |plan| plan.fails_removal)?;
        fs::remove_file(path)
    }
}

#[test]
fn after_a_part_of_a_record_was_written_and_the_file_moved_away_no_record_is_in_two_files() {
    // The second of these records is in the file with its first byte, half of it, or all but its
    // line break.
    let lengths = {
        let folder = Folder::new(u64::MAX, None);
        write(&mut folder.open().unwrap(), 1..=2);
        let text = fs::read_to_string(&folder.config.file).unwrap();
        text.lines().map(|line| line.len() + 1).collect::<Vec<_>>()
    };
    for part in [1, lengths[2] / 2, lengths[2] - 1] {
        let (folder, disk) = (Folder::new(u64::MAX, None), FaultyDisk::default());
        let mut log = disk.open(&folder);
        disk.set(|plan| plan.room = Some(lengths[1] + part));
        for number in 1..=3 {
            log.append(time(number), &change(number));
        }
        log.write().unwrap_err();
        log.write().unwrap_err();
        let away = folder.path().join("away");
        fs::rename(&folder.config.file, &away).unwrap();
        disk.set(|plan| plan.room = None);
        log.write().unwrap();
        let [before, after] =
            [&away, &folder.config.file].map(|it| fs::read_to_string(it).unwrap());
        assert!(before.ends_with('\n') && before.lines().count() == 2, "{before}");
        assert!(after.starts_with("{\"seq\":3,") && after.lines().count() == 2, "{after}");
        fs::rename(&away, folder.files().full(1)).unwrap();
        assert_eq!(folder.verify().unwrap().head.sequence(), 4);
    }
    // Without a move the rest follows.
    let (folder, disk) = (Folder::new(u64::MAX, None), FaultyDisk::default());
    let mut log = disk.open(&folder);
    disk.set(|plan| plan.room = Some(10));
    log.append(time(1), &change(1));
    log.write().unwrap_err();
    disk.set(|plan| plan.room = None);
    log.write().unwrap();
    assert_eq!(folder.verify().unwrap().head.sequence(), 2);
}

/// Writes until there is one more file that is full.
fn fill(log: &mut LogFile, folder: &Folder) -> io::Result<()> {
    let full = || folder.files().full(log_first(folder));
    let next = full();
    while !next.exists() {
        log.append(time(1), &change(1));
        log.write()?;
    }
    Ok(())
}

/// The number of the first record in the file that is written.
fn log_first(folder: &Folder) -> u64 {
    let text = fs::read_to_string(&folder.config.file).unwrap();
    let digits = text.strip_prefix("{\"seq\":").unwrap();
    digits[..digits.find(',').unwrap()].parse().unwrap()
}

#[test]
fn the_disk_has_a_file_before_its_name_and_the_name_before_an_old_file_is_removed() {
    let (folder, disk) = (Folder::new(2048, Some(1)), FaultyDisk::default());
    let mut log = disk.open(&folder);
    log.sync().unwrap();
    assert_eq!(disk.steps(), ["sync", "sync folder"], "the first file is new");
    log.sync().unwrap();
    assert_eq!(disk.steps(), ["sync"]);
    fill(&mut log, &folder).unwrap();
    assert_eq!(disk.steps(), ["sync", "rename", "sync", "sync folder"]);
    log.append(time(1), &change(1));
    log.write().unwrap();
    fill(&mut log, &folder).unwrap();
    let wanted = ["sync", "rename", "sync", "sync folder", "sync", "remove"];
    assert_eq!(disk.steps(), wanted);
    drop(log);
    // A file that is taken up has its name.
    let mut log = disk.open(&folder);
    log.sync().unwrap();
    assert_eq!(disk.steps(), ["sync"]);
}

#[test]
fn a_folder_that_could_not_be_opened_is_synchronized_later() {
    let (folder, disk) = (Folder::new(2048, None), FaultyDisk::default());
    let (path, moved) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&path).unwrap();
    let mut config = folder.config.clone();
    config.file = path.join("audit.jsonl");
    let files = crate::Files::at(&config.file);
    let opened = LogFile::open_on(Box::new(disk.clone()), &config, files, None, time(0));
    let mut log = opened.unwrap();
    fs::rename(&path, &moved).unwrap();
    log.sync().unwrap_err();
    assert!(!log.has_sync_failed());
    fs::rename(&moved, &path).unwrap();
    log.sync().unwrap();
    assert_eq!(disk.steps(), ["sync", "sync", "sync folder"]);
}

#[test]
fn an_old_file_that_cannot_be_removed_stops_no_record() {
    let (folder, disk) = (Folder::new(2048, Some(1)), FaultyDisk::default());
    let mut log = disk.open(&folder);
    disk.set(|plan| plan.fails_removal = true);
    for _ in 0..4 {
        log.append(time(1), &change(1));
        log.write().unwrap();
        fill(&mut log, &folder).unwrap();
    }
    assert_eq!(folder.files().all_full().unwrap().len(), 4);
    disk.set(|plan| plan.fails_removal = false);
    log.append(time(1), &change(1));
    log.write().unwrap();
    fill(&mut log, &folder).unwrap();
    assert_eq!(folder.files().all_full().unwrap().len(), 1);
    log.close(time(2)).unwrap();
    folder.verify().unwrap();
}

#[test]
fn after_a_failed_synchronization_no_later_one_counts() {
    let is_file = |plan: &mut Plan, fails| plan.fails_sync = fails;
    let is_folder = |plan: &mut Plan, fails| plan.fails_folder = fails;
    for set in [is_file as fn(&mut Plan, bool), is_folder] {
        let (folder, disk) = (Folder::new(2048, None), FaultyDisk::default());
        let mut log = disk.open(&folder);
        disk.set(|plan| set(plan, true));
        log.sync().unwrap_err();
        disk.set(|plan| set(plan, false));
        log.sync().unwrap_err();
        assert!(log.has_sync_failed());
        // What is decided already is written nevertheless, into this file.
        write(&mut log, 1..=50);
        assert_eq!(folder.files().all_full().unwrap(), []);
        log.close(time(2)).unwrap_err();
        folder.verify().unwrap();
    }
    // Also where it fails as a file is renamed, or left behind.
    for is_moved in [false, true] {
        let (folder, disk) = (Folder::new(2048, None), FaultyDisk::default());
        let mut log = disk.open(&folder);
        disk.set(|plan| plan.fails_sync = true);
        if is_moved {
            fs::rename(&folder.config.file, folder.path().join("away")).unwrap();
            write(&mut log, [1]);
        } else {
            fill(&mut log, &folder).unwrap_err();
        }
        disk.set(|plan| plan.fails_sync = false);
        assert!(log.has_sync_failed() && folder.files().all_full().unwrap().is_empty());
        log.sync().unwrap_err();
    }
}

#[test]
fn a_log_that_is_refused_stays_as_it_was() {
    let folder = Folder::new(u64::MAX, None);
    write(&mut folder.open().unwrap(), 1..=3);
    let good = fs::read(&folder.config.file).unwrap();
    let (torn, mebibyte) = (&b"{\"seq\":5,\"pr"[..], vec![b'x'; 1 << 20]);
    let changed = String::from_utf8(good.clone()).unwrap().replace("\"3\"", "\"4\"");
    let begun = [&b"{\"seq\":1,\"prev\":\""[..], &mebibyte].concat();
    let head = |sequence| auth_core::audit::Head::new(sequence, auth_core::audit::Digest::of(b""));
    for (bytes, kept) in [
        ([&good[..], &mebibyte].concat(), None),
        ([&good[..], &mebibyte, &mebibyte, &mebibyte].concat(), None),
        (begun, None),
        (mebibyte[1..].to_vec(), None),
        (b"{\"name\":\"another\"}".to_vec(), None),
        (b"\n".to_vec(), None),
        ([changed.as_bytes(), torn].concat(), None),
        ([&good[..], torn].concat(), Some(head(9))),
        ([&good[..], torn].concat(), Some(head(2))),
        ([b"x", &good[..], torn].concat(), None),
        (torn.to_vec(), Some(head(1))),
    ] {
        fs::write(&folder.config.file, &bytes).unwrap();
        // A service manager may start it again and again.
        for _ in 0..2 {
            let refused = folder.open_knowing(kept).unwrap_err();
            let is_cut_off = matches!(refused, AuditFileError::CutOff { .. });
            assert_eq!(is_cut_off, kept.is_some(), "{refused}");
            let there = fs::read(&folder.config.file).unwrap();
            assert!(there == bytes, "{} bytes are {}", bytes.len(), there.len());
        }
    }
    // A file that is full was written to its end.
    let full = folder.files().full(1);
    for bytes in [[&good[..], torn].concat(), torn.to_vec(), Vec::new()] {
        fs::write(&folder.config.file, "").unwrap();
        fs::write(&full, &bytes).unwrap();
        assert!(matches!(folder.open(), Err(AuditFileError::Damaged { .. })));
        assert_eq!(fs::read(&full).unwrap(), bytes);
    }
    fs::remove_file(full).unwrap();
    // The beginning of a first record is none of another file.
    for length in 0..torn.len() {
        fs::write(&folder.config.file, &torn[..length]).unwrap();
        drop(folder.open().unwrap());
        let Entry::Start { removed_bytes, .. } = folder.last().entry else { panic!("no start") };
        assert_eq!(removed_bytes, length as u64);
    }
    // The longest record, and one behind it that was not written to its end.
    fs::write(&folder.config.file, [&good[..], &mebibyte[1..]].concat()).unwrap();
    drop(folder.open().unwrap());
    assert_eq!(folder.verify().unwrap().head.sequence(), 5);
}
