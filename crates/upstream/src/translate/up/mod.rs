//! A new server for one session of a client of the old generation.
//!
//! 1. `initialize` is answered from the result of `server/discover`. What the client said in it is
//!    said again with each request.
//! 2. `input_required` becomes questions to the client, and the request is made again with the
//!    answers: at most ten times, and not beyond the call.
//! 3. A call that becomes a task is waited for: old clients see a call that takes its time. Its
//!    questions are asked in the call; when it is cancelled, the task is.
//! 4. What the session listens to is one stream of `subscriptions/listen`, which is renewed when it
//!    ends or the client subscribes to something else.
//! 5. `ping` and `logging/setLevel` are answered here.

mod asking;
mod call;
mod session;
mod shared;
mod stream;
mod tasks;

use std::sync::{Arc, atomic::Ordering};

use self::shared::Shared;
use super::{
    driven::Driven,
    failure::{Failure, success},
    hello,
    level::Level,
    names::{NEWEST_OLD_VERSION, OLD_VERSIONS},
    object::UntranslatableError,
    request::OldClient,
};
use crate::{
    CallContext,
    calls::Connection,
    port::{AskId, Call, Server, Unsolicited, Waiting},
    wire::{Message, Object},
};

/// A new server, as one of the old generation, for one session.
#[derive(Debug)]
pub struct Up {
    shared: Arc<Shared>,
}

impl Up {
    /// Begins a session: `initialize` is the client's request. Gives its answer too. `name` is what
    /// the server is called if it does not name itself.
    pub fn open(
        connection: Connection,
        initialize: &Message,
        name: &str,
    ) -> Result<(Self, Message), UntranslatableError> {
        let params = initialize.params().unwrap_or("{}");
        let client = OldClient::read(params)?;
        let asked = Object::parse(params)?;
        let asked = asked.text("protocolVersion").unwrap_or_default();
        let version = OLD_VERSIONS.iter().find(|known| **known == asked);
        let version = version.copied().unwrap_or(NEWEST_OLD_VERSION);
        let result = hello::to_old(connection.hello().result(), version, name)?;
        let answer = Message::success(initialize.id().unwrap_or("0"), &result)?;
        Ok((Self { shared: Arc::new(Shared::new(connection, client)) }, answer))
    }

    /// Answers what the gateway knows; `None` if the server must be asked.
    fn own(&self, request: &Message, id: &str) -> Option<Result<Message, Failure>> {
        Some(match request.method() {
            "ping" => success(id, "{}"),
            "logging/setLevel" if self.shared.has("logging") => match Level::of(request.params()) {
                Some(level) => {
                    self.shared.set_level(level);
                    success(id, "{}")
                }
                None => Err(Failure::params("there is no such level")),
            },
            // What old clients do not have, and what the server does not.
            method @ ("logging/setLevel"
            | "initialize"
            | "server/discover"
            | "subscriptions/listen"
            | "tasks/get"
            | "tasks/result"
            | "tasks/list"
            | "tasks/cancel"
            | "tasks/update") => Err(Failure::method(method)),
            _ => return None,
        })
    }
}

impl Server for Up {
    fn call(&self, context: &CallContext, request: Message) -> Box<dyn Call> {
        let id = request.id().unwrap_or("0");
        if let Some(answer) = self.own(&request, id) {
            return Driven::answered(answer.unwrap_or_else(|failure| failure.answer(id)));
        }
        let shared = Arc::clone(&self.shared);
        let connection = shared.connection.of(context);
        match request.method() {
            "resources/subscribe" | "resources/unsubscribe" => {
                Driven::start(|_| stream::subscribe(shared, request))
            }
            _ => Driven::start(|outlet| call::run(shared, connection, request, outlet)),
        }
    }

    /// The new generation has no notification of clients but the cancelling of a call.
    fn notify<'a>(&'a self, _: &'a CallContext, _: Message) -> Waiting<'a, ()> {
        Box::pin(async {})
    }

    fn answer<'a>(&'a self, _: &'a CallContext, ask: AskId, answer: Message) -> Waiting<'a, ()> {
        Box::pin(async move { self.shared.asks.answer(ask, answer) })
    }

    fn unsolicited(&self) -> Unsolicited {
        let unsolicited = self.shared.session.subscribe();
        if !self.shared.session.has_started.swap(true, Ordering::Relaxed) {
            stream::start(&self.shared);
        }
        unsolicited
    }
}
