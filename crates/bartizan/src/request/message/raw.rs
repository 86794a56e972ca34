//! The body's JSON, taken apart: what decides is kept, the rest is read through.
//!
//! The rest is not simply ignored: the server behind will build it in memory, so its depth and the
//! number of its values are bounded here, before anyone pays for them, and names by which a parser
//! behind would read something else than what stands there are refused.

use std::{borrow::Cow, fmt};

use serde::{
    Serialize,
    de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor},
};

use super::listen::Listen;

/// The most members at a level that decides; real messages have fewer than ten.
const MAX_MEMBERS: usize = 64;
/// The most values in what does not decide. Parsers behind take some 200 bytes for each.
const MAX_VALUES: usize = 20_000;
/// The longest text that decides (a method, a name, a URI), in bytes: it goes into the log.
const MAX_TEXT_BYTES: usize = 2048;
/// The longest id, in bytes.
const MAX_ID_BYTES: usize = 255;
/// How `serde_json` marks values that are to be read in another way than they stand there. A parser
/// with such a feature switched on would parse the text of a `RawValue` anew, with a new bound on its
/// depth, as often as they are nested.
const RESERVED: &str = "$serde_json::private::";

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
}

/// `params._meta`.
#[derive(Default)]
pub(super) struct Meta {
    /// The protocol's revision, which requests name from 2026-07-28 on.
    pub(super) revision: Option<String>,
    pub(super) capabilities: Capabilities,
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

impl RawMessage {
    pub(super) fn parse(body: &[u8]) -> Result<Self, serde_json::Error> {
        let mut message = Self::default();
        let mut left = MAX_VALUES;
        // Looked at once, and not once more for each text in it.
        let text = std::str::from_utf8(body).map_err(de::Error::custom)?;
        let mut deserializer = serde_json::Deserializer::from_str(text);
        Members(&mut message, &mut left).deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(message)
    }
}

/// An object whose members are taken one by one.
pub(super) trait Take {
    /// Takes one member's value, or reads it through; `left` is how many more values there may be.
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        left: &mut usize,
    ) -> Result<(), A::Error>;
}

impl Take for RawMessage {
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        left: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "jsonrpc" => self.version = map.next_value_seed(Text(left))?,
            "id" => self.id = Some(map.next_value_seed(IdSeed)?),
            // A method that is no text is no method: nothing could be judged by it.
            "method" => {
                let method = map.next_value_seed(Text(left))?;
                self.method = Some(method.ok_or_else(|| de::Error::custom("no text"))?);
            }
            "params" => map.next_value_seed(Members(&mut self.params, left))?,
            "result" | "error" => {
                map.next_value_seed(Skip(left))?;
                self.has_result |= name == "result";
                self.has_error |= name == "error";
            }
            _ => map.next_value_seed(Skip(left))?,
        }
        Ok(())
    }
}

impl Take for Params {
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        left: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "name" => self.name = map.next_value_seed(Text(left))?,
            "uri" => self.uri = map.next_value_seed(Text(left))?,
            "taskId" => self.task_id = map.next_value_seed(Text(left))?,
            "ref" => map.next_value_seed(Members(&mut self.reference, left))?,
            "notifications" => map.next_value_seed(Members(&mut self.notifications, left))?,
            "_meta" => map.next_value_seed(Members(&mut self.meta, left))?,
            _ => map.next_value_seed(Skip(left))?,
        }
        Ok(())
    }
}

impl Take for Meta {
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        left: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "io.modelcontextprotocol/protocolVersion" => {
                self.revision = map.next_value_seed(Text(left))?;
            }
            "io.modelcontextprotocol/clientCapabilities" => {
                map.next_value_seed(Members(&mut self.capabilities, left))?;
            }
            _ => map.next_value_seed(Skip(left))?,
        }
        Ok(())
    }
}

impl Take for Capabilities {
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        left: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "extensions" => map.next_value_seed(Members(&mut self.extensions, left)),
            _ => map.next_value_seed(Skip(left)),
        }
    }
}

impl Take for Extensions {
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        left: &mut usize,
    ) -> Result<(), A::Error> {
        self.tasks |= name == "io.modelcontextprotocol/tasks";
        map.next_value_seed(Skip(left))
    }
}

impl Take for Reference {
    fn take<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        left: &mut usize,
    ) -> Result<(), A::Error> {
        match name {
            "type" => self.kind = map.next_value_seed(Text(left))?,
            "name" => self.name = map.next_value_seed(Text(left))?,
            "uri" => self.uri = map.next_value_seed(Text(left))?,
            _ => map.next_value_seed(Skip(left))?,
        }
        Ok(())
    }
}

/// Reads an object into `T`, each member at most once.
struct Members<'a, T>(&'a mut T, &'a mut usize);

impl<'de, T: Take> DeserializeSeed<'de> for Members<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: Take> Visitor<'de> for Members<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with distinct members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Vec::with_capacity(8);
        while let Some(name) = map.next_key_seed(Name)? {
            if seen.len() == MAX_MEMBERS || seen.contains(&name) {
                return Err(de::Error::custom("a member twice, or too many"));
            }
            self.0.take(&name, &mut map, self.1)?;
            seen.push(name);
        }
        Ok(())
    }
}

/// Reads any value through.
pub(super) struct Skip<'a>(pub(super) &'a mut usize);

impl<'de> DeserializeSeed<'de> for Skip<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.0 = self.0.checked_sub(1).ok_or_else(|| de::Error::custom("too many values"))?;
        // Not `deserialize_ignored_any`, which has no bound on the depth.
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Skip(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(Name)?.is_some() {
            map.next_value_seed(Skip(self.0))?;
        }
        Ok(())
    }
}

/// A member's name that is not reserved; copied only where it is spelt with escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_borrowed_str<E: de::Error>(self, name: &'de str) -> Result<Self::Value, E> {
        unreserved(name).map(Cow::Borrowed)
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<Self::Value, E> {
        unreserved(name).map(|name| Cow::Owned(name.to_owned()))
    }
}

fn unreserved<E: de::Error>(name: &str) -> Result<&str, E> {
    if name.starts_with(RESERVED) { Err(E::custom("a reserved name")) } else { Ok(name) }
}

/// A text that decides, or any other value as `None`: whether it was needed is for the method to say.
pub(super) struct Text<'a>(pub(super) &'a mut usize);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Text<'_> {
    type Value = Option<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(E::custom("a text that decides is too long"));
        }
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

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Self::Value, A::Error> {
        Skip(self.0).visit_seq(items).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Skip(self.0).visit_map(map).map(|()| None)
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
