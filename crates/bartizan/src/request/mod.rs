//! What is read from a request before anything is decided: its origin, its token, its headers and
//! its body.

pub(crate) mod accept;
pub(crate) mod arguments;
pub(crate) mod bearer;
pub(crate) mod body;
pub(crate) mod cors;
pub(crate) mod headers;
pub(crate) mod message;
pub(crate) mod origin;
pub(crate) mod proof;
pub(crate) mod trace;
