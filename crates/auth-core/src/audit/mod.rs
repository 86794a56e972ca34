//! An audit log that proves itself: records, their chain, and what verifies it.
//!
//! 1. A record is one line of JSON: its number, the hash of the record before, the node, the time,
//!    what happened, and last its own hash, which is SHA-256 over everything before it. A change of
//!    one record is seen in that record, and a record that is missing, added or in another place is
//!    seen in the next one.
//! 2. A checkpoint is a record with a signature (a compact JWS, RFC 7515) over its own number, the
//!    hash before it, its node and its time, so over all records before it. Without the private key
//!    no one can write a chain of their own that verifies.
//! 3. What was cut off after the last checkpoint that is left is not seen in the log itself. A
//!    [`Head`] that is kept elsewhere shows it.
//! 4. The time is what the clock said. The order is the order of the numbers: a clock that is set
//!    back is reported, and is no fault.
//! 5. No record has a token or a secret. Arguments are there as the SHA-256 digest of their bytes,
//!    and by value only those that the policy names.
//!
//! **Invariant:** nothing here reads a file or a clock. Lines go in and come out.

mod chain;
mod checkpoint;
mod digest;
mod entry;
mod event;
mod head;
mod line;
mod timestamp;
mod trace_id;
mod verifier;

pub use chain::Chain;
pub use checkpoint::{CheckpointError, SigningError};
pub use digest::{Digest, InvalidDigestError};
pub use entry::{Argument, Change, Decision, Entry, Outcome, What, Who};
pub use event::Event;
pub use head::{Head, InvalidHeadError};
pub use line::{Line, LineError};
pub use timestamp::{InvalidTimestampError, Timestamp};
pub use trace_id::TraceId;
pub use verifier::{Fault, Finding, Report, Verifier};
