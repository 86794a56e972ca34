//! What happens on the streams of one connection: for its bounds of time.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

/// How much longer an answer may wait for its turn on a slow connection than for a peer that takes
/// nothing.
const SHARED: u32 = 4;

/// The streams of one connection that have a request. Clones share them.
#[derive(Debug, Clone)]
pub(super) struct Streams(Arc<Mutex<Known>>);

#[derive(Debug)]
struct Known {
    /// Each stream, and since when its answer waits for the peer, if it does.
    streams: HashMap<u64, Option<Instant>>,
    next: u64,
    /// When the last stream ended, or the connection began.
    idle_since: Instant,
    /// When the peer last took something of any answer, or the connection began.
    taken: Instant,
}

/// One stream. It has ended when this is dropped.
#[derive(Debug)]
pub(super) struct OpenStream {
    streams: Streams,
    id: u64,
}

/// How long a connection may be without progress.
#[derive(Debug)]
pub(super) struct Patience {
    /// How long it may be without a stream.
    pub(super) idle: Duration,
    /// How long an answer may wait for the peer while that takes nothing of any other either. While
    /// it does, [`SHARED`] times as long.
    pub(super) peer: Duration,
    /// Since when the peer knows that the connection ends.
    pub(super) closing_since: Option<Instant>,
    /// How long it may be without a stream from then on.
    pub(super) close: Duration,
}

/// The state of a connection.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It has a stream, or had one lately.
    InUse,
    /// It had no stream for too long.
    Idle,
    /// An answer has waited for the peer for too long.
    Stalled,
}

impl Default for Streams {
    fn default() -> Self {
        let now = Instant::now();
        let known = Known { streams: HashMap::new(), next: 0, idle_since: now, taken: now };
        Self(Arc::new(Mutex::new(known)))
    }
}

impl Streams {
    /// A request has arrived.
    pub(super) fn open(&self) -> OpenStream {
        let mut known = self.known();
        let id = known.next;
        known.next += 1;
        known.streams.insert(id, None);
        OpenStream { streams: self.clone(), id }
    }

    /// How the connection is at `now`.
    pub(super) fn state(&self, now: Instant, patience: &Patience) -> State {
        let known = self.known();
        if known.streams.is_empty() {
            let is_over = now >= known.idle_until(patience);
            return if is_over { State::Idle } else { State::InUse };
        }
        let is_stalled = known.waits_until(patience).any(|until| now >= until);
        if is_stalled { State::Stalled } else { State::InUse }
    }

    /// When the state is to be looked at again. What begins after `now` is over no earlier.
    pub(super) fn next_look(&self, now: Instant, patience: &Patience) -> Instant {
        let known = self.known();
        let bound = if patience.closing_since.is_some() { patience.close } else { patience.idle };
        let latest = now + bound.min(patience.peer);
        if known.streams.is_empty() {
            return latest.min(known.idle_until(patience));
        }
        known.waits_until(patience).fold(latest, Instant::min)
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    /// Until when the connection may be without a stream.
    fn idle_until(&self, patience: &Patience) -> Instant {
        match patience.closing_since {
            Some(since) => since.max(self.idle_since) + patience.close,
            None => self.idle_since + patience.idle,
        }
    }

    /// Until when each answer that waits for the peer may do so, if it takes nothing from now on.
    fn waits_until(&self, patience: &Patience) -> impl Iterator<Item = Instant> {
        let Patience { peer, .. } = *patience;
        let waiting = self.streams.values().flatten();
        waiting.map(move |since| (self.taken.max(*since) + peer).min(*since + SHARED * peer))
    }
}

impl OpenStream {
    /// The answer has something that the peer does not take yet.
    pub(super) fn waits_for_peer(&self) {
        self.note(Some(Instant::now()));
    }

    /// The peer takes what the answer has.
    pub(super) fn is_taken(&self) {
        self.note(None);
    }

    fn note(&self, waiting: Option<Instant>) {
        let mut known = self.streams.known();
        let Some(noted) = known.streams.get_mut(&self.id) else { return };
        if std::mem::replace(noted, waiting).is_some() && waiting.is_none() {
            known.taken = Instant::now();
        }
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        let mut known = self.streams.known();
        known.streams.remove(&self.id);
        if known.streams.is_empty() {
            known.idle_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience(closing_since: Option<Instant>) -> Patience {
        Patience { idle: 30 * SECOND, peer: 20 * SECOND, closing_since, close: 5 * SECOND }
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_is_idle_from_the_end_of_its_last_stream_on() {
        let (streams, patience) = (Streams::default(), patience(None));
        let begun = Instant::now();
        assert_eq!(streams.next_look(begun, &patience), begun + 20 * SECOND);
        assert_eq!(streams.state(begun + 29 * SECOND, &patience), State::InUse);
        assert_eq!(streams.state(begun + 30 * SECOND, &patience), State::Idle);
        let (one, other) = (streams.open(), streams.open());
        tokio::time::advance(100 * SECOND).await;
        drop(one);
        assert_eq!(streams.state(Instant::now(), &patience), State::InUse);
        drop(other);
        assert_eq!(streams.state(Instant::now() + 29 * SECOND, &patience), State::InUse);
        assert_eq!(streams.state(Instant::now() + 30 * SECOND, &patience), State::Idle);
    }

    #[tokio::test(start_paused = true)]
    async fn once_it_closes_it_may_be_idle_for_less_and_streams_may_end() {
        let streams = Streams::default();
        let begun = Instant::now();
        let patience = patience(Some(begun + 10 * SECOND));
        assert_eq!(streams.state(begun + 14 * SECOND, &patience), State::InUse);
        assert_eq!(streams.state(begun + 15 * SECOND, &patience), State::Idle);
        let _stream = streams.open();
        assert_eq!(streams.state(begun + 100 * SECOND, &patience), State::InUse);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_that_waits_for_its_peer_stalls_the_connection_and_no_other_does() {
        let (streams, patience) = (Streams::default(), patience(None));
        let (one, _other) = (streams.open(), streams.open());
        let begun = Instant::now();
        assert_eq!(streams.state(begun + 100 * SECOND, &patience), State::InUse);
        tokio::time::advance(5 * SECOND).await;
        one.waits_for_peer();
        assert_eq!(streams.next_look(begun + 10 * SECOND, &patience), begun + 25 * SECOND);
        assert_eq!(streams.state(begun + 24 * SECOND, &patience), State::InUse);
        assert_eq!(streams.state(begun + 25 * SECOND, &patience), State::Stalled);
        one.is_taken();
        assert_eq!(streams.state(begun + 100 * SECOND, &patience), State::InUse);
    }

    #[tokio::test(start_paused = true)]
    async fn a_stream_waits_longer_for_a_peer_that_takes_other_answers_and_not_for_ever() {
        let (streams, patience) = (Streams::default(), patience(None));
        let (slow, other) = (streams.open(), streams.open());
        let begun = Instant::now();
        slow.waits_for_peer();
        for _ in 0..7 {
            other.waits_for_peer();
            tokio::time::advance(10 * SECOND).await;
            other.is_taken();
            let now = Instant::now();
            assert_eq!(streams.state(now, &patience), State::InUse);
            assert!(streams.next_look(now, &patience) > now, "it would look without a pause");
        }
        // It has taken nothing for as long as it may.
        assert_eq!(streams.state(begun + 79 * SECOND, &patience), State::InUse);
        assert_eq!(streams.state(begun + 80 * SECOND, &patience), State::Stalled);
    }
}
