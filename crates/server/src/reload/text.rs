//! A text file that is read again and again.
//!
//! 1. A file that cannot be read has the reason as its content: it is refused like any other.
//! 2. A pipe is not read: that would wait for its writer. Nor is more than
//!    [`MAX_BYTES`](regular_file::MAX_BYTES).
//! 3. A file whose date, length and inode have been the same for a while is not read once more.
//!    Dates are too coarse to notice a change that follows another at once.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use settings::regular_file::{self, MAX_BYTES};

/// How often a file is read with the same date, length and inode.
const READS: u32 = 8;

/// A text file.
#[derive(Debug)]
pub(crate) struct TextFile {
    path: PathBuf,
    /// Whether bytes that are no UTF-8 are replaced.
    is_lossy: bool,
    seen: Option<Seen>,
}

/// The content of a file: `None` if there is none, an error if it cannot be read.
pub(crate) type Text = Result<Option<Arc<str>>, String>;

#[derive(Debug)]
struct Seen {
    stamp: Stamp,
    reads: u32,
    text: Arc<str>,
}

/// What distinguishes two states of a file: when it was changed, its length and its inode.
type Stamp = (SystemTime, u64, u64);

impl TextFile {
    /// The file at `path`.
    pub(crate) const fn new(path: PathBuf) -> Self {
        Self { path, is_lossy: false, seen: None }
    }

    /// The same of a file whose text is ASCII where it counts. The rest may be in any encoding.
    pub(crate) const fn lossy(path: PathBuf) -> Self {
        Self { path, is_lossy: true, seen: None }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it; `afresh`, whatever its date says.
    pub(crate) fn read(&mut self, afresh: bool) -> Text {
        if afresh {
            self.seen = None;
        }
        match self.text() {
            Ok(text) => Ok(Some(text)),
            Err(error) => {
                self.seen = None;
                if error.kind() == io::ErrorKind::NotFound {
                    Ok(None)
                } else {
                    Err(error.to_string())
                }
            }
        }
    }

    fn text(&mut self) -> io::Result<Arc<str>> {
        use std::os::unix::fs::MetadataExt;
        let found = fs::metadata(&self.path)?;
        let stamp = (found.modified()?, found.len(), found.ino());
        let before = self.seen.take().filter(|seen| seen.stamp == stamp);
        let reads = before.as_ref().map_or(0, |seen| seen.reads);
        let text = match before {
            Some(seen) if reads >= READS => seen.text,
            _ => self.read_now()?.into(),
        };
        self.seen = Some(Seen { stamp, reads: reads.saturating_add(1), text: Arc::clone(&text) });
        Ok(text)
    }

    fn read_now(&self) -> io::Result<String> {
        if self.is_lossy {
            let bytes = regular_file::read(&self.path, MAX_BYTES)?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        } else {
            regular_file::read_text(&self.path, MAX_BYTES)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn file(folder: &tempfile::TempDir) -> TextFile {
        TextFile::new(folder.path().join("file"))
    }

    #[test]
    fn a_change_that_leaves_date_and_length_is_noticed_and_one_long_after_when_asked() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = file(&folder);
        let date = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        let write = |text: &str| {
            fs::write(folder.path().join("file"), text).unwrap();
            fs::File::open(folder.path().join("file")).unwrap().set_modified(date).unwrap();
        };
        let read = |file: &mut TextFile| file.read(false).unwrap().unwrap().to_string();
        write("one");
        assert_eq!(read(&mut file), "one");
        write("two");
        for _ in 0..20 {
            assert_eq!(read(&mut file), "two");
        }
        write("six");
        assert_eq!(read(&mut file), "two", "it is not read for nothing");
        assert_eq!(file.read(true).unwrap().as_deref(), Some("six"));
    }

    #[test]
    fn what_cannot_be_read_has_a_reason_and_a_pipe_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = file(&folder);
        assert_eq!(file.read(false), Ok(None));
        fs::create_dir(file.path()).unwrap();
        assert_eq!(file.read(false), Err("this is no file".into()));
        fs::remove_dir(file.path()).unwrap();
        fs::write(file.path(), [0xff]).unwrap();
        assert!(file.read(false).unwrap_err().contains("UTF-8"));
        let mut lossy = TextFile::lossy(file.path().into());
        assert_eq!(lossy.read(false).unwrap().as_deref(), Some("\u{fffd}"));
        let long = fs::File::create(file.path()).unwrap();
        long.set_len(MAX_BYTES + 1).unwrap();
        assert_eq!(file.read(false), Err("this file is too long".into()));
        testkit::make_pipe(file.path());
        assert_eq!(file.read(false), Err("this is no file".into()));
    }
}
