//! One message, and where in its text the members are that decide.

use std::borrow::Cow;

use bytes::{Bytes, BytesMut};

use super::scan::{JsonError, Scanner, Span, decode};

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// It has a method and an id.
    Request,
    /// It has a method and no id.
    Notification,
    /// It has an id and a result or an error.
    Answer,
}

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// Not UTF-8.
    #[error("not UTF-8")]
    Utf8(#[source] std::str::Utf8Error),
    /// Not JSON, or a member twice.
    #[error("not a JSON object with distinct members")]
    Json(#[source] JsonError),
    /// A JSON array: MCP has no batches.
    #[error("a batch")]
    Batch,
    /// Not JSON-RPC 2.0.
    #[error("not a JSON-RPC 2.0 request, notification or response")]
    NotJsonRpc,
}

/// A member whose value can be replaced ([`Message::with`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edit {
    /// `id`.
    Id,
    /// `params._meta.progressToken` of a request; `params.progressToken` of a notification.
    ProgressToken,
    /// `params.requestId` of a notification.
    RequestId,
    /// `params._meta["io.modelcontextprotocol/subscriptionId"]` of a notification, and
    /// `result._meta[…]` of an answer.
    SubscriptionId,
}

/// One JSON-RPC message.
///
/// ```
/// use upstream::wire::{Edit, Kind, Message};
///
/// let text = r#"{"jsonrpc":"2.0","id":"a","method":"ping","x-new":1.0}"#;
/// let message = Message::parse(text.into())?;
/// assert_eq!((message.kind(), message.method()), (Kind::Request, "ping"));
/// assert_eq!(message.id(), Some("\"a\""));
/// let forwarded = message.with(&[(Edit::Id, "7")]);
/// assert_eq!(forwarded.text(), r#"{"jsonrpc":"2.0","id":7,"method":"ping","x-new":1.0}"#);
/// # Ok::<(), upstream::wire::MessageError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Message {
    /// UTF-8 without line breaks.
    text: Bytes,
    kind: Kind,
    method: Option<Box<str>>,
    places: Places,
    depth: usize,
}

/// Where members are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Places {
    id: Option<Span>,
    params: Option<Span>,
    result: Option<Span>,
    error: Option<Span>,
    meta: Option<Span>,
    /// In `params._meta`.
    meta_token: Option<Span>,
    /// In `params`.
    token: Option<Span>,
    request_id: Option<Span>,
    subscription_id: Option<Span>,
    revision: Option<Span>,
    log_level: Option<Span>,
    name: Option<Span>,
    uri: Option<Span>,
    task_id: Option<Span>,
}

const SUBSCRIPTION_ID: &str = "io.modelcontextprotocol/subscriptionId";
const REVISION: &str = "io.modelcontextprotocol/protocolVersion";
const LOG_LEVEL: &str = "io.modelcontextprotocol/logLevel";

impl Message {
    /// Reads one message.
    pub fn parse(bytes: Bytes) -> Result<Self, MessageError> {
        let text = std::str::from_utf8(&bytes).map_err(MessageError::Utf8)?;
        let mut scanner = Scanner::new(text);
        if scanner.next() == Some(b'[') {
            return Err(MessageError::Batch);
        }
        let mut read = Read::default();
        read.message(&mut scanner).and_then(|()| scanner.end()).map_err(MessageError::Json)?;
        let (has_breaks, depth) = (scanner.has_breaks, scanner.deepest);
        let Read { places, method, is_version_2 } = read;
        let is_answer = places.result.is_some() || places.error.is_some();
        let kind = match (&method, places.id) {
            _ if !is_version_2 => return Err(MessageError::NotJsonRpc),
            (Some(_), Some(_)) if !is_answer => Kind::Request,
            (Some(_), None) if !is_answer => Kind::Notification,
            (None, Some(_)) if places.result.is_some() != places.error.is_some() => Kind::Answer,
            _ => return Err(MessageError::NotJsonRpc),
        };
        let text = if has_breaks { without_breaks(&bytes) } else { bytes };
        Ok(Self { text, kind, method, places, depth })
    }

