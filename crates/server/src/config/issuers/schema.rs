//! The JSON Schema of a section `[issuers."…"]`, for editors.

use bartizan::Preset;
use serde_json::{Value, json};

use super::MAX_OUTAGE_HOURS;

/// The members that a section may have.
pub(crate) fn section_schema() -> Value {
    let strings = json!({ "type": "array", "items": { "type": "string" } });
    let text = json!({ "type": "string" });
    let presets = Preset::ALL.map(Preset::name);
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "preset": { "enum": presets, "description": "The provider: sets what the section does not." },
            "keys": {
                "description": "Where the keys are; not set: the issuer's metadata says.",
                "anyOf": [
                    { "enum": ["discover", "none"] },
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "minProperties": 1,
                        "maxProperties": 1,
                        "properties": {
                            "url": text, "file": text, "secret_env": text, "secret_file": text,
                        },
                    },
                ],
            },
            "introspection": {
                "type": "object",
                "description": "How the issuer is asked about tokens (RFC 7662).",
                "additionalProperties": false,
                "required": ["client_id"],
                "properties": {
                    "url": text,
                    "client_id": text,
                    "secret_env": text,
                    "secret_file": text,
                    "when": { "enum": ["opaque", "jwt", "always"], "default": "opaque" },
                },
            },
            "typ": { "enum": ["at+jwt", "jwt", "any"], "description": "The header typ that is accepted." },
            "audiences": { "description": "Accepted instead of the resource's URI.", "type": "array", "items": text },
            "audience_claim": { "type": "string", "default": "aud" },
            "algorithms": strings,
            "scopes_from": strings,
            "subject_from": strings,
            "roles_from": strings,
            "trust_roles": { "type": "boolean", "default": false },
            "grants": { "description": "Scopes that every token of the issuer has.", "type": "array", "items": text },
            "outage_hours": { "type": "integer", "minimum": 0, "maximum": MAX_OUTAGE_HOURS },
            "unknown_users": { "enum": ["refuse", "provision"], "default": "refuse" },
            "default_roles": strings,
        },
    })
}
