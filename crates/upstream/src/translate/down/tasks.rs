//! Tasks of an old server for clients that know the tasks extension (SEP-2663).
//!
//! 1. A call becomes a task where the client knows them and the tool allows it. Which tools do is
//!    read from `tools/list`.
//! 2. `tasks/result` is kept open for each task: old servers ask there, and only there they say
//!    what came of the call.
//! 3. `tasks/get` says what is asked and what came of it, `tasks/update` answers.
//! 4. A task is bounded in time, and forgotten a while after its end.

use std::{
    collections::HashMap,
    sync::{Arc, Weak},
    time::Duration,
};

use super::{
    book::{Entry, Outcome},
    caller::Caller,
    shared::Shared,
};
use crate::{
    calls::{Connection, RequestError},
    port::{Event, next_event},
    translate::{
        capabilities::ClientCan,
        error::{self, OldError},
        failure::{Failure, success},
        names::TASKS_EXTENSION,
        object::{UntranslatableError, parse_or_empty},
        request, result,
        tasks::{Detail, Status, Task, id_of, unrelated, wanted},
    },
    wire::{Message, Object, items, quote},
};

/// How long a task may take.
const MAX_TIME: Duration = Duration::from_hours(1);
/// How long what came of it is kept.
const KEPT: Duration = Duration::from_mins(10);
/// How long a server may take to say what came of a task that it says has ended.
const SAYING: Duration = Duration::from_secs(30);
/// The most pages of `tools/list` that are read.
const MAX_PAGES: usize = 100;
const DONE: &str = r#"{"resultType":"complete"}"#;

