//! The tasks of one old server that callers of the new generation have started.

use std::{
    collections::{BTreeMap, HashMap},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use auth_core::Owner;
use tokio::sync::watch;

use super::open_ask::OpenAsk;
use crate::translate::{capabilities::ClientCan, tasks::Task};

/// The most tasks of one connection whose results are not known yet, or were not forgotten yet.
const MAX_TASKS: usize = 100;
/// The most bytes of results and of questions that are kept for one connection.
const MAX_BYTES: usize = 32 << 20;
/// The most questions of one task.
const MAX_ASKS: u32 = 100;
/// The most questions of one task that wait for an answer.
const MAX_OPEN_ASKS: usize = 10;

/// Tasks by id.
#[derive(Debug, Default)]
pub(super) struct TaskBook(Mutex<HashMap<String, Arc<Entry>>>);

/// One task.
#[derive(Debug)]
pub(super) struct Entry {
    owner: Owner,
    /// What its client can be asked.
    can: ClientCan,
    asks: Mutex<Asks>,
    /// As the server last said it.
    last: Mutex<Option<Task>>,
    outcome: watch::Sender<Option<Outcome>>,
}

#[derive(Debug, Default)]
struct Asks {
    count: u32,
    open: BTreeMap<String, (String, OpenAsk)>,
}

/// What came of a task's call, as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Result(String),
    Error(String),
}

impl Outcome {
    /// How long it is, in bytes.
    pub(super) fn len(&self) -> usize {
        let (Self::Result(json) | Self::Error(json)) = self;
        json.len()
    }
}

impl TaskBook {
    /// Remembers a task. `None` if there are too many, or there is one with this id.
    pub(super) fn add(&self, id: &str, owner: &Owner, can: ClientCan) -> Option<Arc<Entry>> {
        let mut tasks = self.tasks();
        if tasks.len() >= MAX_TASKS || tasks.contains_key(id) {
            return None;
        }
        let entry = Arc::new(Entry {
            owner: owner.clone(),
            can,
            asks: Mutex::default(),
            last: Mutex::default(),
            outcome: watch::Sender::new(None),
        });
        tasks.insert(id.to_owned(), Arc::clone(&entry));
        Some(entry)
    }

    /// A task of this owner.
    pub(super) fn get(&self, id: &str, owner: &Owner) -> Option<Arc<Entry>> {
        self.tasks().get(id).filter(|entry| entry.owner == *owner).cloned()
    }

    /// A task that the server names.
    pub(super) fn named(&self, id: &str) -> Option<Arc<Entry>> {
        self.tasks().get(id).cloned()
    }

    /// Whether there is room for this much of one more result or question.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        let kept: usize = self.tasks().values().map(|entry| entry.bytes()).sum();
        kept.saturating_add(bytes) <= MAX_BYTES
    }

    pub(super) fn forget(&self, id: &str) {
        let forgotten = self.tasks().remove(id);
        drop(forgotten);
    }

    fn tasks(&self) -> MutexGuard<'_, HashMap<String, Arc<Entry>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    pub(super) const fn can(&self) -> ClientCan {
        self.can
    }

    /// Remembers the task as the server says it is now.
    pub(super) fn changed(&self, task: Task) {
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(task);
    }

    /// The task as the server last said it, if it ever did by itself.
    pub(super) fn last(&self) -> Option<Task> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers a question, as an element of `inputRequests`. Gives it back if there are too many.
    pub(super) fn ask(&self, request: String, open: OpenAsk) -> Result<(), OpenAsk> {
        let mut asks = self.asks();
        if asks.count >= MAX_ASKS || asks.open.len() >= MAX_OPEN_ASKS {
            return Err(open);
        }
        asks.count += 1;
        let key = asks.count.to_string();
        asks.open.insert(key, (request, open));
        Ok(())
    }

    /// The questions without an answer, by key.
    pub(super) fn open(&self) -> Vec<(String, String)> {
        let asks = self.asks();
        asks.open.iter().map(|(key, (request, _))| (key.clone(), request.clone())).collect()
    }

    /// A question that is answered now.
    pub(super) fn answered(&self, key: &str) -> Option<OpenAsk> {
        self.asks().open.remove(key).map(|(_, open)| open)
    }

    /// What has come of it. Questions are not open any more.
    pub(super) fn end(&self, outcome: Outcome) {
        let open = std::mem::take(&mut self.asks().open);
        drop(open);
        self.outcome.send_replace(Some(outcome));
    }

    /// What has come of it, if that is known.
    pub(super) fn outcome(&self) -> Option<Outcome> {
        self.outcome.borrow().clone()
    }

    /// Waits for what comes of it.
    pub(super) async fn wait(&self) -> Option<Outcome> {
        let mut outcome = self.outcome.subscribe();
        outcome.wait_for(Option::is_some).await.ok()?.clone()
    }

    fn bytes(&self) -> usize {
        let asked: usize = self.asks().open.values().map(|(request, _)| request.len()).sum();
        let outcome = self.outcome.borrow().as_ref().map_or(0, Outcome::len);
        asked + outcome
    }

    fn asks(&self) -> MutexGuard<'_, Asks> {
        self.asks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_is_its_owners_and_ends_once() {
        let book = TaskBook::default();
        let entry = book.add("t", &Owner::Anonymous, ClientCan::default()).unwrap();
        assert!(book.add("t", &Owner::Anonymous, ClientCan::default()).is_none());
        let other = Owner::Principal {
            issuer: "i".parse().unwrap(),
            subject: "s".parse().unwrap(),
            client_id: None,
        };
        assert!(book.get("t", &other).is_none());
        assert!(book.get("t", &Owner::Anonymous).is_some() && book.named("t").is_some());
        assert_eq!(entry.outcome(), None);
        entry.end(Outcome::Result("{}".to_owned()));
        assert_eq!(entry.wait().await, Some(Outcome::Result("{}".to_owned())));
        assert_eq!(entry.outcome(), entry.wait().await);
        book.forget("t");
        assert!(book.named("t").is_none());
    }

    #[test]
    fn there_is_a_bound() {
        let book = TaskBook::default();
        for number in 0..MAX_TASKS {
            let id = number.to_string();
            assert!(book.add(&id, &Owner::Anonymous, ClientCan::default()).is_some());
        }
        assert!(book.add("x", &Owner::Anonymous, ClientCan::default()).is_none());
        book.forget("0");
        let entry = book.add("x", &Owner::Anonymous, ClientCan::default()).unwrap();
        assert!(book.has_room(MAX_BYTES) && !book.has_room(MAX_BYTES + 1));
        entry.end(Outcome::Result("{}".to_owned()));
        assert!(book.has_room(MAX_BYTES - 2) && !book.has_room(MAX_BYTES - 1));
    }
}
