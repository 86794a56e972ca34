//! The verifier: reads the records of one chain in their order, and names the first that is not as
//! it was written.
//!
//! 1. A record whose own hash does not match was changed.
//! 2. A number that is skipped is a record that is missing, or that is in another place further on.
//!    A number that was there before is a record that was added.
//! 3. A record that does not follow the one before was added, or the one before was replaced by
//!    another that is complete in itself.
//! 4. A checkpoint whose signature is over other records says that records since the last
//!    checkpoint were written anew.
//! 5. The first record that is there may have a higher number than 1 only if the chain says itself
//!    that earlier files were removed ([`Entry::Removed`]), or if the caller permits it.
//! 6. A record that is known to have been there must be there; or the chain says, in a record that
//!    is signed, that it was removed with old files. Such a chain has a signed record behind the
//!    one that is known, so no more than what follows that can have been cut off: as much as if
//!    the known record were there.
//!
//! What follows a fault proves nothing, and is read only to say what the fault is.

use super::{CheckpointError, Entry, Head, Line, LineError, Timestamp, checkpoint};
use crate::KeySet;

/// What is wrong with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is not what was written.
    #[error("was changed: {0}")]
    Changed(LineError),
    /// It is complete in itself, and not the one after which the next was written.
    #[error("was replaced by another")]
    Replaced,
    /// It is not there, nor are those up to `through`.
    #[error("is missing{}", up_to(*.through))]
    Missing {
        /// The number of the last one that is missing; `None` if it is the only one.
        through: Option<u64>,
    },
    /// It is further on, behind records that were written after it.
    #[error("is not in its place")]
    OutOfOrder,
    /// It was added: there is another with its number, or a line that is no record before it.
    #[error("was added")]
    Inserted,
    /// The end of its line is missing.
    #[error("is not complete")]
    Incomplete,
    /// Its number or its hash before is not that of a first record.
    #[error("is not the first record of a log")]
    NotFirst,
    /// The checkpoint proves nothing.
    #[error("is a checkpoint that proves nothing: {0}")]
    Checkpoint(CheckpointError),
    /// This record, or one of those up to `through`, is not what was signed.
    #[error(
        "or one of those up to {through} was written anew: the checkpoint after them was signed over others"
    )]
    WrittenAnew {
        /// The number of the last record that is in question.
        through: u64,
    },
    /// It is known to have been there, and the log ends before it.
    #[error("is missing: the log was cut off")]
    CutOff,
}

fn up_to(through: Option<u64>) -> String {
    through.map_or_else(String::new, |through| format!(", and all up to {through}"))
}

/// The first record that is not as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("record {sequence} {fault}")]
pub struct Finding {
    /// Its number.
    pub sequence: u64,
    /// Which line it is, or would be before, from 0, over all that was read.
    pub index: u64,
    /// What is wrong.
    pub fault: Fault,
}

/// A chain without a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// The number of the first record that is there; 0 if there is none.
    pub first: u64,
    /// The last record.
    pub head: Head,
    /// How many checkpoints there are.
    pub checkpoints: u64,
    /// How many records there are after the last checkpoint, which nothing has signed.
    pub unsigned: u64,
    /// The first record whose time is more than half a second before that of the one before it.
    /// Records of requests at the same time may change places.
    pub clock_set_back: Option<u64>,
}

/// How many milliseconds the times of two records may differ that are made at the same time.
const AT_ONCE: u64 = 500;

/// What a line that does not fit may turn out to be.
#[derive(Debug, Clone, Copy)]
enum Doubt {
    /// Not a record as it was written: so many, if line breaks are missing.
    Unreadable(LineError, u64),
    /// It does not follow the record before.
    Unlinked,
    /// Numbers are skipped, up to this record.
    Gap(u64),
}

