//! Tasks: those of 2025-11-25, and those of the extension (SEP-2663).
//!
//! | 2025-11-25 | extension |
//! |---|---|
//! | the client wants one (`task` in the parameters) | the server may make one |
//! | `{"task": {…}}` | `resultType: "task"` with the task's members |
//! | `ttl`, `pollInterval` | `ttlMs`, `pollIntervalMs` |
//! | `tasks/get`, and `tasks/result`, which waits | `tasks/get` with `result` or `error` |
//! | asks on the stream of `tasks/result` | `inputRequests` in `tasks/get`, `tasks/update` |
//! | `failed` also where the tool failed (`isError`) | `failed` only for a JSON-RPC error |
//! | `tasks/cancel` answers with the task | an empty answer |
//! | `notifications/tasks/status` | `notifications/tasks` |

use super::{
    names::RELATED_TASK,
    object::{UntranslatableError, edit, parse_or_empty, rename, set_if_absent},
};
use crate::wire::Object;

/// Where a task is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Working,
    InputRequired,
    Completed,
    Failed,
    Cancelled,
}

impl Status {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "working" => Self::Working,
            "input_required" => Self::InputRequired,
            "completed" => Self::Completed,
            "failed" => Self::Failed,
            "cancelled" => Self::Cancelled,
            _ => return None,
        })
    }

    /// Whether it stays as it is.
    pub(crate) fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Cancelled)
    }
}

/// The parameters of a `tools/call`, with the wish that it becomes a task.
pub(crate) fn wanted(params: Option<&str>) -> Result<String, UntranslatableError> {
    let mut params = parse_or_empty(params)?;
    set_if_absent(&mut params, "task", "{}");
    Ok(params.to_string())
}

/// A task with its id and status, and its members as the extension names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) status: Status,
    members: String,
}

impl Task {
    /// Reads a task of 2025-11-25.
    pub(crate) fn from_old(task: &str) -> Result<Self, UntranslatableError> {
        let mut task = Object::parse(task)?;
        rename(&mut task, "ttl", "ttlMs");
        // Absent is not allowed by either schema; without a limit is what it means.
        set_if_absent(&mut task, "ttlMs", "null");
        rename(&mut task, "pollInterval", "pollIntervalMs");
        Self::read(&task)
    }

    /// Reads the answer to a call that became a task of 2025-11-25. `None` if it did not.
    pub(crate) fn created(result: &str) -> Result<Option<Self>, UntranslatableError> {
        let result = Object::parse(result)?;
        let Some(task) = result.get("task") else { return Ok(None) };
        let mut task = Self::from_old(task)?;
        if let Some(meta) = result.get("_meta") {
            let mut members = Object::parse(&task.members)?;
            members.set("_meta", meta);
            let members = members.to_string();
            task.members = members;
        }
        Ok(Some(task))
    }

    /// Reads a task of the extension: a result of `resultType` `task`, or that of `tasks/get`.
    pub(crate) fn from_new(task: &str) -> Result<Self, UntranslatableError> {
        Self::read(&Object::parse(task)?)
    }

    fn read(task: &Object<'_>) -> Result<Self, UntranslatableError> {
        let wrong = || UntranslatableError::Shape("a task without an id or a status");
        Ok(Self {
            id: task.text("taskId").ok_or_else(wrong)?.into(),
            status: task.text("status").as_deref().and_then(Status::parse).ok_or_else(wrong)?,
            members: task.to_string(),
        })
    }

