//! Which definitions of a server's may be seen and used: the port for the pinned ones.

use std::error::Error;

use bytes::Bytes;

use crate::wire::Message;

/// Something cannot be used because its definition was not accepted.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct NotAcceptedError(pub String);

/// What has been accepted of a server.
pub trait Definitions: Send + Sync + 'static {
    /// Whether a request uses something whose definition is pinned.
    fn concern(&self, request: &Message) -> bool;

    /// Whether what a request is aimed at may be used.
    fn admit(&self, request: &Message) -> Result<(), NotAcceptedError>;

    /// What differs after each acceptance.
    fn revision(&self) -> u64;

    /// The result of a list method with what is accepted alone; the same bytes if that is all, or
    /// if the method is none. An error hides the whole result: [`NotAcceptedError`] if it is one
    /// definition, which was not accepted.
    fn filter(&self, method: &str, result: &Bytes) -> Result<Bytes, Box<dyn Error + Send + Sync>>;
}

/// Everything that a server offers, for servers whose definitions are not pinned.
#[derive(Debug, Clone, Copy)]
pub struct Unpinned;

impl Definitions for Unpinned {
    fn concern(&self, _: &Message) -> bool {
        false
    }

    fn admit(&self, _: &Message) -> Result<(), NotAcceptedError> {
        Ok(())
    }

    fn revision(&self) -> u64 {
        0
    }

    fn filter(&self, _: &str, result: &Bytes) -> Result<Bytes, Box<dyn Error + Send + Sync>> {
        Ok(result.clone())
    }
}
