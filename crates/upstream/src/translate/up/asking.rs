//! The questions of one session that its client has not answered yet.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::oneshot;

use crate::{
    port::{Ask, AskId, Event},
    translate::{
        capabilities::ClientCan,
        driven::Outlet,
        failure::Failure,
        input::{self, AskKind},
    },
    wire::{Message, quote},
};

/// The most questions of one session at a time.
const MAX_ASKS: usize = 64;
/// How long a client may take for its answers.
const TIME: Duration = Duration::from_mins(5);

/// Questions by their number.
#[derive(Debug, Default)]
pub(super) struct OpenAsks {
    next: AtomicU64,
    open: Mutex<HashMap<AskId, oneshot::Sender<Message>>>,
}

/// One question, until it is dropped.
struct Answering {
    asks: Arc<OpenAsks>,
    id: AskId,
    answer: oneshot::Receiver<Message>,
}

impl OpenAsks {
    /// Takes a client's answer to where it is waited for. An answer to nothing is dropped.
    pub(super) fn answer(&self, ask: AskId, answer: Message) {
        let open = self.open().remove(&ask);
        if let Some(open) = open {
            let _ = open.send(answer);
        }
    }

    fn add(self: &Arc<Self>) -> Option<Answering> {
        let mut open = self.open();
        if open.len() >= MAX_ASKS {
            return None;
        }
        let id = AskId(self.next.fetch_add(1, Ordering::Relaxed) + 1);
        let (sender, answer) = oneshot::channel();
        open.insert(id, sender);
        drop(open);
        Some(Answering { asks: Arc::clone(self), id, answer })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<AskId, oneshot::Sender<Message>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Answering {
    fn drop(&mut self) {
        self.asks.open().remove(&self.id);
    }
}

/// Asks the client all `requests` (elements of `inputRequests`, by key), within a call. Gives
/// `inputResponses`. A client that answers with an error ends the call with that error.
pub(super) async fn ask(
    asks: &Arc<OpenAsks>,
    can: ClientCan,
    requests: &[(String, String)],
    outlet: &Outlet,
) -> Result<String, Failure> {
    let mut asked = Vec::new();
    for (key, request) in requests {
        let answering = asks.add();
        let answering =
            answering.ok_or_else(|| Failure::internal("too many questions are open"))?;
        let number = answering.id.0.to_string();
        let old = input::to_old(request, &number).map_err(|error| Failure::server(&error))?;
        let (method, params) = (&*old.0, old.1.as_deref());
        // A server must not ask for what the client did not declare (MCP 2026-07-28, multi
        // round-trip requests): it cannot be answered that it may not.
        let kind = AskKind::read(method, params);
        let is_allowed = kind.is_some_and(|kind| kind.check(can).is_ok());
        if !is_allowed {
            return Err(Failure::internal("the server asks for what the client cannot answer"));
        }
        let request = Message::request(&number, method, params);
        let request = request.map_err(|error| Failure::server(&error.into()))?;
        outlet.send(Event::Ask(Ask { id: answering.id, request })).await;
        asked.push((key, answering));
    }
    let answers = async {
        let mut responses = Vec::new();
        for (key, mut answering) in asked {
            let answer = (&mut answering.answer).await;
            let answer = answer.map_err(|_| Failure::internal("the session has ended"))?;
            match (answer.result(), answer.error()) {
                (Some(result), _) => responses.push(format!("{}:{result}", quote(key))),
                (None, error) => return Err(Failure::passed_on(error)),
            }
        }
        Ok(format!("{{{}}}", responses.join(",")))
    };
    let late = |_| Failure::internal("the client did not answer what the server asked, in time");
    tokio::time::timeout(TIME, answers).await.map_err(late)?
}