/// Reads one chain.
#[derive(Debug)]
pub struct Verifier {
    keys: Option<KeySet>,
    permits_start: bool,
    expected: Option<Head>,
    is_expected_seen: bool,
    lines: u64,
    first: u64,
    head: Head,
    last_time: Option<Timestamp>,
    clock_set_back: Option<u64>,
    checkpoints: u64,
    signed: u64,
    /// The highest number that the chain says was removed, and the highest of which that is signed.
    removed: u64,
    removed_signed: u64,
    doubt: Option<(u64, Doubt)>,
    finding: Option<Finding>,
}

impl Verifier {
    /// Checks checkpoints with `keys`. Without keys, only the hashes are checked: a person
    /// who could write the file could have written all of it anew.
    #[must_use]
    pub const fn new(keys: Option<KeySet>) -> Self {
        Self {
            keys,
            permits_start: false,
            expected: None,
            is_expected_seen: false,
            lines: 0,
            first: 0,
            head: Head::EMPTY,
            last_time: None,
            clock_set_back: None,
            checkpoints: 0,
            signed: 0,
            removed: 0,
            removed_signed: 0,
            doubt: None,
            finding: None,
        }
    }

    /// Lets the log begin at any record: older files may be elsewhere.
    #[must_use]
    pub fn from_any_record(self) -> Self {
        Self { permits_start: true, ..self }
    }

    /// A record that is known to have been in the log.
    #[must_use]
    pub fn expecting(self, head: Head) -> Self {
        Self { expected: Some(head), ..self }
    }

    /// Reads the next line. `is_complete`: its line break is there.
    pub fn push(&mut self, line: &[u8], is_complete: bool) {
        let index = self.lines;
        self.lines += 1;
        if self.finding.is_some() {
            return;
        }
        let bytes = line;
        let line = Line::parse(bytes);
        if let Some((at, doubt)) = self.doubt {
            self.finding = self.settle(at, doubt, line.as_ref().ok());
            return;
        }
        let expected = self.expected_sequence();
        if !is_complete {
            return self.found(expected, index, Fault::Incomplete);
        }
        match line {
            Err(error) => {
                self.doubt = Some((index, Doubt::Unreadable(error, records_in(bytes))));
            }
            Ok(line) => self.follow(index, &line),
        }
    }

    /// What was found.
    ///
    /// # Errors
    ///
    /// The first record that is not as it was written.
    pub fn finish(mut self) -> Result<Report, Finding> {
        if self.finding.is_none() {
            self.finding = self.doubt.map(|(at, doubt)| self.without_next(at, doubt));
        }
        if self.finding.is_none() && self.first > 1 && !self.permits_start {
            // Of earlier records the chain itself must say that they were removed.
            let last = self.first - 1;
            if self.removed < last {
                let through = (last > 1).then_some(last);
                self.found(1, 0, Fault::Missing { through });
            }
        }
        let is_removed = |expected: Head| {
            expected.sequence() < self.first && expected.sequence() <= self.removed_signed
        };
        let is_missing = !self.is_expected_seen && !self.expected.is_none_or(is_removed);
        if self.finding.is_none() && is_missing {
            self.found(self.head.sequence() + 1, self.lines, Fault::CutOff);
        }
        match self.finding {
            Some(finding) => Err(finding),
            None => Ok(Report {
                first: self.first,
                head: self.head,
                checkpoints: self.checkpoints,
                unsigned: self.head.sequence() - self.signed.max(self.first.saturating_sub(1)),
                clock_set_back: self.clock_set_back,
            }),
        }
    }

    const fn expected_sequence(&self) -> u64 {
        self.head.sequence().saturating_add(1)
    }

    fn found(&mut self, sequence: u64, index: u64, fault: Fault) {
        self.finding.get_or_insert(Finding { sequence, index, fault });
    }

    /// Takes a record that is as it was written, if it is the next one.
    fn follow(&mut self, index: u64, line: &Line) {
        if self.first == 0 {
            if (line.sequence == 1) != (line.previous == Head::EMPTY.hash()) || line.sequence == 0 {
                return self.found(line.sequence, index, Fault::NotFirst);
            }
            self.first = line.sequence;
        } else {
            let expected = self.expected_sequence();
            if line.sequence < expected {
                return self.found(line.sequence, index, Fault::Inserted);
            }
            if line.sequence > expected {
                self.doubt = Some((index, Doubt::Gap(line.sequence)));
                return;
            }
            if line.previous != self.head.hash() {
                self.doubt = Some((index, Doubt::Unlinked));
                return;
            }
        }
        self.accept(index, line);
    }

