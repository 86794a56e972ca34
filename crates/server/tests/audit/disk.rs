//! A full disk: no call is passed on, and the log goes on once there is room.

use std::{
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;

use crate::world::World;

#[tokio::test]
async fn while_the_disk_of_the_log_is_full_calls_are_refused() {
    let Some(disk) = SmallDisk::mount() else { return };
    let file = disk.path().join("audit.jsonl");
    let provision = [("UNKNOWN_USERS", "provision"), ("DEFAULT_ROLES", "user")];
    let file = [("AUDIT_FILE", file.to_str().unwrap())];
    let mut world = World::with(&[&file[..], &provision].concat());
    world.start();
    let token = world.token("bob", "User.Read");
    assert_eq!(world.call(Some(&token)).await, 200);
    let filler = disk.fill();
    // What is left of the last page takes a few records.
    let mut refused = false;
    for _ in 0..1000 {
        let status = world.call(Some(&token)).await;
        assert!(status == 200 || status == 503, "{status}");
        refused = status == 503;
        if refused {
            break;
        }
    }
    assert!(refused);
    let readiness = world.readiness().await;
    assert!(readiness.contains("not ready") && readiness.contains("the audit log"), "{readiness}");
    // Nor is a user added, as that could not be recorded.
    let new = world.token("dave", "User.Read");
    assert_eq!(world.call(Some(&new)).await, 503);
    drop(world.run(&["users", "list"]).expect(0).lacks("dave"));
    fs::remove_file(filler).unwrap();
    while world.call(Some(&token)).await != 200 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert_eq!(world.call(Some(&new)).await, 200);
    drop(world.run(&["users", "list"]).expect(0).has(&["dave"]));
    world.stop();
    world.run(&["audit", "verify"]).expect(0);
}

/// A small file system in memory, until it is dropped.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    /// `None` where this process may not mount one. With `TEST_MOUNT=required` that is a failure.
    #[expect(clippy::print_stderr, reason = "a test that is left out says so")]
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let is_root = fs::metadata(folder.path()).unwrap().uid() == 0;
        let is_mounted =
            is_root && mount(&["-t", "tmpfs", "-o", "size=256k", "tmpfs"], folder.path());
        #[expect(clippy::disallowed_methods, reason = "the gate says what must be there")]
        let is_required = std::env::var_os("TEST_MOUNT").is_some_and(|it| it == "required");
        assert!(is_mounted || !is_required, "TEST_MOUNT=required, and a tmpfs cannot be mounted");
        if !is_mounted {
            eprintln!("left out: only root can mount a small disk");
        }
        is_mounted.then_some(Self { folder })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Takes all the room that is left; gives the file that does.
    fn fill(&self) -> PathBuf {
        let filler = self.path().join("filler");
        let _ = fs::write(&filler, vec![0; 1 << 20]);
        filler
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.folder.path()).status();
    }
}

fn mount(options: &[&str], folder: &Path) -> bool {
    let done = Command::new("mount").args(options).arg(folder).output();
    done.is_ok_and(|output| output.status.success())
}
