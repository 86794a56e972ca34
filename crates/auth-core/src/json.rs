//! JSON in which no object has the same member twice.
//!
//! RFC 8259 §4 leaves it open what a repeated member means, so two parsers may read two different
//! messages out of the same bytes. A decision about one reading must refuse such bytes (RFC 7515
//! §4, RFC 7519 §4 permit that for headers and claims; for request bodies, which have a reader of
//! their own, it is our own rule).
//!
//! Strings are borrowed, and members stay in their order: what is refused, as most of what a
//! stranger sends is, need not be copied first.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize,
    de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Number, Value};

/// Bytes that are not JSON, or in which an object has one member twice.
#[derive(Debug, thiserror::Error)]
#[error("not JSON, or a member that appears twice")]
pub struct StrictJsonError(#[source] serde_json::Error);

/// Reads JSON; an object that has the same member twice, at any depth, is an error.
///
/// Nesting is limited to 128 levels (`serde_json`'s own bound).
///
/// ```
/// assert!(auth_core::parse_strict(br#"{"a":{"b":1,"c":1}}"#).is_ok());
/// assert!(auth_core::parse_strict(br#"{"a":{"b":1,"\u0062":2}}"#).is_err());
/// ```
pub fn parse_strict(bytes: &[u8]) -> Result<Value, StrictJsonError> {
    Ok(Json::parse(text(bytes)?)?.into())
}

/// Bytes as text: looked at once, and not once more for each text in it.
pub(crate) fn text(bytes: &[u8]) -> Result<&str, StrictJsonError> {
    str::from_utf8(bytes).map_err(|fault| StrictJsonError(de::Error::custom(fault)))
}

/// A value that was read strictly.
#[derive(Clone)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Self>),
    Object(Object<'a>),
}

/// Members with distinct names, in their order.
#[derive(Clone)]
pub(crate) struct Object<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Json<'a> {
    /// Reads `text` as [`parse_strict`] does.
    pub(crate) fn parse(text: &'a str) -> Result<Self, StrictJsonError> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let value = Strict.deserialize(&mut deserializer).map_err(StrictJsonError)?;
        deserializer.end().map_err(StrictJsonError)?;
        Ok(value)
    }

    pub(crate) fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    pub(crate) const fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    pub(crate) const fn as_object(&self) -> Option<&Object<'a>> {
        if let Self::Object(object) = self { Some(object) } else { None }
    }
}

impl Json<'_> {
    /// The same with texts of its own.
    fn into_owned(self) -> Json<'static> {
        match self {
            Self::Null => Json::Null,
            Self::Bool(value) => Json::Bool(value),
            Self::Number(number) => Json::Number(number),
            Self::String(text) => Json::String(text.into_owned().into()),
            Self::Array(list) => Json::Array(list.into_iter().map(Self::into_owned).collect()),
            Self::Object(object) => Json::Object(object.into_owned()),
        }
    }
}

impl From<Json<'_>> for Value {
    fn from(json: Json<'_>) -> Self {
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Bool(value),
            Json::Number(number) => Self::Number(number),
            Json::String(text) => Self::String(text.into_owned()),
            Json::Array(list) => list.into_iter().map(Self::from).collect(),
            Json::Object(Object(members)) => Self::Object(
                members
                    .into_iter()
                    .map(|(name, value)| (name.into_owned(), value.into()))
                    .collect(),
            ),
        }
    }
}

impl Object<'_> {
    /// The same with texts of its own.
    pub(crate) fn into_owned(self) -> Object<'static> {
        let owned = |(name, value): (Cow<'_, str>, Json<'_>)| {
            (name.into_owned().into(), value.into_owned())
        };
        Object(self.0.into_iter().map(owned).collect())
    }
}

