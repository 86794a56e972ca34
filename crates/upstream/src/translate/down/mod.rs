//! An old server for callers of the new generation.
//!
//! 1. A request has what the new generation requires of it: its revision, and what its client can
//!    do. `server/discover` is answered from the result of `initialize`.
//! 2. A question of the server parks its call, and the caller's request is answered with
//!    `input_required`; its repetition goes on with the parked call (see [`asks`](crate::asks)).
//! 3. The server's log level is as low as any caller wanted it; each call gets what it asked for.
//! 4. A URI is subscribed to once, however many streams listen to it. A stream is acknowledged when
//!    the server has said yes.
//! 5. Log messages and questions that name no call, on a server that several owners share, are no
//!    one's.

mod book;
mod call;
mod caller;
mod listen;
mod open_ask;
mod options;
mod parked;
mod shared;
mod support;
mod tasks;
mod waits;

use std::sync::Arc;

use tokio::sync::mpsc;

use self::{caller::Caller, shared::Shared};
pub use self::{options::DownOptions, parked::Parked};
use super::{driven::Driven, failure::Failure, hello, object::UntranslatableError};
use crate::{
    CallContext,
    asks::parking::Parking,
    calls::Connection,
    port::{AskId, Call, Server, Unsolicited, Waiting},
    wire::Message,
};

/// An old server, as one of the new generation. Clones share it. There is one for each connection.
#[derive(Debug, Clone)]
pub struct Down {
    shared: Arc<Shared>,
    discovered: Arc<str>,
}

impl Down {
    /// Translates for a connection that began with `initialize`, to the server that the operator
    /// calls `upstream`. Must be called within a runtime.
    pub fn new(
        connection: Connection,
        upstream: &str,
        parking: &Parking<Parked>,
        options: DownOptions,
    ) -> Result<Self, UntranslatableError> {
        let discovered = hello::to_new(connection.hello().result())?.into();
        let shared = Arc::new(Shared::new(connection, parking.of(upstream), options));
        tokio::spawn(shared::distribute(shared.connection.unsolicited(), Arc::downgrade(&shared)));
        Ok(Self { shared, discovered })
    }

    /// The connection behind.
    #[must_use]
    pub fn connection(&self) -> &Connection {
        &self.shared.connection
    }
}

impl Server for Down {
    fn call(&self, context: &CallContext, request: Message) -> Box<dyn Call> {
        let id = request.id().unwrap_or("0");
        if let Err(failure) = super::request::check_new(&request) {
            return Driven::answered(failure.answer(id));
        }
        let shared = Arc::clone(&self.shared);
        let caller = Caller::new(context, &shared.connection);
        match request.method() {
            "server/discover" => Driven::answered(
                Message::success(id, &self.discovered)
                    .unwrap_or_else(|error| Failure::server(&error.into()).answer(id)),
            ),
            "subscriptions/listen" => {
                Driven::start(|outlet| listen::run(shared, caller, request, outlet))
            }
            "tasks/get" | "tasks/update" | "tasks/cancel" => {
                Driven::start(|_| tasks::run(shared, caller, request))
            }
            // The old generation's own.
            method @ ("initialize"
            | "ping"
            | "logging/setLevel"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "tasks/result"
            | "tasks/list") => Driven::answered(Failure::method(method).answer(id)),
            _ => Driven::start(|outlet| call::run(shared, caller, request, outlet)),
        }
    }

    fn notify<'a>(&'a self, context: &'a CallContext, note: Message) -> Waiting<'a, ()> {
        Box::pin(async move {
            let is_lifecycle = matches!(
                note.method(),
                "notifications/initialized"
                    | "notifications/cancelled"
                    | "notifications/roots/list_changed"
            );
            if !is_lifecycle
                && let Ok((params, _)) = super::request::to_old(note.method(), note.params())
                && let Ok(note) = Message::notification(note.method(), params.as_deref())
            {
                self.shared.connection.of(context).notify(note).await;
            }
        })
    }

    /// New clients are asked nothing in this way.
    fn answer<'a>(&'a self, _: &'a CallContext, _: AskId, _: Message) -> Waiting<'a, ()> {
        Box::pin(async {})
    }

    /// What concerns no call is on the streams of `subscriptions/listen`.
    fn unsolicited(&self) -> Unsolicited {
        mpsc::channel(1).1
    }
}