/// The parameters of a call, with the wish that it becomes a task where it can; and whether it may.
pub(super) async fn augmented(
    shared: &Shared,
    caller: &Caller,
    method: &str,
    params: Option<String>,
    can: ClientCan,
) -> Result<(Option<String>, bool), Failure> {
    if method != "tools/call" || !shared.has_tasks {
        return Ok((params, false));
    }
    let name = Object::parse(params.as_deref().unwrap_or("{}"))
        .ok()
        .and_then(|params| params.text("name").map(String::from));
    match (support(shared, caller, &name.unwrap_or_default()).await, can.tasks) {
        (Some(_), true) => {
            let params = wanted(params.as_deref()).map_err(Failure::params)?;
            Ok((Some(params), true))
        }
        (Some(true), false) => {
            Err(Failure::capability(&format!(r#"{{"extensions":{{"{TASKS_EXTENSION}":{{}}}}}}"#)))
        }
        _ => Ok((params, false)),
    }
}

/// Whether a tool must be called as a task; `None` if it cannot be.
async fn support(shared: &Shared, caller: &Caller, tool: &str) -> Option<bool> {
    if let Some(support) = shared.support.known() {
        return support.get(tool).copied();
    }
    let before = shared.support.version();
    // A server that does not list its tools is called plainly.
    let support = Arc::new(listed(caller).await.unwrap_or_default());
    shared.support.learn(before, &support);
    support.get(tool).copied()
}

async fn listed(caller: &Caller) -> Option<HashMap<String, bool>> {
    let mut support = HashMap::new();
    let mut params = "{}".to_owned();
    for _ in 0..MAX_PAGES {
        let page = caller.connection.request("tools/list", &params).await.ok()?;
        let page = Object::parse(&page).ok()?;
        for tool in items(page.get("tools")?).ok()? {
            let tool = Object::parse(tool).ok()?;
            let execution = tool.object("execution").unwrap_or_default();
            let is_required = match execution.text("taskSupport").as_deref() {
                Some("required") => true,
                Some("optional") => false,
                _ => continue,
            };
            support.insert(tool.text("name")?.into_owned(), is_required);
        }
        match page.get("nextCursor") {
            Some(cursor) => params = format!(r#"{{"cursor":{cursor}}}"#),
            None => break,
        }
    }
    Some(support)
}

/// The result of a call that became a task; `None` if it did not.
pub(super) fn created(
    shared: &Arc<Shared>,
    result: &str,
    caller: &Caller,
    can: ClientCan,
) -> Result<Option<String>, Failure> {
    let task = Task::created(result).map_err(|error| Failure::server(&error))?;
    let Some(task) = task else { return Ok(None) };
    let Some(entry) = shared.tasks.add(&task.id, &caller.owner, can) else {
        let connection = caller.connection.clone();
        tokio::spawn(async move { connection.request("tasks/cancel", &of(&task.id)).await });
        return Err(Failure::internal("too many tasks are open"));
    };
    let created = task.as_created().map_err(|error| Failure::server(&error))?;
    let connection = caller.connection.clone();
    tokio::spawn(follow(Arc::clone(shared), connection, entry, task.id));
    Ok(Some(created))
}

/// Keeps `tasks/result` open, until it is known what came of the task.
async fn follow(shared: Arc<Shared>, connection: Connection, entry: Arc<Entry>, id: String) {
    let outcome = tokio::time::timeout(MAX_TIME, outcome(&shared, &connection, &entry, &id)).await;
    let outcome = outcome
        .unwrap_or_else(|_| Outcome::Error(error::error(-32603, "the task took too long", None)));
    let outcome = if shared.tasks.has_room(outcome.len()) {
        outcome
    } else {
        Outcome::Error(error::error(-32603, "the result is too long to be kept", None))
    };
    drop(connection);
    entry.end(outcome);
    shared.announce(&id, &entry);
    let shared: Weak<Shared> = { Arc::downgrade(&shared) };
    tokio::time::sleep(KEPT).await;
    if let Some(shared) = shared.upgrade() {
        shared.tasks.forget(&id);
    }
}

async fn outcome(
    shared: &Arc<Shared>,
    connection: &Connection,
    entry: &Entry,
    id: &str,
) -> Outcome {
    let failed = |message: &str| Outcome::Error(error::error(-32603, message, None));
    let Ok(request) = Message::request("0", "tasks/result", Some(&of(id))) else {
        return failed("the task has no id that can be asked for");
    };
    let mut call = connection.call(&request);
    while let Some(event) = next_event(&mut *call).await {
        match event {
            Event::Ask(ask) => {
                // One that names no task is this one's.
                if let Err(ask) = shared.ask_task(ask).await {
                    shared.ask_entry(entry, &ask).await;
                }
            }
            Event::Notification(note) if note.method() == "notifications/tasks/status" => {
                shared.task_changed(&note);
            }
            // Neither progress nor log messages are sent for tasks of the extension.
            Event::Notification(_) => {}
            Event::Answer(answer) => {
                let outcome = translated(shared, &answer);
                return outcome.unwrap_or_else(|_| failed("the result cannot be passed on"));
            }
        }
    }
    failed("the server has ended")
}

fn translated(shared: &Shared, answer: &Message) -> Result<Outcome, UntranslatableError> {
    if let Some(result) = answer.result() {
        let info = shared.server_info.as_deref();
        return Ok(Outcome::Result(result::to_new("tools/call", &unrelated(result)?, info)?));
    }
    match error::to_new("tools/call", answer.error().unwrap_or("{}"))? {
        OldError::Error(error) => Ok(Outcome::Error(error)),
        OldError::Urls(_) => Err(UntranslatableError::Shape("a task cannot ask in this way")),
    }
}

/// Answers `tasks/get`, `tasks/update` and `tasks/cancel`.
pub(super) async fn run(shared: Arc<Shared>, caller: Caller, request: Message) -> Message {
    let id = request.id().unwrap_or("0");
    let answer = answer(&shared, &caller, &request, id).await;
    answer.unwrap_or_else(|failure| failure.answer(id))
}

async fn answer(
    shared: &Shared,
    caller: &Caller,
    request: &Message,
    id: &str,
) -> Result<Message, Failure> {
    let (params, said) =
        request::to_old(request.method(), request.params()).map_err(Failure::params)?;
    let task = id_of(params.as_deref()).map_err(Failure::params)?;
    let entry = shared.tasks.get(&task, &caller.owner);
    let entry = entry.ok_or_else(|| Failure::params("there is no such task"))?;
    match request.method() {
        "tasks/update" => {
            let responses = parse_or_empty(said.responses.as_deref()).map_err(Failure::params)?;
            for (key, response) in responses.iter() {
                if Object::parse(response).is_ok()
                    && let Some(open) = entry.answered(key)
                {
                    open.answer(response).await;
                }
            }
            success(id, DONE)
        }
        "tasks/cancel" => {
            // Whether it can still be cancelled shows in `tasks/get`.
            let _ = caller.connection.request("tasks/cancel", &of(&task)).await;
            success(id, DONE)
        }
        _ => match caller.connection.request("tasks/get", &of(&task)).await {
            Ok(old) => success(id, &state(&entry, &old).await?),
            Err(RequestError::Refused(error)) => {
                let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
                Message::parse(text.into()).map_err(|error| Failure::server(&error.into()))
            }
            Err(RequestError::Message(error)) => Err(Failure::server(&error.into())),
        },
    }
}

/// The result of `tasks/get`.
async fn state(entry: &Entry, old: &str) -> Result<String, Failure> {
    let task = Task::from_old(old).map_err(|error| Failure::server(&error))?;
    if entry.outcome().is_none()
        && task.status.is_final()
        && task.status != Status::Cancelled
        && tokio::time::timeout(SAYING, entry.wait()).await.is_err()
    {
        return Err(Failure::internal("the server does not say what came of the task"));
    }
    let asks = entry.open();
    let asks = (!asks.is_empty()).then(|| {
        let asks = asks.iter().map(|(key, request)| format!("{}:{request}", quote(key)));
        format!("{{{}}}", asks.collect::<Vec<_>>().join(","))
    });
    let outcome = entry.outcome();
    let detail = match (&outcome, &asks) {
        _ if task.status == Status::Cancelled => Detail::None,
        (Some(Outcome::Result(result)), _) => Detail::Result(result),
        (Some(Outcome::Error(error)), _) => Detail::Error(error),
        (None, Some(asks)) => Detail::Asks(asks),
        // It waits for what was answered, or not asked yet.
        (None, None) if task.status == Status::InputRequired => Detail::Working,
        (None, None) => Detail::None,
    };
    task.as_got(&detail).map_err(|error| Failure::server(&error))
}

fn of(task: &str) -> String {
    format!(r#"{{"taskId":{}}}"#, quote(task))
}
