//! Takes the messages of one link to the server, each to its own POST.

use std::{collections::HashMap, error::Error, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::{
    sync::mpsc,
    task::{AbortHandle, JoinSet},
    time::timeout,
};
use tracing::debug;

use super::{
    call::{Ended, Role, run},
    error::HttpLinkError,
    listen::listen,
    session::Session,
};
use crate::{
    link::{
        CallId, ClosedError, Outgoing,
        message::{cancelled_by, request_of},
        sse::SseSession,
    },
    wire::Message,
};

/// How many requests are under way at once. A message beyond it waits.
const MAX_TASKS: usize = 1024;
/// How long the end of a session may take.
const END: Duration = Duration::from_secs(5);

/// What a task of the link has done.
enum Done {
    Call(CallId),
    Other,
    /// The server has ended the session: so it was found by this call, which has no answer yet, or
    /// by what is no call.
    NoSession(Option<CallId>),
    /// The server is one of 2024-11-05, to which this `initialize` is to be sent.
    Sse(Box<SseSession>, Box<Message>),
}

struct Worker {
    session: Arc<Session>,
    tasks: JoinSet<Done>,
    calls: HashMap<CallId, AbortHandle>,
    /// The server has ended the session.
    has_ended: bool,
}

/// Runs a link until its sender is dropped, or until the server has ended the session and no call
/// is in flight. `closing` is called, maybe several times, before a caller can know that no further
/// request can be sent.
pub(super) async fn work(
    session: Arc<Session>,
    mut outgoing: mpsc::Receiver<Outgoing>,
    closing: impl Fn(),
) {
    let (tasks, calls) = (JoinSet::new(), HashMap::new());
    let mut worker = Worker { session, tasks, calls, has_ended: false };
    let reason = loop {
        if worker.has_ended && worker.calls.is_empty() {
            break "the server has ended the session";
        }
        let has_room = worker.tasks.len() < MAX_TASKS;
        tokio::select! {
            biased;
            Some(done) = worker.tasks.join_next() => match done {
                Ok(Done::Sse(sse, initialize)) => {
                    worker.tasks.shutdown().await;
                    let incoming = worker.session.incoming();
                    let closed = sse.run(*initialize, &mut outgoing, incoming).await;
                    closing();
                    return worker.session.closed(closed).await;
                }
                Ok(Done::NoSession(call)) => {
                    worker.has_ended = true;
                    // Before the caller can come again.
                    closing();
                    worker.no_session(call).await;
                }
                Ok(Done::Call(id)) => drop(worker.calls.remove(&id)),
                // One was cancelled.
                Ok(Done::Other) | Err(_) => {}
            },
            message = outgoing.recv(), if has_room => match message {
                Some(Outgoing { message, caller, .. }) => {
                    let session = worker.session.of(caller);
                    worker.take(message, session).await;
                }
                None => break "the gateway has ended it",
            },
        }
    };
    worker.tasks.shutdown().await;
    if !worker.has_ended {
        let _ = timeout(END, worker.session.delete()).await;
    }
    closing();
    worker.session.closed(ClosedError::Ended(reason)).await;
}

impl Worker {
    /// Answers a call that has found no session.
    async fn no_session(&mut self, call: Option<CallId>) {
        if let Some(id) = call
            && self.calls.remove(&id).is_some()
        {
            self.session.no_answer(id, HttpLinkError::SessionEnded).await;
        }
    }

    async fn take(&mut self, bytes: Bytes, session: Arc<Session>) {
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(error) => {
                debug!(error = &error as &dyn Error, "what is no message is not sent");
                return;
            }
        };
        if let Some(id) = cancelled_by(&message) {
            let call = self.calls.remove(&id);
            if self.session.is_initialized() {
                self.cancel(message, call, session);
            } else if let Some(call) = call {
                // Closing the answer is the cancellation (from 2026-07-28 on).
                call.abort();
            }
            return;
        }
        let role = match message.method() {
            "initialize" => Role::Initialize,
            "server/discover" => Role::Discover,
            "tools/list" => Role::ListTools,
            "notifications/initialized" => return self.initialized(message, &session).await,
            _ => Role::Other,
        };
        match request_of(&message) {
            Some(id) if self.has_ended => {
                self.session.no_answer(id, HttpLinkError::SessionEnded).await;
            }
            Some(id) => self.call(id, message, role, session),
            None => self.note(message, session),
        }
    }

    fn call(&mut self, id: CallId, message: Message, role: Role, session: Arc<Session>) {
        let call = self.tasks.spawn(async move {
            let initialize = (role == Role::Initialize).then(|| message.clone());
            let ended = match role {
                Role::Discover if session.known.is_sse() => {
                    session.no_answer(id, HttpLinkError::OldTransport).await;
                    Ended::Answered
                }
                Role::Initialize if session.known.is_sse() => Ended::OldTransport(None),
                _ => run(&session, id, message, role).await,
            };
            match (ended, initialize) {
                (Ended::OldTransport(error), Some(initialize)) => {
                    old_transport(&session, id, initialize, error).await
                }
                (Ended::NoSession, _) => Done::NoSession(Some(id)),
                _ => Done::Call(id),
            }
        });
        self.calls.insert(id, call);
    }

    /// Sends a notification or an answer.
    fn note(&mut self, message: Message, session: Arc<Session>) {
        self.tasks.spawn(async move { send(&session, message).await });
    }

    /// Sends a cancellation, and closes the call's answer after it.
    fn cancel(&mut self, message: Message, call: Option<AbortHandle>, session: Arc<Session>) {
        self.tasks.spawn(async move {
            let done = send(&session, message).await;
            if let Some(call) = call {
                call.abort();
            }
            done
        });
    }

    /// Sends `notifications/initialized` before any other message, and listens from then on.
    async fn initialized(&mut self, message: Message, session: &Session) {
        let done = send(session, message).await;
        let session = Arc::clone(&self.session);
        self.tasks.spawn(async move {
            if matches!(done, Done::NoSession(_)) || listen(&session).await {
                Done::NoSession(None)
            } else {
                Done::Other
            }
        });
    }
}

/// Connects to a server of 2024-11-05. `error` is what it said to `initialize`, if it was asked.
async fn old_transport(
    session: &Session,
    id: CallId,
    initialize: Message,
    error: Option<HttpLinkError>,
) -> Done {
    match session.open_sse().await {
        Ok(sse) => Done::Sse(Box::new(sse), Box::new(initialize)),
        Err(sse) => {
            // Without that stream it is a server of another kind, and this is its answer.
            let error = error.unwrap_or(sse.into());
            session.report(&error);
            session.no_answer(id, error).await;
            Done::Call(id)
        }
    }
}

/// Sends what has no answer. Nothing can be done about what goes wrong: no call waits for it.
async fn send(session: &Session, message: Message) -> Done {
    let Err(error) = session.note(message).await else { return Done::Other };
    debug!(error = &error as &dyn Error, "a notification was not accepted");
    let has_session = !matches!(error, HttpLinkError::SessionEnded);
    if has_session { Done::Other } else { Done::NoSession(None) }
}
