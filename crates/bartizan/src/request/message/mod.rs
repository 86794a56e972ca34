//! What a body asks for: read strictly, because the decision is made on it and on nothing else.
//!
//! 1. One JSON-RPC 2.0 message: a request, a notification, or an answer. No batch (MCP dropped them).
//! 2. At the levels that decide (the message, `params`, and in it `ref`, `notifications` and `_meta`) no
//!    member appears twice, however it is spelt: no parser behind the guard can see another action than
//!    the one that was judged.
//! 3. What a method is aimed at must be there and be a text. Texts that decide are short.
//! 4. What does not decide (arguments, and most of `_meta`) is read through without being built in memory, within
//!    bounds of depth and number ([`raw`]): what is passed on costs the parser behind no more than that.

mod listen;
mod raw;

use auth_core::Action;
use http::StatusCode;
pub(crate) use raw::Id;
use raw::{RawMessage, Reference};

/// The first revision without sessions and without `resources/subscribe`, and the first whose requests
/// name it. Revisions are dates, which compare as texts do.
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
    pub(crate) knows_tasks: bool,
    /// The method; `None` for an answer.
    pub(crate) method: Option<String>,
    /// What `Mcp-Name` repeats: the tool, prompt, URI or task.
    pub(crate) name: Option<String>,
    /// The request's id; `None` for a notification.
    pub(crate) id: Option<Id>,
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
    Dropped,
}

impl MessageError {
    /// The JSON-RPC error code.
    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::Json => -32700,
            Self::Batch | Self::NotJsonRpc => -32600,
            Self::NoTarget => -32602,
            Self::Dropped => -32601,
        }
    }

    /// The HTTP status.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Dropped => StatusCode::NOT_FOUND,
            _ => StatusCode::BAD_REQUEST,
        }
    }
}

/// The action that a body asks for: the same reading that the guard judges by.
pub fn action_of(body: &[u8]) -> Result<Action, MessageError> {
    Message::parse(body).map(|message| message.action).map_err(|(fault, _)| fault)
}

