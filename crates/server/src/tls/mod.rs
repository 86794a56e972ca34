//! The certificate of this server: how it is read again, ordered, and reported.

pub(crate) mod acme;
mod reload;
pub(crate) mod reported;
