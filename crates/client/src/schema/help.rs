//! What a tool takes, as rows for `call TOOL --help`.

use std::fmt::Write;

use serde_json::Value;

use super::{kinds::Kinds, members};

/// The bounds that are worth a word.
const BOUNDS: [(&str, &str); 8] = [
    ("minimum", "at least"),
    ("maximum", "at most"),
    ("exclusiveMinimum", "more than"),
    ("exclusiveMaximum", "less than"),
    ("minLength", "shortest"),
    ("maxLength", "longest"),
    ("format", "format"),
    ("pattern", "pattern"),
];

/// Each member's name, and what it is.
pub(crate) fn parameters(schema: &Value) -> Vec<(String, String)> {
    let rows = members(schema).into_iter().map(|(name, member, required)| {
        let kinds = Kinds::of(schema, member);
        let mut about = match member.get("enum") {
            Some(values) => format!("one of {values}"),
            None if kinds.is_any() => "any value".to_owned(),
            None => kinds.to_string(),
        };
        if required {
            about.push_str(", required");
        }
        for (keyword, words) in BOUNDS {
            if let Some(bound) = member.get(keyword) {
                let _ = write!(about, ", {words} {bound}");
            }
        }
        if let Some(value) = member.get("default") {
            let _ = write!(about, ", default {value}");
        }
        let words = member.get("description").or_else(|| member.get("title"));
        if let Some(words) = words.and_then(Value::as_str) {
            let _ = write!(about, "\n{}", words.trim());
        }
        (name.to_owned(), about)
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_required_comes_first() {
        let schema = json!({
            "properties": {
                "a": { "type": "integer", "minimum": 1, "default": 2 },
                "b": { "enum": ["x", "y"], "description": "Which one" },
                "c": {},
            },
            "required": ["b"],
        });
        let row = |name: &str, about: &str| (name.to_owned(), about.to_owned());
        assert_eq!(
            parameters(&schema),
            [
                row("b", "one of [\"x\",\"y\"], required\nWhich one"),
                row("a", "an integer, at least 1, default 2"),
                row("c", "any value"),
            ]
        );
    }
}
