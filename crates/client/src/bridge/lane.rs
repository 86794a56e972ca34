//! The program's messages on their way to the server.
//!
//! 1. They are sent in the order in which they came. A notification or a response is accepted by
//!    the server before the next message is sent, or has had [`ACCEPT_TIME`]; a request that opens
//!    a session is answered before. Other requests run beside each other.
//! 2. What waits is bounded. A request that finds no place is answered with an error.
//! 3. A cancellation overtakes what waits. A request that was not sent is not sent any more. One of
//!    a session is cancelled by the notification, one since 2026-07-28 by the end of its connection
//!    (MCP 2026-07-28, cancellation).

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, task::spawn_local, time::timeout};

use super::{
    input::{Input, MAX_LINE},
    link::Link,
    message::{self, INITIALIZE, INITIALIZED, Id, Kind, Message},
    problem::CODE,
    send::{Sent, body},
};

/// How many messages wait at most.
const CAPACITY: usize = 256;
/// How many bytes of messages wait at most.
const MAX_WAITING: usize = 64 << 20;
/// How long a notification or a response may keep later messages from being sent.
const ACCEPT_TIME: Duration = Duration::from_secs(5);
/// How much of the answer to a notification is read: it should have no body.
const MAX_ACCEPTED: usize = 64 << 10;

/// A message that waits, and the number of its request.
type Waiting = (Message, u64);

/// Where messages wait.
pub(super) struct Lane {
    link: Arc<Link>,
    queue: mpsc::Sender<Waiting>,
    waits: Arc<Waits>,
}

/// What waits, or is being sent.
#[derive(Default)]
struct Waits {
    messages: AtomicUsize,
    bytes: AtomicUsize,
}

impl Waits {
    /// Takes a place. Returns whether there is one.
    fn enter(&self, size: usize) -> bool {
        if self.bytes.load(Ordering::Relaxed).saturating_add(size) > MAX_WAITING {
            return false;
        }
        self.bytes.fetch_add(size, Ordering::Relaxed);
        self.messages.fetch_add(1, Ordering::Relaxed);
        true
    }

    fn leave(&self, size: usize) {
        self.bytes.fetch_sub(size, Ordering::Relaxed);
        self.messages.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lane {
    /// A lane to the server of the link.
    pub(super) fn new(link: &Arc<Link>) -> Self {
        let (queue, waiting) = mpsc::channel(CAPACITY);
        let waits = Arc::default();
        spawn_local(drive(Arc::clone(link), waiting, Arc::clone(&waits)));
        Self { link: Arc::clone(link), queue, waits }
    }

    /// Whether nothing waits.
    pub(super) fn is_idle(&self) -> bool {
        self.waits.messages.load(Ordering::Relaxed) == 0
    }

    /// Takes what the program wrote.
    pub(super) async fn take(&self, input: Input) {
        let link = &self.link;
        let read = match input {
            Input::Line(text) => message::read(&text),
            Input::TooLong => {
                let text = format!("a line has more than {MAX_LINE} bytes");
                link.log.fault(&text);
                return link.output.send(message::error(None, -32600, &text, None)).await;
            }
        };
        let message = match read {
            Ok(message) => message,
            Err(error) => {
                link.log
                    .fault(&format!("the program wrote something else than a message: {error}"));
                let text = error.to_string();
                return link.output.send(message::error(None, error.code(), &text, None)).await;
            }
        };
        if let Some(target) = message.cancels.clone() {
            return self.cancel(message, &target);
        }
        let serial = match message.request_id() {
            None => 0,
            Some(id) => match link.calls.add(id, &message) {
                Ok(serial) => serial,
                Err(error) => {
                    let text = error.to_string();
                    return link.output.send(message::error(Some(id), CODE, &text, None)).await;
                }
            },
        };
        if let Some(message) = self.put(message, serial) {
            let text = "too many messages wait for the server";
            link.log.fault(text);
            if let Some(id) = message.request_id().filter(|id| link.calls.take(id).is_some()) {
                link.output.send(message::error(Some(id), CODE, text, None)).await;
            }
        }
    }

    /// Puts a message at the end. Returns it if there is no place.
    fn put(&self, message: Message, serial: u64) -> Option<Message> {
        let size = message.line.len();
        if !self.waits.enter(size) {
            return Some(message);
        }
        match self.queue.try_send((message, serial)) {
            Ok(()) => None,
            Err(error) => {
                self.waits.leave(size);
                Some(error.into_inner().0)
            }
        }
    }

    fn cancel(&self, message: Message, target: &Id) {
        let Some(call) = self.link.calls.cancel(target) else {
            // It has its answer, or cannot be cancelled.
            return;
        };
        let Some(task) = call.task else {
            return;
        };
        if call.is_stateless {
            return task.abort();
        }
        let link = Arc::clone(&self.link);
        spawn_local(async move {
            let _ = timeout(ACCEPT_TIME, link.tell(message)).await;
            task.abort();
        });
    }
}

async fn drive(link: Arc<Link>, mut waiting: mpsc::Receiver<Waiting>, waits: Arc<Waits>) {
    while let Some((message, serial)) = waiting.recv().await {
        let size = message.line.len();
        forward(&link, message, serial).await;
        waits.leave(size);
    }
}

async fn forward(link: &Arc<Link>, message: Message, serial: u64) {
    let Kind::Request(id) = &message.kind else {
        let opened = (message.method == INITIALIZED).then(|| message.line.clone());
        // What takes longer goes on by itself.
        let sent = spawn_local(Arc::clone(link).tell(message));
        let _ = timeout(ACCEPT_TIME, sent).await;
        if let Some(line) = opened {
            link.sessions.note_opened(&line);
            link.follow_session().await;
        }
        return;
    };
    if !link.calls.is_open(id, serial) {
        return;
    }
    let (id, opens_session) = (id.clone(), message.method == INITIALIZE);
    let call = spawn_local(Arc::clone(link).call(message, serial));
    link.calls.attach(&id, serial, call.abort_handle());
    if opens_session {
        // What ended otherwise was ended with the program.
        let _ = call.await;
    }
}

impl Link {
    /// Sends a notification or a response.
    async fn tell(self: Arc<Self>, message: Message) {
        let session = self.sessions.now();
        match self.send(&Sent::Quietly(&message), &session).await {
            Ok(response) => {
                let status = response.status();
                self.log.step(|| format!("{} {status}", message.method));
                if !status.is_success() {
                    let what =
                        if message.method.is_empty() { "a response" } else { &message.method };
                    self.log.fault(&format!("the server does not accept {what}: {status}"));
                }
                // Read to its end, the connection can be used again.
                let _ = body(response, MAX_ACCEPTED).await;
            }
            Err(problem) => self.log.fault(problem.message()),
        }
    }
}