    /// What it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How many levels its JSON is nested: 1 for the message itself.
    #[must_use]
    pub const fn depth(&self) -> usize {
        self.depth
    }

    /// The JSON: UTF-8 without line breaks.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.text).unwrap_or_default()
    }

    /// The same as bytes.
    #[must_use]
    pub const fn bytes(&self) -> &Bytes {
        &self.text
    }

    /// The same as bytes, given away.
    #[must_use]
    pub fn into_bytes(self) -> Bytes {
        self.text
    }

    /// The method; empty for an answer.
    #[must_use]
    pub fn method(&self) -> &str {
        self.method.as_deref().unwrap_or_default()
    }

    /// The id as JSON: a number, or a string with its quotes; `None` for a notification.
    #[must_use]
    pub fn id(&self) -> Option<&str> {
        self.at(self.places.id)
    }

    /// `params` as JSON: an object.
    #[must_use]
    pub fn params(&self) -> Option<&str> {
        self.at(self.places.params)
    }

    /// `params._meta` as JSON: an object.
    #[must_use]
    pub fn meta(&self) -> Option<&str> {
        self.at(self.places.meta)
    }

    /// `result` of an answer, as JSON.
    #[must_use]
    pub fn result(&self) -> Option<&str> {
        self.at(self.places.result)
    }

    /// The same without a copy.
    #[must_use]
    pub fn result_bytes(&self) -> Option<Bytes> {
        let span = self.places.result?;
        (span.end() <= self.text.len()).then(|| self.text.slice(span.start()..span.end()))
    }

    /// `error` of an answer, as JSON.
    #[must_use]
    pub fn error(&self) -> Option<&str> {
        self.at(self.places.error)
    }

    /// The progress token, as JSON: of a request that asks for progress, or of a progress
    /// notification.
    #[must_use]
    pub fn progress_token(&self) -> Option<&str> {
        self.at(self.span(Edit::ProgressToken))
    }

    /// `params.requestId`, as JSON: which request is cancelled.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        self.at(self.places.request_id)
    }

    /// The subscription that a notification, or the end of a subscription, belongs to, as JSON (MCP
    /// 2026-07-28, subscriptions).
    #[must_use]
    pub fn subscription_id(&self) -> Option<&str> {
        self.at(self.places.subscription_id)
    }

    /// The revision that a request names in its `_meta` (from 2026-07-28 on).
    #[must_use]
    pub fn revision(&self) -> Option<Cow<'_, str>> {
        decode(self.at(self.places.revision)?)
    }

    /// The log level that a request asks for in its `_meta` (from 2026-07-28 on).
    #[must_use]
    pub fn log_level(&self) -> Option<Cow<'_, str>> {
        decode(self.at(self.places.log_level)?)
    }

    /// What the method is aimed at, where `Mcp-Name` has to repeat it (MCP 2026-07-28, streamable
    /// HTTP, standard headers). The extension of skills and directories has no such header.
    #[must_use]
    pub fn mcp_name(&self) -> Option<Cow<'_, str>> {
        let is_of_skills = matches!(self.method(), "resources/directory/read" | "skills/get");
        self.target().filter(|_| !is_of_skills)
    }

    /// What the method is aimed at: a tool's or prompt's name, a URI, or a task's id.
    #[must_use]
    pub fn target(&self) -> Option<Cow<'_, str>> {
        let place = match self.method() {
            "tools/call" | "prompts/get" => self.places.name,
            "tasks/get" | "tasks/update" | "tasks/cancel" => self.places.task_id,
            method if method.starts_with("resources/") || method == "skills/get" => self.places.uri,
            _ => None,
        };
        decode(self.at(place)?)
    }

    /// The message with other values of members that it has; the rest of its text is kept. Members
    /// that it does not have are not added. The values must be JSON numbers or strings.
    #[must_use]
    pub fn with(&self, edits: &[(Edit, &str)]) -> Self {
        let edits = self.places_of(edits);
        let text = self.splice(&edits);
        let places = self.places.moved(&edits);
        Self { text, kind: self.kind, method: self.method.clone(), places, depth: self.depth }
    }

    /// The text of [`with`](Self::with).
    #[must_use]
    pub fn spliced(&self, edits: &[(Edit, &str)]) -> Bytes {
        self.splice(&self.places_of(edits))
    }

    /// Where the members are that the message has, in their order.
    fn places_of<'a>(&self, edits: &[(Edit, &'a str)]) -> Vec<(Span, &'a str)> {
        let place = |(edit, json): &(Edit, &'a str)| Some((self.span(*edit)?, *json));
        let mut edits: Vec<_> = edits.iter().filter_map(place).collect();
        edits.sort_by_key(|(span, _)| span.start());
        edits
    }

    fn splice(&self, edits: &[(Span, &str)]) -> Bytes {
        let added: usize = edits.iter().map(|(_, json)| json.len()).sum();
        let mut text = BytesMut::with_capacity(self.text.len() + added);
        let mut from = 0;
        for (span, json) in edits {
            text.extend_from_slice(self.text.get(from..span.start()).unwrap_or_default());
            text.extend_from_slice(json.as_bytes());
            from = span.end();
        }
        text.extend_from_slice(self.text.get(from..).unwrap_or_default());
        text.freeze()
    }

    /// The answer of last resort: to no request that anyone has sent.
    pub(super) fn internal_error() -> Self {
        const TEXT: &str = r#"{"jsonrpc":"2.0","id":0,"error":{"code":-32603,"message":""}}"#;
        Self {
            text: Bytes::from_static(TEXT.as_bytes()),
            kind: Kind::Answer,
            method: None,
            places: Places { id: Span::new(21, 22), error: Span::new(31, 59), ..Places::default() },
            depth: 2,
        }
    }

    fn at(&self, span: Option<Span>) -> Option<&str> {
        let bytes = span.and_then(|span| self.text.get(span.start()..span.end()))?;
        std::str::from_utf8(bytes).ok()
    }

    fn span(&self, edit: Edit) -> Option<Span> {
        match edit {
            Edit::Id => self.places.id,
            Edit::ProgressToken if self.kind == Kind::Notification => self.places.token,
            Edit::ProgressToken => self.places.meta_token,
            Edit::RequestId => self.places.request_id,
            Edit::SubscriptionId => self.places.subscription_id,
        }
    }
}

