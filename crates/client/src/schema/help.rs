//! What a tool takes, as rows for `call TOOL --help`.
//!
//! 1. What is inside an argument has rows of its own, [`MAX_DEPTH`] levels deep: `edits[].oldText`
//!    for a member of each item, `headers.*` for each value of a map.
//! 2. References within the document are followed, and alternatives are shown together.
//! 3. There are at most [`MAX_ROWS`] rows: a schema may refer to itself.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::Value;

use super::{
    kinds::{Kinds, parts},
    members_in,
};

/// How many levels inside an argument are shown.
const MAX_DEPTH: usize = 2;
/// How many rows there are at most.
const MAX_ROWS: usize = 300;
/// How many values of an enumeration are shown.
const MAX_VALUES: usize = 100;

/// How many lists and maps are directly in one another.
const MAX_SIGNS: usize = 2;

/// The bounds that are worth a word.
const BOUNDS: [(&str, &str); 10] = [
    ("minimum", "at least"),
    ("maximum", "at most"),
    ("exclusiveMinimum", "more than"),
    ("exclusiveMaximum", "less than"),
    ("minLength", "shortest"),
    ("maxLength", "longest"),
    ("minItems", "fewest"),
    ("maxItems", "most"),
    ("format", "format"),
    ("pattern", "pattern"),
];

/// Each member's path, and what it is.
pub(crate) fn parameters(schema: &Value) -> Vec<(String, String)> {
    let mut rows = Rows { root: schema, found: Vec::new(), seen: BTreeSet::new() };
    rows.inside("", schema, 0);
    rows.found
}

struct Rows<'a> {
    root: &'a Value,
    found: Vec<(String, String)>,
    seen: BTreeSet<String>,
}

impl<'a> Rows<'a> {
    /// Adds what is inside a schema at a path.
    fn inside(&mut self, path: &str, schema: &'a Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        for part in parts(self.root, schema) {
            for (name, member, required) in members_in(part) {
                let path = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
                if self.found.len() >= MAX_ROWS || !self.seen.insert(path.clone()) {
                    continue;
                }
                self.found.push((path.clone(), about(self.root, name, member, required)));
                self.inside(&path, member, depth + 1);
            }
            for (keyword, sign) in [("items", "[]"), ("additionalProperties", ".*")] {
                if let Some(each) = part.get(keyword)
                    && !path.is_empty()
                    && signs(path) < MAX_SIGNS
                {
                    self.inside(&format!("{path}{sign}"), each, depth);
                }
            }
        }
    }
}

/// How many signs for items a path ends with: lists of lists have no row in between.
fn signs(path: &str) -> usize {
    let shorter =
        |path: &&str| path.strip_suffix("[]").or_else(|| path.strip_suffix(".*")).map(str::len);
    let steps = std::iter::successors(Some(path), |path| path.get(..shorter(path)?));
    steps.take(MAX_SIGNS + 1).count() - 1
}

/// What a member is.
fn about(root: &Value, name: &str, member: &Value, required: bool) -> String {
    let mut about = what(root, member);
    let all = parts(root, member);
    let find = |keyword: &str| all.iter().find_map(|part| part.get(keyword));
    for (keyword, words) in [("items", "each"), ("additionalProperties", "each value")] {
        if let Some(each @ Value::Object(_)) = find(keyword) {
            let _ = write!(about, " ({words} {})", what(root, each));
        }
    }
    if required {
        about.push_str(", required");
    }
    for (keyword, words) in BOUNDS {
        if let Some(bound) = find(keyword) {
            let _ = write!(about, ", {words} {bound}");
        }
    }
    if let Some(value) = find("default") {
        let _ = write!(about, ", default {value}");
    }
    let title = find("title").filter(|title| !repeats(title, name));
    if let Some(words) = find("description").or(title).and_then(Value::as_str) {
        let _ = write!(about, "\n{}", words.trim());
    }
    about
}

/// The kinds of a schema, or its values where it lists them.
fn what(root: &Value, schema: &Value) -> String {
    let kinds = Kinds::of(root, schema);
    let (mut values, mut more) = (Vec::new(), "");
    let listed = parts(root, schema).into_iter().flat_map(|part| {
        let listed = part.get("enum").and_then(Value::as_array);
        listed.into_iter().flatten().chain(part.get("const"))
    });
    for value in listed {
        if values.contains(&value) {
            continue;
        }
        if values.len() == MAX_VALUES {
            more = ",...";
            break;
        }
        values.push(value);
    }
    let null =
        if kinds.allow(&Value::Null) && !values.contains(&&Value::Null) { " or null" } else { "" };
    match values.as_slice() {
        [] if kinds.is_any() => "any value".to_owned(),
        [] => kinds.to_string(),
        [one] => format!("only {one}{null}"),
        all => {
            let all: Vec<String> = all.iter().map(ToString::to_string).collect();
            format!("one of [{}{more}]{null}", all.join(","))
        }
    }
}

