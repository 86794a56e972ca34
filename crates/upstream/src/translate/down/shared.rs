//! What the calls to one old server share, and where belongs what it says outside of them.

use std::sync::{Arc, Weak};

use tokio::sync::Mutex;

use super::{
    book::{Entry, Outcome, TaskBook},
    open_ask::OpenAsk,
    options::DownOptions,
    parked::{Parked, Receivers},
    support::TaskSupport,
};
use crate::{
    asks::{parking::Parking, turn::Turns, whose::Calls},
    calls::Connection,
    port::{Ask, Event, Unsolicited},
    translate::{
        capabilities::has_tasks,
        hello,
        input::{self, AskKind, Refusal},
        level::{Level, is_wanted},
        listen::{Filter, References},
        tasks::{Detail, Status, Task, related},
    },
    wire::{Message, Object, quote},
};

/// Nothing more can be asked in this call or task.
pub(super) const TOO_OFTEN: Refusal =
    Refusal { code: -32603, message: "the client was asked too often" };
/// No one can be asked this.
const NO_ONE: Refusal = Refusal { code: -32603, message: "no client can answer this" };
/// No client knows this.
pub(super) const UNKNOWN: Refusal = Refusal { code: -32601, message: "there is no such method" };

/// The state of one connection.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) connection: Connection,
    pub(super) parking: Parking<Parked>,
    pub(super) options: DownOptions,
    /// What the server can do, and is called, as JSON.
    pub(super) capabilities: String,
    pub(super) server_info: Option<String>,
    pub(super) receivers: Arc<Receivers>,
    /// Streams of `subscriptions/listen`.
    pub(super) streams: Arc<Calls<Filter>>,
    pub(super) turns: Turns,
    /// The level that the server was given. The lock is held while it is set.
    level: Mutex<Option<Level>>,
    /// URIs that the server was asked to watch. The lock is held while it is asked.
    pub(super) references: Mutex<References>,
    pub(super) tasks: TaskBook,
    /// Whether its tools can be called as tasks, and which.
    pub(super) has_tasks: bool,
    pub(super) support: TaskSupport,
}

impl Shared {
    pub(super) fn new(
        connection: Connection,
        parking: Parking<Parked>,
        options: DownOptions,
    ) -> Self {
        let hello = connection.hello().result();
        let capabilities = Object::parse(hello)
            .ok()
            .and_then(|hello| hello.get("capabilities").map(str::to_owned))
            .unwrap_or_else(|| "{}".to_owned());
        Self {
            server_info: hello::server_info(hello),
            has_tasks: has_tasks(&capabilities),
            capabilities,
            connection,
            parking,
            options,
            receivers: Arc::default(),
            streams: Arc::default(),
            turns: Turns::new(options.patience),
            level: Mutex::default(),
            references: Mutex::default(),
            tasks: TaskBook::default(),
            support: TaskSupport::default(),
        }
    }

    /// Whether the server declared a capability.
    pub(super) fn has(&self, capability: &str) -> bool {
        Object::parse(&self.capabilities).is_ok_and(|all| all.get(capability).is_some())
    }

