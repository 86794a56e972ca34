//! Which sessions run on this node, so that they do not take all of its memory.
//!
//! 1. The number of running sessions is bounded, for a user (issuer and subject) and in total.
//! 2. Where there is no room for one more, the one that has rested for longest stops running: of
//!    the same user, or of all. It is kept in the database, and runs again with its next request.
//! 3. A session with an open stream does not rest, nor does one that was used a moment ago. Where
//!    none rests, one more is refused (429).

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{Issuer, Principal, Subject};
use tokio::time::Instant;

/// How many sessions run on a node.
#[derive(Debug, Clone, Copy)]
pub struct SessionBounds {
    /// For one user.
    pub each: usize,
    /// For all together; those without a token have a quarter of it.
    pub total: usize,
    /// After how long without a request a session rests.
    pub rest: Duration,
}

impl Default for SessionBounds {
    fn default() -> Self {
        // A session takes 70 KiB.
        Self { each: 100, total: 1000, rest: Duration::from_secs(5) }
    }
}

/// The holder of a session: a user, or `None` for callers without a token.
pub(super) type Holder = Option<(Issuer, Subject)>;

pub(super) fn holder(principal: Option<&Arc<Principal>>) -> Holder {
    principal.map(|principal| (principal.issuer().clone(), principal.subject().clone()))
}

/// The sessions that run on this node.
#[derive(Debug, Clone, Default)]
pub(super) struct Running(Arc<Mutex<Table>>);

#[derive(Debug, Default)]
struct Table {
    sessions: HashMap<Arc<str>, Session>,
    /// How many are about to begin, by holder.
    beginning: HashMap<Holder, usize>,
}

#[derive(Debug)]
struct Session {
    holder: Holder,
    used: Instant,
    streams: usize,
}

/// There is no room for one more session, and none rests.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SessionLimitError;

impl Running {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Room for one more of `holder`, and the session that must stop running for it.
    pub(super) fn make_room(
        &self,
        holder: &Holder,
        bounds: &SessionBounds,
    ) -> Result<(Room, Option<Arc<str>>), SessionLimitError> {
        let mut table = self.table();
        let own = table.count(Some(holder));
        let each = if holder.is_some() { bounds.each } else { bounds.total / 4 };
        let stopped = if own >= each {
            Some(table.stop_one(Some(holder), bounds.rest).ok_or(SessionLimitError)?)
        } else if table.count(None) >= bounds.total {
            Some(table.stop_one(None, bounds.rest).ok_or(SessionLimitError)?)
        } else {
            None
        };
        *table.beginning.entry(holder.clone()).or_default() += 1;
        Ok((Room { running: self.clone(), holder: holder.clone() }, stopped))
    }

    pub(super) fn begin(&self, id: &str, holder: Holder) {
        let session = Session { holder, used: Instant::now(), streams: 0 };
        self.table().sessions.insert(id.into(), session);
    }

    pub(super) fn end(&self, id: &str) {
        self.table().sessions.remove(id);
    }

    /// Whether the session runs. If it does, it is used now.
    pub(super) fn uses(&self, id: &str) -> bool {
        let mut table = self.table();
        let session = table.sessions.get_mut(id);
        session.map(|session| session.used = Instant::now()).is_some()
    }

    /// A stream of the session, open until it is dropped.
    pub(super) fn stream(&self, id: &str) -> Streaming {
        let mut table = self.table();
        let known = table.sessions.get_key_value(id).map(|(id, _)| Arc::clone(id));
        if let Some(session) = table.sessions.get_mut(id) {
            session.streams += 1;
        }
        drop(table);
        Streaming { running: self.clone(), id: known }
    }

    pub(super) fn count(&self) -> usize {
        self.table().sessions.len()
    }
}

impl Table {
    /// How many sessions run or begin: of one, or of all.
    fn count(&self, holder: Option<&Holder>) -> usize {
        let Some(holder) = holder else {
            return self.sessions.len() + self.beginning.values().sum::<usize>();
        };
        let run = self.sessions.values().filter(|session| session.holder == *holder).count();
        run + self.beginning.get(holder).copied().unwrap_or_default()
    }

