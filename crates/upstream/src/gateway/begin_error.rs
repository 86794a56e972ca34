//! Why a connection to a server cannot be used.

use std::error::Error;

use crate::{catalog::OfferedError, era::ConnectError};

/// Why a connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the server does not say what it offers")]
    Offered(#[from] OfferedError),
}

/// The error of a handshake, if that is what it is.
pub(super) fn connect_error<'a>(
    error: &'a (dyn Error + Send + Sync + 'static),
) -> Option<&'a ConnectError> {
    match error.downcast_ref() {
        Some(BeginError::Connect(error)) => Some(error),
        _ => None,
    }
}
