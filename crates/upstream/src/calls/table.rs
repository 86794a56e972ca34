//! Which calls and questions are open, and where what arrives belongs.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use tokio::{
    sync::{
        Notify,
        mpsc::{self, error::TrySendError},
    },
    time::Instant,
};

use super::{
    limits::CallLimits,
    mailbox::Mailbox,
    roots,
    state::{OpenAsk, Pending, Place, State, failure},
};
use crate::{
    CallContext,
    era::Era,
    link::{CallId, LinkFault, Outgoing},
    port::{Ask, AskId, Event, Unsolicited},
    wire::{Edit, ErrorCode, Kind, Message, failure_text},
};

/// What the clones of a connection and its calls share: the last of them ends it.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) table: Arc<Table>,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.table.close("the connection is not used any more");
    }
}

/// The next id of this process. No two connections use the same, so that a late answer to a call of
/// one never is the answer to a call of another, whatever a server makes of its sessions.
static NEXT: AtomicU64 = AtomicU64::new(1);

#[derive(Debug)]
pub(super) struct Table {
    limits: CallLimits,
    state: Mutex<State>,
}

impl Table {
    pub(super) fn new(sender: mpsc::Sender<Outgoing>, limits: CallLimits) -> Self {
        let state = State {
            sender: Some(sender),
            reason: Box::default(),
            era: Era::Old,
            names_calls: false,
            calls: HashMap::new(),
            asks: HashMap::new(),
            subscribers: Vec::new(),
            list_changes: Arc::default(),
            faults: 0,
            outages: 0,
        };
        Self { limits, state: Mutex::new(state) }
    }