    /// Forgets the session that has rested for longest.
    fn stop_one(&mut self, holder: Option<&Holder>, rest: Duration) -> Option<Arc<str>> {
        let rests = |session: &Session| {
            session.streams == 0
                && session.used.elapsed() >= rest
                && holder.is_none_or(|holder| session.holder == *holder)
        };
        let resting = self.sessions.iter().filter(|(_, session)| rests(session));
        let id = resting.min_by_key(|(_, session)| session.used).map(|(id, _)| Arc::clone(id))?;
        self.sessions.remove(&id);
        Some(id)
    }
}

/// Room for a session that is about to begin.
#[derive(Debug)]
pub(super) struct Room {
    running: Running,
    holder: Holder,
}

impl Drop for Room {
    fn drop(&mut self) {
        let mut table = self.running.table();
        if let Some(count) = table.beginning.get_mut(&self.holder) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                table.beginning.remove(&self.holder);
            }
        }
    }
}

/// A stream of a session that runs.
#[derive(Debug)]
pub(super) struct Streaming {
    running: Running,
    id: Option<Arc<str>>,
}

impl Drop for Streaming {
    fn drop(&mut self) {
        let Some(id) = &self.id else { return };
        if let Some(session) = self.running.table().sessions.get_mut(id) {
            session.streams = session.streams.saturating_sub(1);
            session.used = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "a holder may be absent")]
    fn user(name: &str) -> Holder {
        Some(("https://issuer.example".parse().unwrap(), name.parse().unwrap()))
    }

    const BOUNDS: SessionBounds = SessionBounds { each: 2, total: 4, rest: Duration::from_secs(5) };

    /// Begins a session, and returns the one that stopped for it.
    fn begin(
        running: &Running,
        id: &str,
        holder: &Holder,
    ) -> Result<Option<String>, SessionLimitError> {
        let (_room, stopped) = running.make_room(holder, &BOUNDS)?;
        running.begin(id, holder.clone());
        Ok(stopped.map(|id| id.to_string()))
    }

    #[tokio::test(start_paused = true)]
    async fn the_session_that_rested_for_longest_makes_room() {
        let running = Running::default();
        let (alice, bob, carol) = (user("alice"), user("bob"), user("carol"));
        for id in ["a1", "a2"] {
            assert_eq!(begin(&running, id, &alice), Ok(None));
            tokio::time::advance(Duration::from_secs(1)).await;
        }
        assert_eq!(begin(&running, "a3", &alice), Err(SessionLimitError), "none rests yet");
        assert_eq!(begin(&running, "b1", &bob), Ok(None), "another user has room");
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(running.uses("a1"));
        assert_eq!(begin(&running, "a3", &alice), Ok(Some("a2".into())));
        assert!(!running.uses("a2") && running.count() == 3);

        // With an open stream it does not rest, however long ago it was used.
        let stream = running.stream("a1");
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(begin(&running, "a4", &alice), Ok(Some("a3".into())));
        let _other = running.stream("a4");
        tokio::time::advance(Duration::from_secs(100)).await;
        assert_eq!(begin(&running, "a5", &alice), Err(SessionLimitError));
        drop(stream);
        assert_eq!(
            begin(&running, "a5", &alice),
            Err(SessionLimitError),
            "its stream was open just now"
        );
        tokio::time::advance(Duration::from_secs(5)).await;

        // All together: the session that has rested for longest, of any user.
        assert_eq!(begin(&running, "b2", &bob), Ok(None));
        assert_eq!(begin(&running, "c1", &carol), Ok(Some("b1".into())));
        running.end("c1");
        assert_eq!(begin(&running, "c1", &carol), Ok(None));
    }

    #[tokio::test(start_paused = true)]
    async fn sessions_that_are_about_to_begin_count() {
        let running = Running::default();
        let alice = user("alice");
        let rooms = [(); 2].map(|()| running.make_room(&alice, &BOUNDS).unwrap());
        assert_eq!(running.make_room(&alice, &BOUNDS).unwrap_err(), SessionLimitError);
        drop(rooms);
        assert!(running.make_room(&alice, &BOUNDS).is_ok());
        assert!(running.table().beginning.is_empty());
        // All without a token have a quarter.
        assert_eq!(begin(&running, "x1", &None), Ok(None));
        assert_eq!(begin(&running, "x2", &None), Err(SessionLimitError));
    }
}
