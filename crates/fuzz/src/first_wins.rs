//! JSON as another parser might read it: of two members of one name the first one counts.
//! `serde_json` lets the last one count, so where both read the same, no parser reads anything
//! else.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value, map::Entry};

/// Both readings, if both can be made and are the same.
pub(crate) fn read_alike(json: &[u8]) -> Option<Value> {
    let last: Value = serde_json::from_slice(json).ok()?;
    let FirstWins(first) = serde_json::from_slice(json).ok()?;
    (first == last).then_some(last)
}

/// The reading in which the first member counts.
pub(crate) struct FirstWins(pub(crate) Value);

impl<'de> Deserialize<'de> for FirstWins {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(FirstWins(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some((name, FirstWins(value))) = members.next_entry::<String, _>()? {
            if let Entry::Vacant(place) = map.entry(name) {
                place.insert(value);
            }
        }
        Ok(Value::Object(map))
    }
}
