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
            "credentials": {
                "description": "What the gateway presents to the url; not set: the secret of secret_file, if there is one.",
                "enum": ["none", "secret", "minted", "client", "exchange"],
            },
            "audience": text("Who a minted token is for; not set: the url. Of an exchange: what the token endpoint calls the server."),
            "token_endpoint": text("Where the gateway gets tokens for the url."),
            "token_issuer": text("Who the token that is exchanged is for; not set: token_endpoint."),
            "token_resource": text("The resource that tokens are asked for (RFC 8707); not set: none is named."),
            "client_id": text("The gateway's client id at the token endpoint. Its secret is in secret_file."),
            "client_authentication": {
                "description": "Where the secret is: in the Authorization header, or in the body.",
                "enum": ["basic", "post"], "default": "basic",
            },
            "scopes": {
                "description": "The scopes that tokens are asked for; not set: of an exchange those of the action, else the endpoint's default.",
                "type": "array", "items": { "type": "string" },
            },
            "identity": {
                "description": "Headers that say who calls.",
                "type": "object", "additionalProperties": false, "minProperties": 1,
                "properties": {
                    "issuer": text("The header for the issuer of the caller's token."),
                    "subject": text("The header for the user, as the subject of the token."),
                    "client": text("The header for the client."),
                    "scopes": text("The header for the scopes that the action needs."),
                },
            },
            "instances": {
                "description": "Who shares one process or connection.",
                "enum": ["owner", "session", "shared"], "default": "owner",
            },
            "idle_minutes": {
                "description": "How long an unused one is kept.",
                "type": "integer", "minimum": 1, "maximum": 1_000_000, "default": 10,
            },
            "roots": {
                "description": "Whether the server may ask clients for their folders.",
                "type": "boolean", "default": false,
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
            "secrets": {
                "description": "More variables of the program, each with the file that holds its value.",
                "type": "object", "additionalProperties": { "type": "string" },
            },
        },
        "oneOf": [{ "required": ["command"] }, { "required": ["url"] }],
    })
}
