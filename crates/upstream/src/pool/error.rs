//! Why a caller gets no server.

use std::{error::Error, sync::Arc, time::Duration};

use crate::link::ClosedError;

/// Why a caller gets no server. All who wait for the same start get the same error.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PoolError {
    /// All servers that there may be are in use, or too many are being started.
    #[error("too many servers are in use")]
    Full,
    /// All servers that this owner may have are in use.
    #[error("this caller has too many servers in use")]
    OwnerFull,
    /// The server has failed repeatedly, and is not started before so long.
    #[error("the server has failed repeatedly, and is started again in {} s", .0.as_secs() + 1)]
    Backoff(Duration),
    /// It could not be started.
    #[error("the server could not be started")]
    NotStarted(#[source] Arc<ClosedError>),
    /// It was started, and the handshake failed.
    #[error("the handshake with the server failed")]
    Handshake(#[source] Arc<dyn Error + Send + Sync>),
    /// It was not ready in time.
    #[error("the server did not start within {} s", .0.as_secs())]
    TooSlow(Duration),
    /// The gateway is stopping.
    #[error("the server is being ended")]
    Ended,
}

impl PoolError {
    /// Whether this is the server's fault, so that the next start is delayed.
    pub(super) const fn is_failure(&self) -> bool {
        matches!(self, Self::NotStarted(_) | Self::Handshake(_) | Self::TooSlow(_))
    }
}
