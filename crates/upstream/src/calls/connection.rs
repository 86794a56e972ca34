//! A connection that is ready for calls.

use std::sync::{Arc, Weak};

use tokio::sync::Notify;

use super::{
    limits::CallLimits,
    running::Running,
    table::{Shared, Table},
};
use crate::{
    CallContext,
    era::{Era, Hello, with_meta},
    link::{Incoming, Link},
    port::{AskId, Call, Event, Server, Unsolicited, Waiting, next_event},
    wire::{Edit, Message, MessageError},
};

/// A connection to one server, past its beginning ([`connect`](crate::era::connect)). Clones share
/// it; when the last clone and the last call are dropped, the link is ended.
///
/// As a [`Server`] it is one of its own generation: messages go to it as they are.
#[derive(Debug, Clone)]
pub struct Connection {
    shared: Arc<Shared>,
    hello: Arc<Hello>,
}

/// Why a request of our own has no result.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The server answered with an error, here as JSON.
    #[error("the server answered with an error")]
    Refused(String),
    /// Method or parameters are no message.
    #[error("the request is no JSON-RPC message")]
    Message(#[from] MessageError),
}

impl Connection {
    /// A connection whose beginning is still ahead. Messages are routed from now on.
    pub(crate) fn start(link: Link, limits: CallLimits) -> Self {
        let Link { sender, mut receiver } = link;
        let table = Arc::new(Table::new(sender, limits));
        let router = Arc::clone(&table);
        tokio::spawn(async move {
            while let Some(incoming) = receiver.recv().await {
                match incoming {
                    Incoming::Message { message, during } => router.route(message, during),
                    Incoming::Fault(fault) => router.fault(&fault),
                    Incoming::Closed(closed) => router.close(&closed.to_string()),
                }
                if router.is_closed() {
                    break;
                }
            }
            router.close("the connection has ended");
        });
        let hello = Arc::new(Hello::new(Era::Old, "{}"));
        Self { shared: Arc::new(Shared { table }), hello }
    }

    /// The same after its beginning.
    pub(crate) fn begun(self, hello: Hello) -> Self {
        self.shared.table.set_era(hello.era());
        Self { hello: Arc::new(hello), ..self }
    }

    /// The generation that it speaks.
    #[must_use]
    pub fn era(&self) -> Era {
        self.hello.era()
    }

    /// What the server said of itself at the beginning.
    #[must_use]
    pub fn hello(&self) -> &Hello {
        &self.hello
    }

    /// Whether the connection has ended.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.shared.table.is_closed()
    }

    /// Whether the transport says which call a question of the server belongs to, as is known from
    /// the first answer: streamable HTTP does, stdio and the transport of 2024-11-05 do not.
    #[must_use]
    pub fn names_calls(&self) -> bool {
        self.shared.table.names_calls()
    }

    /// How many calls are in flight.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.table.in_flight()
    }

    /// Ends the connection: every call in flight is answered with an error that says `reason`.
    pub fn close(&self, reason: &str) {
        self.shared.table.close(reason);
    }

    /// Sends a request: see [`Server::call`].
    #[must_use]
    pub fn call(&self, request: &Message) -> Box<dyn Call> {
        Box::new(Running::start(Arc::clone(&self.shared), request, false))
    }

    /// Sends a notification, as it is.
    pub async fn notify(&self, note: Message) {
        self.shared.table.send(note.into_bytes(), None).await;
    }

    /// Answers a question: see [`Server::answer`].
    pub async fn answer(&self, ask: AskId, answer: Message) {
        if let Some((id, call)) = self.shared.table.take_ask(ask) {
            self.shared.table.send(answer.spliced(&[(Edit::Id, &id)]), call).await;
        }
    }

    /// What the server says outside of calls: see [`Server::unsolicited`].
    #[must_use]
    pub fn unsolicited(&self) -> Unsolicited {
        self.shared.table.subscribe()
    }

    /// When lists of the server change. It does not keep the connection, and has one listener.
    pub(crate) fn list_changes(&self) -> ListChanges {
        ListChanges {
            changed: self.shared.table.list_changes(),
            shared: Arc::downgrade(&self.shared),
            hello: Arc::clone(&self.hello),
        }
    }

    /// A request of the gateway's own, such as `tools/list` for the lock file: its result as JSON.
    /// `params` must be JSON, an object. What the generation needs is added. Events on the way are
    /// dropped, and so is the connection's question, if there is one.
    pub async fn request(&self, method: &str, params: &str) -> Result<String, RequestError> {
        let params = match self.era() {
            Era::Old => params.to_owned(),
            Era::New => with_meta(params)?,
        };
        let request = Message::request("0", method, Some(&params))?;
        self.result(&request).await
    }

    /// The result of a request as it is.
    pub(crate) async fn result(&self, request: &Message) -> Result<String, RequestError> {
        let answer = self.last(request).await;
        if let Some(result) = answer.as_ref().and_then(Message::result) {
            return Ok(result.to_owned());
        }
        let error = answer.as_ref().and_then(Message::error);
        Err(RequestError::Refused(error.unwrap_or("{}").to_owned()))
    }

    /// The answer to a request as it is; questions on the way are refused.
    pub(crate) async fn last(&self, request: &Message) -> Option<Message> {
        let mut call = Running::start(Arc::clone(&self.shared), request, true);
        while let Some(event) = next_event(&mut call).await {
            match event {
                Event::Answer(answer) => return Some(answer),
                Event::Ask(ask) => self.shared.table.refuse(ask.id),
                Event::Notification(_) => {}
            }
        }
        None
    }
}

/// When lists of a server change.
#[derive(Debug)]
pub(crate) struct ListChanges {
    changed: Arc<Notify>,
    shared: Weak<Shared>,
    hello: Arc<Hello>,
}

impl ListChanges {
    /// Waits for the next change; several meanwhile are one. `None` after the connection's end.
    pub(crate) async fn next(&mut self) -> Option<Connection> {
        self.changed.notified().await;
        let shared = self.shared.upgrade()?;
        let connection = Connection { shared, hello: Arc::clone(&self.hello) };
        (!connection.is_closed()).then_some(connection)
    }
}

impl Server for Connection {
    fn call(&self, _: &CallContext, request: Message) -> Box<dyn Call> {
        Self::call(self, &request)
    }

    fn notify<'a>(&'a self, _: &'a CallContext, note: Message) -> Waiting<'a, ()> {
        Box::pin(Self::notify(self, note))
    }

    fn answer<'a>(&'a self, _: &'a CallContext, ask: AskId, answer: Message) -> Waiting<'a, ()> {
        Box::pin(Self::answer(self, ask, answer))
    }

    fn unsolicited(&self) -> Unsolicited {
        Self::unsolicited(self)
    }
}