impl<'a> Object<'a> {
    pub(crate) fn get(&self, name: &str) -> Option<&Json<'a>> {
        self.iter().find_map(|(other, value)| (other == name).then_some(value))
    }

    /// A member that says something: `null` does not. Some issuers write it for whatever they do
    /// not have.
    pub(crate) fn said(&self, name: &str) -> Option<&Json<'a>> {
        self.get(name).filter(|value| !matches!(value, Json::Null))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &Json<'a>)> {
        self.0.iter().map(|(name, value)| (&**name, value))
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Json<'a>> {
        let place = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(place).1)
    }

    /// Takes those members of `other` whose names are not here.
    pub(crate) fn fill_from(&mut self, other: Self) {
        for (name, value) in other.0 {
            if !self.contains(&name) {
                self.0.push((name, value));
            }
        }
    }

    /// Leaves out what says nothing.
    pub(crate) fn remove_null(&mut self) {
        self.0.retain(|(_, value)| !matches!(value, Json::Null));
    }

    /// Whether no name is there twice.
    fn is_distinct(&self) -> bool {
        let Self(members) = self;
        if members.len() <= LINEAR_SCAN_LIMIT {
            let earlier = |place| members.iter().take(place);
            let mut named = members.iter().enumerate();
            return named.all(|(place, (name, _))| earlier(place).all(|(other, _)| other != name));
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| &**name).collect();
        names.sort_unstable();
        names.is_sorted_by(|one, next| one != next)
    }
}

/// So many names are compared each with each sooner than they are sorted.
const LINEAR_SCAN_LIMIT: usize = 16;

/// Reads a value.
#[derive(Clone, Copy)]
struct Strict;

/// A member's name: with an escape in it, it differs from its bytes.
#[derive(Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_unit<E>(self) -> Result<Json<'de>, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json<'de>, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json<'de>, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Json<'de>, E> {
        Number::from_f64(value).map(Json::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Borrowed(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json<'de>, E> {
        Ok(Json::String(Cow::Owned(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json<'de>, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(Self)? {
            list.push(item);
        }
        Ok(Json::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Json<'de>, A::Error> {
        let mut object = Object(Vec::new());
        while let Some(Name(name)) = members.next_key()? {
            object.0.push((name, members.next_value_seed(Self)?));
        }
        if object.is_distinct() {
            Ok(Json::Object(object))
        } else {
            Err(de::Error::custom("a member appears twice"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_value_reads_as_serde_json_reads_it() {
        let text = r#"{"n":null,"t":true,"i":-3,"u":18446744073709551615,"f":1.5,"s":"x\ny","a":[1,[2]],"o":{}}"#;
        let expected: Value = serde_json::from_str(text).unwrap();
        assert_eq!(parse_strict(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn repeated_members_are_refused_at_any_depth() {
        for bad in [
            r#"{"a":1,"a":1}"#,
            r#"{"x":[{"a":1,"a":2}]}"#,
            r#"{"a":1,"\u0061":2}"#,
            r#"{"a":{},"a":{}}"#,
        ] {
            assert!(parse_strict(bad.as_bytes()).is_err(), "{bad}");
        }
        for many in [3, LINEAR_SCAN_LIMIT, LINEAR_SCAN_LIMIT + 1, 100] {
            let names: Vec<String> = (0..many).map(|count| format!("n{count}")).collect();
            let object = |names: &[String]| {
                let members: Vec<String> = names.iter().map(|it| format!("\"{it}\":0")).collect();
                format!("{{{}}}", members.join(","))
            };
            assert!(parse_strict(object(&names).as_bytes()).is_ok(), "{many}");
            for place in [0, many / 2, many - 2] {
                let mut again = names.clone();
                again[place].clone_from(&names[many - 1]);
                let again = object(&again);
                assert!(parse_strict(again.as_bytes()).is_err(), "{place} of {many}");
                // The same name in another spelling, and further in.
                let escaped = again.replacen("\"n", "\"\\u006e", place + 1);
                assert!(parse_strict(escaped.as_bytes()).is_err(), "{escaped}");
                let nested = format!("{{\"a\":[{again}]}}");
                assert!(parse_strict(nested.as_bytes()).is_err(), "{nested}");
            }
        }
    }

    #[test]
    fn trailing_text_is_refused() {
        assert!(parse_strict(b"{} {}").is_err());
        assert!(parse_strict(b"{}x").is_err());
        assert!(parse_strict(b"").is_err());
        assert!(parse_strict(b"{} \n").is_ok());
    }

    #[test]
    fn what_is_not_utf_8_is_refused_wherever_it_stands() {
        for bad in [&b"{\"a\":\"\xff\"}"[..], b"{\"\xc3\":1}", b"{}\xa0", b"\xff{}"] {
            assert!(parse_strict(bad).is_err(), "{bad:?}");
        }
    }
}
