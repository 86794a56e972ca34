//! Who owns a session, an event or a task: only its owner can use its name.

pub(crate) mod owned_ids;
pub(crate) mod tasks;
