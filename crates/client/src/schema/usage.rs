//! A tool's arguments in one line, for its usage: `sides=INTEGER [colour=TEXT]`.
//!
//! 1. Those that are required come first; the others are in brackets.
//! 2. What is inside an argument that is no text, number or boolean is JSON, which is written
//!    `name:=JSON`.
//! 3. At most [`MAX_SHOWN`] are named: a schema may have any number.

use serde_json::Value;

use super::{kinds::Kinds, members};

/// How many arguments are named.
const MAX_SHOWN: usize = 20;

/// The arguments of a tool as its usage shows them.
pub(crate) fn usage(schema: &Value) -> Vec<String> {
    let all = members(schema);
    let more = (all.len() > MAX_SHOWN).then(|| "...".to_owned());
    let shown = all.into_iter().take(MAX_SHOWN).map(|(name, member, is_required)| {
        let value = Kinds::of(schema, member).placeholder();
        let sign = if value == "JSON" { ":=" } else { "=" };
        if is_required { format!("{name}{sign}{value}") } else { format!("[{name}{sign}{value}]") }
    });
    shown.chain(more).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_arguments_of_a_tool_are_named_with_what_they_take() {
        let schema = json!({
            "properties": {
                "colour": { "enum": ["red", "blue"] },
                "sides": { "type": "integer" },
                "size": { "type": ["number", "null"] },
                "any": {},
                "edits": { "type": "array" },
                "filled": { "$ref": "#/$defs/Filled" },
            },
            "required": ["sides", "edits"],
            "$defs": { "Filled": { "type": "boolean" } },
        });
        assert_eq!(
            usage(&schema).join(" "),
            "edits:=JSON sides=INTEGER [any=VALUE] [colour=TEXT] [filled=true|false] [size=NUMBER]"
        );
        assert_eq!(usage(&json!({})), Vec::<String>::new());
    }

    #[test]
    fn a_usage_names_few_of_many_arguments() {
        let members: serde_json::Map<_, _> =
            (0..100).map(|at| (format!("m{at}"), json!({ "type": "string" }))).collect();
        let usage = usage(&json!({ "properties": members }));
        assert_eq!((usage.len(), usage.last().map(String::as_str)), (MAX_SHOWN + 1, Some("...")));
    }
}
