//! A server, in use: the pool keeps it while there is one of these, or a call of it.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use crate::{
    CallContext,
    pool::Lease,
    port::{AskId, Call, Event, Server, Unsolicited, Waiting},
    wire::Message,
};

/// A server of the pool's, or a translation of one.
pub(super) struct Leased<C> {
    pub(super) server: Arc<dyn Server>,
    pub(super) lease: Lease<C>,
    /// Whether we have sent `notifications/initialized` ourselves: once for all its sessions.
    pub(super) is_initialized: bool,
}

impl<C: Send + Sync + 'static> Server for Leased<C> {
    fn call(&self, context: &CallContext, request: Message) -> Box<dyn Call> {
        let call = self.server.call(context, request);
        Box::new(LeasedCall { call, _lease: self.lease.clone() })
    }

    fn notify<'a>(&'a self, context: &'a CallContext, note: Message) -> Waiting<'a, ()> {
        if self.is_initialized && note.method() == "notifications/initialized" {
            return Box::pin(async {});
        }
        self.server.notify(context, note)
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
