//! What operators ask the server: health, readiness, metrics, and what would be decided about a
//! token.

pub(crate) mod ask;
pub(crate) mod bind;
pub(crate) mod detail;
pub(crate) mod explain;
pub(crate) mod health;
pub(crate) mod listening;
pub(crate) mod reach;
pub(crate) mod readiness;
pub(crate) mod readings;
pub(crate) mod routes;
