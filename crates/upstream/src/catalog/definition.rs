//! One entry of a list, as its server wrote it.

use auth_core::display::is_risky;

use super::{Digest, Json, JsonError, Kind};
use crate::wire::Object;

/// The longest definition that is read, in bytes.
pub(super) const MAX_BYTES: usize = 256 * 1024;
/// The longest name or URI, in bytes.
const MAX_KEY_BYTES: usize = 2048;
/// How many places with characters that are not seen are reported of one definition.
const MAX_HIDDEN: usize = 16;

/// What a server says about a tool, a resource, a template, a prompt or a skill; or its
/// instructions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    kind: Kind,
    key: String,
    json: Json,
    digest: Digest,
}

/// Why an entry of a list is no definition.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// Too long to be read.
    #[error("a {} of more than {MAX_BYTES} bytes", .0.name())]
    TooLong(Kind),
    /// Not JSON with one meaning.
    #[error("a {} that cannot be read", .0.name())]
    Json(Kind, #[source] JsonError),
    /// Without the member that it goes by, or with one that is too long.
    #[error("a {} without a usable {}", .0.name(), .0.key())]
    Unnamed(Kind),
}

/// Characters in one text of a definition that are not seen or turn it around.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hidden {
    /// Where the text is, as a JSON Pointer (RFC 6901).
    pub place: String,
    /// The characters, each once, in their order.
    pub characters: Vec<char>,
}

/// What a tool says about its effects: a hint, and no more than that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hints {
    /// `annotations.readOnlyHint`.
    pub read_only: Option<bool>,
    /// `annotations.destructiveHint`.
    pub destructive: Option<bool>,
}

impl Definition {
    /// Reads an entry of the list of this kind.
    pub fn read(kind: Kind, text: &str) -> Result<Self, DefinitionError> {
        if text.len() > MAX_BYTES {
            return Err(DefinitionError::TooLong(kind));
        }
        let json = Json::parse(text).map_err(|fault| DefinitionError::Json(kind, fault))?;
        Self::of(kind, json)
    }

    /// The instructions in the result of `initialize` or `server/discover`, if it has any: an
    /// object with a `name`, as all have, and the `text`. What is no text is as it is.
    #[must_use]
    pub fn instructions(hello: &str) -> Option<Result<Self, DefinitionError>> {
        let hello = Object::parse(hello).ok()?;
        let text = hello.get(Kind::Instructions.member())?;
        Some(Self::read(
            Kind::Instructions,
            &format!("{{\"name\":\"instructions\",\"text\":{text}}}"),
        ))
    }

    pub(super) fn of(kind: Kind, mut json: Json) -> Result<Self, DefinitionError> {
        let key = json.get(kind.key()).and_then(Json::as_text).unwrap_or_default().to_owned();
        if key.is_empty() || key.len() > MAX_KEY_BYTES {
            return Err(DefinitionError::Unnamed(kind));
        }
        if kind == Kind::Resource {
            // These two follow the content, which is not pinned.
            json.remove("size");
            if let Some(annotations) = json.get_mut("annotations") {
                annotations.remove("lastModified");
            }
        }
        let digest = Digest::of(json.canonical().as_bytes());
        Ok(Self { kind, key, json, digest })
    }

    /// What it is the definition of.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// What it goes by: its name or its URI.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The whole definition. A resource's size and date are not part of it.
    #[must_use]
    pub const fn json(&self) -> &Json {
        &self.json
    }

    /// The digest of the canonical form.
    #[must_use]
    pub const fn digest(&self) -> Digest {
        self.digest
    }

    /// The description, if there is one.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.json.get("description").and_then(Json::as_text)
    }

    /// What it says about its effects.
    #[must_use]
    pub fn hints(&self) -> Hints {
        let annotations = self.json.get("annotations");
        let hint = |name: &str| annotations.and_then(|it| it.get(name)).and_then(Json::as_bool);
        Hints { read_only: hint("readOnlyHint"), destructive: hint("destructiveHint") }
    }

    /// The characters in it that are not seen or turn text around, at most 16 places.
    #[must_use]
    pub fn hidden(&self) -> Vec<Hidden> {
        let mut found = Vec::new();
        collect(&self.json, &mut String::new(), &mut found);
        found
    }
}

