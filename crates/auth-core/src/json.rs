//! JSON in which no object has the same member twice.
//!
//! RFC 8259 §4 leaves it open what a repeated member means, so two parsers may read two different
//! messages out of the same bytes. Whoever judges one reading must refuse such bytes (RFC 7515 §4,
//! RFC 7519 §4 permit that for headers and claims; for request bodies it is our own rule).

use std::fmt;

use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value, map::Entry};

/// Bytes that are not JSON, or in which an object has one member twice.
#[derive(Debug, thiserror::Error)]
#[error("not JSON, or a member that appears twice")]
pub struct DuplicateMember(#[source] serde_json::Error);

/// Reads JSON; an object that has the same member twice, at any depth, is an error.
///
/// Nesting is limited to 128 levels (`serde_json`'s own bound).
///
/// ```
/// assert!(auth_core::parse_unique(br#"{"a":{"b":1,"c":1}}"#).is_ok());
/// assert!(auth_core::parse_unique(br#"{"a":{"b":1,"\u0062":2}}"#).is_err());
/// ```
pub fn parse_unique(bytes: &[u8]) -> Result<Value, DuplicateMember> {
    // Looked at once, and not once more for each text in it.
    let text = str::from_utf8(bytes).map_err(|fault| DuplicateMember(de::Error::custom(fault)))?;
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Unique.deserialize(&mut deserializer).map_err(DuplicateMember)?;
    deserializer.end().map_err(DuplicateMember)?;
    Ok(value)
}

struct Unique;

impl<'de> DeserializeSeed<'de> for Unique {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Entry::Vacant(place) = object.entry(name) else {
                return Err(de::Error::custom("a member appears twice"));
            };
            place.insert(members.next_value_seed(Self)?);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_reads_as_serde_json_reads_it() {
        let text = r#"{"n":null,"t":true,"i":-3,"u":18446744073709551615,"f":1.5,"s":"x\ny","a":[1,[2]],"o":{}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse_unique(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn repeated_members_are_refused_at_any_depth() {
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{},"a":{}}"#,
        ] {
            assert!(parse_unique(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn trailing_text_is_refused() {
        assert!(parse_unique(b"{} {}").is_err());
        assert!(parse_unique(b"{}x").is_err());
        assert!(parse_unique(b"").is_err());
        assert!(parse_unique(b"{} \n").is_ok());
    }

    #[test]
    fn what_is_not_utf_8_is_refused_wherever_it_stands() {
        for bad in [&b"{\"a\":\"\xff\"}"[..], b"{\"\xc3\":1}", b"{}\xa0", b"\xff{}"] {
            assert!(parse_unique(bad).is_err(), "{bad:?}");
        }
    }
}
