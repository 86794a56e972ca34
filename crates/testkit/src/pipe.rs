//! A named pipe without a writer.

use std::{fs, path::Path, process::Command};

/// Makes a named pipe at `path`, in the place of what is there. A reader that opens it waits for a
/// writer, and there is none.
pub fn make_pipe(path: &Path) {
    if path.symlink_metadata().is_ok() {
        fs::remove_file(path).expect("what is there can be removed");
    }
    let made = Command::new("mkfifo").args(["-m", "600"]).arg(path).status();
    assert!(made.expect("mkfifo is part of POSIX").success(), "{}", path.display());
}
