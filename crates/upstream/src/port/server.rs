//! A server of the client's own generation, and where it comes from.

use std::{error::Error, future::Future, pin::Pin, sync::Arc};

use tokio::sync::mpsc;

use super::event::{AskId, Call, Event};
use crate::{CallContext, wire::Message};

/// A future of a trait's method.
pub type Waiting<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What a server says outside of any call: notifications and, before 2026-07-28, questions.
pub type Unsolicited = mpsc::Receiver<Event>;

/// An MCP server of the client's own protocol generation.
pub trait Server: Send + Sync + 'static {
    /// Makes sure that it is known what the server offers, before a call is judged by that. If it
    /// cannot be known, the call is not sent.
    fn confirm<'a>(&'a self, _: &'a CallContext) -> Waiting<'a, Result<(), OpenError>> {
        Box::pin(async { Ok(()) })
    }

    /// Sends a request. Its `id` and progress token are the caller's own, and come back so. Errors
    /// come as answers too, so there is always one.
    fn call(&self, context: &CallContext, request: Message) -> Box<dyn Call>;

    /// Sends a notification. Those that name a request or a token of a call
    /// (`notifications/cancelled`) never get here: see [`Call::cancel`].
    fn notify<'a>(&'a self, context: &'a CallContext, note: Message) -> Waiting<'a, ()>;

    /// Answers a question; the answer's `id` is the number of `ask`. An answer to a question that
    /// is not open is dropped.
    fn answer<'a>(
        &'a self,
        context: &'a CallContext,
        ask: AskId,
        answer: Message,
    ) -> Waiting<'a, ()>;

    /// What the server says outside of calls, from now on. Notifications go to all who have asked;
    /// a question goes to one. It ends when the server has ended.
    fn unsolicited(&self) -> Unsolicited;
}

/// The servers behind one front.
pub trait Servers: Send + Sync + 'static {
    /// A server for a session (revisions before 2026-07-28). `initialize` is the client's request.
    fn open<'a>(
        &'a self,
        context: &'a CallContext,
        initialize: Message,
    ) -> Waiting<'a, Result<Opened, OpenError>>;

    /// The server for one request without a session (from 2026-07-28 on).
    fn stateless<'a>(
        &'a self,
        context: &'a CallContext,
    ) -> Waiting<'a, Result<Arc<dyn Server>, OpenError>>;
}

/// A session's server. When the last reference is dropped, the session does not use it any more.
pub struct Opened {
    /// The server.
    pub server: Arc<dyn Server>,
    /// The answer to `initialize`: with the id of the request.
    pub answer: Message,
}

/// Why there is no server for a client.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It could not be started or reached, or ended before it was ready.
    #[error("the server is unavailable")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
    /// The caller, or all callers together, have as many as they may.
    #[error("too many servers are in use")]
    TooMany,
    /// It answered `initialize` with an error: the answer, with the id of the request.
    #[error("the server refused the session")]
    Refused(Box<Message>),
}
