//! Which kinds of JSON values a schema allows, as far as it says so plainly.

use std::{collections::BTreeSet, fmt};

use serde_json::Value;

/// How deep references and alternatives are followed, and how many in all: a schema may refer to
/// itself, more than once.
const MAX_DEPTH: usize = 16;
const MAX_PARTS: usize = 1000;
/// How many parts of a schema are looked at.
pub(super) const MAX_SHOWN: usize = 20;

/// The names of `type` (JSON Schema 2020-12, validation §6.1.1).
#[derive(Debug, Default)]
pub(super) struct Kinds(BTreeSet<Kind>);

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Text,
    Integer,
    Number,
    Truth,
    Array,
    Object,
    Null,
}

impl Kinds {
    /// Those of a schema that is part of `root`. None means any.
    pub(super) fn of(root: &Value, schema: &Value) -> Self {
        let mut kinds = Self::default();
        let mut parts = MAX_PARTS;
        kinds.add(root, schema, MAX_DEPTH, &mut parts);
        kinds
    }

    /// Whether nothing is said.
    pub(super) fn is_any(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether an array or an object is allowed.
    pub(super) fn have_inside(&self) -> bool {
        self.0.contains(&Kind::Array) || self.0.contains(&Kind::Object)
    }

    /// Whether a text may stay one.
    pub(super) fn allow_text(&self) -> bool {
        self.0.is_empty() || self.0.contains(&Kind::Text)
    }

    /// Whether a value is of one of the kinds.
    pub(super) fn allow(&self, value: &Value) -> bool {
        let kind = match value {
            Value::String(_) => Kind::Text,
            Value::Number(number) if number.is_f64() => Kind::Number,
            // Every integer is a number, too.
            Value::Number(_) if self.0.contains(&Kind::Number) => Kind::Number,
            Value::Number(_) => Kind::Integer,
            Value::Bool(_) => Kind::Truth,
            Value::Array(_) => Kind::Array,
            Value::Object(_) => Kind::Object,
            Value::Null => Kind::Null,
        };
        self.0.contains(&kind)
    }

    /// The value as a usage names it: `INTEGER`, and `VALUE` where more than one kind is allowed.
    pub(super) fn placeholder(&self) -> &'static str {
        let mut kinds = self.0.iter().filter(|kind| **kind != Kind::Null);
        match (kinds.next(), kinds.next()) {
            (Some(Kind::Text), None) => "TEXT",
            (Some(Kind::Integer), None) => "INTEGER",
            (Some(Kind::Number), None) | (Some(Kind::Integer), Some(Kind::Number)) => "NUMBER",
            (Some(Kind::Truth), None) => "true|false",
            (Some(Kind::Array | Kind::Object), None) | (Some(Kind::Array), Some(Kind::Object)) => {
                "JSON"
            }
            _ => "VALUE",
        }
    }

    fn add(&mut self, root: &Value, schema: &Value, depth: usize, parts: &mut usize) {
        let (Some(depth), Some(left)) = (depth.checked_sub(1), parts.checked_sub(1)) else {
            return;
        };
        *parts = left;
        if let Some(target) = target(root, schema) {
            self.add(root, target, depth, parts);
        }
        match schema.get("type") {
            Some(Value::String(name)) => self.0.extend(Kind::named(name)),
            Some(Value::Array(names)) => {
                self.0.extend(names.iter().filter_map(Value::as_str).filter_map(Kind::named));
            }
            _ => {
                let values = schema.get("enum").and_then(Value::as_array);
                let values = values.into_iter().flatten().chain(schema.get("const"));
                self.0.extend(values.map(Kind::of));
            }
        }
        for word in ["anyOf", "oneOf", "allOf"] {
            let all = schema.get(word).and_then(Value::as_array);
            for part in all.into_iter().flatten() {
                self.add(root, part, depth, parts);
            }
        }
    }
}

impl Kind {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "string" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Truth,
            "array" => Self::Array,
            "object" => Self::Object,
            "null" => Self::Null,
            _ => return None,
        })
    }

    fn of(value: &Value) -> Self {
        match value {
            Value::String(_) => Self::Text,
            Value::Number(_) => Self::Number,
            Value::Bool(_) => Self::Truth,
            Value::Array(_) => Self::Array,
            Value::Object(_) => Self::Object,
            Value::Null => Self::Null,
        }
    }
}

/// The schema that a reference within the document leads to.
pub(super) fn target<'a>(root: &'a Value, schema: &Value) -> Option<&'a Value> {
    let reference = schema.get("$ref")?.as_str()?;
    root.pointer(reference.strip_prefix('#')?)
}

/// A schema, or what it refers to.
pub(super) fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let mut found = schema;
    for _ in 0..MAX_DEPTH {
        match target(root, found) {
            Some(next) => found = next,
            None => break,
        }
    }
    found
}

/// A schema, what it refers to, and its alternatives: where its members may be.
pub(super) fn parts<'a>(root: &'a Value, schema: &'a Value) -> Vec<&'a Value> {
    let mut all = vec![schema];
    let mut at = 0;
    while let Some(part) = all.get(at).copied()
        && all.len() < MAX_SHOWN
    {
        at += 1;
        let alternatives = ["anyOf", "oneOf", "allOf"].iter().filter_map(|word| part.get(word));
        let alternatives = alternatives.filter_map(Value::as_array).flatten();
        for next in target(root, part).into_iter().chain(alternatives) {
            if all.len() >= MAX_SHOWN {
                break;
            }
            if !all.iter().any(|known| std::ptr::eq(*known, next)) {
                all.push(next);
            }
        }
    }
    all
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("of another kind");
        }
        for (at, kind) in self.0.iter().enumerate() {
            let gap = if at == 0 { "" } else { " or " };
            let name = match kind {
                Kind::Text => "text",
                Kind::Integer => "an integer",
                Kind::Number => "a number",
                Kind::Truth => "true or false",
                Kind::Array => "a JSON array",
                Kind::Object => "a JSON object",
                Kind::Null => "null",
            };
            write!(f, "{gap}{name}")?;
        }
        Ok(())
    }
}
