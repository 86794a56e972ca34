//! One record as a line of JSON, with its own hash at its end.
//!
//! ```text
//! {"seq":2,"prev":"64 digits","node":"a","time":"2027-01-15T08:00:00.000Z",…,"hash":"64 digits"}
//! ```
//!
//! The hash is SHA-256 over the bytes of the line before `,"hash":`. So a line is read without
//! building it again, and a later version may add members.

use std::io::Write;

use serde::Deserialize;

use super::{Digest, Entry, Head, Timestamp};

/// What is before the hash of a record, and after it.
const HASH: &str = ",\"hash\":\"";
const END: &str = "\"}";
const HASH_DIGITS: usize = 64;

/// A record that was read, and whose own hash is right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its number, from 1.
    pub sequence: u64,
    /// The hash of the record before; of the first one 64 zeros.
    pub previous: Digest,
    /// Which node wrote it.
    pub node: String,
    /// When, by the clock of the node.
    pub time: Timestamp,
    /// What happened.
    pub entry: Entry,
    /// Its own hash.
    pub hash: Digest,
}

/// A line is no record as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// It has not the form of a record.
    #[error("not a record")]
    Form,
    /// It is not what its own hash was made of.
    #[error("its own hash does not match it")]
    Hash,
}

/// What is in every record.
#[derive(Deserialize)]
struct Frame {
    seq: u64,
    prev: Digest,
    node: String,
    time: Timestamp,
}

impl Line {
    /// Reads a line, which is without its line break.
    ///
    /// # Errors
    ///
    /// [`LineError`] if it is no record, or not as it was written.
    pub fn parse(line: &[u8]) -> Result<Self, LineError> {
        let text = str::from_utf8(line).map_err(|_| LineError::Form)?;
        let text = text.strip_suffix(END).ok_or(LineError::Form)?;
        let place = text.len().checked_sub(HASH_DIGITS).ok_or(LineError::Form)?;
        let (head, digits) = text.split_at_checked(place).ok_or(LineError::Form)?;
        let hash: Digest = digits.parse().map_err(|_| LineError::Form)?;
        let content = head.strip_suffix(HASH).ok_or(LineError::Form)?;
        if Digest::of(content.as_bytes()) != hash {
            return Err(LineError::Hash);
        }
        let json = format!("{content}}}");
        let Frame { seq, prev, node, time } =
            serde_json::from_str(&json).map_err(|_| LineError::Form)?;
        let entry = serde_json::from_str(&json).map_err(|_| LineError::Form)?;
        Ok(Self { sequence: seq, previous: prev, node, time, entry, hash })
    }

    /// What the record is, for the one after it.
    #[must_use]
    pub const fn head(&self) -> Head {
        Head::new(self.sequence, self.hash)
    }
}

/// Appends the line of `entry`, as the record after `before`, to `out`, without a line break; and
/// its head. `node` is a JSON text with its quotes.
pub(super) fn write(
    out: &mut Vec<u8>,
    before: Head,
    node: &str,
    time: Timestamp,
    entry: &Entry,
) -> Head {
    let (sequence, start) = (before.sequence().saturating_add(1), out.len());
    out.extend_from_slice(b"{\"seq\":");
    // A vector takes everything, and a number, a time and an entry always have a JSON form.
    let _ = write!(out, "{sequence}");
    out.extend_from_slice(b",\"prev\":\"");
    out.extend_from_slice(&before.hash().digits());
    out.extend_from_slice(b"\",\"node\":");
    out.extend_from_slice(node.as_bytes());
    out.extend_from_slice(b",\"time\":\"");
    let _ = write!(out, "{time}");
    out.push(b'"');
    // Its members go on in the object of the record.
    let members = out.len();
    let _ = serde_json::to_writer(&mut *out, entry);
    if let Some(brace) = out.get_mut(members) {
        *brace = b',';
    }
    out.pop();
    let hash = Digest::of(out.get(start..).unwrap_or_default());
    out.extend_from_slice(HASH.as_bytes());
    out.extend_from_slice(&hash.digits());
    out.extend_from_slice(END.as_bytes());
    Head::new(sequence, hash)
}
