//! One session (revisions before 2026-07-28): its server, its streams, its calls and the questions
//! that its client may answer.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::{Owner, quota::Holder};
use tokio::{sync::oneshot, task::AbortHandle, time::Instant};

use super::{
    limits::FrontLimits,
    race::Cancelled,
    replay::{Replay, STANDALONE},
};
use crate::{
    port::{AskId, Event, Server},
    wire::{Id, Message},
};

/// The first revision in which streams begin with an event without data. Older clients would read
/// it as a message.
const PRIMED: &str = "2025-11-25";
/// The most questions of which it is remembered that the client may answer them.
const MAX_ASKS: usize = 256;

pub(super) struct Session {
    pub(super) owner: Owner,
    /// Against whose bound it counts.
    pub(super) holder: Holder,
    pub(super) server: Arc<dyn Server>,
    /// The revision that was agreed upon.
    revision: String,
    limits: FrontLimits,
    state: Mutex<State>,
}

struct State {
    streams: BTreeMap<u64, Arc<Replay>>,
    next_stream: u64,
    /// Calls in flight, by the client's own ids.
    calls: HashMap<Id, oneshot::Sender<Option<String>>>,
    asks: BTreeSet<AskId>,
    used: Instant,
    /// What takes in what the server says outside of calls.
    intake: Option<AbortHandle>,
    has_ended: bool,
}

impl Session {
    pub(super) fn new(
        owner: Owner,
        server: Arc<dyn Server>,
        revision: String,
        limits: FrontLimits,
    ) -> Arc<Self> {
        let standalone = Replay::new(STANDALONE, limits.replay_bytes);
        let state = State {
            streams: BTreeMap::from([(STANDALONE, standalone)]),
            next_stream: STANDALONE + 1,
            calls: HashMap::new(),
            asks: BTreeSet::new(),
            used: Instant::now(),
            intake: None,
            has_ended: false,
        };
        let holder = Holder::from(&owner);
        Arc::new(Self { owner, holder, server, revision, limits, state: Mutex::new(state) })
    }

    /// Takes in what the server says outside of calls, until it ends; then `ended` is called.
    pub(super) fn take_in(self: &Arc<Self>, ended: impl FnOnce() + Send + 'static) {
        let mut unsolicited = self.server.unsolicited();
        let session = Arc::downgrade(self);
        let task = tokio::spawn(async move {
            while let Some(event) = unsolicited.recv().await {
                let Some(session) = session.upgrade() else { return };
                session.unsolicited(event);
            }
            ended();
        });
        self.state().intake = Some(task.abort_handle());
    }

    /// Puts a message that belongs to no call onto a stream that a client reads, if there is one: a
    /// question may go onto the stream of a call.
    fn unsolicited(&self, event: Event) {
        let mut state = self.state();
        let standalone = state.streams.get(&STANDALONE).cloned();
        let is_read = standalone.as_ref().is_some_and(|stream| stream.has_reader());
        let stream = if matches!(event, Event::Ask(_)) && !is_read {
            let mut open = state.streams.values().rev();
            let open = open.find(|stream| stream.has_reader() && !stream.is_done()).cloned();
            open.or(standalone)
        } else {
            standalone
        };
        state.note(&event);
        drop(state);
        if let Some(stream) = stream {
            stream.push(&super::stream::message(event).0);
        }
    }

    /// Remembers that the client may answer a question.
    pub(super) fn note(&self, event: &Event) {
        self.state().note(event);
    }

    /// Whether the client may answer this question, which it does once.
    pub(super) fn take_ask(&self, answer: &Message) -> Option<AskId> {
        let ask = AskId(answer.id()?.parse().ok()?);
        self.state().asks.remove(&ask).then_some(ask)
    }

    /// A call begins: `None` if one with this id is in flight, or the session has ended.
    pub(super) fn enter(&self, id: Id) -> Option<Cancelled> {
        let mut state = self.state();
        if state.has_ended || state.calls.contains_key(&id) {
            return None;
        }
        let (sender, receiver) = oneshot::channel();
        state.calls.insert(id, sender);
        Some(receiver)
    }

    pub(super) fn leave(&self, id: &Id) {
        let mut state = self.state();
        state.calls.remove(id);
        state.used = Instant::now();
    }

    /// Cancels the call that a `notifications/cancelled` names.
    pub(super) fn cancel(&self, id: &Id, reason: Option<String>) {
        let call = self.state().calls.remove(id);
        if let Some(call) = call {
            let _ = call.send(reason);
        }
    }

