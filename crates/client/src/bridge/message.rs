//! JSON-RPC messages, as far as the bridge looks into them (JSON-RPC 2.0 §4 and §5; MCP, base
//! protocol).
//!
//! 1. A message is passed on as the bytes that it came as. Of them the bridge reads what decides
//!    where the message goes, and nothing is rendered anew.
//! 2. A member that is read may not appear twice. The whole text must be JSON.
//! 3. A line break between two members becomes a space: over stdio it would end the message. In a
//!    string there is none (RFC 8259 §7).

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Value, json};

/// The version of MCP with which requests began to carry their own version.
pub(super) const FIRST_STATELESS: &str = "2026-07-28";
/// The method that cancels a request.
pub(super) const CANCELLED: &str = "notifications/cancelled";
/// The method that opens a session.
pub(super) const INITIALIZE: &str = "initialize";
/// The notification after it.
pub(super) const INITIALIZED: &str = "notifications/initialized";

/// The id of a request, as JSON text: a string, or a number.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Id(String);

impl Id {
    fn of(value: &Value) -> Option<Self> {
        (value.is_string() || value.is_number()).then(|| Self(value.to_string()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a message is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has a method and an id.
    Request(Id),
    /// It has a method alone.
    Notification,
    /// It has a result or an error. An error may lack the id.
    Response(Option<Id>),
}

/// A message of the program.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) kind: Kind,
    /// Empty for a response.
    pub(super) method: String,
    /// The tool, the prompt, the resource or the task that a request names.
    pub(super) name: Option<String>,
    /// The version that the request carries, since 2026-07-28.
    pub(super) version: Option<String>,
    /// The request that a notification cancels.
    pub(super) cancels: Option<Id>,
    /// The message on one line, without its end.
    pub(super) line: Vec<u8>,
}

impl Message {
    /// Whether it is one of a server without sessions.
    pub(super) fn is_stateless(&self) -> bool {
        self.version.as_deref().is_some_and(|version| version >= FIRST_STATELESS)
    }

    /// The id of a request.
    pub(super) fn request_id(&self) -> Option<&Id> {
        match &self.kind {
            Kind::Request(id) => Some(id),
            _ => None,
        }
    }
}

/// Why a line is not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum MessageError {
    /// It is not JSON.
    #[error("the line is not JSON")]
    NotJson,
    /// It is JSON, and not a message of JSON-RPC 2.0. Several in one line (a batch) are not one.
    #[error("the line is not one JSON-RPC message")]
    NotMessage,
}

impl MessageError {
    /// The code of the error (JSON-RPC 2.0 §5.1).
    pub(super) const fn code(&self) -> i64 {
        match self {
            Self::NotJson => -32700,
            Self::NotMessage => -32600,
        }
    }
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(default, borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    #[serde(default, borrow)]
    method: Option<Cow<'a, str>>,
    #[serde(default)]
    params: Members,
    #[serde(default, deserialize_with = "ignored")]
    result: bool,
    #[serde(default, deserialize_with = "ignored")]
    error: bool,
}

/// `null` is a value, too.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

fn ignored<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    IgnoredAny::deserialize(deserializer).map(|_| true)
}

/// What is read of `params`, and of `_meta` in it.
#[derive(Default)]
struct Members {
    name: Option<String>,
    uri: Option<String>,
    task: Option<String>,
    request: Option<Id>,
    version: Option<String>,
}

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Members, E> {
        Ok(Members::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = Members::default();
        let twice = |is_there: bool| {
            if is_there { Err(serde::de::Error::custom("a member appears twice")) } else { Ok(()) }
        };
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let slot = match &*key {
                "name" => &mut members.name,
                "uri" => &mut members.uri,
                "taskId" => &mut members.task,
                "requestId" => {
                    twice(members.request.is_some())?;
                    members.request = Id::of(&map.next_value()?);
                    continue;
                }
                "_meta" => {
                    twice(members.version.is_some())?;
                    let meta: Value = map.next_value()?;
                    let version = meta.get("io.modelcontextprotocol/protocolVersion");
                    members.version = version.and_then(Value::as_str).map(str::to_owned);
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            twice(slot.is_some())?;
            *slot = match map.next_value()? {
                Value::String(text) => Some(text),
                _ => None,
            };
        }
        Ok(members)
    }
}

/// Reads a line of the program.
pub(super) fn read(bytes: &[u8]) -> Result<Message, MessageError> {
    let text = str::from_utf8(bytes).map_err(|_| MessageError::NotJson)?;
    let envelope: Envelope<'_> = serde_json::from_str(text).map_err(|_| not_message(text))?;
    let kind = kind(&envelope).ok_or(MessageError::NotMessage)?;
    let method = envelope.method.map(Cow::into_owned).unwrap_or_default();
    let Members { name, uri, task, request, version } = envelope.params;
    let name = match method.as_str() {
        "resources/read" => uri,
        "tools/call" | "prompts/get" => name,
        other if other.starts_with("tasks/") => task,
        _ => None,
    };
    let cancels = request.filter(|_| method == CANCELLED);
    Ok(Message { kind, method, name, version, cancels, line: one_line(text).into_bytes() })
}

/// What a message of the server is, and its text on one line.
pub(super) fn read_from_server(bytes: &[u8]) -> Result<(Kind, String), MessageError> {
    let text = str::from_utf8(bytes).map_err(|_| MessageError::NotJson)?;
    let envelope: Outline<'_> = serde_json::from_str(text).map_err(|_| not_message(text))?;
    let kind = envelope.kind().ok_or(MessageError::NotMessage)?;
    Ok((kind, one_line(text)))
}

#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(default, borrow)]
    jsonrpc: Option<Cow<'a, str>>,
    #[serde(default, deserialize_with = "present")]
    id: Option<Value>,
    #[serde(default, deserialize_with = "ignored")]
    method: bool,
    #[serde(default, deserialize_with = "ignored")]
    result: bool,
    #[serde(default, deserialize_with = "ignored")]
    error: bool,
}

impl Outline<'_> {
    fn kind(&self) -> Option<Kind> {
        let has = Has { method: self.method, result: self.result, error: self.error };
        kind_of(self.jsonrpc.as_deref(), self.id.as_ref(), &has)
    }
}