    /// Sees to it that the server sends log messages of `wanted`, if it has any.
    pub(super) async fn lower_level(&self, wanted: Level) {
        if !self.has("logging") {
            return;
        }
        let mut level = self.level.lock().await;
        if level.is_some_and(|level| level <= wanted) {
            return;
        }
        let params = format!(r#"{{"level":"{}"}}"#, wanted.name());
        // A server that refuses sends what it sends.
        let _ = self.connection.request("logging/setLevel", &params).await;
        *level = Some(wanted);
    }

    /// Takes a question to the task that it names; gives it back if it names none.
    pub(super) async fn ask_task(&self, ask: Ask) -> Result<(), Ask> {
        let params = ask.request.params();
        let Some(task) = related(params) else { return Err(ask) };
        match self.tasks.named(&task) {
            Some(entry) => self.ask_entry(&entry, &ask).await,
            None => OpenAsk::new(&ask, &self.connection).refuse(NO_ONE).await,
        }
        Ok(())
    }

    /// Takes a question to a task, if its client can answer it.
    pub(super) async fn ask_entry(&self, entry: &Entry, ask: &Ask) {
        let (method, params) = (ask.request.method(), ask.request.params());
        let open = OpenAsk::new(ask, &self.connection);
        let refusal = match AskKind::read(method, params) {
            None => Some(UNKNOWN),
            Some(kind) => kind.check(entry.can()).err(),
        };
        match (refusal, input::to_new(method, params)) {
            (None, Ok(request)) if self.tasks.has_room(request.len()) => {
                if let Err(open) = entry.ask(request, open) {
                    open.refuse(TOO_OFTEN).await;
                }
            }
            (None, Ok(_)) => open.refuse(TOO_OFTEN).await,
            (refusal, _) => open.refuse(refusal.unwrap_or(UNKNOWN)).await,
        }
    }

    /// Remembers that this server asks, and does not say whom.
    pub(super) fn learn_that_it_asks(&self) {
        if !self.options.names_calls {
            self.turns.learn();
        }
    }

    async fn ask(&self, ask: Ask) {
        let Err(ask) = self.ask_task(ask).await else { return };
        let kind = AskKind::read(ask.request.method(), ask.request.params());
        // Some servers ask for roots by themselves.
        if kind.is_some_and(|kind| kind != AskKind::Roots) {
            self.learn_that_it_asks();
        }
        let is_taken = !self.options.is_shared
            && kind.is_some()
            && self
                .receivers
                .to_the_only(&Event::Ask(ask.clone()), |wants| wants.can.answers_anything());
        if !is_taken {
            OpenAsk::new(&ask, &self.connection).refuse(NO_ONE).await;
        }
    }

    /// A task has another status. What has ended is announced with what came of it.
    pub(super) fn task_changed(&self, note: &Message) {
        let Ok(task) = Task::from_old(note.params().unwrap_or("{}")) else { return };
        let Some(entry) = self.tasks.named(&task.id) else { return };
        let has_ended = task.status.is_final();
        let id = task.id.clone();
        entry.changed(task);
        if !has_ended || entry.outcome().is_some() {
            self.announce(&id, &entry);
        }
    }

    /// Says how a task is to the streams that listen to it, if the server says so by itself.
    pub(super) fn announce(&self, id: &str, entry: &Entry) {
        let Some(task) = entry.last() else { return };
        let outcome = entry.outcome();
        let detail = match &outcome {
            _ if task.status == Status::Cancelled => Detail::None,
            Some(Outcome::Result(result)) => Detail::Result(result),
            Some(Outcome::Error(error)) => Detail::Error(error),
            // What is asked is in `tasks/get`.
            None if task.status == Status::InputRequired => return,
            None => Detail::None,
        };
        let method = "notifications/tasks";
        if let Ok(params) = task.as_notified(&detail)
            && let Ok(note) = Message::notification(method, Some(&params))
        {
            let names = format!(r#"{{"taskId":{}}}"#, quote(id));
            self.streams
                .to_all(&Event::Notification(note), |filter| filter.wants(method, Some(&names)));
        }
    }

    fn note(&self, note: &Message) {
        match note.method() {
            "notifications/message" if self.options.is_shared => {}
            "notifications/message" => {
                self.receivers.to_all(&Event::Notification(note.clone()), |wants| {
                    is_wanted(note.params(), wants.level)
                });
            }
            // A question that no one was given, and what the new generation does not have.
            "notifications/cancelled" | "notifications/elicitation/complete" => {}
            "notifications/tasks/status" => self.task_changed(note),
            method => {
                if method == "notifications/tools/list_changed" {
                    self.support.forget();
                }
                self.streams.to_all(&Event::Notification(note.clone()), |filter| {
                    filter.wants(method, note.params())
                });
            }
        }
    }
}

/// Takes what the server says outside of calls to where it belongs, until the connection ends.
pub(super) async fn distribute(mut unsolicited: Unsolicited, shared: Weak<Shared>) {
    while let Some(event) = unsolicited.recv().await {
        let Some(shared) = shared.upgrade() else { return };
        match event {
            Event::Notification(note) => shared.note(&note),
            Event::Ask(ask) => shared.ask(ask).await,
            Event::Answer(_) => {}
        }
    }
    if let Some(shared) = shared.upgrade() {
        shared.receivers.end();
        shared.streams.end();
    }
}
