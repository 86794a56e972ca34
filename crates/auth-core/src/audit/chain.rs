//! The chain: writes one record after the other.

use super::{Entry, Head, SigningError, Timestamp, checkpoint, line};
use crate::SigningKey;

/// Writes the records of one node, one after the other.
#[derive(Debug, Clone)]
pub struct Chain {
    node: String,
    /// The same as JSON.
    node_json: String,
    head: Head,
}

impl Chain {
    /// The chain of `node` after `head`: [`Head::EMPTY`] for a new one.
    #[must_use]
    pub fn after(head: Head, node: impl Into<String>) -> Self {
        let node = node.into();
        // A text always has a JSON form.
        let node_json = serde_json::to_string(&node).unwrap_or_default();
        Self { node, node_json, head }
    }

    /// The line of the next record, without a line break.
    pub fn append(&mut self, time: Timestamp, entry: &Entry) -> String {
        let mut line = Vec::new();
        self.append_to(&mut line, time, entry);
        // It is JSON.
        String::from_utf8(line).unwrap_or_default()
    }

    /// The same, appended to `out`.
    pub fn append_to(&mut self, out: &mut Vec<u8>, time: Timestamp, entry: &Entry) {
        self.head = line::write(out, self.head, &self.node_json, time, entry);
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
