//! Who owns a session, an event or a task: only its owner can use its name.

pub(crate) mod seals;
pub(crate) mod tasks;