    pub(super) fn next_id() -> CallId {
        CallId(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    pub(super) fn set_era(&self, era: Era) {
        self.state().era = era;
    }

    pub(super) fn names_calls(&self) -> bool {
        self.state().names_calls
    }

    /// Whether the server may ask clients for their folders.
    pub(super) const fn passes_roots(&self) -> bool {
        self.limits.roots
    }

    /// The server has refused a message because it is not available.
    pub(super) fn unavailable(&self) {
        self.state().outages += 1;
    }

    pub(super) fn outages(&self) -> u64 {
        self.state().outages
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().sender.is_none()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.state().calls.len()
    }

    /// Remembers a call; gives what it is sent through. If there is none, the call has its answer.
    pub(super) fn enter(
        &self,
        id: CallId,
        request: &Message,
        is_ours: bool,
        mailbox: &Arc<Mailbox>,
        caller: Option<&Arc<CallContext>>,
    ) -> Option<mpsc::Sender<Outgoing>> {
        let own = request.id().unwrap_or("0");
        let mut state = self.state();
        let refusal = match &state.sender {
            None => &*state.reason,
            Some(_) if state.calls.len() >= self.limits.in_flight => "too many calls are in flight",
            Some(sender) => {
                let sender = sender.clone();
                let pending = Pending {
                    mailbox: Arc::clone(mailbox),
                    id: own.into(),
                    token: request.progress_token().map(Into::into),
                    is_listen: request.method() == "subscriptions/listen",
                    is_initialize: request.method() == "initialize",
                    heard: Instant::now(),
                    is_ours,
                    wants_log: request.log_level().is_some(),
                    caller: caller.cloned(),
                };
                state.calls.insert(id, pending);
                return Some(sender);
            }
        };
        mailbox.finish(Event::Answer(failure(own, refusal)));
        None
    }

    /// Forgets a call and refuses its questions; `false` if it had ended.
    pub(super) fn leave(&self, id: CallId) -> bool {
        let mut state = self.state();
        let was_there = state.calls.remove(&id).is_some();
        let asks: Vec<_> = state
            .asks
            .iter()
            .filter(|(_, ask)| ask.call() == Some(id))
            .map(|(id, _)| *id)
            .collect();
        drop(state);
        for ask in asks {
            self.refuse(ask);
        }
        was_there
    }

    /// A question that is answered now: its own id, and the call it belongs to.
    pub(super) fn take_ask(&self, ask: AskId) -> Option<(Box<str>, Option<CallId>)> {
        let open = self.state().take_ask(ask)?;
        let call = open.call();
        Some((open.id, call))
    }

    /// Answers a question with an error.
    pub(super) fn refuse(&self, ask: AskId) {
        if let Some((id, call)) = self.take_ask(ask) {
            self.reply_refusal(&id, call);
        }
    }

    fn reply_refusal(&self, id: &str, call: Option<CallId>) {
        let text = failure_text(Some(id), ErrorCode::INTERNAL, "no client can answer this", None);
        self.send_soon(text.into(), call);
    }

    /// Receives what is outside of calls.
    pub(super) fn subscribe(&self) -> Unsolicited {
        let (sender, receiver) = mpsc::channel(self.limits.unsolicited);
        let mut state = self.state();
        if state.sender.is_some() {
            state.subscribers.retain(|subscriber| !subscriber.is_closed());
            state.subscribers.push(sender);
        }
        receiver
    }

    /// Is notified when a list of the server has changed, and at the end. It has one listener.
    pub(super) fn list_changes(&self) -> Arc<Notify> {
        Arc::clone(&self.state().list_changes)
    }

    /// Sends a message, and waits while the link has no room. What belongs to a call is sent on
    /// behalf of its caller, and else of `caller`.
    pub(super) async fn send(
        &self,
        message: Bytes,
        call: Option<CallId>,
        caller: Option<Arc<CallContext>>,
    ) {
        let (sender, of_call) = self.way_of(call);
        if let Some(sender) = sender {
            let caller = of_call.or(caller);
            let _ = sender.send(Outgoing { message, call, caller }).await;
        }
    }

    /// What is sent through, and the caller of `call`.
    fn way_of(
        &self,
        call: Option<CallId>,
    ) -> (Option<mpsc::Sender<Outgoing>>, Option<Arc<CallContext>>) {
        let state = self.state();
        let pending = call.and_then(|call| state.calls.get(&call));
        (state.sender.clone(), pending.and_then(|pending| pending.caller.clone()))
    }

    /// Sends a message when the link has room.
    pub(super) fn send_soon(&self, message: Bytes, call: Option<CallId>) {
        let (Some(sender), caller) = self.way_of(call) else { return };
        if let Err(TrySendError::Full(outgoing)) =
            sender.try_send(Outgoing { message, call, caller })
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            runtime.spawn(async move {
                let _ = sender.send(outgoing).await;
            });
        }
    }

    /// Ends the connection. Only the first reason counts.
    pub(super) fn close(&self, reason: &str) {
        let mut state = self.state();
        if state.sender.take().is_none() {
            return;
        }
        state.reason = reason.into();
        state.asks.clear();
        state.subscribers.clear();
        state.list_changes.notify_one();
        let calls = std::mem::take(&mut state.calls);
        drop(state);
        for pending in calls.into_values() {
            pending.end(reason);
        }
    }

    /// Something that was no message.
    pub(super) fn fault(&self, fault: &LinkFault) {
        match fault {
            // Servers print the odd line of text; it is counted.
            LinkFault::NotAMessage => {}
            LinkFault::TooLong { call: None, .. } => self.fail_all(&fault.to_string()),
            // They are the faults of one call, and others may use the connection.
            LinkFault::TooLong { call: Some(call), .. } => {
                return self.end_one(*call, &fault.to_string());
            }
            // The reason is for the caller, what caused it is not.
            LinkFault::NoAnswer(call, reason) => return self.end_one(*call, &reason.to_string()),
        }
        self.count_fault();
    }

    /// Ends the calls about which the server has said nothing for too long; gives when to do so
    /// again.
    pub(super) fn end_silent(&self) -> Instant {
        let bound = self.limits.silence;
        let (silent, next) = self.state().take_silent(bound);
        for (id, pending) in silent {
            let reason = format!("the server has said nothing about the call for {bound:?}");
            self.give_up(id, pending, &reason);
        }
        next
    }

    /// Answers a call with an error, and says to the server that it is cancelled.
    fn give_up(&self, id: CallId, pending: Pending, reason: &str) {
        pending.end(reason);
        let params = format!("{{\"requestId\":{}}}", id.0);
        if let Ok(note) = Message::notification("notifications/cancelled", Some(&params)) {
            self.send_soon(note.into_bytes(), Some(id));
        }
    }

    fn end_one(&self, call: CallId, reason: &str) {
        let pending = self.state().calls.remove(&call);
        if let Some(pending) = pending {
            pending.end(reason);
        }
    }

    fn count_fault(&self) {
        let mut state = self.state();
        state.faults += 1;
        let is_end = state.faults >= self.limits.faults;
        drop(state);
        if is_end {
            self.close("the server sent too much that is no message");
        }
    }

    /// An answer may have been lost, and no one knows to which call.
    fn fail_all(&self, reason: &str) {
        let mut state = self.state();
        let (listens, calls) =
            std::mem::take(&mut state.calls).into_iter().partition(|(_, call)| call.is_listen);
        state.calls = listens;
        drop(state);
        for pending in calls.into_values() {
            pending.end(reason);
        }
    }

    /// Takes a message of the server's to where it belongs.
    pub(super) fn route(&self, bytes: Bytes, during: Option<CallId>) {
        let is_meant_as_one = memchr::memmem::find(&bytes, b"\"jsonrpc\"").is_some();
        let Ok(message) = Message::parse(bytes) else {
            // A line that a program prints by mistake is no answer; one that looks like a message
            // may have been one.
            let reason = "the server sent a message that cannot be read";
            if let Some(call) = during {
                return self.end_one(call, reason);
            }
            if is_meant_as_one {
                self.fail_all(reason);
            }
            return self.count_fault();
        };
        self.state().faults = 0;
        match message.kind() {
            Kind::Answer => self.route_answer(&message, during),
            Kind::Notification => self.route_notification(message, during),
            Kind::Request => self.route_request(&message, during),
        }
    }

    fn route_answer(&self, message: &Message, during: Option<CallId>) {
        // An answer to a call that was cancelled has no reader.
        let Some(id) = call_id(message.id()) else { return };
        let mut state = self.state();
        state.names_calls = during.is_some();
        let is_new = state.era == Era::New;
        let Some(pending) = state.calls.remove(&id) else { return };
        drop(state);
        let own = &*pending.id;
        let answer = if pending.is_listen {
            message.with(&[(Edit::Id, own), (Edit::SubscriptionId, own)])
        } else {
            message.with(&[(Edit::Id, own)])
        };
        if is_new && !self.limits.roots && roots::are_asked_for(&answer) {
            return pending.mailbox.finish(Event::Answer(failure(own, roots::REFUSED)));
        }
        pending.mailbox.finish(Event::Answer(answer));
    }

    fn route_notification(&self, message: Message, during: Option<CallId>) {
        if message.method().ends_with("/list_changed") {
            self.state().list_changes.notify_one();
        }
        match message.method() {
            "notifications/progress" => self.route_progress(&message),
            "notifications/cancelled" => self.route_cancelled(&message),
            _ if message.subscription_id().is_some() => self.route_subscribed(&message),
            "notifications/message" if self.state().era == Era::New => {
                self.route_log(&message, during);
            }
            method => {
                let is_about_server = method.ends_with("/list_changed")
                    || matches!(method, "notifications/resources/updated");
                let call = if is_about_server { None } else { self.state().call_of(during) };
                match call {
                    Some((id, mailbox)) => self.push(id, &mailbox, Event::Notification(message)),
                    None => self.publish(&message),
                }
            }
        }
    }

    /// Progress belongs to the call whose token it has; a call that asked for none gets none.
    fn route_progress(&self, message: &Message) {
        let Some(id) = call_id(message.progress_token()) else { return };
        let found = self.state().calls.get_mut(&id).and_then(|pending| {
            pending.heard = Instant::now();
            Some((Arc::clone(&pending.mailbox), pending.token.clone()?))
        });
        if let Some((mailbox, token)) = found {
            let message = message.with(&[(Edit::ProgressToken, &token)]);
            self.push(id, &mailbox, Event::Notification(message));
        }
    }

    fn route_subscribed(&self, message: &Message) {
        let Some(id) = call_id(message.subscription_id()) else { return };
        let found = self
            .state()
            .calls
            .get(&id)
            .filter(|pending| pending.is_listen)
            .map(|pending| (Arc::clone(&pending.mailbox), pending.id.clone()));
        if let Some((mailbox, own)) = found {
            let message = message.with(&[(Edit::SubscriptionId, &own)]);
            self.push(id, &mailbox, Event::Notification(message));
        }
    }

    /// A question is withdrawn, or a subscription ends (MCP 2026-07-28, cancellation).
    fn route_cancelled(&self, message: &Message) {
        let Some(cancelled) = message.request_id() else { return };
        let mut state = self.state();
        if let Some(id) = call_id(Some(cancelled))
            && state.calls.get(&id).is_some_and(|pending| pending.is_listen)
            && let Some(pending) = state.calls.remove(&id)
        {
            drop(state);
            let own = &pending.id;
            let result = format!(
                "{{\"resultType\":\"complete\",\"_meta\":{{\
                 \"io.modelcontextprotocol/subscriptionId\":{own}}}}}"
            );
            let answer = Message::success(own, &result);
            let answer = answer.unwrap_or_else(|_| failure(own, "the subscription has ended"));
            return pending.mailbox.finish(Event::Answer(answer));
        }
        let ask = state.asks.iter().find(|(_, open)| *open.id == *cancelled).map(|(ask, _)| *ask);
        let Some(ask) = ask else { return };
        let call = state.take_ask(ask).and_then(|open| open.call());
        let call = call.and_then(|id| Some((id, Arc::clone(&state.calls.get(&id)?.mailbox))));
        drop(state);
        let message = message.with(&[(Edit::RequestId, &ask.0.to_string())]);
        match call {
            Some((id, mailbox)) => self.push(id, &mailbox, Event::Notification(message)),
            None => self.publish(&message),
        }
    }

    /// A log line goes to the calls that asked for a level (MCP 2026-07-28, logging).
    fn route_log(&self, message: &Message, during: Option<CallId>) {
        let calls: Vec<_> = {
            let mut state = self.state();
            // It may be of any of several: only where it is of one is that one heard of.
            state.call_of(during);
            let wanting = state.calls.iter().filter(|(id, pending)| {
                pending.wants_log && during.is_none_or(|during| during == **id)
            });
            wanting.map(|(id, pending)| (*id, Arc::clone(&pending.mailbox))).collect()
        };
        for (id, mailbox) in calls {
            self.push(id, &mailbox, Event::Notification(message.clone()));
        }
    }

    fn route_request(&self, message: &Message, during: Option<CallId>) {
        let Some(id) = message.id() else { return };
        if message.method() == "ping" {
            let text = format!("{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{}}}}");
            return self.send_soon(text.into(), during);
        }
        if !self.limits.roots && message.method() == roots::METHOD {
            return self.reply_refusal(id, during);
        }
        let ask = AskId(Self::next_id().0);
        let mut state = self.state();
        let is_new = state.era == Era::New;
        let place = state.place_of_ask(during);
        let place = place.filter(|_| !is_new && state.asks.len() < self.limits.asks);
        let Some(place) = place else {
            drop(state);
            return self.reply_refusal(id, during);
        };
        state.asks.insert(ask, OpenAsk { id: id.into(), place: place.clone() });
        drop(state);
        let request = message.with(&[(Edit::Id, &ask.0.to_string())]);
        let event = Event::Ask(Ask { id: ask, request });
        let is_taken = match place {
            Place::Call(_, mailbox) => mailbox.push(event, self.limits.queued_bytes).is_ok(),
            Place::Subscriber(subscriber) => subscriber.try_send(event).is_ok(),
        };
        if !is_taken {
            self.refuse(ask);
        }
    }

    /// Gives a call an event; one that does not read its events is ended.
    fn push(&self, id: CallId, mailbox: &Mailbox, event: Event) {
        if mailbox.push(event, self.limits.queued_bytes).is_err() {
            let pending = self.state().calls.remove(&id);
            if let Some(pending) = pending {
                self.give_up(id, pending, "the events of this call were not read in time");
            }
        }
    }

    /// Gives all subscribers a notification. One that does not read loses it.
    fn publish(&self, message: &Message) {
        let mut state = self.state();
        state.subscribers.retain(|subscriber| !subscriber.is_closed());
        for subscriber in &state.subscribers {
            let _ = subscriber.try_send(Event::Notification(message.clone()));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic leaves nothing half done that could reach another caller.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A request as it goes out: with our number as its id and, if it asks for progress, its token.
pub(super) fn forwarded(id: CallId, request: &Message) -> Bytes {
    let number = id.0.to_string();
    request.spliced(&[(Edit::Id, &number), (Edit::ProgressToken, &number)])
}

fn call_id(json: Option<&str>) -> Option<CallId> {
    json?.parse().ok().map(CallId)
}
