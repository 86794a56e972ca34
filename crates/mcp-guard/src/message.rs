//! What a body asks for: read strictly, because the decision is made on it and on nothing else.
//!
//! 1. One JSON-RPC 2.0 message: a request, a notification, or an answer. No batch (MCP dropped them).
//! 2. At the levels that decide (the message, `params`, `params.ref`) no member appears twice, however
//!    it is spelt: no parser behind the guard can see another action than the one that was judged.
//! 3. What a method is aimed at must be there and be a text.
//! 4. What does not decide (arguments, `_meta`) is skipped without being built in memory.

use std::fmt;

use auth_core::Action;
use serde::de::{self, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// The most members at a level that decides; real messages have fewer than ten.
const MAX_MEMBERS: usize = 64;

/// A message that was understood.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) action: Action,
    /// The method; `None` for an answer.
    pub(crate) method: Option<String>,
    /// What `Mcp-Name` repeats: the tool, prompt, URI or task.
    pub(crate) name: Option<String>,
    /// The request's id as it was written; `None` for a notification.
    pub(crate) id: Option<Box<RawValue>>,
}

/// Why a body is no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Not JSON, a member twice, or a member of the wrong type.
    #[error("not a JSON object with distinct members")]
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
}

impl MessageError {
    /// The JSON-RPC error code.
    pub(crate) const fn code(self) -> i32 {
        match self {
            Self::Json => -32700,
            Self::Batch | Self::NotJsonRpc => -32600,
            Self::NoTarget => -32602,
        }
    }
}

/// The action that a body asks for: the same reading that the guard judges by.
pub fn action_of(body: &[u8]) -> Result<Action, MessageError> {
    Message::parse(body).map(|message| message.action)
}

impl Message {
    pub(crate) fn parse(body: &[u8]) -> Result<Self, MessageError> {
        if body.trim_ascii_start().starts_with(b"[") {
            return Err(MessageError::Batch);
        }
        let raw = RawMessage::parse(body).map_err(|_| MessageError::Json)?;
        if raw.version.as_deref() != Some("2.0") {
            return Err(MessageError::NotJsonRpc);
        }
        let is_answer = raw.has_result || raw.has_error;
        let Some(method) = raw.method else {
            // An answer to a question of the server's: exactly one of the two, and an id.
            if raw.has_result == raw.has_error || raw.id.is_none() {
                return Err(MessageError::NotJsonRpc);
            }
            let action = Action::Method("response".into());
            return Ok(Self { action, method: None, name: None, id: None });
        };
        if is_answer {
            return Err(MessageError::NotJsonRpc);
        }
        let params = raw.params;
        let need = |target: &Option<String>| target.clone().ok_or(MessageError::NoTarget);
        let (action, name) = match method.as_str() {
            "tools/call" => (Action::CallTool(need(&params.name)?), params.name),
            "prompts/get" => (Action::GetPrompt(need(&params.name)?), params.name),
            "resources/read" | "resources/subscribe" | "resources/unsubscribe" => {
                (Action::ReadResource(need(&params.uri)?), params.uri)
            }
            "completion/complete" => (params.reference.action()?, None),
            // `response` and `session/…` are names of our own for what has no method.
            "response" | "session/stream" | "session/end" => return Err(MessageError::NotJsonRpc),
            other => (Action::Method(other.to_owned()), params.task_id),
        };
        Ok(Self { action, method: Some(method), name, id: raw.id })
    }
}

#[derive(Default)]
struct RawMessage {
    version: Option<String>,
    id: Option<Box<RawValue>>,
    method: Option<String>,
    params: Params,
    has_result: bool,
    has_error: bool,
}

#[derive(Default)]
struct Params {
    name: Option<String>,
    uri: Option<String>,
    task_id: Option<String>,
    reference: Reference,
}

/// `params.ref` of `completion/complete`.
#[derive(Default)]
struct Reference {
    kind: Option<String>,
    name: Option<String>,
    uri: Option<String>,
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

impl RawMessage {
    fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        let mut message = Self::default();
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        deserializer.deserialize_map(Members(&mut message))?;
        deserializer.end()?;
        Ok(message)
    }
}

/// An object whose members are taken one by one.
trait Take {
    /// Takes one member's value, or skips it.
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error>;
}

impl Take for RawMessage {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "jsonrpc" => self.version = Some(map.next_value()?),
            "id" => {
                let id: Box<RawValue> = map.next_value()?;
                // A string or a number (MCP forbids null); anything else is no id.
                if !id.get().starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit()) {
                    return Err(de::Error::custom("id is neither a string nor a number"));
                }
                self.id = Some(id);
            }
            "method" => self.method = Some(map.next_value()?),
            "params" => map.next_value_seed(Members(&mut self.params))?,
            "result" | "error" => {
                map.next_value::<IgnoredAny>()?;
                self.has_result |= name == "result";
                self.has_error |= name == "error";
            }
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl Take for Params {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "name" => self.name = map.next_value_seed(Text)?,
            "uri" => self.uri = map.next_value_seed(Text)?,
            "taskId" => self.task_id = map.next_value_seed(Text)?,
            "ref" => map.next_value_seed(Members(&mut self.reference))?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

impl Take for Reference {
    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        match name {
            "type" => self.kind = map.next_value_seed(Text)?,
            "name" => self.name = map.next_value_seed(Text)?,
            "uri" => self.uri = map.next_value_seed(Text)?,
            _ => drop(map.next_value::<IgnoredAny>()?),
        }
        Ok(())
    }
}

/// Reads an object into `T`, each member at most once. A `null` or a list in the place of an object is
/// nothing to take from (and no target can come of it).
struct Members<'a, T>(&'a mut T);

impl<'de, T: Take> DeserializeSeed<'de> for Members<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, T: Take> Visitor<'de> for Members<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with distinct members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen: Vec<String> = Vec::with_capacity(8);
        while let Some(name) = map.next_key::<String>()? {
            if seen.len() == MAX_MEMBERS || seen.contains(&name) {
                return Err(de::Error::custom("a member appears twice, or there are too many"));
            }
            self.0.take(&name, &mut map)?;
            seen.push(name);
        }
        Ok(())
    }
}

/// A text, or any other value as `None`: whether it was needed is for the method to say.
struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
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
    fn levels_that_decide_are_small() {
        let many: Vec<String> = (0..65).map(|n| format!(r#""m{n}":0"#)).collect();
        let params = format!("{{{}}}", many.join(","));
        assert_eq!(request("ping", &params), Err(MessageError::Json));
    }
}
