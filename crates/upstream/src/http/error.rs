//! Why a request has no answer.

use std::{error::Error, time::Duration};

/// Why a request has no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// No connection: no such name, connection refused, no TLS, no time. Nothing was sent.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Box<dyn Error + Send + Sync>),
    /// No head of an answer in time.
    #[error("the server did not begin to answer within {} s", .0.as_secs())]
    Timeout(Duration),
    /// The connection ended before the head of an answer, or what came is not HTTP. The server may
    /// have acted on the request.
    #[error("the connection to the server ended before its answer")]
    Interrupted(#[source] Box<dyn Error + Send + Sync>),
}

/// Why the body of an answer has no end.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection broke.
    #[error("the server's answer broke off")]
    Interrupted(#[source] hyper::Error),
    /// Nothing came for too long.
    #[error("the server has sent nothing for {} s", .0.as_secs())]
    Silent(Duration),
    /// More than the bound.
    #[error("the server's answer is longer than {0} bytes")]
    TooLong(usize),
}