fn collect(json: &Json, place: &mut String, found: &mut Vec<Hidden>) {
    match json {
        Json::Text(text) => note(text, place, found),
        Json::Array(values) => {
            for (index, value) in values.iter().enumerate() {
                within(place, &index.to_string(), |place| collect(value, place, found));
            }
        }
        Json::Object(members) => {
            for (name, value) in members {
                within(place, name, |place| {
                    note(name, place, found);
                    collect(value, place, found);
                });
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) => {}
    }
}

fn note(text: &str, place: &str, found: &mut Vec<Hidden>) {
    let is_hidden = |c: &char| is_risky(*c) && !matches!(c, '\n' | '\r' | '\t');
    let mut characters = Vec::new();
    for c in text.chars().filter(is_hidden) {
        if !characters.contains(&c) {
            characters.push(c);
        }
    }
    if !characters.is_empty() && found.len() < MAX_HIDDEN {
        found.push(Hidden { place: place.to_owned(), characters });
    }
}

/// Calls `inner` with the place of the member `name`.
fn within(place: &mut String, name: &str, inner: impl FnOnce(&mut String)) {
    let length = place.len();
    place.push('/');
    place.push_str(&name.replace('~', "~0").replace('/', "~1"));
    inner(place);
    place.truncate(length);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool(text: &str) -> Definition {
        Definition::read(Kind::Tool, text).unwrap()
    }

    #[test]
    fn every_member_counts() {
        let one = tool(r#"{"name":"t","inputSchema":{"type":"object"}}"#);
        assert_eq!(one.digest(), tool(r#"{"inputSchema":{"type":"object"}, "name":"t"}"#).digest());
        for other in [
            r#"{"name":"T","inputSchema":{"type":"object"}}"#,
            r#"{"name":"t","title":"","inputSchema":{"type":"object"}}"#,
            r#"{"name":"t","description":"x","inputSchema":{"type":"object"}}"#,
            r#"{"name":"t","inputSchema":{"type":"object","properties":{}}}"#,
            r#"{"name":"t","inputSchema":{"type":"object"},"outputSchema":{}}"#,
            r#"{"name":"t","inputSchema":{"type":"object"},"annotations":{}}"#,
            r#"{"name":"t","inputSchema":{"type":"object"},"_meta":{"future":1}}"#,
            r#"{"name":"t","inputSchema":{"type":"object"},"size":1}"#,
        ] {
            assert_ne!(one.digest(), tool(other).digest(), "{other}");
        }
    }

    #[test]
    fn size_and_date_of_a_resource_do_not_count() {
        let read = |text: &str| Definition::read(Kind::Resource, text).unwrap().digest();
        let one = read(r#"{"uri":"a:b","annotations":{"priority":1}}"#);
        let later =
            r#"{"uri":"a:b","size":7,"annotations":{"priority":1,"lastModified":"2026-01-01"}}"#;
        assert_eq!(one, read(later));
        assert_ne!(one, read(r#"{"uri":"a:b","annotations":{"priority":2}}"#));
    }

    #[test]
    fn an_entry_without_a_name_is_no_definition() {
        for text in ["{}", r#"{"name":1}"#, r#"{"name":""}"#, "[]", "\"t\"", r#"{"uri":"a:b"}"#] {
            let found = Definition::read(Kind::Tool, text);
            assert!(matches!(found, Err(DefinitionError::Unnamed(Kind::Tool))), "{text}");
        }
        let named = |length| format!(r#"{{"name":"{}"}}"#, "n".repeat(length));
        assert!(Definition::read(Kind::Tool, &named(MAX_KEY_BYTES)).is_ok());
        assert!(Definition::read(Kind::Tool, &named(MAX_KEY_BYTES + 1)).is_err());
        let padded = format!(r#"{{"name":"t"{}}}"#, " ".repeat(MAX_BYTES));
        let found = Definition::read(Kind::Tool, &padded);
        assert!(matches!(found, Err(DefinitionError::TooLong(_))));
        let twice = Definition::read(Kind::Tool, r#"{"name":"t","name":"t"}"#);
        assert!(matches!(twice, Err(DefinitionError::Json(..))));
    }

    #[test]
    fn hints_are_read() {
        let text = r#"{"name":"t","annotations":{"readOnlyHint":true,"destructiveHint":"x"}}"#;
        let hints = Hints { read_only: Some(true), destructive: None };
        assert_eq!(tool(text).hints(), hints);
        assert_eq!(tool(r#"{"name":"t"}"#).hints(), Hints::default());
    }

    #[test]
    fn characters_that_are_not_seen_are_reported_with_their_place() {
        let text = "{\"name\":\"t\",\"description\":\"a\u{202e}b\u{200b}c\u{200b}\\nd é\",\
            \"inputSchema\":{\"a/b~\":{\"x\u{e0041}\":[\"ok\",\"\u{feff}\"]}}}";
        let found = tool(text).hidden();
        let places: Vec<_> = found.iter().map(|it| it.place.as_str()).collect();
        assert_eq!(
            places,
            ["/description", "/inputSchema/a~1b~0/x\u{e0041}", "/inputSchema/a~1b~0/x\u{e0041}/1"]
        );
        assert_eq!(found[0].characters, ['\u{202e}', '\u{200b}']);
        assert!(tool(r#"{"name":"t","description":"two\nlines\tand é 漢"}"#).hidden().is_empty());
        let many: Vec<_> = (0..40).map(|_| "\"\u{200b}\"").collect();
        let many = format!("{{\"name\":\"t\",\"x\":[{}]}}", many.join(","));
        assert_eq!(tool(&many).hidden().len(), MAX_HIDDEN);
    }
}