impl Places {
    /// The same after `edits`, which are in their order.
    fn moved(&self, edits: &[(Span, &str)]) -> Self {
        let moved = |at: usize, is_end: bool| {
            edits.iter().fold(at, |moved, (span, json)| {
                let is_before = if is_end { span.end() <= at } else { span.start() < at };
                if is_before { moved + json.len() - (span.end() - span.start()) } else { moved }
            })
        };
        let place = |span: Option<Span>| {
            let span = span?;
            Span::new(moved(span.start(), false), moved(span.end(), true))
        };
        Self {
            id: place(self.id),
            params: place(self.params),
            result: place(self.result),
            error: place(self.error),
            meta: place(self.meta),
            meta_token: place(self.meta_token),
            token: place(self.token),
            request_id: place(self.request_id),
            subscription_id: place(self.subscription_id),
            revision: place(self.revision),
            log_level: place(self.log_level),
            name: place(self.name),
            uri: place(self.uri),
            task_id: place(self.task_id),
        }
    }
}

/// The names of members that someone decides by: what a call is aimed at, and what a list has.
const DECIDING: [&str; 25] = [
    "jsonrpc",
    "id",
    "method",
    "params",
    "result",
    "error",
    "name",
    "uri",
    "arguments",
    "task",
    "taskId",
    "ref",
    "requestId",
    "progressToken",
    "notifications",
    "requestState",
    "inputResponses",
    "_meta",
    "tools",
    "resources",
    "resourceTemplates",
    "prompts",
    "instructions",
    "inputRequests",
    "resultType",
];

