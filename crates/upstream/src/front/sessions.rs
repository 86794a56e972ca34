//! All sessions of a front, by their ids.

use std::{
    collections::HashMap,
    fmt::Write,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{Owner, quota::Holder};

use super::{limits::FrontLimits, session::Session};

/// How often idle sessions are looked for, at most.
const SWEEP: Duration = Duration::from_mins(1);

/// The sessions, within bounds.
pub(super) struct Sessions {
    limits: FrontLimits,
    all: Mutex<All>,
}

#[derive(Default)]
struct All {
    by_id: HashMap<String, Arc<Session>>,
    /// Whether a task looks for idle sessions.
    is_swept: bool,
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
        let ended = self.all().make_room(&Holder::from(owner), &self.limits)?;
        if let Some(ended) = ended {
            ended.end();
        }
        Ok(())
    }

    /// Adds a session under a new id, if there is still room and randomness: others may have begun
    /// since room was made.
    pub(super) fn add(self: &Arc<Self>, session: &Arc<Session>) -> Option<String> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).ok()?;
        let id = random.iter().fold(String::with_capacity(32), |mut id, byte| {
            let _ = write!(id, "{byte:02x}");
            id
        });
        let mut all = self.all();
        let ended = all.make_room(&session.holder, &self.limits).ok()?;
        all.by_id.insert(id.clone(), Arc::clone(session));
        let was_swept = std::mem::replace(&mut all.is_swept, true);
        drop(all);
        if let Some(ended) = ended {
            ended.end();
        }
        if !was_swept {
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
        let session =
            self.all().by_id.get(id).filter(|session| session.owner == *owner).cloned()?;
        session.touch();
        Some(session)
    }

    /// Ends a session.
    pub(super) fn remove(&self, id: &str) {
        let session = self.all().by_id.remove(id);
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
        let ended = all.by_id.iter().filter(|(_, session)| is_idle(session));
        let ended: Vec<_> = ended.map(|(id, _)| id.clone()).collect();
        let ended: Vec<_> = ended.iter().filter_map(|id| all.by_id.remove(id)).collect();
        let is_empty = all.by_id.is_empty();
        // Under the lock: the next session begins the next task.
        all.is_swept = !is_empty;
        drop(all);
        for session in &ended {
            session.end();
        }
        is_empty
    }

    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl All {
    /// Room for one more session of `holder`, and the session that must end for it.
    fn make_room(
        &mut self,
        holder: &Holder,
        limits: &FrontLimits,
    ) -> Result<Option<Arc<Session>>, NoRoom> {
        let own = self.by_id.values().filter(|session| session.holder == *holder).count();
        if own < limits.sessions_each && self.by_id.len() < limits.sessions_total {
            return Ok(None);
        }
        let idle = self.by_id.iter().filter(|(_, session)| session.holder == *holder);
        let idle = idle.filter_map(|(id, session)| Some((session.idle_since()?, id.clone())));
        let (_, oldest) = idle.min().ok_or(NoRoom)?;
        Ok(self.by_id.remove(&oldest))
    }
}

impl Drop for Sessions {
    fn drop(&mut self) {
        self.all().by_id.values().for_each(|session| session.end());
    }
}
