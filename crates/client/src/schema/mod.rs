//! A tool's input schema: what a text becomes, and whether the arguments fit.
//!
//! 1. Text stays text where the schema allows a text; else it becomes the number, boolean or JSON
//!    that the schema names.
//! 2. A schema is the server's word. Nothing that it refers to is fetched, and its patterns run in
//!    linear time. One that cannot be used checks nothing: the server decides.
//! 3. A fault names the field and the rule, never the value.

mod example;
mod help;
mod kinds;
mod unknown;
mod usage;

use std::collections::BTreeSet;

use jsonschema::{PatternOptions, Validator, error::ValidationErrorKind};
use serde_json::{Map, Value};

pub(crate) use example::examples;
pub(crate) use help::parameters;
use kinds::{Kinds, resolve};
pub(crate) use unknown::Unknown;
pub(crate) use usage::usage;

/// How many faults are named at most.
const MAX_FAULTS: usize = 20;

/// One field of the arguments that does not fit the schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", described(.field, .problem))]
pub(crate) struct FieldError {
    /// Which field, such as `a` or `a.0.b`; empty for the whole.
    pub(crate) field: String,
    /// What is wrong with it.
    pub(crate) problem: String,
}

fn described(field: &str, problem: &str) -> String {
    if field.is_empty() { problem.to_owned() } else { format!("`{field}` {problem}") }
}

/// A schema for an object.
#[derive(Debug)]
pub(crate) struct Schema<'a>(&'a Value);

impl<'a> Schema<'a> {
    /// The schema in a value.
    pub(crate) fn new(schema: &'a Value) -> Self {
        Self(schema)
    }

    /// What a text for a member means.
    pub(crate) fn typed(&self, member: &str, text: &str) -> Result<Value, FieldError> {
        let schema = self.0.pointer("/properties").and_then(|all| all.get(member));
        match schema {
            Some(schema) => typed(self.0, schema, text)
                .map_err(|problem| FieldError { field: member.to_owned(), problem }),
            None => Ok(text.into()),
        }
    }

    /// The arguments that it does not name.
    pub(crate) fn unknown(&self, arguments: &Map<String, Value>) -> Vec<Unknown> {
        unknown::unknown(self.0, arguments)
    }

    /// What is wrong with the arguments.
    pub(crate) fn check(&self, arguments: &Map<String, Value>) -> Vec<FieldError> {
        check(self.0, &Value::Object(arguments.clone()))
    }
}

/// What a text means under a schema that is part of `root`.
pub(crate) fn typed(root: &Value, schema: &Value, text: &str) -> Result<Value, String> {
    let kinds = Kinds::of(root, schema);
    if kinds.allow_text() {
        return Ok(text.into());
    }
    let value = serde_json::from_str(text).ok().filter(|value| kinds.allow(value));
    value.ok_or_else(|| format!("must be {kinds}"))
}

/// What is wrong with a value under a schema.
pub(crate) fn check(schema: &Value, value: &Value) -> Vec<FieldError> {
    let Some(validator) = validator(schema) else {
        return Vec::new();
    };
    let faults = validator.iter_errors(value).take(MAX_FAULTS);
    faults
        .flat_map(|error| {
            let path = error.instance_path().to_string();
            let at = path.trim_start_matches('/').replace('/', ".");
            let member = |name: &str| match at.as_str() {
                "" => name.to_owned(),
                at => format!("{at}.{name}"),
            };
            let is = |field, problem: &str| FieldError { field, problem: problem.to_owned() };
            match error.kind() {
                ValidationErrorKind::Required { property } => {
                    vec![is(member(property.as_str().unwrap_or_default()), "is missing")]
                }
                ValidationErrorKind::AdditionalProperties { unexpected }
                | ValidationErrorKind::UnevaluatedProperties { unexpected } => {
                    unexpected.iter().map(|name| is(member(name), "is not known")).collect()
                }
                // These masks would have the name of a field or a whole list in them.
                ValidationErrorKind::Type { .. } => {
                    let found = find(schema, &error.schema_path().to_string());
                    let kinds = found.map(|part| Kinds::of(schema, part)).unwrap_or_default();
                    vec![is(at, &format!("must be {kinds}"))]
                }
                ValidationErrorKind::Enum { options } => {
                    vec![is(at, &format!("must be one of {options}"))]
                }
                _ => {
                    let words = error.masked_with("the value").to_string();
                    let words = words.strip_prefix("the value ").unwrap_or(&words);
                    vec![is(at, words)]
                }
            }
        })
        .collect()
}

/// The part of a schema whose keyword a path ends with.
fn find<'a>(schema: &'a Value, path: &str) -> Option<&'a Value> {
    let (part, _keyword) = path.rsplit_once('/')?;
    schema.pointer(part)
}

fn validator(schema: &Value) -> Option<Validator> {
    jsonschema::options().with_pattern_options(PatternOptions::regex()).build(schema).ok()
}

/// The members of an object schema, each with its name and whether it must be there.
pub(crate) fn members(root: &Value) -> Vec<(&str, &Value, bool)> {
    let resolved = |(name, schema, required)| (name, resolve(root, schema), required);
    members_in(root).into_iter().map(resolved).collect()
}

