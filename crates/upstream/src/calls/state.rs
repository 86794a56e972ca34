//! The calls and questions that are open on one connection.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::{Notify, mpsc},
    time::Instant,
};

use super::mailbox::Mailbox;
use crate::{
    CallContext,
    era::Era,
    link::{CallId, Outgoing},
    port::{AskId, Event},
    wire::{ErrorCode, Message},
};

/// What is open on a connection, and what is known of its server.
#[derive(Debug)]
pub(super) struct State {
    /// `None` after the end.
    pub(super) sender: Option<mpsc::Sender<Outgoing>>,
    /// Why it ended.
    pub(super) reason: Box<str>,
    pub(super) era: Era,
    /// Whether the last answer came with the call that it belongs to.
    pub(super) names_calls: bool,
    pub(super) calls: HashMap<CallId, Pending>,
    pub(super) asks: HashMap<AskId, OpenAsk>,
    pub(super) subscribers: Vec<mpsc::Sender<Event>>,
    /// Notified when a list of the server has changed, and at the end.
    pub(super) list_changes: Arc<Notify>,
    /// Lines in a row that were no message.
    pub(super) faults: usize,
    /// How often the server was not available.
    pub(super) outages: u64,
}

/// A call without an answer.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Pending {
    pub(super) mailbox: Arc<Mailbox>,
    /// The caller's own, as JSON.
    pub(super) id: Box<str>,
    pub(super) token: Option<Box<str>>,
    pub(super) is_listen: bool,
    /// Whether it is `initialize`, which must not be cancelled, and has a bound of its own.
    pub(super) is_initialize: bool,
    /// When the server last said something about it.
    pub(super) heard: Instant,
    /// Whether it is the gateway's own: what names no call does not belong to it.
    pub(super) is_ours: bool,
    pub(super) wants_log: bool,
    /// On whose behalf it is, where the server sees that.
    pub(super) caller: Option<Arc<CallContext>>,
}

/// A question without an answer.
#[derive(Debug)]
pub(super) struct OpenAsk {
    /// The server's own, as JSON.
    pub(super) id: Box<str>,
    pub(super) place: Place,
}

/// Where something belongs.
#[derive(Debug, Clone)]
pub(super) enum Place {
    Call(CallId, Arc<Mailbox>),
    Subscriber(mpsc::Sender<Event>),
}

impl State {
    /// The call that what was received belongs to: the one that the transport names, or the only
    /// one.
    pub(super) fn call_of(&mut self, during: Option<CallId>) -> Option<(CallId, Arc<Mailbox>)> {
        let (id, pending) = if let Some(during) = during {
            (during, self.calls.get_mut(&during)?)
        } else {
            let calls = self.calls.iter_mut();
            let mut calls = calls.filter(|(_, it)| !it.is_listen && !it.is_ours);
            let (id, pending) = calls.next()?;
            if calls.next().is_some() {
                return None;
            }
            (*id, pending)
        };
        pending.heard = Instant::now();
        Some((id, Arc::clone(&pending.mailbox)))
    }

    /// A question that is open no more. The server goes on from now with the call that it belongs
    /// to, which can be any if it names none.
    pub(super) fn take_ask(&mut self, ask: AskId) -> Option<OpenAsk> {
        let open = self.asks.remove(&ask)?;
        let now = Instant::now();
        match open.call() {
            Some(id) => {
                if let Some(pending) = self.calls.get_mut(&id) {
                    pending.heard = now;
                }
            }
            None => self.calls.values_mut().for_each(|pending| pending.heard = now),
        }
        Some(open)
    }

    /// Who can be asked: the call that the question belongs to, or the only subscriber.
    pub(super) fn place_of_ask(&mut self, during: Option<CallId>) -> Option<Place> {
        if let Some((id, mailbox)) = self.call_of(during) {
            return Some(Place::Call(id, mailbox));
        }
        let mut open = self.subscribers.iter().filter(|subscriber| !subscriber.is_closed());
        let subscriber = open.next()?;
        open.next().is_none().then(|| Place::Subscriber(subscriber.clone()))
    }

    /// Takes out the calls of which nothing was heard for `bound`; gives when to look again. A
    /// question that names no call may be one of any, which then waits for its client.
    pub(super) fn take_silent(&mut self, bound: Duration) -> (Vec<(CallId, Pending)>, Instant) {
        let now = Instant::now();
        let mut next = now + bound;
        let Self { calls, asks, names_calls, .. } = self;
        if *names_calls || asks.values().any(OpenAsk::is_of_any) {
            return (Vec::new(), next);
        }
        let is_silent = |id: &CallId, pending: &mut Pending| {
            let lasts = pending.is_listen || pending.is_initialize;
            if lasts || asks.values().any(|ask| ask.call() == Some(*id)) {
                return false;
            }
            let end = pending.heard + bound;
            let is_over = end <= now;
            if !is_over {
                next = next.min(end);
            }
            is_over
        };
        let silent = calls.extract_if(is_silent).collect();
        (silent, next)
    }
}

impl OpenAsk {
    /// The call that it belongs to.
    pub(super) const fn call(&self) -> Option<CallId> {
        match self.place {
            Place::Call(id, _) => Some(id),
            Place::Subscriber(_) => None,
        }
    }

    /// Whether it names no call, and there is someone to answer it.
    fn is_of_any(&self) -> bool {
        matches!(&self.place, Place::Subscriber(subscriber) if !subscriber.is_closed())
    }
}

impl Pending {
    pub(super) fn end(self, reason: &str) {
        self.mailbox.finish(Event::Answer(failure(&self.id, reason)));
    }
}

/// The answer to a call that has none.
pub(super) fn failure(id: &str, reason: &str) -> Message {
    Message::failure(id, ErrorCode::INTERNAL, reason, None)
}
