//! Why a connection to a server cannot be used.

use std::{error::Error, sync::Arc};

use crate::{catalog::OfferedError, era::ConnectError};

/// Why a connection cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum BeginError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("the server does not say what it offers")]
    Offered(#[from] OfferedError),
}

/// The error of a handshake, if that is what `error` is. Not of a reference to the `Arc`: that is
/// an error of a type of its own.
pub(super) fn connect_error(error: &Arc<dyn Error + Send + Sync>) -> Option<&ConnectError> {
    match error.as_ref().downcast_ref() {
        Some(BeginError::Connect(error)) => Some(error),
        _ => None,
    }
}

/// Whether the server does not say what it offers.
pub(super) fn is_offered_error(error: &Arc<dyn Error + Send + Sync>) -> bool {
    matches!(error.as_ref().downcast_ref(), Some(BeginError::Offered(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_of_a_handshake_is_found_in_what_the_pool_returns() {
        let error = BeginError::from(ConnectError::Ended("it exited".into()));
        // As the pool keeps it.
        let boxed: Box<dyn Error + Send + Sync> = error.into();
        assert!(matches!(connect_error(&boxed.into()), Some(ConnectError::Ended(_))));
        let other: Box<dyn Error + Send + Sync> = "other".into();
        assert!(connect_error(&other.into()).is_none());
    }
}