/// The same as they are, references and all.
fn members_in(schema: &Value) -> Vec<(&str, &Value, bool)> {
    let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let required: BTreeSet<&str> = required.filter_map(Value::as_str).collect();
    let members = schema.get("properties").and_then(Value::as_object);
    let mut members: Vec<_> = members
        .into_iter()
        .flatten()
        .map(|(name, schema)| (name.as_str(), schema, required.contains(name.as_str())))
        .collect();
    members.sort_by_key(|(_, _, required)| !required);
    members
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {
                "text": { "type": "string", "maxLength": 3, "pattern": "^[a-z0-9]*$" },
                "count": { "type": "integer", "minimum": 1 },
                "part": { "type": ["number", "null"] },
                "sure": { "anyOf": [{ "type": "boolean" }, { "type": "null" }] },
                "list": { "type": "array", "items": { "type": "integer" } },
                "colour": { "$ref": "#/$defs/Colour" },
                "level": { "enum": [1, 2] },
                "either": { "type": ["integer", "string"] },
                "any": {},
            },
            "$defs": { "Colour": { "enum": ["red", "green"] } },
            "required": ["text"],
            "additionalProperties": false,
        })
    }

    #[test]
    fn a_text_becomes_what_the_schema_says() {
        let schema = schema();
        let schema = Schema::new(&schema);
        for (member, text, value) in [
            ("text", "12", json!("12")),
            ("count", "12", json!(12)),
            ("part", "1.5", json!(1.5)),
            ("part", "null", json!(null)),
            ("sure", "true", json!(true)),
            ("list", "[1, 2]", json!([1, 2])),
            ("colour", "red", json!("red")),
            ("level", "2", json!(2)),
            ("either", "12", json!("12")),
            ("any", "12", json!("12")),
            ("unknown", "12", json!("12")),
        ] {
            assert_eq!(schema.typed(member, text), Ok(value), "{member}");
        }
        for (member, text, problem) in [
            ("count", "1.5", "must be an integer"),
            ("part", "x", "must be a number or null"),
            ("sure", "yes", "must be true or false or null"),
            ("list", "1,2", "must be a JSON array"),
            ("level", "x", "must be a number"),
        ] {
            let fault = FieldError { field: member.into(), problem: problem.into() };
            assert_eq!(schema.typed(member, text), Err(fault));
        }
    }

    #[test]
    fn a_fault_names_the_field_and_not_the_value() {
        let schema = schema();
        let faults = |value: Value| {
            let faults = check(&schema, &value);
            faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        };
        for (value, words) in [
            (json!({}), "`text` is missing"),
            (json!({"text": "hush", "secret": "hush"}), "`secret` is not known"),
            (json!({"text": "hush"}), "`text` is longer than 3 characters"),
            (json!({"text": "A"}), "`text` does not match \"^[a-z0-9]*$\""),
            (json!({"text": "a", "count": 0}), "`count` is less than the minimum of 1"),
            (json!({"text": "a", "list": [1, "hush"]}), "`list.1` must be an integer"),
            (json!({"text": "a", "colour": "hush"}), "`colour` must be one of [\"red\",\"green\"]"),
        ] {
            let said = faults(value);
            assert!(said.contains(words), "{said}");
            assert!(!said.contains("hush"), "{said}");
        }
        assert_eq!(faults(json!({"text": "a", "sure": null, "any": []})), "");
    }

    #[test]
    fn a_schema_that_cannot_be_used_checks_nothing() {
        for odd in [
            json!({"type": 7}),
            json!({"$ref": "https://elsewhere.invalid/schema"}),
            json!({"properties": {"a": {"pattern": "(?=a)"}}}),
        ] {
            assert_eq!(check(&odd, &json!({"a": 1})), [], "{odd}");
        }
    }

    #[test]
    fn a_schema_that_refers_to_itself_a_hundred_times_ends() {
        let itself = json!({ "$ref": "#/properties/a" });
        let schema = json!({ "properties": { "a": { "anyOf": vec![itself; 100] } } });
        let begun = std::time::Instant::now();
        assert_eq!(Schema::new(&schema).typed("a", "1"), Ok(json!("1")));
        assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
    }

    #[test]
    fn a_schema_that_is_itself_checks_nothing_and_ends() {
        for circle in [
            json!({ "$ref": "#" }),
            json!({ "allOf": [{ "$ref": "#" }] }),
            json!({ "anyOf": [{ "$ref": "#" }, { "$ref": "#" }] }),
            json!({ "properties": { "a": { "$ref": "#/properties/a" } } }),
            json!({ "$defs": { "a": { "$dynamicRef": "#x", "$dynamicAnchor": "x" } }, "$ref": "#/$defs/a" }),
        ] {
            assert_eq!(check(&circle, &json!({ "a": 1 })).len(), 0, "{circle}");
        }
    }

    #[test]
    fn a_schema_in_a_circle_ends() {
        let circle = json!({
            "properties": { "a": { "$ref": "#/properties/b" }, "b": { "$ref": "#/properties/a" } },
        });
        assert_eq!(Schema::new(&circle).typed("a", "1"), Ok(json!("1")));
    }
}
