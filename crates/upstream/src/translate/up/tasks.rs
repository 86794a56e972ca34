//! A task of the extension (SEP-2663), waited for in place of an old client.

use std::{collections::HashSet, sync::Arc, time::Duration};

use super::{asking::ask, shared::Shared};
use crate::{
    asks::rounds::Rounds,
    calls::Connection,
    port::{Event, next_event},
    translate::{
        driven::Outlet,
        error,
        failure::{Failure, success},
        result::{self, NewResult},
        tasks::{Status, Task},
    },
    wire::{Message, Object, quote},
};

/// How often a task is looked at if the server says nothing about it.
const INTERVAL: Duration = Duration::from_secs(1);
/// How often at most, and at least, whatever it says.
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_mins(1);

/// Cancels the task when the call is dropped before its end.
struct Running {
    shared: Arc<Shared>,
    connection: Connection,
    params: String,
    has_ended: bool,
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.has_ended {
            return;
        }
        let (Ok(runtime), Ok(cancel)) = (
            tokio::runtime::Handle::try_current(),
            self.shared.request("tasks/cancel", &self.params),
        ) else {
            return;
        };
        let connection = self.connection.clone();
        runtime.spawn(async move {
            let mut call = connection.call(&cancel);
            while next_event(&mut *call).await.is_some() {}
        });
    }
}

/// Waits for a task: the answer to the call that it was. `task` is the result that began it.
pub(super) async fn wait(
    shared: &Arc<Shared>,
    connection: &Connection,
    method: &str,
    id: &str,
    task: &str,
    outlet: &Outlet,
) -> Result<Message, Failure> {
    let mut task = Task::from_new(task).map_err(|error| Failure::server(&error))?;
    let params = format!(r#"{{"taskId":{}}}"#, quote(&task.id));
    let (home, own) = (Arc::clone(shared), connection.clone());
    let mut running = Running { shared: home, connection: own, params, has_ended: false };
    let (mut rounds, mut answered) = (Rounds::default(), HashSet::new());
    loop {
        match task.status {
            Status::Completed => {
                running.has_ended = true;
                let result = task.member("result");
                let result = result.ok_or_else(|| Failure::internal("the task has no result"))?;
                let result = result::to_old(method, &result);
                return match result.map_err(|error| Failure::server(&error))? {
                    NewResult::Complete(result) => success(id, &result),
                    _ => Err(Failure::internal("the task has no final result")),
                };
            }
            Status::Failed => {
                running.has_ended = true;
                let error = task.member("error");
                return refused(method, id, error.as_deref());
            }
            Status::Cancelled => {
                running.has_ended = true;
                return Err(Failure::internal("the task was cancelled"));
            }
            Status::InputRequired => {
                let requests = unanswered(&task, &answered);
                if !requests.is_empty() {
                    let too_often = || Failure::internal("the client was asked too often");
                    rounds.next().ok_or_else(too_often)?;
                    let can = shared.client.can;
                    let responses = ask(&shared.asks, can, &requests, outlet).await?;
                    answered.extend(requests.into_iter().map(|(key, _)| key));
                    let task = quote(&task.id);
                    let params = format!(r#"{{"taskId":{task}}}"#);
                    get(shared, connection, "tasks/update", &params, Some(&responses)).await?;
                }
            }
            Status::Working => {}
        }
        let interval = task.poll_interval_ms().map_or(INTERVAL, Duration::from_millis);
        tokio::time::sleep(interval.clamp(MIN_INTERVAL, MAX_INTERVAL)).await;
        let now = get(shared, connection, "tasks/get", &running.params, None).await?;
        task = Task::from_new(&now).map_err(|error| Failure::server(&error))?;
    }
}

fn refused(method: &str, id: &str, error: Option<&str>) -> Result<Message, Failure> {
    let error = error.ok_or_else(|| Failure::internal("the task has failed"))?;
    let error = error::to_old(method, error).map_err(|error| Failure::server(&error))?;
    let text = format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#);
    Message::parse(text.into()).map_err(|error| Failure::server(&error.into()))
}

/// What a task asks and was not answered yet, by key.
fn unanswered(task: &Task, answered: &HashSet<String>) -> Vec<(String, String)> {
    let requests = task.member("inputRequests").unwrap_or_default();
    let Ok(requests) = Object::parse(&requests) else { return Vec::new() };
    let requests = requests.iter().filter(|(key, _)| !answered.contains(*key));
    requests.map(|(key, request)| (key.to_owned(), request.to_owned())).collect()
}

/// The result of a request about a task.
async fn get(
    shared: &Shared,
    connection: &Connection,
    method: &str,
    params: &str,
    responses: Option<&str>,
) -> Result<String, Failure> {
    let params = shared.params(method, Some(params))?;
    let params = match responses {
        Some(_) => crate::translate::request::again(&params, responses, None),
        None => Ok(params),
    };
    let params = params.map_err(|error| Failure::server(&error))?;
    let request = Message::request("0", method, Some(&params)).map_err(Failure::params)?;
    let mut call = connection.call(&request);
    while let Some(event) = next_event(&mut *call).await {
        if let Event::Answer(answer) = event {
            return match answer.result() {
                Some(result) => Ok(result.to_owned()),
                None => Err(Failure::passed_on(answer.error())),
            };
        }
    }
    Err(Failure::internal("the server has ended"))
}
