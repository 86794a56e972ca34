//! All sessions of a front, by their ids.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::Owner;

use super::{limits::FrontLimits, session::Session};
use crate::pool::Holder;

/// How often idle sessions are looked for, at most.
const SWEEP: Duration = Duration::from_mins(1);

/// The sessions, within bounds.
pub(super) struct Sessions {
    limits: FrontLimits,
    all: Mutex<HashMap<String, Arc<Session>>>,
}

/// There are as many sessions as there may be, and all are in use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoRoom;

impl Sessions {
    pub(super) fn new(limits: FrontLimits) -> Arc<Self> {
        Arc::new(Self { limits, all: Mutex::default() })
    }

    /// Makes room for one more session of the user who `owner` is. Of those of a user who has all
    /// they may have, through whichever clients, the one that was idle for longest ends.
    pub(super) fn make_room(&self, owner: &Owner) -> Result<(), NoRoom> {
        let holder = Holder::from(owner);
        let mut all = self.all();
        let own = all.values().filter(|session| session.holder == holder).count();
        let is_full = all.len() >= self.limits.sessions_total;
        if own < self.limits.sessions_each && !is_full {
            return Ok(());
        }
        let idle = all.iter().filter(|(_, session)| session.holder == holder);
        let idle = idle.filter_map(|(id, session)| Some((session.idle_since()?, id.clone())));
        let (_, oldest) = idle.min().ok_or(NoRoom)?;
        let ended = all.remove(&oldest);
        drop(all);
        if let Some(ended) = ended {
            ended.end();
        }
        Ok(())
    }

    /// Adds a session under a new id, if there is still room and randomness.
    pub(super) fn add(self: &Arc<Self>, session: &Arc<Session>) -> Option<String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let id = random.iter().fold(String::with_capacity(32), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        let is_first = {
            let mut all = self.all();
            if all.len() >= self.limits.sessions_total {
                return None;
            }
            all.insert(id.clone(), Arc::clone(session)).is_none() && all.len() == 1
        };
        if is_first {
            self.sweep_while_there_are_any();
        }
        let (sessions, ended) = (Arc::downgrade(self), id.clone());
        session.take_in(move || {
            // Its server has ended: the client is to begin anew.
            if let Some(sessions) = sessions.upgrade() {
                sessions.remove(&ended);
            }
        });
        Some(id)
    }

    /// The session with this id, if it is the owner's.
    pub(super) fn get(&self, id: &str, owner: &Owner) -> Option<Arc<Session>> {
        let session = self.all().get(id).filter(|session| session.owner == *owner).cloned()?;
        session.touch();
        Some(session)
    }

    /// Ends a session.
    pub(super) fn remove(&self, id: &str) {
        let session = self.all().remove(id);
        if let Some(session) = session {
            session.end();
        }
    }

    fn sweep_while_there_are_any(self: &Arc<Self>) {
        let (sessions, idle) = (Arc::downgrade(self), self.limits.session_idle);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(SWEEP.min(idle)).await;
                let Some(sessions) = sessions.upgrade() else { return };
                if sessions.sweep(idle) {
                    return;
                }
            }
        });
    }

    /// Ends what was idle for too long; whether nothing is left.
    fn sweep(&self, idle: Duration) -> bool {
        let mut all = self.all();
        let is_idle =
            |session: &Session| session.idle_since().is_some_and(|since| since.elapsed() >= idle);
        let ended: Vec<_> =
            all.iter().filter(|(_, session)| is_idle(session)).map(|(id, _)| id.clone()).collect();
        let ended: Vec<_> = ended.iter().filter_map(|id| all.remove(id)).collect();
        let is_empty = all.is_empty();
        drop(all);
        for session in &ended {
            session.end();
        }
        is_empty
    }

    fn all(&self) -> MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.all().values().for_each(|session| session.end());
    }
}
