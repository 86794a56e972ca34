//! What a body asks for: read strictly, because the decision is made on it and on nothing else.
//!
//! 1. One JSON-RPC 2.0 message: a request, a notification, or an answer. No batch (MCP dropped
//!    them).
//! 2. At the levels that decide (the message, `params`, and in it `ref`, `notifications` and
//!    `_meta`) no member appears twice, however it is spelt: no parser behind the guard can see
//!    another action than the one that was judged.
//! 3. What a method is aimed at must be there and be a text. Texts that decide are short.
//! 4. What does not decide (arguments, and most of `_meta`) is read through without being built in
//!    memory, within bounds of depth and number ([`raw`]): what is passed on costs the parser
//!    behind no more than that.

mod listen;
mod raw;
mod reader;

use auth_core::Action;
pub(crate) use raw::Id;
use raw::{RawMessage, Reference, UnreadableError};

/// The first revision without sessions and without `resources/subscribe`, and the first whose
/// requests name it. Revisions are dates, which compare as texts do.
const STATELESS: &str = "2026-07-28";

/// A message that was understood.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) action: Action,
    /// What must be allowed too.
    pub(crate) also: Vec<Action>,
    /// The task that a `tasks/…` method is aimed at.
    pub(crate) task: Option<String>,
    /// Whether the request names a revision that has no sessions.
    pub(crate) is_stateless: bool,
    /// Whether the request says that its client knows tasks.
    pub(crate) supports_tasks: bool,
    /// The method; `None` for an answer.
    pub(crate) method: Option<String>,
    /// What `Mcp-Name` repeats: the tool, prompt, URI or task.
    pub(crate) name: Option<String>,
    /// The request's id; `None` for a notification.
    pub(crate) id: Option<Id>,
    pub(crate) found: Found,
}

/// What decides nothing, and is looked for in the body again where a request is recorded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Found {
    /// Whether `params._meta` has a `traceparent`.
    pub(crate) trace: bool,
    /// Where the name of `params.arguments` is in the body, if that has it; beyond its end if the
    /// name is spelt with escapes.
    pub(crate) arguments: Option<usize>,
}

/// Why a body is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not JSON, a member twice, a member of the wrong type, or out of bounds.
    #[error("not a JSON object with distinct members and within bounds")]
    Json,
    /// A batch.
    #[error("a batch: send one message per request")]
    Batch,
    /// Not JSON-RPC 2.0.
    #[error("not a JSON-RPC 2.0 request, notification or response")]
    NotJsonRpc,
    /// No tool, resource or prompt where the method is aimed at one.
    #[error("the method needs a name, uri or ref in its params")]
    NoTarget,
    /// The same, of a method that the revision which the request names has dropped.
    #[error("the protocol's revision has no such method")]
    MethodRemoved,
}

impl MessageError {
    /// The JSON-RPC error code.
    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::Json => -32700,
            Self::Batch | Self::NotJsonRpc => -32600,
            Self::NoTarget => -32602,
            Self::MethodRemoved => -32601,
        }
    }
}

/// The action that a body asks for: the same reading that the guard judges by.
pub fn action_of(body: &[u8]) -> Result<Action, MessageError> {
    Message::parse(body).map(|message| message.action).map_err(|(fault, _)| fault)
}

impl Message {
    /// The message; or the fault, with the request's id if that could be read.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, (MessageError, Option<Id>)> {
        if body.trim_ascii_start().starts_with(b"[") {
            return Err((MessageError::Batch, None));
        }
        let raw =
            RawMessage::parse(body).map_err(|UnreadableError(id)| (MessageError::Json, id))?;
        let id = raw.id.clone();
        let mut message = Self::judge(raw).map_err(|fault| (fault, id))?;
        // From the address to the place in the body.
        let begin = body.as_ptr().addr();
        let arguments = &mut message.found.arguments;
        *arguments = arguments.map(|address| address.wrapping_sub(begin));
        Ok(message)
    }

    /// What has no method of the protocol's, by a name of our own.
    pub(crate) fn synthetic(name: &str) -> Self {
        Self {
            action: Action::Method(name.into()),
            also: Vec::new(),
            task: None,
            is_stateless: false,
            supports_tasks: false,
            method: None,
            name: None,
            id: None,
            found: Found::default(),
        }
    }

    fn judge(raw: RawMessage) -> Result<Self, MessageError> {
        if raw.version.as_deref() != Some("2.0") {
            return Err(MessageError::NotJsonRpc);
        }
        let is_answer = raw.has_result || raw.has_error;
        let Some(method) = raw.method else {
            // An answer to a question of the server's: exactly one of the two, and an id.
            if raw.has_result == raw.has_error || raw.id.is_none() {
                return Err(MessageError::NotJsonRpc);
            }
            return Ok(Self::synthetic("response"));
        };
        if is_answer {
            return Err(MessageError::NotJsonRpc);
        }
        let params = raw.params;
        let is_stateless = params.meta.revision.is_some_and(|revision| *revision >= *STATELESS);
        let supports_tasks = params.meta.capabilities.extensions.tasks;
        let found = Found { trace: params.meta.names_trace, arguments: params.arguments };
        let (mut also, mut task) = (Vec::new(), None);
        let need = |target: &Option<String>| target.clone().ok_or(MessageError::NoTarget);
        let (action, name) = match method.as_str() {
            "tools/call" => (Action::CallTool(need(&params.name)?), params.name),
            "prompts/get" => (Action::GetPrompt(need(&params.name)?), params.name),
            // A method that the revision has removed is unknown, with a target or without.
            "resources/subscribe" | "resources/unsubscribe"
                if params.uri.is_none() && is_stateless =>
            {
                return Err(MessageError::MethodRemoved);
            }
            // A directory and a skill are resources; subscribing to one needs what reading it
            // needs.
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "resources/directory/read"
            | "skills/get" => (Action::ReadResource(need(&params.uri)?), params.uri),
            "subscriptions/listen" => {
                also = params.notifications.0;
                (Action::Method(method.clone()), None)
            }
            // Of 2025-11-25; later revisions have removed it. It is not passed on then: a server of
            // the older revision may be behind.
            "tasks/result" if is_stateless => return Err(MessageError::MethodRemoved),
            "tasks/get" | "tasks/update" | "tasks/cancel" | "tasks/result" => {
                task = Some(need(&params.task_id)?);
                (Action::Method(method.clone()), params.task_id)
            }
            "completion/complete" => (params.reference.action()?, None),
            // `response` and `session/…` are names of our own for what has no method.
            "response" | "session/stream" | "session/end" => return Err(MessageError::NotJsonRpc),
            other => (Action::Method(other.to_owned()), params.task_id),
        };
        let (method, id) = (Some(method), raw.id);
        Ok(Self { action, also, task, is_stateless, supports_tasks, method, name, id, found })
    }
}

impl Reference {
    fn action(self) -> Result<Action, MessageError> {
        match (self.kind.as_deref(), self.name, self.uri) {
            (Some("ref/prompt"), Some(name), None) => Ok(Action::GetPrompt(name)),
            (Some("ref/resource"), None, Some(uri)) => Ok(Action::ReadResource(uri)),
            _ => Err(MessageError::NoTarget),
        }
    }
}

#[cfg(test)]
mod tests;
