//! A JSON object whose values stay text, to look into and to change.

use std::{borrow::Cow, fmt::Write};

use super::scan::{JsonError, Scanner, decode};

/// An object: names decoded, in their order, each once; values as they were written.
///
/// ```
/// use upstream::wire::Object;
///
/// let mut object = Object::parse(r#"{"a":1.50,"b":{"c":"d"}}"#)?;
/// assert_eq!(object.get("a"), Some("1.50"));
/// assert_eq!(object.object("b").and_then(|b| b.text("c")?.into_owned().into()), Some("d".into()));
/// object.set("a", "2");
/// object.remove("b");
/// assert_eq!(object.to_string(), r#"{"a":2}"#);
/// # Ok::<(), upstream::wire::JsonError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Object<'a> {
    /// Reads an object. One that has a member twice is an error; so is any other value.
    pub fn parse(text: &'a str) -> Result<Self, JsonError> {
        let mut members = Vec::new();
        let mut scanner = Scanner::new(text);
        scanner.distinct_members(0, |scanner, name| {
            let value = scanner.value(1)?;
            members.push((Cow::Owned(name.to_owned()), Cow::Borrowed(scanner.text(value))));
            Ok(())
        })?;
        scanner.end()?;
        Ok(Self(members))
    }

    /// A member's value, as JSON.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find_map(|(other, value)| (other == name).then_some(&**value))
    }

    /// A member's value, if it is a string: what it says.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        decode(self.get(name)?)
    }

    /// A member's value, if it is an object.
    #[must_use]
    pub fn object(&self, name: &str) -> Option<Object<'_>> {
        Object::parse(self.get(name)?).ok()
    }

    /// A member's value, if it is an array: its items, as JSON.
    #[must_use]
    pub fn items(&self, name: &str) -> Option<Vec<&str>> {
        items(self.get(name)?).ok()
    }

    /// All members: names decoded, values as JSON.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (&**name, &**value))
    }

    /// Whether it has no members.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Gives a member another value, or adds it. `json` must be JSON: it is not looked at.
    pub fn set(&mut self, name: &str, json: impl Into<Cow<'a, str>>) {
        match self.0.iter_mut().find(|(other, _)| other == name) {
            Some((_, value)) => *value = json.into(),
            None => self.0.push((Cow::Owned(name.to_owned()), json.into())),
        }
    }

    /// Gives a member a string as value, or adds it.
    pub fn set_text(&mut self, name: &str, text: &str) {
        self.set(name, quote(text));
    }

    /// Takes a member out.
    pub fn remove(&mut self, name: &str) -> Option<Cow<'a, str>> {
        let place = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.remove(place).1)
    }
}

/// The JSON.
impl std::fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_char('{')?;
        for (index, (name, value)) in self.0.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}:{value}", quote(name))?;
        }
        f.write_char('}')
    }
}

/// The items of an array, as JSON. Any other value is an error.
pub fn items(text: &str) -> Result<Vec<&str>, JsonError> {
    let mut items = Vec::new();
    let mut scanner = Scanner::new(text);
    scanner.items(0, |scanner| {
        let value = scanner.value(1)?;
        items.push(scanner.text(value));
        Ok(())
    })?;
    scanner.end()?;
    Ok(items)
}

/// What a JSON string, with its quotes, says; `None` for any other value.
#[must_use]
pub fn unquote(json: &str) -> Option<Cow<'_, str>> {
    decode(json.trim_matches([' ', '\t', '\n', '\r']))
}

/// `text` as a JSON string, with quotes.
#[must_use]
pub fn quote(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            character if character.is_control() => {
                let mut units = [0; 2];
                for unit in character.encode_utf16(&mut units) {
                    let _ = write!(json, "\\u{unit:04x}");
                }
            }
            character => json.push(character),
        }
    }
    json.push('"');
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_their_text() {
        let text = r#"{"a":1.50 ,"é\"":[ 1,{"x":2}],"b":null}"#;
        let object = Object::parse(text).unwrap();
        assert_eq!(object.get("a"), Some("1.50"));
        assert_eq!(object.items("é\"").unwrap(), ["1", r#"{"x":2}"#]);
        assert_eq!(object.to_string(), r#"{"a":1.50,"é\"":[ 1,{"x":2}],"b":null}"#);
        assert!(Object::parse("[]").is_err());
        assert!(Object::parse("{} x").is_err());
        assert!(items("{}").is_err());
    }

    #[test]
    fn strings_are_written_so_that_they_are_read_again() {
        for text in ["", "a\"b\\c\n\r\t\u{1}\u{7f}\u{85}é\u{10ffff}"] {
            assert_eq!(serde_json::from_str::<String>(&quote(text)).unwrap(), text);
            assert_eq!(unquote(&quote(text)).unwrap(), text);
        }
        assert_eq!(unquote("1"), None);
    }
}