/// Whether a title is the name in other letters, as generators make it.
fn repeats(title: &Value, name: &str) -> bool {
    let plain = |text: &str| text.replace([' ', '_', '-'], "").to_lowercase();
    title.as_str().is_some_and(|title| plain(title) == plain(name))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn row(name: &str, about: &str) -> (String, String) {
        (name.to_owned(), about.to_owned())
    }

    #[test]
    fn what_is_required_comes_first() {
        let schema = json!({
            "properties": {
                "a": { "type": "integer", "minimum": 1, "default": 2, "title": "A" },
                "b": { "enum": ["x", "y"], "description": "Which one" },
                "c": {},
                "d": { "const": 1 },
            },
            "required": ["b"],
        });
        assert_eq!(
            parameters(&schema),
            [
                row("b", "one of [\"x\",\"y\"], required\nWhich one"),
                row("a", "an integer, at least 1, default 2"),
                row("c", "any value"),
                row("d", "only 1"),
            ]
        );
    }

    #[test]
    fn arrays_and_objects_are_opened_two_levels_deep() {
        let schema = json!({
            "properties": {
                "people": { "type": "array", "items": { "$ref": "#/$defs/Person" } },
                "keys": { "type": "array", "items": { "enum": ["Alt", "Shift"] }, "minItems": 1 },
                "headers": { "type": "object", "additionalProperties": { "type": "string" } },
                "grid": { "type": "array", "items": {
                    "type": "array", "items": { "type": "object", "properties": { "x": {} } },
                } },
            },
            "required": ["people"],
            "$defs": {
                "Person": {
                    "type": "object",
                    "description": "Somebody",
                    "properties": {
                        "name": { "type": "string" },
                        "home": { "anyOf": [{ "$ref": "#/$defs/Place" }, { "type": "null" }] },
                    },
                    "required": ["name"],
                },
                "Place": { "type": "object", "properties": {
                    "city": { "type": "string" },
                    "area": { "type": "object", "properties": { "deep": {} } },
                } },
            },
        });
        assert_eq!(
            parameters(&schema),
            [
                row("people", "a JSON array (each a JSON object), required"),
                row("people[].name", "text, required"),
                row("people[].home", "a JSON object or null"),
                row("people[].home.area", "a JSON object"),
                row("people[].home.city", "text"),
                row("grid", "a JSON array (each a JSON array)"),
                row("grid[][].x", "any value"),
                row("headers", "a JSON object (each value text)"),
                row("keys", "a JSON array (each one of [\"Alt\",\"Shift\"]), fewest 1"),
            ]
        );
    }

    #[test]
    fn a_long_enumeration_and_many_alternatives_are_cut_off() {
        let values: Vec<usize> = (0..5000).collect();
        let schema = json!({ "enum": values });
        let said = what(&schema, &schema);
        assert!(said.contains("98,99,...]") && !said.contains("100"), "{said}");
        let one = json!({ "type": "string" });
        let schema = json!({ "anyOf": vec![one; 5000] });
        assert!(parts(&schema, &schema).len() <= super::super::kinds::MAX_SHOWN);
    }

    #[test]
    fn a_schema_that_contains_itself_has_few_rows() {
        let members: serde_json::Map<_, _> =
            (0..40).map(|at| (format!("m{at}"), json!({ "$ref": "#" }))).collect();
        let itself = json!({ "properties": members, "items": { "$ref": "#" } });
        assert_eq!(parameters(&itself).len(), MAX_ROWS);
        let lists = json!({ "properties": { "a": { "$ref": "#/$defs/a" } },
            "$defs": { "a": { "items": { "$ref": "#/$defs/a" } } } });
        assert_eq!(parameters(&lists).len(), 1);
        let maps = json!({ "properties": { "a": { "$ref": "#/$defs/a" } },
            "$defs": { "a": { "items": { "additionalProperties": { "$ref": "#/$defs/a" } } } } });
        assert_eq!(parameters(&maps).len(), 1);
    }
}
