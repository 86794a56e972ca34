//! A call that goes on after its answer: a task (SEP-2663, the extension
//! `io.modelcontextprotocol/tasks`).
//!
//! 1. Its state is asked for at the interval that the server wishes, within bounds of ours: a
//!    hostile server makes us neither hammer it nor sleep.
//! 2. What it asks of the person is asked once, and handed in.
//! 3. A run that ends before its task cancels it: see [`Session::close`].

use std::{collections::HashSet, time::Duration};

use rmcp::{
    ServiceError,
    model::{
        CallToolResult, CreateTaskResult, ErrorData, GetTaskParams, Task, TaskPayload,
        UpdateTaskParams,
    },
};
use serde_json::Value;

use super::inputs;
use crate::{
    connect::Session,
    failure::{Context, Failure},
    handler::Event,
};

/// How long to wait where the server does not say.
const INTERVAL: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_mins(1);

/// Waits for the end of a task.
pub(super) async fn follow(
    session: &Session,
    created: CreateTaskResult,
    context: &Context,
) -> Result<CallToolResult, Failure> {
    let failed = |error: ServiceError| Failure::from_service(&error, context);
    let mut task = created.task;
    let id = task.task_id.clone();
    session.owns_task(&id);
    let mut shown = String::new();
    let mut answered = HashSet::new();
    loop {
        report(session, &task, &mut shown).await;
        tokio::time::sleep(interval(&task)).await;
        let params = GetTaskParams::new(id.clone());
        let found = session.service().get_task(params).await.map_err(failed)?.task;
        task = found.task;
        match found.payload {
            TaskPayload::Completed { result } => {
                return serde_json::from_value(Value::Object(result))
                    .map_err(|_| Failure::not_mcp(context));
            }
            TaskPayload::Failed { error } => {
                let error: Result<ErrorData, _> = serde_json::from_value(Value::Object(error));
                return Err(error.map_or_else(
                    |_| Failure::not_mcp(context),
                    |error| failed(ServiceError::McpError(error)),
                ));
            }
            TaskPayload::Cancelled => {
                return Err(Failure::task_cancelled(task.status_message.as_deref()));
            }
            TaskPayload::InputRequired { mut input_requests } => {
                // It may take a while until the server has taken note of an answer.
                input_requests.retain(|key, _| !answered.contains(key));
                if input_requests.is_empty() {
                    continue;
                }
                answered.extend(input_requests.keys().cloned());
                let answers = inputs::answered(session, input_requests).await?;
                let params = UpdateTaskParams::new(id.clone(), answers);
                session.service().update_task(params).await.map_err(failed)?;
            }
            _ => {}
        }
    }
}

/// Reports the status, if it has changed.
async fn report(session: &Session, task: &Task, shown: &mut String) {
    let status = serde_json::to_value(task.status).unwrap_or_default();
    let status = status.as_str().unwrap_or_default().replace('_', " ");
    let words = match &task.status_message {
        Some(words) => format!("{status}: {words}"),
        None => status,
    };
    if words != *shown {
        words.clone_into(shown);
        session.handler().emit(Event::TaskStatus(words)).await;
    }
}

fn interval(task: &Task) -> Duration {
    let wished = task.poll_interval_ms.map(Duration::from_millis);
    wished.unwrap_or(INTERVAL).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use rmcp::model::TaskStatus;

    use super::*;

    #[test]
    fn the_interval_is_the_servers_within_bounds() {
        let task = |wished: Option<u64>| {
            let mut task = Task::new("1", TaskStatus::Working, "", "");
            task.poll_interval_ms = wished;
            interval(&task)
        };
        assert_eq!(task(None), INTERVAL);
        assert_eq!(task(Some(700)), Duration::from_millis(700));
        assert_eq!(task(Some(0)), SHORTEST);
        assert_eq!(task(Some(u64::MAX)), LONGEST);
    }
}
