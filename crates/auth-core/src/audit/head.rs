//! The last record of a chain: what the next one is written after.

use std::{fmt, str::FromStr};

use super::Digest;

/// The last record of a chain: its number and its hash. As text `SEQUENCE:HASH`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    sequence: u64,
    hash: Digest,
}

/// A text is no head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no head: write SEQUENCE:HASH, as `audit verify` prints it")]
pub struct InvalidHeadError;

impl Head {
    /// Of a chain without a record.
    pub const EMPTY: Self = Self { sequence: 0, hash: Digest::ZERO };

    /// The record with this number and hash.
    #[must_use]
    pub const fn new(sequence: u64, hash: Digest) -> Self {
        Self { sequence, hash }
    }

    /// Its number; 0 without a record.
    #[must_use]
    pub const fn sequence(self) -> u64 {
        self.sequence
    }

    /// Its hash.
    #[must_use]
    pub const fn hash(self) -> Digest {
        self.hash
    }
}

impl fmt::Display for Head {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.sequence, self.hash)
    }
}

impl FromStr for Head {
    type Err = InvalidHeadError;

    fn from_str(text: &str) -> Result<Self, InvalidHeadError> {
        let (sequence, hash) = text.split_once(':').ok_or(InvalidHeadError)?;
        let sequence = sequence.parse().map_err(|_| InvalidHeadError)?;
        let hash = hash.parse().map_err(|_| InvalidHeadError)?;
        Ok(Self { sequence, hash })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let head = Head::new(7, Digest::of(b"x"));
        assert_eq!(head.to_string().parse(), Ok(head));
        for wrong in ["", "7", "x:0", "7:0", &format!("{head}0"), &format!("-{head}")] {
            assert_eq!(wrong.parse::<Head>(), Err(InvalidHeadError), "{wrong}");
        }
    }
}
