//! What the server behind answers, held to what the caller may see.

pub(crate) mod exchange;
mod failure;
pub(crate) mod guarded_body;
pub(crate) mod lists;
pub(crate) mod sse;
