//! Files that are read within bounds, whatever someone has put in their place.
//!
//! 1. No read waits: a pipe without a writer would hold it for good. So a file is opened without
//!    waiting, and what was opened is refused if it is no regular file.
//! 2. No more is read than the caller permits, whatever the length of the file is said to be.
//! 3. What the program was started with is read as it is: `/dev/stdin`, and the pipes of
//!    `<(…)`, which a shell names `/dev/fd/N`. No one can put anything else under such a name. They
//!    can be read once, so it is done at the start alone ([`is_given_at_start`]).

use std::{
    fs::{File, OpenOptions},
    io::{self, Read},
    path::Path,
};

/// The longest file with settings, a policy or certificates that is read, in bytes.
pub const MAX_BYTES: u64 = 32 * 1024 * 1024;

/// What begins the names of descriptors that a program has from its start.
const DESCRIPTORS: [&str; 2] = ["/dev/fd", "/proc/self/fd"];
/// What else is no regular file, and is not replaced by one.
const DEVICES: [&str; 2] = ["/dev/stdin", "/dev/null"];

/// Whether `path` is what the program was started with, as in `--policy <(…)`: it cannot be read
/// again, and cannot become another file.
#[must_use]
pub fn is_given_at_start(path: &Path) -> bool {
    let is_device = DEVICES.iter().any(|device| path == Path::new(device));
    let folder = path.parent();
    is_device || DESCRIPTORS.iter().any(|known| folder == Some(Path::new(known)))
}

/// Opens the file at `path` for reading, without waiting.
///
/// # Errors
///
/// That of the file system; also if it is no regular file, unless it [was given at the
/// start](is_given_at_start).
pub fn open(path: &Path) -> io::Result<File> {
    if is_given_at_start(path) {
        return File::open(path);
    }
    let file = without_waiting(OpenOptions::new().read(true)).open(path)?;
    // The file that is open, not the one that has its name by now.
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::Error::other("this is no file")) }
}

/// The content of the file at `path`, of at most `max` bytes.
///
/// # Errors
///
/// As [`open`]; also if it is longer.
pub fn read(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let too_long = || io::Error::other("this file is too long");
    let (file, mut bytes) = (open(path)?, Vec::new());
    // Nothing is read of what is known to be too long. What grows while it is read is bounded, too.
    if file.metadata()?.len() > max {
        return Err(too_long());
    }
    file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    let is_whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= max);
    if is_whole { Ok(bytes) } else { Err(too_long()) }
}

/// The same of a file with text.
///
/// # Errors
///
/// As [`read`]; also if it is not UTF-8.
pub fn read_text(path: &Path, max: u64) -> io::Result<String> {
    let text = String::from_utf8(read(path, max)?);
    text.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "this file is not UTF-8 text"))
}

/// `options` that do not wait for the other end of a pipe.
pub(crate) fn without_waiting(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(OFlags::NONBLOCK.bits().cast_signed());
    }
    options
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_too_long_or_no_text_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(read(&path, 3).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(&path, "one").unwrap();
        assert_eq!(
            (read(&path, 3).unwrap(), read_text(&path, 4).unwrap()),
            (b"one".into(), "one".into())
        );
        assert_eq!(read(&path, 2).unwrap_err().to_string(), "this file is too long");
        fs::write(&path, [0xff]).unwrap();
        assert_eq!(read(&path, 3).unwrap(), [0xff]);
        assert_eq!(read_text(&path, 3).unwrap_err().to_string(), "this file is not UTF-8 text");
        fs::write(&path, "").unwrap();
        assert_eq!(read_text(&path, 0).unwrap(), "");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_without_a_writer_and_a_folder_are_refused_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        testkit::make_pipe(&pipe);
        for path in [pipe.as_path(), folder.path(), Path::new("/dev/zero")] {
            assert_eq!(read(path, 3).unwrap_err().to_string(), "this is no file", "{path:?}");
        }
        let link = folder.path().join("link");
        std::os::unix::fs::symlink(&pipe, &link).unwrap();
        assert!(open(&link).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn what_the_program_was_started_with_is_read() {
        use std::{io::Write, os::fd::AsRawFd};
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"text").unwrap();
        drop(writer);
        for folder in DESCRIPTORS {
            let path = format!("{folder}/{}", reader.as_raw_fd());
            assert!(is_given_at_start(Path::new(&path)));
        }
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        assert_eq!(read_text(path.as_ref(), 4).unwrap(), "text");
        // Its length is not known before.
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(b"text").unwrap();
        drop(writer);
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        assert_eq!(read(path.as_ref(), 3).unwrap_err().to_string(), "this file is too long");
        assert_eq!(read_text("/dev/null".as_ref(), 4).unwrap(), "");
        for other in ["/dev/fd", "/dev/fd/3/../../x", "fd/3", "/dev/zero", "/dev/fdx/3"] {
            assert!(!is_given_at_start(Path::new(other)), "{other}");
        }
    }
}
