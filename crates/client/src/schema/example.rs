//! Examples of the arguments that are written as JSON.
//!
//! 1. An example has what is required, or a few of the members where nothing is.
//! 2. What the schema itself gives (`examples`, `default`, `enum`, `const`) comes first.
//! 3. It is small, or there is none: a schema may refer to itself.

use serde_json::{Map, Value, json};

use super::{
    kinds::{Kinds, parts},
    members_in,
};

/// How deep an example goes.
const MAX_DEPTH: usize = 4;
/// How many values an example has at most.
const MAX_VALUES: usize = 40;
/// How many members are shown where none is required.
const MAX_OPTIONAL: usize = 3;
/// How many arguments have one.
const MAX_EXAMPLES: usize = 20;
/// How long an example may be, in bytes.
const MAX_BYTES: usize = 600;

/// What a text of some formats looks like (JSON Schema 2020-12, validation §7.3).
const FORMATS: [(&str, &str); 6] = [
    ("date", "2026-12-31"),
    ("date-time", "2026-12-31T12:00:00Z"),
    ("email", "name@example.com"),
    ("time", "12:00:00Z"),
    ("uri", "https://example.com/"),
    ("uuid", "00000000-0000-4000-8000-000000000000"),
];

/// An example for each argument that is an array or an object.
pub(crate) fn examples(schema: &Value) -> Vec<(&str, Value)> {
    let mut all: Vec<(&str, Value)> = Vec::new();
    for (name, member, _) in parts(schema, schema).into_iter().flat_map(members_in) {
        if all.len() == MAX_EXAMPLES {
            break;
        }
        if !Kinds::of(schema, member).have_inside() || all.iter().any(|(other, _)| *other == name) {
            continue;
        }
        let mut values = MAX_VALUES;
        let found = example(schema, member, MAX_DEPTH, &mut values);
        let found = found.filter(|value| value.to_string().len() <= MAX_BYTES);
        all.extend(found.map(|value| (name, value)));
    }
    all
}

/// A value that a schema allows, as far as it says so plainly.
fn example(root: &Value, schema: &Value, depth: usize, values: &mut usize) -> Option<Value> {
    let depth = depth.checked_sub(1)?;
    *values = values.checked_sub(1)?;
    let all = parts(root, schema);
    let find = |keyword: &str| all.iter().find_map(|part| part.get(keyword));
    let first = |keyword: &str| find(keyword)?.as_array()?.first();
    let given = find("const").or_else(|| first("examples")).or_else(|| first("enum"));
    let given = given.or_else(|| find("default").filter(|value| !is_empty(value)));
    if let Some(value) = given {
        return Some(value.clone());
    }
    let kinds = Kinds::of(root, schema);
    let is = |value: &Value| !kinds.is_any() && kinds.allow(value);
    if is(&json!({})) {
        return object(root, &all, depth, values);
    }
    if is(&json!([])) {
        let items = find("items").filter(|items| items.is_object());
        let item = items.and_then(|items| example(root, items, depth, values));
        return Some(Value::Array(item.into_iter().collect()));
    }
    let least = find("minimum").or_else(|| find("maximum"));
    Some(if is(&json!("")) || kinds.is_any() {
        let format = find("format").and_then(Value::as_str).unwrap_or_default();
        let known = FORMATS.iter().find(|(name, _)| *name == format);
        known.map_or("TEXT", |(_, text)| text).into()
    } else if is(&json!(1)) || is(&json!(1.5)) {
        least.cloned().unwrap_or_else(|| json!(1))
    } else if is(&json!(true)) {
        true.into()
    } else {
        Value::Null
    })
}

fn object(root: &Value, parts: &[&Value], depth: usize, values: &mut usize) -> Option<Value> {
    let mut object = Map::new();
    let needed = parts.iter().any(|part| members_in(part).iter().any(|(_, _, needed)| *needed));
    for (name, member, required) in parts.iter().flat_map(|part| members_in(part)) {
        if object.contains_key(name) || needed != required {
            continue;
        }
        match example(root, member, depth, values) {
            Some(value) => drop(object.insert(name.to_owned(), value)),
            None if required => return None,
            None => {}
        }
        if !needed && object.len() >= MAX_OPTIONAL {
            break;
        }
    }
    if object.is_empty()
        && let Some(each) = parts.iter().find_map(|part| part.get("additionalProperties"))
        && each.is_object()
        && let Some(value) = example(root, each, depth, values)
    {
        object.insert("NAME".to_owned(), value);
    }
    Some(Value::Object(object))
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_has_what_is_required() {
        let schema = json!({
            "properties": {
                "path": { "type": "string" },
                "edits": { "type": "array", "items": { "$ref": "#/$defs/Edit" } },
                "headers": { "type": "object", "additionalProperties": { "type": "string" } },
                "maybe": { "anyOf": [{ "$ref": "#/$defs/Range" }, { "type": "null" }] },
                "level": { "type": "object", "examples": [{ "is": "given" }] },
            },
            "$defs": {
                "Edit": {
                    "type": "object",
                    "properties": {
                        "old": { "type": "string" },
                        "kind": { "enum": ["one", "all"] },
                        "at": { "type": "string", "format": "date" },
                        "count": { "type": "integer", "minimum": 2 },
                        "sure": { "type": "boolean" },
                        "note": { "type": "string" },
                    },
                    "required": ["old", "kind", "at", "count", "sure"],
                },
                "Range": { "type": "object", "properties": { "from": {}, "to": { "type": "number" } } },
            },
        });
        let edit = json!({
            "old": "TEXT", "kind": "one", "at": "2026-12-31", "count": 2, "sure": true,
        });
        assert_eq!(
            examples(&schema),
            [
                ("edits", json!([edit])),
                ("headers", json!({ "NAME": "TEXT" })),
                ("level", json!({ "is": "given" })),
                ("maybe", json!({ "from": "TEXT", "to": 1 })),
            ]
        );
        for (name, value) in examples(&schema) {
            let given = json!({ name: value });
            assert_eq!(super::super::check(&schema, &given), [], "{name}");
        }
    }

    #[test]
    fn a_schema_of_any_length_has_few_examples() {
        let list = json!({ "type": "array", "items": { "type": "string" } });
        let all = (0..2000).map(|at| (format!("a{at}"), list.clone())).collect();
        let schema = json!({ "properties": Value::Object(all) });
        assert_eq!(examples(&schema).len(), MAX_EXAMPLES);
    }

    #[test]
    fn what_has_no_end_or_is_long_has_no_example() {
        let itself = json!({ "$ref": "#/$defs/a" });
        let schema = json!({
            "properties": {
                "ring": { "$ref": "#/$defs/a" },
                "long": { "type": "object", "default": { "x": "y".repeat(MAX_BYTES) } },
            },
            "$defs": { "a": {
                "type": "object", "properties": { "a": itself, "b": itself }, "required": ["a"],
            } },
        });
        assert_eq!(examples(&schema), []);
    }
}
