//! Why an answer is not passed on.

use http::StatusCode;

use crate::{
    credentials::CredentialError,
    http::{AnswerError, SendError},
};

/// Why an answer is not passed on.
#[derive(Debug, thiserror::Error)]
pub enum PassError {
    /// There is none.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The gateway has no credentials for the server.
    #[error("the gateway has no credentials for the server")]
    Credentials(#[from] CredentialError),
    /// It is none of an MCP server.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// Longer than the bound.
    #[error("the server's answer is longer than {0} bytes")]
    TooLong(usize),
}

impl PassError {
    /// The status of the answer that says so.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Send(SendError::Timeout(_)) => StatusCode::GATEWAY_TIMEOUT,
            Self::Answer(AnswerError::Status(status)) => *status,
            _ => StatusCode::BAD_GATEWAY,
        }
    }
}
