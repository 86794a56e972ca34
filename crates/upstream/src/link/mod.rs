//! A connection to one MCP server, which carries whole JSON-RPC messages both ways.
//!
//! Below it is a child process or an HTTP server; above it nothing depends on which.

mod events;
pub mod http;
mod message;
mod reachability;
mod sse;
pub mod stdio;

use std::sync::Arc;

pub use self::{reachability::Reachability, sse::SseLinkError};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::CallContext;

/// Which of *our* requests a message belongs to: the number that was its `id`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u64);

/// Both directions of a connection. Dropping the sender ends the connection.
#[derive(Debug)]
pub struct Link {
    /// What goes to the server.
    pub sender: mpsc::Sender<Outgoing>,
    /// What the server says, in its order. Ends after [`Incoming::Closed`].
    pub receiver: mpsc::Receiver<Incoming>,
}

/// A message to the server.
#[derive(Debug, Clone)]
pub struct Outgoing {
    /// One JSON-RPC message, without line ends.
    pub message: Bytes,
    /// Which call it is, belongs to, or answers a question of. Over HTTP the answer's stream
    /// belongs to the call; over stdio nothing depends on it.
    pub call: Option<CallId>,
    /// On whose behalf, where the server is to see that; `None`: of the caller who used the link
    /// last.
    pub caller: Option<Arc<CallContext>>,
}

impl Outgoing {
    /// A message of no call and no caller of its own.
    #[must_use]
    pub const fn new(message: Bytes) -> Self {
        Self { message, call: None, caller: None }
    }
}

/// What comes from the server.
#[derive(Debug)]
pub enum Incoming {
    /// One JSON-RPC message; not checked but for its length.
    Message {
        /// Its bytes, without line ends.
        message: Bytes,
        /// The call on whose stream it came; `None` where the transport does not say (stdio).
        during: Option<CallId>,
    },
    /// Something that was no message. It counts against the server; the connection goes on.
    Fault(LinkFault),
    /// The server has refused a message because it is not available to this caller (HTTP 503). It
    /// may have been started anew, as far as this connection can know.
    Unavailable,
    /// The connection has ended: every call in flight is answered with an error.
    Closed(ClosedError),
}

/// What a server sent in place of a message.
#[derive(Debug, thiserror::Error)]
pub enum LinkFault {
    /// A message longer than the bound. It was discarded up to its end.
    #[error("the server sent a message of more than {limit} bytes")]
    TooLong {
        /// The bound, in bytes.
        limit: usize,
        /// The call that it was the answer to; `None` if it was no answer, or cannot be known.
        call: Option<CallId>,
    },
    /// Something that cannot be a message, such as a line that does not begin like JSON.
    #[error("the server sent something that is no message")]
    NotAMessage,
    /// The call's HTTP answer is no MCP answer, or ended without one.
    #[error("the server did not answer the call")]
    NoAnswer(CallId, #[source] Box<dyn std::error::Error + Send + Sync>),
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub enum ClosedError {
    /// The child process has exited.
    #[error("the server has exited ({0})")]
    Exited(std::process::ExitStatus),
    /// The child could not be started.
    #[error("the program cannot be started: {0}")]
    NotStarted(std::io::Error),
    /// We ended it: idle, too many faults, or the gateway is shutting down.
    #[error("the connection was ended: {0}")]
    Ended(&'static str),
    /// The server cannot be reached.
    #[error("the server cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}
