//! What the server reports about itself.

pub(crate) mod log;
