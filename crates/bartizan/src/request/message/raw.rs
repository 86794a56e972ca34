//! The body's JSON, taken apart: what decides is kept, the rest is read through.
//!
//! The rest is not simply ignored: the inner service will build it in memory, so its depth and the
//! number of its values are bounded here ([`reader`](super::reader)).

use std::fmt;

use serde::{
    Serialize,
    de::{self, DeserializeSeed, Deserializer, MapAccess, Visitor},
};

use super::{
    listen::Listen,
    reader::{Discard, Members, ReadMember, StringOrOther},
};

/// The most values in what does not decide. Parsers behind take some 200 bytes for each.
const MAX_VALUES: usize = 20_000;
/// The longest id, in bytes.
const MAX_ID_BYTES: usize = 255;
/// A request's id: a text without control characters, or a whole number (MCP, basic messages).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Id {
    Number(i64),
    Text(String),
}

#[derive(Default)]
pub(super) struct RawMessage {
    pub(super) version: Option<String>,
    pub(super) id: Option<Id>,
    pub(super) method: Option<String>,
    pub(super) params: Params,
    pub(super) has_result: bool,
    pub(super) has_error: bool,
}

#[derive(Default)]
pub(super) struct Params {
    pub(super) name: Option<String>,
    pub(super) uri: Option<String>,
    pub(super) task_id: Option<String>,
    pub(super) reference: Reference,
    pub(super) notifications: Listen,
    pub(super) meta: Meta,
    /// Where in memory the name of the member `arguments` is: in the body, or elsewhere if it is
    /// spelt with escapes.
    pub(super) arguments: Option<usize>,
}

/// `params._meta`.
#[derive(Default)]
pub(super) struct Meta {
    /// The protocol's revision, which requests name from 2026-07-28 on.
    pub(super) revision: Option<String>,
    pub(super) capabilities: Capabilities,
    /// Whether it has a `traceparent`.
    pub(super) names_trace: bool,
}

/// What the client says that it can, and in it the extensions.
#[derive(Default)]
pub(super) struct Capabilities {
    pub(super) extensions: Extensions,
}

#[derive(Default)]
pub(super) struct Extensions {
    /// Whether it knows tasks.
    pub(super) tasks: bool,
}

/// `params.ref` of `completion/complete`.
#[derive(Default)]
pub(super) struct Reference {
    pub(super) kind: Option<String>,
    pub(super) name: Option<String>,
    pub(super) uri: Option<String>,
}

/// A body that could not be read, with the id of its message if that was read before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct UnreadableError(pub(super) Option<Id>);

impl RawMessage {
    pub(super) fn parse(body: &[u8]) -> Result<Self, UnreadableError> {
        let mut message = Self::default();
        match message.read(body) {
            Ok(()) => Ok(message),
            Err(_) => Err(UnreadableError(message.id)),
        }
    }

    fn read(&mut self, body: &[u8]) -> Result<(), serde_json::Error> {
        let mut budget = MAX_VALUES;
        // Looked at once, and not once more for each string in it.
        let text = std::str::from_utf8(body).map_err(de::Error::custom)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Members(self, &mut budget).deserialize(&mut deserializer)?;
        deserializer.end()
    }
}

impl ReadMember for RawMessage {
    const DECIDING: &'static [&'static str] =
        &["jsonrpc", "id", "method", "params", "result", "error"];

    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        budget: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "jsonrpc" => self.version = map.next_value_seed(StringOrOther(budget))?,
            "id" => self.id = Some(map.next_value_seed(IdSeed)?),
            // A method that is no text is no method: nothing could be judged by it.
            "method" => {
                let method = map.next_value_seed(StringOrOther(budget))?;
                self.method = Some(method.ok_or_else(|| de::Error::custom("no text"))?);
            }
            "params" => map.next_value_seed(Members(&mut self.params, budget))?,
            "result" | "error" => {
                map.next_value_seed(Discard(budget))?;
                self.has_result |= name == "result";
                self.has_error |= name == "error";
            }
            _ => map.next_value_seed(Discard(budget))?,
        }
        Ok(())
    }
}

impl ReadMember for Params {
    const DECIDING: &'static [&'static str] =
        &["name", "uri", "taskId", "ref", "notifications", "_meta", "arguments"];

    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        budget: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "name" => self.name = map.next_value_seed(StringOrOther(budget))?,
            "uri" => self.uri = map.next_value_seed(StringOrOther(budget))?,
            "taskId" => self.task_id = map.next_value_seed(StringOrOther(budget))?,
            "ref" => map.next_value_seed(Members(&mut self.reference, budget))?,
            "notifications" => map.next_value_seed(Members(&mut self.notifications, budget))?,
            "_meta" => map.next_value_seed(Members(&mut self.meta, budget))?,
            "arguments" => {
                self.arguments = Some(name.as_ptr().addr());
                map.next_value_seed(Discard(budget))?;
            }
            _ => map.next_value_seed(Discard(budget))?,
        }
        Ok(())
    }
}

impl ReadMember for Meta {
    const DECIDING: &'static [&'static str] =
        &["io.modelcontextprotocol/protocolVersion", "io.modelcontextprotocol/clientCapabilities"];

    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        budget: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "io.modelcontextprotocol/protocolVersion" => {
                self.revision = map.next_value_seed(StringOrOther(budget))?;
            }
            "io.modelcontextprotocol/clientCapabilities" => {
                map.next_value_seed(Members(&mut self.capabilities, budget))?;
            }
            "traceparent" => {
                self.names_trace = true;
                map.next_value_seed(Discard(budget))?;
            }
            _ => map.next_value_seed(Discard(budget))?,
        }
        Ok(())
    }
}

impl ReadMember for Capabilities {
    const DECIDING: &'static [&'static str] = &["extensions"];

    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        budget: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "extensions" => map.next_value_seed(Members(&mut self.extensions, budget)),
            _ => map.next_value_seed(Discard(budget)),
        }
    }
}

impl ReadMember for Extensions {
    const DECIDING: &'static [&'static str] = &[];

    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        budget: &mut usize,
    ) -> Result<(), A::Error> {
        self.tasks |= name == "io.modelcontextprotocol/tasks";
        map.next_value_seed(Discard(budget))
    }
}

impl ReadMember for Reference {
    const DECIDING: &'static [&'static str] = &["type", "name", "uri"];

    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        budget: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "type" => self.kind = map.next_value_seed(StringOrOther(budget))?,
            "name" => self.name = map.next_value_seed(StringOrOther(budget))?,
            "uri" => self.uri = map.next_value_seed(StringOrOther(budget))?,
            _ => map.next_value_seed(Discard(budget))?,
        }
        Ok(())
    }
}

struct IdSeed;

impl<'de> DeserializeSeed<'de> for IdSeed {
    type Value = Id;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Id, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for IdSeed {
    type Value = Id;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a whole number")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
        Ok(Id::Number(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Id, E> {
        number.try_into().map(Id::Number).map_err(|_| E::custom("the id is out of range"))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Id, E> {
        if text.len() > MAX_ID_BYTES || text.chars().any(char::is_control) {
            return Err(E::custom("the id is too long or has control characters"));
        }
        Ok(Id::Text(text.to_owned()))
    }
}