fn kind(envelope: &Envelope<'_>) -> Option<Kind> {
    let method = envelope.method.is_some();
    let has = Has { method, result: envelope.result, error: envelope.error };
    kind_of(envelope.jsonrpc.as_deref(), envelope.id.as_ref(), &has)
}

/// Which members a message has.
struct Has {
    method: bool,
    result: bool,
    error: bool,
}

fn kind_of(jsonrpc: Option<&str>, id: Option<&Value>, has: &Has) -> Option<Kind> {
    if jsonrpc != Some("2.0") {
        return None;
    }
    match (has.method, has.result, has.error) {
        (true, false, false) => match id {
            Some(id) => Id::of(id).map(Kind::Request),
            None => Some(Kind::Notification),
        },
        (false, true, false) => Id::of(id?).map(|id| Kind::Response(Some(id))),
        (false, false, true) => match id {
            None | Some(Value::Null) => Some(Kind::Response(None)),
            Some(id) => Id::of(id).map(|id| Kind::Response(Some(id))),
        },
        _ => None,
    }
}

fn not_message(text: &str) -> MessageError {
    match serde_json::from_str::<IgnoredAny>(text) {
        Ok(_) => MessageError::NotMessage,
        Err(_) => MessageError::NotJson,
    }
}

fn one_line(text: &str) -> String {
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    if text.contains(['\r', '\n']) { text.replace(['\r', '\n'], " ") } else { text.to_owned() }
}

