//! Why a call over HTTP has no answer.

use http::StatusCode;

use crate::{
    credentials::CredentialError,
    http::{AnswerError, BodyError, SendError},
    link::sse::SseLinkError,
};

/// Why a call over HTTP has no answer.
#[derive(Debug, thiserror::Error)]
pub enum HttpLinkError {
    /// No HTTP answer.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The gateway has no credentials for the server.
    #[error("the gateway has no credentials for the server")]
    Credentials(#[from] CredentialError),
    /// Not an answer of an MCP server.
    #[error(transparent)]
    Answer(#[from] AnswerError),
    /// The answer has no end.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// A status, and no answer to this call.
    #[error("the server answers {0} without an answer to the call")]
    Status(StatusCode),
    /// 404 in a session: the server has ended it.
    #[error("the server has ended the session")]
    SessionEnded,
    /// A message longer than the bound.
    #[error("the server sent a message of more than {0} bytes")]
    TooLong(usize),
    /// A server of 2024-11-05 is no longer there.
    #[error(transparent)]
    Sse(#[from] SseLinkError),
    /// A server of 2024-11-05 has no requests before `initialize`.
    #[error("the server has the transport of 2024-11-05")]
    OldTransport,
    /// The stream ended before the answer, and could not be resumed.
    #[error("the server ended the stream without an answer")]
    NoAnswer,
}
