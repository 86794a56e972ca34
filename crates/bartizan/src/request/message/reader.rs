//! Reads JSON objects member by member: what decides is kept, the rest is read through within
//! bounds.
//!
//! 1. No member of an object that decides appears twice, however it is spelt, and there are at most
//!    [`MAX_MEMBERS`].
//! 2. What is read through is bounded in number by a budget, and in depth by `serde_json`.
//! 3. No member is there whose name another parser could take for one that decides.
//! 4. Names by which `serde_json` would read a value as something else are refused everywhere.

use std::{borrow::Cow, fmt};

use auth_core::is_name_alike;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The most members at a level that decides; real messages have fewer than ten.
const MAX_MEMBERS: usize = 64;
/// The longest text that decides (a method, a name, a URI), in bytes: it goes into the log.
const MAX_TEXT_BYTES: usize = 2048;
/// How `serde_json` marks values that are not to be read as they are written. With such a feature
/// enabled, it would parse the text of each nested `RawValue` again, with a new bound on its depth.
const RESERVED: &str = "$serde_json::private::";

/// An object whose members are read one by one.
pub(super) trait ReadMember {
    /// The names of the members that decide.
    const DECIDING: &'static [&'static str];

    /// Reads one member's value; `budget` is how many more values may be read through.
    fn read_member<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut A,
        budget: &mut usize,
    ) -> Result<(), A::Error>;
}

/// Reads an object into `T`, each member at most once.
pub(super) struct Members<'a, T>(pub(super) &'a mut T, pub(super) &'a mut usize);

impl<'de, T: ReadMember> DeserializeSeed<'de> for Members<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, T: ReadMember> Visitor<'de> for Members<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with distinct members")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = Vec::with_capacity(8);
        while let Some(name) = map.next_key_seed(MemberName)? {
            if seen.len() == MAX_MEMBERS || seen.contains(&name) {
                return Err(de::Error::custom("a member twice, or too many"));
            }
            if is_name_alike(&name, T::DECIDING) {
                return Err(de::Error::custom("a name that could be taken for one that decides"));
            }
            self.0.read_member(&name, &mut map, self.1)?;
            seen.push(name);
        }
        Ok(())
    }
}

/// Reads any value through.
pub(super) struct Discard<'a>(pub(super) &'a mut usize);

impl<'de> DeserializeSeed<'de> for Discard<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        *self.0 = self.0.checked_sub(1).ok_or_else(|| de::Error::custom("too many values"))?;
        // Not `deserialize_ignored_any`, which has no bound on the depth.
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Discard<'_> {
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
        while items.next_element_seed(Discard(self.0))?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key_seed(MemberName)?.is_some() {
            map.next_value_seed(Discard(self.0))?;
        }
        Ok(())
    }
}

/// A member's name that is not reserved; copied only where it is spelt with escapes.
struct MemberName;

impl<'de> DeserializeSeed<'de> for MemberName {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for MemberName {
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

/// A string that decides, or any other value as `None`: whether it is needed depends on the method.
pub(super) struct StringOrOther<'a>(pub(super) &'a mut usize);

impl<'de> DeserializeSeed<'de> for StringOrOther<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for StringOrOther<'_> {
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
        Discard(self.0).visit_seq(items).map(|()| None)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Discard(self.0).visit_map(map).map(|()| None)
    }
}
