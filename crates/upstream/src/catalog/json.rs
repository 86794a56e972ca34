//! JSON with one canonical form, after RFC 8785 (JCS).
//!
//! 1. Members are in the order of their names' UTF-16 code units (§3.2.3), without white space.
//!    Strings are escaped as in §3.2.2.2.
//! 2. Numbers stay as they were written, which is the one difference. RFC 8785 reads them as
//!    binary64, so that 9007199254740993 and 9007199254740992 would have one digest and a client
//!    that reads integers would see a change that the digest does not. The price is that `1` and
//!    `1.0` are different: a change too many, never one too few.
//! 3. A name that occurs twice in an object is refused: parsers differ about which value counts
//!    (RFC 8259 §4).
//! 4. Depth, members of an object and number of values are bounded.

use std::fmt::Write;

use crate::wire::{self, Object, items, unquote};

/// How deep values may be nested.
const MAX_DEPTH: usize = 64;
/// How many values there may be.
const MAX_VALUES: usize = 50_000;

/// A JSON value in canonical order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number, as it was written.
    Number(String),
    /// A string.
    Text(String),
    /// An array.
    Array(Vec<Self>),
    /// An object; its members are sorted, and no name occurs twice.
    Object(Vec<(String, Self)>),
}

/// Why a text has no canonical form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    /// Not JSON that has one meaning.
    #[error(transparent)]
    Wire(#[from] wire::JsonError),
    /// Nested too deeply, or too many values.
    #[error("more than {MAX_DEPTH} levels or {MAX_VALUES} values")]
    TooLarge,
}

impl Json {
    /// Reads `text`.
    pub fn parse(text: &str) -> Result<Self, JsonError> {
        let list = format!("[{text}]");
        match items(&list)?.as_slice() {
            [one] => Self::read(one, MAX_DEPTH, &mut { MAX_VALUES }),
            _ => Err(wire::JsonError::Syntax(0).into()),
        }
    }

    /// Reads a value that is valid JSON, without white space around it.
    fn read(text: &str, depth: usize, left: &mut usize) -> Result<Self, JsonError> {
        let depth = depth.checked_sub(1).ok_or(JsonError::TooLarge)?;
        *left = left.checked_sub(1).ok_or(JsonError::TooLarge)?;
        Ok(match text.as_bytes().first() {
            Some(b'{') => {
                let mut members = Vec::new();
                for (name, value) in Object::parse(text)?.iter() {
                    members.push((name.to_owned(), Self::read(value, depth, left)?));
                }
                members
                    .sort_by(|(one, _), (other, _)| one.encode_utf16().cmp(other.encode_utf16()));
                Self::Object(members)
            }
            Some(b'[') => {
                let values = items(text)?.into_iter().map(|value| Self::read(value, depth, left));
                Self::Array(values.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Self::Text(unquote(text).ok_or(wire::JsonError::Syntax(0))?.into_owned()),
            Some(b't') => Self::Bool(true),
            Some(b'f') => Self::Bool(false),
            Some(b'n') => Self::Null,
            _ => Self::Number(text.to_owned()),
        })
    }

    /// The member `name`, if this is an object that has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(members) = self else { return None };
        members.iter().find(|(its, _)| its == name).map(|(_, value)| value)
    }

    /// The text, if this is one.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    /// The boolean, if this is one.
    #[must_use]
    pub const fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// Takes out the member `name`, if this is an object that has it.
    pub(super) fn remove(&mut self, name: &str) {
        if let Self::Object(members) = self {
            members.retain(|(its, _)| its != name);
        }
    }

    /// The member `name`, to change.
    pub(super) fn get_mut(&mut self, name: &str) -> Option<&mut Self> {
        let Self::Object(members) = self else { return None };
        members.iter_mut().find(|(its, _)| its == name).map(|(_, value)| value)
    }

    /// The canonical form.
    #[must_use]
    pub fn canonical(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, None);
        text
    }

    /// The same for people: each member on a line of its own.
    #[must_use]
    pub fn pretty(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Some(0));
        text
    }

    /// Appends it; `indent` is the level of lines, `None` for one line.
    pub(super) fn write(&self, text: &mut String, indent: Option<usize>) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(value) => text.push_str(if *value { "true" } else { "false" }),
            Self::Number(number) => text.push_str(number),
            Self::Text(value) => write_text(text, value),
            Self::Array(values) if values.is_empty() => text.push_str("[]"),
            Self::Object(members) if members.is_empty() => text.push_str("{}"),
            Self::Array(values) => {
                text.push('[');
                for (index, value) in values.iter().enumerate() {
                    separate(text, index, indent);
                    value.write(text, indent.map(|level| level + 1));
                }
                close(text, indent, ']');
            }
            Self::Object(members) => {
                text.push('{');
                for (index, (name, value)) in members.iter().enumerate() {
                    separate(text, index, indent);
                    write_text(text, name);
                    text.push_str(if indent.is_some() { ": " } else { ":" });
                    value.write(text, indent.map(|level| level + 1));
                }
                close(text, indent, '}');
            }
        }
    }
}

