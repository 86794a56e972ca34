//! What the server reports about itself.

pub(crate) mod log;
pub(crate) mod traces;
