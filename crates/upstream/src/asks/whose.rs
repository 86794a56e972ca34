//! The calls of one connection that what a server says may belong to, where the transport does not
//! say which.

use std::{
    collections::{HashMap, VecDeque},
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Poll, Waker},
};

use crate::port::Event;

/// The most events of one call, or one stream, that it has not read yet, and their bytes beyond the
/// first event.
const MAX_EVENTS: usize = 256;
const MAX_BYTES: usize = 4 << 20;

/// Who may receive what: calls, by a number.
#[derive(Debug)]
pub(crate) struct Calls<W>(Mutex<State<W>>);

#[derive(Debug)]
struct State<W> {
    next: u64,
    calls: HashMap<u64, (W, Arc<Inbox>)>,
}

impl<W> Default for Calls<W> {
    fn default() -> Self {
        Self(Mutex::new(State { next: 0, calls: HashMap::new() }))
    }
}

/// Events that were found to belong to a call. It has one reader.
#[derive(Debug, Default)]
pub(crate) struct Inbox(Mutex<Events>);

#[derive(Debug, Default)]
struct Events {
    queue: VecDeque<Event>,
    bytes: usize,
    has_ended: bool,
    reader: Option<Waker>,
}

/// A call that may receive events, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place<W> {
    calls: Arc<Calls<W>>,
    number: u64,
    inbox: Arc<Inbox>,
}

impl<W> Calls<W> {
    /// Adds a call: what it `wants`. `None` if there are `max` already.
    pub(crate) fn add(self: &Arc<Self>, wants: W, max: usize) -> Option<Place<W>> {
        let inbox = Arc::<Inbox>::default();
        let mut state = self.state();
        if state.calls.len() >= max {
            return None;
        }
        state.next += 1;
        let number = state.next;
        state.calls.insert(number, (wants, Arc::clone(&inbox)));
        Some(Place { calls: Arc::clone(self), number, inbox })
    }

    /// Gives all that want it an event. One that does not read ends.
    pub(crate) fn to_all(&self, event: &Event, wants: impl Fn(&W) -> bool) {
        for (of, inbox) in self.state().calls.values() {
            if wants(of) {
                inbox.push(event.clone());
            }
        }
    }

    /// Gives an event to the only one that wants it; `false` if there is none, or several.
    pub(crate) fn to_the_only(&self, event: &Event, wants: impl Fn(&W) -> bool) -> bool {
        let state = self.state();
        let mut found = state.calls.values().filter(|(of, _)| wants(of));
        if let (Some((_, inbox)), None) = (found.next(), found.next()) {
            inbox.push(event.clone());
            return true;
        }
        false
    }

    /// Nothing will come any more.
    pub(crate) fn end(&self) {
        for (_, inbox) in self.state().calls.values() {
            inbox.end();
        }
    }

    fn state(&self) -> MutexGuard<'_, State<W>> {
        // A panic leaves nothing half done that could reach another caller.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W> Place<W> {
    /// Where its events are.
    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    /// Changes what it wants.
    pub(crate) fn want(&self, wants: W) {
        if let Some((of, _)) = self.calls.state().calls.get_mut(&self.number) {
            *of = wants;
        }
    }
}

impl<W> Drop for Place<W> {
    fn drop(&mut self) {
        self.calls.state().calls.remove(&self.number);
    }
}

impl Inbox {
    fn push(&self, event: Event) {
        let mut events = self.events();
        let bytes = events.bytes.saturating_add(length(&event));
        let is_full = events.queue.len() >= MAX_EVENTS || bytes > MAX_BYTES;
        if is_full && !events.queue.is_empty() {
            events.has_ended = true;
        }
        if !events.has_ended {
            events.bytes = bytes;
            events.queue.push_back(event);
        }
        events.wake();
    }

    fn end(&self) {
        let mut events = self.events();
        events.has_ended = true;
        events.wake();
    }

    /// The next event; `None` if the connection has ended, or too much was not read.
    pub(crate) async fn next(&self) -> Option<Event> {
        poll_fn(|context| {
            let mut events = self.events();
            if let Some(event) = events.queue.pop_front() {
                events.bytes = events.bytes.saturating_sub(length(&event));
                return Poll::Ready(Some(event));
            }
            if events.has_ended {
                return Poll::Ready(None);
            }
            events.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn events(&self) -> MutexGuard<'_, Events> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn length(event: &Event) -> usize {
    match event {
        Event::Notification(message) | Event::Answer(message) => message.bytes().len(),
        Event::Ask(ask) => ask.request.bytes().len(),
    }
}

impl Events {
    fn wake(&mut self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    fn event() -> Event {
        Event::Notification(Message::notification("m", None).unwrap())
    }

    #[tokio::test]
    async fn a_question_is_of_the_only_call_that_can_be_asked() {
        let calls = Arc::new(Calls::default());
        let asked = |of: &bool| *of;
        assert!(!calls.to_the_only(&event(), asked), "no call");
        let cannot = calls.add(false, 3).unwrap();
        assert!(!calls.to_the_only(&event(), asked), "none that can be asked");
        let can = calls.add(true, 3).unwrap();
        assert!(calls.to_the_only(&event(), asked));
        assert!(can.inbox().next().await.is_some());
        cannot.want(true);
        assert!(!calls.to_the_only(&event(), asked), "two");
        drop(can);
        assert!(calls.to_the_only(&event(), asked));
        assert!(cannot.inbox().next().await.is_some());
    }

    #[tokio::test]
    async fn what_all_want_reaches_all_and_ends_for_all() {
        let calls = Arc::new(Calls::default());
        let places = [calls.add(1, 3).unwrap(), calls.add(1, 3).unwrap(), calls.add(2, 3).unwrap()];
        assert!(calls.add(1, 3).is_none(), "there is a bound");
        calls.to_all(&event(), |wants| *wants == 1);
        calls.end();
        for (place, count) in places.iter().zip([1, 1, 0]) {
            for _ in 0..count {
                assert!(place.inbox().next().await.is_some());
            }
            assert!(place.inbox().next().await.is_none());
        }
    }

    #[tokio::test]
    async fn one_that_does_not_read_ends() {
        let calls = Arc::new(Calls::default());
        let place = calls.add((), 1).unwrap();
        for _ in 0..MAX_EVENTS + 5 {
            calls.to_all(&event(), |()| true);
        }
        for _ in 0..MAX_EVENTS {
            assert!(place.inbox().next().await.is_some());
        }
        assert!(place.inbox().next().await.is_none());
    }

    #[tokio::test]
    async fn bytes_are_bounded_too_and_counted_until_they_are_read() {
        let params = format!(r#"{{"x":"{}"}}"#, "x".repeat(MAX_BYTES / 2 + 1));
        let large = Event::Notification(Message::notification("m", Some(&params)).unwrap());
        let calls = Arc::new(Calls::default());
        let place = calls.add((), 1).unwrap();
        for _ in 0..3 {
            calls.to_all(&large, |()| true);
            assert!(place.inbox().next().await.is_some());
        }
        calls.to_all(&large, |()| true);
        calls.to_all(&large, |()| true);
        assert!(place.inbox().next().await.is_some());
        assert!(place.inbox().next().await.is_none());
    }
}