    /// Of the streams that have ended only the latest are kept: some, and with them at most some
    /// bytes. One that a client reads is kept.
    pub(super) fn prune(&self) {
        self.state().prune(&self.limits);
    }

    /// A new stream, for a call.
    pub(super) fn open_stream(&self) -> Arc<Replay> {
        let mut state = self.state();
        let number = state.next_stream;
        state.next_stream += 1;
        let stream = Replay::new(number, self.limits.replay_bytes);
        state.streams.insert(number, Arc::clone(&stream));
        state.prune(&self.limits);
        if state.has_ended {
            stream.finish();
        }
        drop(state);
        if self.is_primed() {
            stream.prime();
        }
        stream
    }

    /// Whether streams begin with an event without data, and may be closed before they end.
    pub(super) fn is_primed(&self) -> bool {
        *self.revision >= *PRIMED
    }

    pub(super) fn stream(&self, number: u64) -> Option<Arc<Replay>> {
        self.state().streams.get(&number).cloned()
    }

    /// The session is used now.
    pub(super) fn touch(&self) {
        self.state().used = Instant::now();
    }

    /// Since when nothing has happened; `None` while something does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let state = self.state();
        let is_busy =
            !state.calls.is_empty() || state.streams.values().any(|stream| stream.has_reader());
        (!is_busy).then_some(state.used)
    }

    /// Ends it: calls are cancelled, streams end.
    pub(super) fn end(&self) {
        let mut state = self.state();
        state.has_ended = true;
        let calls = std::mem::take(&mut state.calls);
        let streams = std::mem::take(&mut state.streams);
        let intake = state.intake.take();
        drop(state);
        for call in calls.into_values() {
            let _ = call.send(Some("the session has ended".into()));
        }
        // That of a call ends after its last message.
        if let Some(standalone) = streams.get(&STANDALONE) {
            standalone.finish();
        }
        if let Some(intake) = intake {
            intake.abort();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn prune(&mut self, limits: &FrontLimits) {
        let (mut count, mut bytes) = (0, 0);
        let mut left_out = Vec::new();
        for (number, stream) in self.streams.iter().rev() {
            if !stream.is_done() || stream.has_reader() {
                continue;
            }
            count += 1;
            bytes += stream.bytes();
            if count > limits.replay_streams || bytes > limits.replay_bytes.saturating_mul(4) {
                left_out.push(*number);
            }
        }
        for number in left_out {
            self.streams.remove(&number);
        }
    }

    fn note(&mut self, event: &Event) {
        if let Event::Ask(ask) = event {
            self.asks.insert(ask.id);
            if self.asks.len() > MAX_ASKS {
                self.asks.pop_first();
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::port::{Call, Unsolicited, Waiting};

    struct Silent;

    impl Server for Silent {
        fn call(&self, _: &crate::CallContext, _: Message) -> Box<dyn Call> {
            unreachable!("nothing is called")
        }

        fn notify<'a>(&'a self, _: &'a crate::CallContext, _: Message) -> Waiting<'a, ()> {
            Box::pin(async {})
        }

        fn answer<'a>(
            &'a self,
            _: &'a crate::CallContext,
            _: AskId,
            _: Message,
        ) -> Waiting<'a, ()> {
            Box::pin(async {})
        }

        fn unsolicited(&self) -> Unsolicited {
            tokio::sync::mpsc::channel(1).1
        }
    }

    /// How many streams are kept after `count` calls whose answers have `bytes`.
    fn kept(count: usize, bytes: usize) -> usize {
        let limits = FrontLimits { replay_bytes: 10_000, replay_streams: 8, ..Default::default() };
        let session = Session::new(Owner::Anonymous, Arc::new(Silent), PRIMED.into(), limits);
        let params = format!("{{\"x\":\"{}\"}}", "x".repeat(bytes));
        let message = Message::notification("notifications/x", Some(&params)).unwrap();
        for _ in 0..count {
            let stream = session.open_stream();
            stream.push(&message);
            stream.finish();
            session.prune();
        }
        // Without the one that belongs to no call.
        session.state().streams.len() - 1
    }

    #[tokio::test]
    async fn streams_that_have_ended_are_kept_within_bounds() {
        assert_eq!(kept(20, 10), 8, "by their number");
        assert_eq!(kept(20, 9_000), 4, "by their bytes");
        assert_eq!(kept(20, 100_000), 0, "none that is too large alone");
    }
}
