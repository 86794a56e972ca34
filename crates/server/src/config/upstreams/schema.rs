//! The JSON Schema of a section `[upstreams.NAME]`, for editors.

use serde_json::{Value, json};

/// The members that a section may have.
pub(crate) fn section_schema() -> Value {
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "command": {
                "description": "The program that is started, and its arguments.",
                "type": "array", "items": { "type": "string" }, "minItems": 1,
            },
            "url": text("Where the server is, if it is not started here."),
            "plain_http": { "type": "boolean", "default": false },
            "path": text("The path at which the gateway serves it; not set: /mcp/NAME."),
            "resource": text("Its whole URI, in place of the path."),
            "policy": text("The policy file; not set: NAME.policy.toml."),
            "directory": text("Where the program runs."),
            "environment": strings,
        },
        "oneOf": [{ "required": ["command"] }, { "required": ["url"] }],
    })
}
