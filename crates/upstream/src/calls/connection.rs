//! A connection that is ready for calls.

use std::{
    pin::pin,
    sync::{Arc, Weak},
};

use tokio::{sync::Notify, time::sleep_until};

use super::{
    limits::CallLimits,
    roots,
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
    /// Whether the server sees on whose behalf a message is.
    is_per_caller: bool,
    /// On whose behalf this clone sends; `None`: of the caller who used the link last.
    caller: Option<Arc<CallContext>>,
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
    /// A connection whose beginning is still ahead: on behalf of `caller`, if the server sees on
    /// whose behalf a message is. Messages are routed from now on.
    pub(crate) fn start(link: Link, limits: CallLimits, caller: Option<CallContext>) -> Self {
        let Link { sender, mut receiver } = link;
        let table = Arc::new(Table::new(sender, limits));
        let router = Arc::clone(&table);
        tokio::spawn(async move {
            let mut silence = pin!(sleep_until(router.end_silent()));
            loop {
                let incoming = tokio::select! {
                    // A server that never stops talking does not keep the calls of which it says
                    // nothing.
                    biased;
                    () = &mut silence => {
                        silence.as_mut().reset(router.end_silent());
                        continue;
                    }
                    incoming = receiver.recv() => incoming,
                };
                match incoming {
                    Some(Incoming::Message { message, during }) => router.route(message, during),
                    Some(Incoming::Fault(fault)) => router.fault(&fault),
                    Some(Incoming::Unavailable) => router.unavailable(),
                    Some(Incoming::Closed(closed)) => router.close(&closed.to_string()),
                    None => break,
                }
                if router.is_closed() {
                    break;
                }
            }
            router.close("the connection has ended");
        });
        let hello = Arc::new(Hello::new(Era::Old, "{}"));
        let shared = Arc::new(Shared { table });
        Self { shared, hello, is_per_caller: caller.is_some(), caller: caller.map(Arc::new) }
    }

    /// The same after its beginning.
    pub(crate) fn begun(self, hello: Hello) -> Self {
        self.shared.table.set_era(hello.era());
        Self { hello: Arc::new(hello), caller: None, ..self }
    }

    /// The same connection, for what is sent on behalf of a caller.
    pub(crate) fn of(&self, context: &CallContext) -> Self {
        Self { caller: self.seen(context), ..self.clone() }
    }

    /// A caller as the server sees it, if it does.
    fn seen(&self, context: &CallContext) -> Option<Arc<CallContext>> {
        self.is_per_caller.then(|| Arc::new(context.clone()))
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

    /// How often the server has refused a message because it is not available to this caller.
    /// After each time it may be another version of itself.
    pub(crate) fn outages(&self) -> u64 {
        self.shared.table.outages()
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
        Box::new(Running::start(Arc::clone(&self.shared), request, false, self.caller.clone()))
    }

    /// Sends a notification, as it is. That roots have changed is not sent where they are withheld.
    pub async fn notify(&self, note: Message) {
        if note.method() == roots::CHANGED && !self.shared.table.passes_roots() {
            return;
        }
        self.shared.table.send(note.into_bytes(), None, self.caller.clone()).await;
    }

    /// Answers a question: see [`Server::answer`].
    pub async fn answer(&self, ask: AskId, answer: Message) {
        if let Some((id, call)) = self.shared.table.take_ask(ask) {
            let answer = answer.spliced(&[(Edit::Id, &id)]);
            self.shared.table.send(answer, call, self.caller.clone()).await;
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
        let shared = Arc::clone(&self.shared);
        let mut call = Running::start(shared, request, true, self.caller.clone());
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
        let hello = Arc::clone(&self.hello);
        let connection = Connection { shared, hello, is_per_caller: false, caller: None };
        (!connection.is_closed()).then_some(connection)
    }
}

impl Server for Connection {
    fn call(&self, context: &CallContext, request: Message) -> Box<dyn Call> {
        Box::new(Running::start(Arc::clone(&self.shared), &request, false, self.seen(context)))
    }

    fn notify<'a>(&'a self, context: &'a CallContext, note: Message) -> Waiting<'a, ()> {
        Box::pin(async move { self.of(context).notify(note).await })
    }

    fn answer<'a>(
        &'a self,
        context: &'a CallContext,
        ask: AskId,
        answer: Message,
    ) -> Waiting<'a, ()> {
        Box::pin(async move { self.of(context).answer(ask, answer).await })
    }

    fn unsolicited(&self) -> Unsolicited {
        Self::unsolicited(self)
    }
}
