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
            "plain_http": {
                "description": "Whether the url may be plain http to a host other than loopback.",
                "type": "boolean", "default": false,
            },
            "ca": text("A PEM file with authorities for its certificate; not set: that of ca_file."),
            "secret_file": text("A file with the secret that the gateway presents to the url."),
            "header": text(
                "The header that has the secret; not set: Authorization, with Bearer before it.",
            ),
            "instances": {
                "description": "Who shares one process or connection.",
                "enum": ["owner", "session", "shared"], "default": "owner",
            },
            "idle_minutes": {
                "description": "How long an unused one is kept.",
                "type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 10,
            },
            "max_memory_mib": {
                "description": "The memory that the program may use; not set: any. Linux only.",
                "type": "integer", "minimum": 1, "maximum": 1_000_000,
            },
            "path": text("The path at which the gateway serves it; not set: /mcp/NAME."),
            "resource": text("Its whole URI, in place of the path."),
            "policy": text("The policy file; not set: NAME.policy.toml."),
            "directory": text("Where the program runs."),
            "environment": strings,
        },
        "oneOf": [{ "required": ["command"] }, { "required": ["url"] }],
    })
}
