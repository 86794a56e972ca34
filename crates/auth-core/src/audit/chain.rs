//! The chain: writes one record after the other.

use super::{Entry, Head, SigningError, Timestamp, checkpoint, line};
use crate::SigningKey;

/// Writes the records of one node, one after the other.
#[derive(Debug, Clone)]
pub struct Chain {
    node: String,
    head: Head,
}

impl Chain {
    /// The chain of `node` after `head`: [`Head::EMPTY`] for a new one.
    #[must_use]
    pub fn after(head: Head, node: impl Into<String>) -> Self {
        Self { node: node.into(), head }
    }

    /// The line of the next record, without a line break.
    pub fn append(&mut self, time: Timestamp, entry: &Entry) -> String {
        let (line, head) = line::write(self.head, &self.node, time, entry);
        self.head = head;
        line
    }

    /// The line of a checkpoint: the next record, in which `key` signs all records before.
    ///
    /// # Errors
    ///
    /// [`SigningError`] if the key cannot sign. Nothing is appended then.
    pub fn checkpoint(
        &mut self,
        time: Timestamp,
        key: &SigningKey,
    ) -> Result<String, SigningError> {
        let jws = checkpoint::sign(key, self.head, &self.node, time)?;
        Ok(self.append(time, &Entry::Checkpoint { jws }))
    }

    /// The last record.
    #[must_use]
    pub const fn head(&self) -> Head {
        self.head
    }
}