    fn accept(&mut self, index: u64, line: &Line) {
        match (&line.entry, &self.keys) {
            (Entry::Checkpoint { jws }, Some(keys)) => {
                match checkpoint::verify(jws, line, keys) {
                    Ok(()) => {}
                    Err(CheckpointError::OtherRecords) => {
                        let first = self.signed.max(self.first.saturating_sub(1)) + 1;
                        let fault = Fault::WrittenAnew { through: line.sequence };
                        let behind = line.sequence - first;
                        return self.found(first, index.saturating_sub(behind), fault);
                    }
                    Err(error) => {
                        return self.found(line.sequence, index, Fault::Checkpoint(error));
                    }
                }
                self.checkpoints += 1;
                self.signed = line.sequence;
                self.removed_signed = self.removed;
            }
            (Entry::Removed { through }, keys) => {
                self.removed = self.removed.max(*through);
                if keys.is_none() {
                    // Nothing is, as far as is checked.
                    self.removed_signed = self.removed;
                }
            }
            _ => {}
        }
        let behind = |last: Timestamp| last.as_millis().saturating_sub(line.time.as_millis());
        if self.last_time.is_some_and(|last| behind(last) > AT_ONCE) {
            self.clock_set_back.get_or_insert(line.sequence);
        }
        self.last_time = Some(line.time);
        self.head = line.head();
        if let Some(expected) = self.expected
            && expected.sequence() == line.sequence
        {
            self.is_expected_seen = true;
            if expected.hash() != line.hash {
                self.found(line.sequence, index, Fault::Replaced);
            }
        }
    }

    /// What the line at `at` was, now that a later one is known; `None` to read on.
    fn settle(&self, at: u64, doubt: Doubt, next: Option<&Line>) -> Option<Finding> {
        let expected = self.expected_sequence();
        let is_next = |line: &Line| {
            line.sequence == expected && (self.first == 0 || line.previous == self.head.hash())
        };
        let finding = |fault| Some(Finding { sequence: expected, index: at, fault });
        match doubt {
            Doubt::Gap(_) => match next {
                Some(line) if is_next(line) => finding(Fault::OutOfOrder),
                _ => None,
            },
            // The first line may have any number: the next one says which.
            Doubt::Unreadable(error, records)
                if self.first == 0 && next.is_some_and(|line| line.sequence > records) =>
            {
                let sequence = next.map_or(expected, |line| line.sequence - records);
                Some(Finding { sequence, index: at, fault: Fault::Changed(error) })
            }
            Doubt::Unreadable(..) | Doubt::Unlinked => match next {
                Some(line) if is_next(line) => finding(Fault::Inserted),
                _ => Some(self.without_next(at, doubt)),
            },
        }
    }

    /// The same where no later line says more.
    fn without_next(&self, at: u64, doubt: Doubt) -> Finding {
        let expected = self.expected_sequence();
        match doubt {
            Doubt::Unreadable(error, _) => {
                Finding { sequence: expected, index: at, fault: Fault::Changed(error) }
            }
            Doubt::Unlinked => Finding {
                sequence: self.head.sequence(),
                index: at.saturating_sub(1),
                fault: Fault::Replaced,
            },
            Doubt::Gap(next) => {
                let last = next - 1;
                let through = (last > expected).then_some(last);
                Finding { sequence: expected, index: at, fault: Fault::Missing { through } }
            }
        }
    }
}

/// How many records begin in a line, one at least. Within a text its quotes would be escaped.
fn records_in(line: &[u8]) -> u64 {
    memchr::memmem::find_iter(line, b"{\"seq\":").count().max(1) as u64
}
