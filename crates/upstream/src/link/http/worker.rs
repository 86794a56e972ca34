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
    listen::listen,
    session::Session,
};
use crate::{
    link::{
        CallId, ClosedError, Outgoing,
        message::{cancelled_by, request_of},
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
    NoSession,
}

struct Worker {
    session: Arc<Session>,
    tasks: JoinSet<Done>,
    calls: HashMap<CallId, AbortHandle>,
}

/// Runs a link until its sender is dropped or the server ends the session.
pub(super) async fn work(session: Arc<Session>, mut outgoing: mpsc::Receiver<Outgoing>) {
    let mut worker = Worker { session, tasks: JoinSet::new(), calls: HashMap::new() };
    let reason = loop {
        let has_room = worker.tasks.len() < MAX_TASKS;
        tokio::select! {
            biased;
            Some(done) = worker.tasks.join_next() => match done {
                Ok(Done::Call(id)) => drop(worker.calls.remove(&id)),
                Ok(Done::NoSession) => break "the server has ended the session",
                Ok(Done::Other) | Err(_) => {}
            },
            message = outgoing.recv(), if has_room => match message {
                Some(Outgoing { message, .. }) => worker.take(message).await,
                None => break "the gateway has ended it",
            },
        }
    };
    worker.tasks.shutdown().await;
    let _ = timeout(END, worker.session.delete()).await;
    worker.session.closed(ClosedError::Ended(reason)).await;
}

impl Worker {
    async fn take(&mut self, bytes: Bytes) {
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
                self.cancel(message, call);
            } else if let Some(call) = call {
                // Closing the answer is the cancellation (from 2026-07-28 on).
                call.abort();
            }
            return;
        }
        let role = match message.method() {
            "initialize" => Role::Initialize,
            "tools/list" => Role::ListTools,
            "notifications/initialized" => return self.initialized(message).await,
            _ => Role::Other,
        };
        match request_of(&message) {
            Some(id) => self.call(id, message, role),
            None => self.note(message),
        }
    }

    fn call(&mut self, id: CallId, message: Message, role: Role) {
        let session = Arc::clone(&self.session);
        let call = self.tasks.spawn(async move {
            match run(&session, id, message, role).await {
                Ended::Answered => Done::Call(id),
                Ended::NoSession => Done::NoSession,
            }
        });
        self.calls.insert(id, call);
    }

    /// Sends a notification or an answer.
    fn note(&mut self, message: Message) {
        let session = Arc::clone(&self.session);
        self.tasks.spawn(async move {
            send(&session, message).await;
            Done::Other
        });
    }

    /// Sends a cancellation, and closes the call's answer after it.
    fn cancel(&mut self, message: Message, call: Option<AbortHandle>) {
        let session = Arc::clone(&self.session);
        self.tasks.spawn(async move {
            send(&session, message).await;
            if let Some(call) = call {
                call.abort();
            }
            Done::Other
        });
    }

    /// Sends `notifications/initialized` before any other message, and listens from then on.
    async fn initialized(&mut self, message: Message) {
        send(&self.session, message).await;
        let session = Arc::clone(&self.session);
        self.tasks.spawn(async move {
            if listen(&session).await { Done::NoSession } else { Done::Other }
        });
    }
}

/// Sends what has no answer. Nothing can be done about what goes wrong: no call waits for it.
async fn send(session: &Session, message: Message) {
    if let Err(error) = session.post(message).await {
        debug!(error = &error as &dyn Error, "a notification was not accepted");
    }
}