/// What has been read so far.
#[derive(Default)]
struct Read {
    places: Places,
    method: Option<Box<str>>,
    is_version_2: bool,
}

impl Read {
    fn message(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.deciding_members(0, &DECIDING, |scanner, name| {
            let start = scanner.here();
            match name {
                "params" if scanner.next() == Some(b'{') => self.params(scanner)?,
                "result" if scanner.next() == Some(b'{') => self.result(scanner)?,
                _ => {
                    scanner.value(1)?;
                }
            }
            let value = scanner.since(start)?;
            let text = scanner.text(value);
            match name {
                "jsonrpc" => self.is_version_2 = text == "\"2.0\"",
                // What is no string is no method.
                "method" => self.method = Some(decode(text).unwrap_or_default().into()),
                // An error that concerns no request may have `null` here.
                "id" if text == "null" => {}
                "id" if is_id(text) => self.places.id = Some(value),
                "id" => return Err(JsonError::Syntax(start)),
                "params" => self.places.params = Some(value),
                "result" => self.places.result = Some(value),
                "error" => self.places.error = Some(value),
                _ => {}
            }
            Ok(())
        })
    }

    fn params(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.deciding_members(1, &DECIDING, |scanner, name| {
            let start = scanner.here();
            if name == "_meta" && scanner.next() == Some(b'{') {
                self.meta(scanner)?;
            } else {
                scanner.value(2)?;
            }
            let value = scanner.since(start)?;
            match name {
                "_meta" => self.places.meta = Some(value),
                "progressToken" if is_id(scanner.text(value)) => self.places.token = Some(value),
                "requestId" if is_id(scanner.text(value)) => self.places.request_id = Some(value),
                "name" => self.places.name = Some(value),
                "uri" => self.places.uri = Some(value),
                "taskId" => self.places.task_id = Some(value),
                _ => {}
            }
            Ok(())
        })
    }

    fn meta(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.distinct_members(2, |scanner, name| {
            let value = scanner.value(3)?;
            match name {
                "progressToken" if is_id(scanner.text(value)) => {
                    self.places.meta_token = Some(value);
                }
                SUBSCRIPTION_ID if is_id(scanner.text(value)) => {
                    self.places.subscription_id = Some(value);
                }
                REVISION => self.places.revision = Some(value),
                LOG_LEVEL => self.places.log_level = Some(value),
                _ => {}
            }
            Ok(())
        })
    }

    /// A result: of its members only the subscription that it ends is of interest.
    fn result(&mut self, scanner: &mut Scanner<'_>) -> Result<(), JsonError> {
        scanner.deciding_members(1, &DECIDING, |scanner, name| {
            if name == "_meta" && scanner.next() == Some(b'{') {
                return self.meta(scanner);
            }
            scanner.value(2).map(drop)
        })
    }
}

/// Whether a value is a whole number or a string.
fn is_id(json: &str) -> bool {
    json.starts_with('"')
        || !json.is_empty() && json.bytes().all(|b| matches!(b, b'0'..=b'9' | b'-'))
}