impl Message {
    /// The message, or the fault and the id, if that could be read, of the request to be told of it.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, (MessageError, Option<Id>)> {
        if body.trim_ascii_start().starts_with(b"[") {
            return Err((MessageError::Batch, None));
        }
        let raw = RawMessage::parse(body).map_err(|_| (MessageError::Json, None))?;
        let id = raw.id.clone();
        Self::judge(raw).map_err(|fault| (fault, id))
    }

    /// What has no method of the protocol's, by a name of our own.
    pub(crate) fn without_method(name: &str) -> Self {
        Self {
            action: Action::Method(name.into()),
            also: Vec::new(),
            task: None,
            is_stateless: false,
            knows_tasks: false,
            method: None,
            name: None,
            id: None,
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
            return Ok(Self::without_method("response"));
        };
        if is_answer {
            return Err(MessageError::NotJsonRpc);
        }
        let params = raw.params;
        let is_stateless = params.meta.revision.is_some_and(|revision| *revision >= *STATELESS);
        let knows_tasks = params.meta.capabilities.extensions.tasks;
        let (mut also, mut task) = (Vec::new(), None);
        let need = |target: &Option<String>| target.clone().ok_or(MessageError::NoTarget);
        let (action, name) = match method.as_str() {
            "tools/call" => (Action::CallTool(need(&params.name)?), params.name),
            "prompts/get" => (Action::GetPrompt(need(&params.name)?), params.name),
            // Whoever asks for what a revision has dropped is told so, target or not.
            "resources/subscribe" | "resources/unsubscribe"
                if params.uri.is_none() && is_stateless =>
            {
                return Err(MessageError::Dropped);
            }
            // A directory and a skill are resources; who may be told of one may read it.
            "resources/read"
            | "resources/subscribe"
            | "resources/unsubscribe"
            | "resources/directory/read"
            | "skills/get" => (Action::ReadResource(need(&params.uri)?), params.uri),
            "subscriptions/listen" => {
                also = params.notifications.0;
                (Action::Method(method.clone()), None)
            }
            "tasks/get" | "tasks/update" | "tasks/cancel" => {
                task = Some(need(&params.task_id)?);
                (Action::Method(method.clone()), params.task_id)
            }
            "completion/complete" => (params.reference.action()?, None),
            // `response` and `session/…` are names of our own for what has no method.
            "response" | "session/stream" | "session/end" => return Err(MessageError::NotJsonRpc),
            other => (Action::Method(other.to_owned()), params.task_id),
        };
        let (method, id) = (Some(method), raw.id);
        Ok(Self { action, also, task, is_stateless, knows_tasks, method, name, id })
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
mod tests {
    use super::*;

    fn action(body: &str) -> Result<Action, MessageError> {
        action_of(body.as_bytes())
    }

    fn request(method: &str, params: &str) -> Result<Action, MessageError> {
        action(&format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#))
    }

    #[test]
    fn every_kind_of_message_has_its_action() {
        let tool = Action::CallTool("t".into());
        assert_eq!(
            request("tools/call", r#"{"name":"t","arguments":{"name":"x","name":"y"}}"#),
            Ok(tool)
        );
        for method in ["resources/read", "resources/subscribe", "resources/unsubscribe"] {
            assert_eq!(
                request(method, r#"{"uri":"a://b"}"#),
                Ok(Action::ReadResource("a://b".into()))
            );
        }
        assert_eq!(request("prompts/get", r#"{"name":"p"}"#), Ok(Action::GetPrompt("p".into())));
        assert_eq!(request("custom/x", r#"{"name":"p"}"#), Ok(Action::Method("custom/x".into())));
        let note = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(action(note), Ok(Action::Method("notifications/initialized".into())));
        for answer in [r#""result":{}"#, r#""error":{}"#] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,{answer}}}"#);
            assert_eq!(action(&body), Ok(Action::Method("response".into())));
        }
    }

    #[test]
    fn completion_is_judged_by_what_it_completes() {
        let complete =
            |reference: &str| request("completion/complete", &format!(r#"{{"ref":{reference}}}"#));
        assert_eq!(
            complete(r#"{"type":"ref/prompt","name":"p"}"#),
            Ok(Action::GetPrompt("p".into()))
        );
        assert_eq!(
            complete(r#"{"type":"ref/resource","uri":"a://{x}"}"#),
            Ok(Action::ReadResource("a://{x}".into()))
        );
        for bad in [
            r#"{"type":"ref/prompt","uri":"p"}"#,
            r#"{"type":"ref/prompt","name":"p","uri":"q"}"#,
            r#"{"type":"ref/other","name":"p"}"#,
            r#"{"name":"p"}"#,
            "null",
            "[]",
        ] {
            assert!(complete(bad).is_err(), "{bad}");
        }
        assert_eq!(
            complete(r#"{"type":"ref/prompt","name":"p","name":"q"}"#),
            Err(MessageError::Json)
        );
    }

    #[test]
    fn a_member_that_decides_appears_once_however_it_is_spelt() {
        for body in [
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","method":"tools/call","params":{"name":"t"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","m\u0065thod":"tools/list"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"},"params":{"name":"u"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","name":"u"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","n\u0061me":"u"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"resources/read","params":{"uri":"a","uri":"b"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","jsonrpc":"2.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","arguments":{},"arguments":{}}}"#,
        ] {
            assert_eq!(action(body), Err(MessageError::Json), "{body}");
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for batch in ["[]", " [{}]", "\n\t[1]"] {
            assert_eq!(action(batch), Err(MessageError::Batch), "{batch}");
        }
        for bad in ["", "x", "1", "null", "\"a\"", "{", "{}x", r#"{"method":1}"#, "{\"a\":\u{1}}"] {
            assert_eq!(action(bad), Err(MessageError::Json), "{bad}");
        }
        for bad in [
            "{}",
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{},"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"response"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"session/end"}"#,
        ] {
            assert_eq!(action(bad), Err(MessageError::NotJsonRpc), "{bad}");
        }
        for id in ["null", "{}", "[]", "true"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#);
            assert_eq!(action(&body), Err(MessageError::Json), "{id}");
        }
    }

    #[test]
    fn a_target_is_a_text_and_is_there() {
        for params in [
            "{}",
            r#"{"name":1}"#,
            r#"{"name":null}"#,
            r#"{"name":["t"]}"#,
            r#"{"name":{"a":1}}"#,
            r#"{"name":true}"#,
            r#"{"name":-1.5}"#,
            r#"{"name":-1}"#,
            r#"{"uri":"t"}"#,
        ] {
            assert_eq!(request("tools/call", params), Err(MessageError::NoTarget), "{params}");
        }
        assert!(request("tools/call", "[\"t\"]").is_err());
        assert!(request("tools/call", "null").is_err());
    }

    #[test]
    fn ids_are_short_texts_or_whole_numbers() {
        let with = |id: &str| action(&format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#));
        let long = format!("\"{}\"", "x".repeat(256));
        let longest = format!("\"{}\"", "x".repeat(255));
        for id in ["1", "-1", "\"a\"", "\"\"", "9223372036854775807", &longest] {
            assert!(with(id).is_ok(), "{id}");
        }
        for id in ["1.5", "1e999", "18446744073709551616", r#""\ud800""#, r#""a\nb""#, &long] {
            assert_eq!(with(id), Err(MessageError::Json), "{id}");
        }
    }

    #[test]
    fn texts_that_decide_are_short() {
        let long = "x".repeat(2049);
        let name = format!(r#"{{"name":"{long}"}}"#);
        assert_eq!(request("tools/call", &name), Err(MessageError::Json));
        assert_eq!(request(&long, "{}"), Err(MessageError::Json));
        assert!(request("tools/call", &name.replacen('x', "", 1)).is_ok());
    }

    #[test]
    fn what_is_skipped_is_bounded_in_depth_and_number() {
        let arguments = |value: &str| {
            [
                format!(r#"{{"name":"t","arguments":{value}}}"#),
                format!(r#"{{"name":"t","_meta":{{"a":{value}}}}}"#),
            ]
            .map(|params| request("tools/call", &params))
        };
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        let many = |count: usize| format!("[{}]", vec!["0"; count].join(","));
        for good in [nested(100), many(19_000), r#"{"a":[null,true,-1,1.5,"x",{}]}"#.into()] {
            assert!(arguments(&good).iter().all(Result::is_ok), "{}", &good[..20]);
        }
        for bad in [nested(200), many(20_001), "1e999".into()] {
            for result in arguments(&bad) {
                assert_eq!(result, Err(MessageError::Json), "{}", &bad[..5]);
            }
        }
    }

    #[test]
    fn what_serde_json_would_read_as_something_else_is_refused_wherever_it_stands() {
        let marked = r#"{"$serde_json::private::RawValue":"[]"}"#;
        for params in [
            marked.to_owned(),
            format!(r#"{{"name":"t","arguments":{marked}}}"#),
            format!(r#"{{"name":"t","arguments":{{"a":[{marked}]}}}}"#),
            format!(r#"{{"name":"t","_meta":{{"a":{marked}}}}}"#),
            format!(r#"{{"name":"t","arguments":{}}}"#, marked.replace('$', r"\u0024")),
            format!(r#"{{"name":{marked}}}"#),
        ] {
            assert_eq!(request("tools/call", &params), Err(MessageError::Json), "{params}");
        }
        for member in ["result", "error"] {
            let body = format!(r#"{{"jsonrpc":"2.0","id":1,"{member}":{{"a":{marked}}}}}"#);
            assert_eq!(action(&body), Err(MessageError::Json), "{body}");
        }
    }

    #[test]
    fn codes_are_those_of_json_rpc() {
        assert_eq!(MessageError::Json.code(), -32700);
        assert_eq!(MessageError::Batch.code(), -32600);
        assert_eq!(MessageError::NotJsonRpc.code(), -32600);
        assert_eq!(MessageError::NoTarget.code(), -32602);
        assert_eq!(MessageError::Dropped.code(), -32601);
        assert_eq!(MessageError::NoTarget.status(), 400);
        assert_eq!(MessageError::Dropped.status(), 404);
    }

    #[test]
    fn what_a_revision_has_dropped_is_not_found_and_what_it_has_needs_its_target() {
        let params = |revision: &str, uri: &str| {
            format!(
                r#"{{"_meta":{{"io.modelcontextprotocol/protocolVersion":"{revision}"}}{uri}}}"#
            )
        };
        for method in ["resources/subscribe", "resources/unsubscribe"] {
            let ask = |revision, uri| request(method, &params(revision, uri));
            assert_eq!(ask("2026-07-28", ""), Err(MessageError::Dropped));
            assert_eq!(ask("2026-07-28", r#","uri":1"#), Err(MessageError::Dropped));
            assert_eq!(ask("2025-11-25", ""), Err(MessageError::NoTarget));
            assert_eq!(request(method, "{}"), Err(MessageError::NoTarget));
            // With a target it is judged by that, and the server behind says that it has no such method.
            let target = Ok(Action::ReadResource("a://b".into()));
            assert_eq!(ask("2026-07-28", r#","uri":"a://b""#), target);
        }
        for method in ["resources/read", "tools/call"] {
            assert_eq!(request(method, &params("2026-07-28", "")), Err(MessageError::NoTarget));
        }
    }

    #[test]
    fn a_fault_keeps_the_id_that_was_read() {
        let fault = |body: &str| Message::parse(body.as_bytes()).unwrap_err();
        let body = r#"{"jsonrpc":"2.0","id":"a","method":"tools/call"}"#;
        assert_eq!(fault(body), (MessageError::NoTarget, Some(Id::Text("a".into()))));
        let body = r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#;
        assert_eq!(fault(body), (MessageError::NotJsonRpc, Some(Id::Number(7))));
        assert_eq!(fault("[]"), (MessageError::Batch, None));
        assert_eq!(fault("{"), (MessageError::Json, None));
    }

    #[test]
    fn levels_that_decide_are_small() {
        let many: Vec<String> = (0..65).map(|n| format!(r#""m{n}":0"#)).collect();
        let params = format!("{{{}}}", many.join(","));
        assert_eq!(request("ping", &params), Err(MessageError::Json));
    }
}
