//! A server, in use: the pool keeps it while there is one of these, or a call of it.

use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use super::{answered::Answered, compared::Compared};
use crate::{
    CallContext,
    calls::Connection,
    catalog::Catalog,
    link::Reachability,
    pool::Lease,
    port::{AskId, Call, Event, OpenError, Server, Unsolicited, Waiting},
    wire::{ErrorCode, Message},
};

/// A server of the pool's, or a translation of one.
pub(super) struct Leased<C> {
    pub(super) server: Arc<dyn Server>,
    pub(super) lease: Lease<C>,
    pub(super) beginning: Beginning,
}

/// Who sends `notifications/initialized`.
pub(super) enum Beginning {
    /// We have sent it, once for all sessions of the server, which was compared then, if it is.
    Ours(Option<Arc<Compared>>),
    /// The client of the one session sends it. Only then may the server be asked what it offers,
    /// and only after that is it used.
    Clients {
        connection: Connection,
        catalog: Option<Arc<Catalog>>,
        /// Where a connection can outlive its server.
        reachability: Option<Reachability>,
        /// Whether it has sent it.
        has_begun: AtomicBool,
        compared: OnceLock<Arc<Compared>>,
    },
}

impl Beginning {
    /// For the server of one session.
    pub(super) const fn of_client(
        connection: Connection,
        catalog: Option<Arc<Catalog>>,
        reachability: Option<Reachability>,
    ) -> Self {
        let has_begun = AtomicBool::new(false);
        Self::Clients { connection, catalog, reachability, has_begun, compared: OnceLock::new() }
    }

    fn is_over(&self) -> bool {
        match self {
            Self::Ours(_) => true,
            Self::Clients { catalog, compared, .. } => {
                catalog.is_none() || compared.get().is_some()
            }
        }
    }

    /// The comparison, if there was one.
    fn compared(&self) -> Option<&Compared> {
        match self {
            Self::Ours(compared) => compared.as_deref(),
            Self::Clients { compared, .. } => compared.get().map(|it| &**it),
        }
    }

    /// Whether the client sends `notifications/initialized` for the first time: only then it is
    /// passed on, and the server is asked.
    fn begins(&self) -> bool {
        match self {
            Self::Ours(_) => false,
            Self::Clients { has_begun, .. } => !has_begun.swap(true, Ordering::AcqRel),
        }
    }

    /// The client has sent `notifications/initialized`.
    async fn end(&self) {
        let Self::Clients { connection, catalog: Some(catalog), reachability, compared, .. } = self
        else {
            return;
        };
        match Compared::begin(connection.clone(), Arc::clone(catalog), reachability.clone()).await {
            // It begins once.
            Ok(begun) => drop(compared.set(begun)),
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = &error;
                tracing::warn!(
                    upstream = catalog.name(),
                    error,
                    "The server does not say what it offers: its session ends"
                );
                connection.close("the server does not say what it offers");
            }
        }
    }
}

impl<C: Send + Sync + 'static> Server for Leased<C> {
    fn confirm<'a>(&'a self, context: &'a CallContext) -> Waiting<'a, Result<(), OpenError>> {
        Box::pin(async move {
            let Some(compared) = self.beginning.compared() else { return Ok(()) };
            let confirmed = compared.confirm(context).await;
            confirmed.map_err(|error| OpenError::Unavailable(error.into()))
        })
    }

    fn call(&self, context: &CallContext, request: Message) -> Box<dyn Call> {
        if !self.beginning.is_over() && request.method() != "ping" {
            let text = "send notifications/initialized first";
            let id = request.id().unwrap_or("0");
            let answer = Message::failure(id, ErrorCode::INVALID_REQUEST, text, None);
            return Box::new(Answered::new(answer));
        }
        let call = self.server.call(context, request);
        Box::new(LeasedCall { call, _lease: self.lease.clone() })
    }

    fn notify<'a>(&'a self, context: &'a CallContext, note: Message) -> Waiting<'a, ()> {
        if note.method() != "notifications/initialized" {
            return self.server.notify(context, note);
        }
        Box::pin(async move {
            if self.beginning.begins() {
                self.server.notify(context, note).await;
                self.beginning.end().await;
            }
        })
    }

    fn answer<'a>(
        &'a self,
        context: &'a CallContext,
        ask: AskId,
        answer: Message,
    ) -> Waiting<'a, ()> {
        self.server.answer(context, ask, answer)
    }

    fn unsolicited(&self) -> Unsolicited {
        self.server.unsolicited()
    }
}

/// A call, during which its server is in use.
struct LeasedCall<C> {
    call: Box<dyn Call>,
    _lease: Lease<C>,
}

impl<C: Send + Sync> Call for LeasedCall<C> {
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        self.call.poll_event(context)
    }

    fn cancel(&mut self, reason: Option<&str>) {
        self.call.cancel(reason);
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::{calls::CallLimits, link::Link};

    #[tokio::test]
    async fn a_session_begins_once() {
        let (sender, _outgoing) = mpsc::channel(1);
        let (_incoming, receiver) = mpsc::channel(1);
        let link = Link { sender, receiver };
        let connection = Connection::start(link, CallLimits::default(), None);
        let beginning = Beginning::of_client(connection, None, None);
        assert!(beginning.begins());
        assert!(!beginning.begins() && !Beginning::Ours(None).begins());
    }
}
