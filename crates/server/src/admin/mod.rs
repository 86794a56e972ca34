//! What operators ask the server: health, readiness, and what would be decided about a token.

pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod readiness;