/// An error response of ours. Without an id it is about a line that could not be read.
pub(super) fn error(id: Option<&Id>, code: i64, message: &str, data: Option<Value>) -> String {
    let id = id.map_or_else(|| "null".to_owned(), ToString::to_string);
    let mut error = json!({ "code": code, "message": message });
    if let (Some(object), Some(data)) = (error.as_object_mut(), data) {
        object.insert("data".to_owned(), data);
    }
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{error}}}"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str) -> Result<Kind, MessageError> {
        let of_program = read(text.as_bytes()).map(|message| message.kind);
        let of_server = read_from_server(text.as_bytes()).map(|(kind, _)| kind);
        assert_eq!(of_program, of_server, "{text}");
        of_program
    }

    #[test]
    fn a_message_is_a_request_a_notification_or_a_response() {
        let id = |text: &str| Id(text.to_owned());
        let request = |text| Ok(Kind::Request(id(text)));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#), request("1"));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":"1","method":"m"}"#), request("\"1\""));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","method":"m"}"#), Ok(Kind::Notification));
        let response = Ok(Kind::Response(Some(id("7"))));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":7,"result":{}}"#), response);
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":7,"error":{}}"#), response);
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":null,"error":{}}"#), Ok(Kind::Response(None)));
        for text in [
            r#"{"id":1,"method":"m"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","result":1}"#,
            r#"{"jsonrpc":"2.0","result":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#,
            "[]",
            "7",
        ] {
            assert_eq!(kind(text), Err(MessageError::NotMessage), "{text}");
        }
        for text in ["", "{", "{}x", r#"{"jsonrpc":"2.0","id":1,"method":"m","x":}"#] {
            assert_eq!(kind(text), Err(MessageError::NotJson), "{text}");
        }
        assert_eq!(read(b"\xff").unwrap_err(), MessageError::NotJson);
    }

    #[test]
    fn what_a_request_names_is_found() {
        let name = |method: &str, params: &str| {
            let text =
                format!(r#"{{"jsonrpc":"2.0","id":1,"method":"{method}","params":{params}}}"#);
            read(text.as_bytes()).map(|message| message.name)
        };
        let some = |text: &str| Ok(Some(text.to_owned()));
        let all = r#"{"name":"n","uri":"u","taskId":"t","arguments":{"name":"no"}}"#;
        assert_eq!(name("tools/call", all), some("n"));
        assert_eq!(name("prompts/get", all), some("n"));
        assert_eq!(name("resources/read", all), some("u"));
        assert_eq!(name("tasks/get", all), some("t"));
        assert_eq!(name("tools/list", all), Ok(None));
        assert_eq!(name("tools/call", r#"{"name":7}"#), Ok(None));
        let twice = r#"{"name":"a","\u006eame":"b"}"#;
        assert_eq!(name("tools/call", twice), Err(MessageError::NotMessage));
        assert_eq!(name("tools/call", "[]"), Err(MessageError::NotMessage));
    }

    #[test]
    fn the_version_and_the_cancelled_request_are_found() {
        let message = |params: &str| {
            let text = format!(r#"{{"jsonrpc":"2.0","method":"{CANCELLED}","params":{params}}}"#);
            read(text.as_bytes()).unwrap()
        };
        assert_eq!(message(r#"{"requestId":"a"}"#).cancels, Some(Id("\"a\"".to_owned())));
        assert_eq!(message("{}").cancels, None);
        let meta = |version: &str| {
            let key = "io.modelcontextprotocol/protocolVersion";
            message(&format!(r#"{{"_meta":{{"{key}":"{version}"}}}}"#))
        };
        assert!(meta("2026-07-28").is_stateless());
        assert!(!meta("2025-11-25").is_stateless());
        assert!(!message(r#"{"_meta":7}"#).is_stateless());
    }

    #[test]
    fn a_message_is_passed_on_as_it_came_on_one_line() {
        let text =
            "{ \"jsonrpc\":\"2.0\",\r\n\t\"method\":\"m\", \"x\":1.50e1, \"x\":\"\\u00e9\" }";
        let whole = "{ \"jsonrpc\":\"2.0\",  \t\"method\":\"m\", \"x\":1.50e1, \"x\":\"\\u00e9\" }";
        assert_eq!(read(text.as_bytes()).unwrap().line, whole.as_bytes());
        assert_eq!(read_from_server(format!("\n{text}\r\n").as_bytes()).unwrap().1, whole);
    }

    #[test]
    fn an_error_of_ours_has_the_id_and_escapes_what_it_says() {
        let id = Id("\"a\"".to_owned());
        let said = error(Some(&id), -1, "a \"b\"\n", Some(json!({ "c": 1 })));
        let value: Value = serde_json::from_str(&said).unwrap();
        let expected = json!({ "code": -1, "message": "a \"b\"\n", "data": { "c": 1 } });
        assert_eq!((&value["id"], &value["error"]), (&json!("a"), &expected));
        assert!(error(None, -1, "", None).contains(r#""id":null"#));
    }
}
