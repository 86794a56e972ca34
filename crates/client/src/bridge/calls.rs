//! The program's requests that have no answer yet.
//!
//! A request has one answer: what takes it out of this table may give it, and nothing else.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::task::AbortHandle;

use super::message::{INITIALIZE, Id, Message};

/// The most requests without an answer.
pub(super) const MAX_CALLS: usize = 256;

/// What is done with the answer to a request, besides passing it on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asks {
    /// It opens a session.
    Session,
    /// It lists tools, whose schemas say what headers their calls need.
    Tools,
    /// Nothing.
    Other,
}

/// A request without an answer.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) asks: Asks,
    /// Whether it carries its version, and so has no session.
    pub(super) is_stateless: bool,
    /// The work on it; nothing if it waits.
    pub(super) task: Option<AbortHandle>,
    serial: u64,
}

/// Why a request is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum CallError {
    /// An earlier request with this id has no answer yet.
    #[error("a request with this id has no answer yet")]
    Twice,
    /// There are too many.
    #[error("more than {MAX_CALLS} requests have no answer yet")]
    TooMany,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Calls(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    calls: HashMap<Id, Call>,
    serial: u64,
}

impl Calls {
    /// Takes a request. Returns its number, which distinguishes it from another one with its id.
    pub(super) fn add(&self, id: &Id, message: &Message) -> Result<u64, CallError> {
        let mut table = self.table();
        if table.calls.len() >= MAX_CALLS {
            return Err(CallError::TooMany);
        }
        if table.calls.contains_key(id) {
            return Err(CallError::Twice);
        }
        let asks = match message.method.as_str() {
            INITIALIZE => Asks::Session,
            "tools/list" => Asks::Tools,
            _ => Asks::Other,
        };
        table.serial += 1;
        let serial = table.serial;
        let call = Call { asks, is_stateless: message.is_stateless(), task: None, serial };
        table.calls.insert(id.clone(), call);
        Ok(serial)
    }

    /// Notes the work on a request, which may have ended already.
    pub(super) fn attach(&self, id: &Id, serial: u64, task: AbortHandle) {
        if let Some(call) = self.table().calls.get_mut(id).filter(|call| call.serial == serial) {
            call.task = Some(task);
        }
    }

    /// Whether this request has no answer yet.
    pub(super) fn is_open(&self, id: &Id, serial: u64) -> bool {
        self.table().calls.get(id).is_some_and(|call| call.serial == serial)
    }

    /// Takes a request out: it is answered, or cancelled.
    pub(super) fn take(&self, id: &Id) -> Option<Call> {
        self.table().calls.remove(id)
    }

    /// Takes a request out that is cancelled. One that opens a session cannot be.
    pub(super) fn cancel(&self, id: &Id) -> Option<Call> {
        let mut table = self.table();
        table.calls.get(id).filter(|call| call.asks != Asks::Session)?;
        table.calls.remove(id)
    }

    /// Takes a request out, if it is this one.
    pub(super) fn take_if(&self, id: &Id, serial: u64) -> Option<Call> {
        let mut table = self.table();
        table.calls.get(id).filter(|call| call.serial == serial)?;
        table.calls.remove(id)
    }

    /// Takes all out.
    pub(super) fn take_all(&self) -> Vec<Call> {
        self.table().calls.drain().map(|(_, call)| call).collect()
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.table().calls.is_empty()
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{super::message, *};

    fn request(id: usize) -> (Id, Message) {
        let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"tools/list"}}"#);
        let message = message::read(text.as_bytes()).unwrap();
        (message.request_id().unwrap().clone(), message)
    }

    #[test]
    fn a_request_is_taken_once_and_answered_once() {
        let calls = Calls::default();
        let (id, message) = request(1);
        let first = calls.add(&id, &message).unwrap();
        assert_eq!(calls.add(&id, &message), Err(CallError::Twice));
        assert_eq!(calls.take(&id).unwrap().asks, Asks::Tools);
        assert!(calls.take(&id).is_none());
        let second = calls.add(&id, &message).unwrap();
        assert!(!calls.is_open(&id, first) && calls.is_open(&id, second));
        assert!(calls.take_if(&id, first).is_none() && calls.take_if(&id, second).is_some());
        assert!(calls.is_empty());
    }

    #[test]
    fn requests_are_bounded() {
        let calls = Calls::default();
        for number in 0..MAX_CALLS {
            let (id, message) = request(number);
            calls.add(&id, &message).unwrap();
        }
        let (id, message) = request(MAX_CALLS);
        assert_eq!(calls.add(&id, &message), Err(CallError::TooMany));
        calls.take(&request(0).0);
        assert!(calls.add(&id, &message).is_ok());
    }
}
