//! What comes of a call, in its order.

use std::{
    future::poll_fn,
    task::{Context, Poll},
};

use crate::wire::Message;

/// Which question of a server's a client answers: unique for one [`Server`](super::Server).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AskId(pub u64);

/// What a server says.
#[derive(Debug, Clone)]
pub enum Event {
    /// A notification: with the caller's own progress token or subscription.
    Notification(Message),
    /// A question for the client (revisions before 2026-07-28).
    Ask(Ask),
    /// The answer to the call: with the caller's own id. It is the last event.
    Answer(Message),
}

/// A request of a server to its client: `sampling/createMessage`, `elicitation/create`,
/// `roots/list`, or one that this crate does not know.
#[derive(Debug, Clone)]
pub struct Ask {
    /// By which its answer is given back ([`Server::answer`](super::Server::answer)).
    pub id: AskId,
    /// The request. Its `id` is the number in [`Ask::id`].
    pub request: Message,
}

/// A call in flight. Dropping it before its answer cancels it at the server.
pub trait Call: Send {
    /// The next event; `None` after the answer.
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>>;

    /// Cancels it now, with the reason that the caller gave. There are no more events.
    fn cancel(&mut self, reason: Option<&str>);
}

/// The next event of a call; `None` after the answer.
pub async fn next_event(call: &mut (dyn Call + '_)) -> Option<Event> {
    poll_fn(|context| call.poll_event(context)).await
}
