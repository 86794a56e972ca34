//! Where the writer puts records: a file, and in tests something that fails.

use std::io;

use auth_core::audit::{Entry, Head, Timestamp};

/// Takes records, and writes them. A record that was taken is written sooner or later, or not
/// before the next start: nothing is taken twice.
pub trait Sink: Send + 'static {
    /// Takes a record.
    fn append(&mut self, time: Timestamp, entry: &Entry);

    /// Writes what was taken. After an error it can be called again, and goes on where it stopped.
    fn write(&mut self) -> io::Result<()>;

    /// Hands over what was written to where it is copied. `false` if not all of it was taken: its
    /// reader is slow.
    fn hand_over(&mut self) -> bool {
        true
    }

    /// Takes a checkpoint, if something was taken since the last one.
    fn checkpoint(&mut self, time: Timestamp);

    /// The last record that was taken.
    fn head(&self) -> Head;

    /// Waits until the disk has what was written, and where to find it.
    fn sync(&mut self) -> io::Result<()>;

    /// Whether the disk once failed to take what was written. Then it may lack records for good,
    /// and no later success says otherwise.
    fn has_sync_failed(&self) -> bool;

    /// Writes what was taken, with a checkpoint, and waits until the disk has it.
    fn close(&mut self, time: Timestamp) -> io::Result<()>;
}