/// JSON with spaces in the place of line breaks between values.
fn without_breaks(json: &[u8]) -> Bytes {
    json.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Message, MessageError> {
        Message::parse(Bytes::copy_from_slice(text.as_bytes()))
    }

    #[test]
    fn messages_have_three_kinds() {
        let kind = |text| parse(text).map(|message| message.kind()).ok();
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1,"method":"m"}"#), Some(Kind::Request));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","method":"m"}"#), Some(Kind::Notification));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":"x","result":{}}"#), Some(Kind::Answer));
        assert_eq!(kind(r#"{"jsonrpc":"2.0","id":1,"error":{"code":1}}"#), Some(Kind::Answer));
        for text in [
            r#"{"id":1,"method":"m"}"#,
            r#"{"jsonrpc":"1.0","id":1,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"m","result":1}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":1,"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":null,"error":{}}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":{},"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","id":1,"\u0069d":2,"method":"m"}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":{"name":"a","name":"b"}}"#,
            r#"{"jsonrpc":"2.0","method":"m","params":{"_meta":{"a":1,"a":2}}}"#,
            r#"[{"jsonrpc":"2.0","method":"m"}]"#,
            "{}",
            "",
        ] {
            assert_eq!(kind(text), None, "{text}");
        }
    }

    #[test]
    fn no_name_could_be_taken_for_one_that_decides() {
        let parse = |text: &'static str| Message::parse(Bytes::from_static(text.as_bytes()));
        for text in [
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"name":"t","Name":"u"}}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"a","Method":"b"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{"tools":[],"Tools":[{"name":"t"}]}}"#,
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        let own =
            r#"{"jsonrpc":"2.0","id":1,"method":"a","params":{"arguments":{"Name":1,"name":2}}}"#;
        assert!(parse(own).is_ok());
    }

    #[test]
    fn members_are_replaced_and_all_else_is_kept() {
        let text = r#"{"x":1.0, "jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"t",
            "_meta":{"progressToken":"p","io.modelcontextprotocol/protocolVersion":"2026-07-28"},
            "arguments":{"id":"a","progressToken":"p"}}}"#;
        let message = parse(text).unwrap();
        let edited = message.with(&[(Edit::Id, "12345"), (Edit::ProgressToken, "12345")]);
        let expected =
            text.replace('\n', " ").replacen("\"a\"", "12345", 1).replacen("\"p\"", "12345", 1);
        assert_eq!(edited.text(), expected);
        let again = parse(&expected).unwrap();
        assert_eq!(edited.places, again.places);
        for message in [&edited, &again] {
            assert_eq!(message.id(), Some("12345"));
            assert_eq!(message.progress_token(), Some("12345"));
            assert_eq!(message.revision().unwrap(), "2026-07-28");
            assert_eq!(message.target().unwrap(), "t");
            assert!(message.meta().unwrap().starts_with("{\"progressToken\":12345"));
            assert!(message.params().unwrap().ends_with("\"p\"}}"));
        }
        assert_eq!(
            edited.with(&[(Edit::Id, "\"a\""), (Edit::ProgressToken, "\"p\"")]).text(),
            message.text()
        );
    }

    #[test]
    fn a_notifications_token_is_in_its_params() {
        let text = r#"{"jsonrpc":"2.0","method":"notifications/progress",
            "params":{"progressToken":7,"progress":1,"_meta":{"progressToken":8}}}"#;
        let message = parse(text).unwrap();
        assert_eq!(message.progress_token(), Some("7"));
        let edited = message.with(&[(Edit::ProgressToken, "\"t\"")]);
        assert!(edited.text().contains(r#""progressToken":"t","progress""#));
        assert!(edited.text().contains(r#"{"progressToken":8}"#));
    }

    #[test]
    fn a_message_is_one_line() {
        let message = parse("{\"jsonrpc\":\"2.0\",\r\n\"method\":\"m\\n\"}\n").unwrap();
        assert_eq!(message.text(), "{\"jsonrpc\":\"2.0\",  \"method\":\"m\\n\"} ");
        assert_eq!(message.method(), "m\n");
    }

    #[test]
    fn what_a_method_is_aimed_at_depends_on_the_method() {
        let message = |method: &str| {
            let params = r#"{"name":"n","uri":"u","taskId":"t"}"#;
            parse(&format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)).unwrap()
        };
        let target = |method: &str| message(method).target().map(Cow::into_owned);
        assert_eq!(target("tools/call").unwrap(), "n");
        assert_eq!(target("prompts/get").unwrap(), "n");
        assert_eq!(target("resources/read").unwrap(), "u");
        assert_eq!(target("tasks/get").unwrap(), "t");
        assert_eq!(message("resources/read").mcp_name().unwrap(), "u");
        for method in ["resources/directory/read", "skills/get"] {
            assert_eq!(target(method).unwrap(), "u");
            assert_eq!(message(method).mcp_name(), None);
        }
        // No method of the new generation: it is answered as unknown, not for its headers.
        assert_eq!(target("tasks/result"), None);
        assert_eq!(target("ping"), None);
    }
}