/// Appends a string as RFC 8785 §3.2.2.2 writes it.
fn write_text(text: &mut String, value: &str) {
    text.push('"');
    for c in value.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\u{8}' => text.push_str("\\b"),
            '\t' => text.push_str("\\t"),
            '\n' => text.push_str("\\n"),
            '\u{c}' => text.push_str("\\f"),
            '\r' => text.push_str("\\r"),
            '\0'..='\u{1f}' => {
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
}

fn separate(text: &mut String, index: usize, indent: Option<usize>) {
    if index > 0 {
        text.push(',');
    }
    if let Some(level) = indent {
        text.push('\n');
        text.push_str(&"  ".repeat(level + 1));
    }
}

fn close(text: &mut String, indent: Option<usize>, bracket: char) {
    if let Some(level) = indent {
        text.push('\n');
        text.push_str(&"  ".repeat(level));
    }
    text.push(bracket);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn canonical(text: &str) -> String {
        Json::parse(text).unwrap().canonical()
    }

    #[test]
    fn the_example_of_the_rfc_but_for_its_numbers() {
        // RFC 8785 §3.2.2, with the numbers as they are written there.
        let text = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        assert_eq!(
            canonical(text),
            r#"{"literals":[null,true,false],"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        );
    }

    #[test]
    fn members_are_sorted_by_code_units_of_utf16() {
        // RFC 8785 §3.2.3.
        let text = r#"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#;
        let keys = canonical(text);
        let order: Vec<_> = keys.chars().filter(char::is_ascii_digit).collect();
        assert_eq!(order, ['2', '1', '4', '6', '7', '1', '5', '3']);
    }

    #[test]
    fn control_characters_are_escaped_in_the_short_form() {
        let text = "\u{0}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}\u{80}\u{2028}";
        assert_eq!(
            Json::Text(text.into()).canonical(),
            "\"\\u0000\\b\\t\\n\\u000b\\f\\r\\u001f\u{7f}\u{80}\u{2028}\""
        );
    }

    #[test]
    fn order_and_white_space_do_not_count_and_numbers_do() {
        assert_eq!(canonical("{\"b\" : [ 1 ] , \"a\":{}}"), canonical(r#"{"a":{},"b":[1]}"#));
        assert_ne!(canonical("9007199254740993"), canonical("9007199254740992"));
        assert_ne!(canonical("1"), canonical("1.0"));
        let long = format!("[{}]", "9".repeat(400));
        assert_eq!(canonical(&long), long);
    }

    #[test]
    fn what_has_no_canonical_form_is_refused() {
        for text in ["", "{", "[1,]", "\"\\ud800\"", "01", "nul", "{\"a\":1} 2", "1,2", "1],[2"] {
            assert!(matches!(Json::parse(text), Err(JsonError::Wire(_))), "{text}");
        }
        for text in [r#"{"a":1,"a":1}"#, r#"{"a":1,"b":2,"\u0061":3}"#, r#"[{"":1,"":2}]"#] {
            let twice = JsonError::Wire(wire::JsonError::Members);
            assert_eq!(Json::parse(text), Err(twice), "{text}");
        }
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(&nested(MAX_DEPTH)).is_ok());
        assert!(matches!(Json::parse(&nested(MAX_DEPTH + 1)), Err(JsonError::TooLarge)));
        let many = |values: usize| format!("[{}1]", "1,".repeat(values - 2));
        assert!(Json::parse(&many(MAX_VALUES)).is_ok());
        assert!(matches!(Json::parse(&many(MAX_VALUES + 1)), Err(JsonError::TooLarge)));
    }

    #[test]
    fn the_form_for_people_is_the_same_value() {
        let text = r#"{"a":[1,{"b":[]},{}],"c":"x\ny"}"#;
        let value = Json::parse(text).unwrap();
        let pretty = value.pretty();
        assert!(pretty.contains("\n  \"a\": [\n    1,\n"), "{pretty}");
        assert_eq!(Json::parse(&pretty).unwrap(), value);
    }
}