    /// The result of the call that became this task, for a new client.
    pub(crate) fn as_created(&self) -> Result<String, UntranslatableError> {
        let mut members = Object::parse(&self.members)?;
        members.set("resultType", r#""task""#);
        Ok(members.to_string())
    }

    /// The result of `tasks/get`, for a new client.
    pub(crate) fn as_got(&self, more: &Detail<'_>) -> Result<String, UntranslatableError> {
        let mut members = self.detailed(more)?;
        members.set("resultType", r#""complete""#);
        Ok(members.to_string())
    }

    /// The parameters of `notifications/tasks`, for a new client.
    pub(crate) fn as_notified(&self, more: &Detail<'_>) -> Result<String, UntranslatableError> {
        Ok(self.detailed(more)?.to_string())
    }

    /// The members, with what a task in this status says. What the gateway knows better than the
    /// status of the server goes before it.
    fn detailed<'a>(&'a self, more: &Detail<'a>) -> Result<Object<'a>, UntranslatableError> {
        let mut members = Object::parse(&self.members)?;
        match *more {
            Detail::None => {}
            Detail::Working => members.set("status", r#""working""#),
            Detail::Asks(requests) => {
                members.set("status", r#""input_required""#);
                members.set("inputRequests", requests);
            }
            Detail::Result(result) => {
                members.set("status", r#""completed""#);
                members.set("result", result);
            }
            Detail::Error(error) => {
                members.set("status", r#""failed""#);
                members.set("error", error);
            }
        }
        Ok(members)
    }

    /// How long to wait before the next look, if the server says so, in milliseconds.
    pub(crate) fn poll_interval_ms(&self) -> Option<u64> {
        let members = Object::parse(&self.members).ok()?;
        serde_json::from_str(members.get("pollIntervalMs")?).ok()
    }

    /// A member as JSON: `result`, `error`, `inputRequests`.
    pub(crate) fn member(&self, name: &str) -> Option<String> {
        Some(Object::parse(&self.members).ok()?.get(name)?.to_owned())
    }
}

/// What a task says beside its status. Each is JSON.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Detail<'a> {
    None,
    /// It is working, whatever the server says.
    Working,
    /// `inputRequests`: what is asked and not answered yet.
    Asks(&'a str),
    /// The result of the call.
    Result(&'a str),
    /// The error of the call.
    Error(&'a str),
}

/// Which task a message of 2025-11-25 belongs to, by its `params` or its `result`.
pub(crate) fn related(of: Option<&str>) -> Option<String> {
    let of = Object::parse(of?).ok()?;
    of.object("_meta")?.object(RELATED_TASK)?.text("taskId").map(Into::into)
}

/// The result of `tasks/result`, without the name of the task that it was said with.
pub(crate) fn unrelated(result: &str) -> Result<String, UntranslatableError> {
    let mut result = Object::parse(result)?;
    edit(&mut result, "_meta", |meta| drop(meta.remove(RELATED_TASK)));
    Ok(result.to_string())
}

/// The parameters of `tasks/get`, `tasks/result` and `tasks/cancel`, which are the same.
pub(crate) fn id_of(params: Option<&str>) -> Result<String, UntranslatableError> {
    let id = parse_or_empty(params)?.text("taskId").map(Into::into);
    id.ok_or(UntranslatableError::Shape("`taskId` is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = concat!(
        r#"{"taskId":"t","status":"working","createdAt":"c","lastUpdatedAt":"l","#,
        r#""ttl":60000,"pollInterval":5,"later":1}"#
    );
    const NEW: &str = concat!(
        r#"{"taskId":"t","status":"working","createdAt":"c","lastUpdatedAt":"l","#,
        r#""ttlMs":60000,"pollIntervalMs":5,"later":1"#
    );

    #[test]
    fn a_call_that_becomes_a_task() {
        assert_eq!(wanted(Some(r#"{"name":"n"}"#)).unwrap(), r#"{"name":"n","task":{}}"#);
        let own = r#"{"task":{"ttl":1}}"#;
        assert_eq!(wanted(Some(own)).unwrap(), own);
        let created = format!(r#"{{"task":{OLD},"_meta":{{"k":0}}}}"#);
        let task = Task::created(&created).unwrap().unwrap();
        assert_eq!((&*task.id, task.status), ("t", Status::Working));
        assert_eq!(task.poll_interval_ms(), Some(5));
        assert_eq!(
            task.as_created().unwrap(),
            format!(r#"{NEW},"_meta":{{"k":0}},"resultType":"task"}}"#)
        );
        assert_eq!(Task::created(r#"{"content":[]}"#).unwrap(), None);
        for bad in [r#"{"task":{}}"#, r#"{"task":{"taskId":"t","status":"x"}}"#, r#"{"task":1}"#] {
            assert!(Task::created(bad).is_err(), "{bad}");
        }
        let without_limit = Task::from_old(r#"{"taskId":"t","status":"failed"}"#).unwrap();
        assert_eq!(without_limit.member("ttlMs").unwrap(), "null");
    }

    #[test]
    fn what_a_task_says() {
        let task = Task::from_old(OLD).unwrap();
        let new = |status: &str| NEW.replace("working", status);
        for (detail, expected) in [
            (Detail::None, NEW.to_owned()),
            (Detail::Asks("{}"), format!(r#"{},"inputRequests":{{}}"#, new("input_required"))),
            (Detail::Result("{}"), format!(r#"{},"result":{{}}"#, new("completed"))),
            (Detail::Error("{}"), format!(r#"{},"error":{{}}"#, new("failed"))),
        ] {
            let got = task.as_got(&detail).unwrap();
            assert_eq!(got, format!(r#"{expected},"resultType":"complete"}}"#));
            assert_eq!(task.as_notified(&detail).unwrap(), format!("{expected}}}"));
            let back = Task::from_new(&got).unwrap();
            assert_eq!(back.id, "t");
        }
    }

    #[test]
    fn status() {
        for (name, is_final) in [
            ("working", false),
            ("input_required", false),
            ("completed", true),
            ("failed", true),
            ("cancelled", true),
        ] {
            assert_eq!(Status::parse(name).unwrap().is_final(), is_final, "{name}");
        }
        assert_eq!(Status::parse("done"), None);
    }

    #[test]
    fn what_belongs_to_a_task() {
        let of = r#"{"a":1,"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"t"}}}"#;
        assert_eq!(related(Some(of)).unwrap(), "t");
        assert_eq!(unrelated(of).unwrap(), r#"{"a":1}"#);
        assert_eq!(related(Some("{}")), None);
        assert_eq!(related(None), None);
        assert_eq!(id_of(Some(r#"{"taskId":"t"}"#)).unwrap(), "t");
        assert!(id_of(Some(r#"{"taskId":1}"#)).is_err());
        assert!(id_of(None).is_err());
    }
}
