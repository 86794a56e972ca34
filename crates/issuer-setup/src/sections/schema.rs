//! The JSON Schemas of the sections, for editors.

use issuer::providers::ProviderPreset;
use serde_json::{Map, Value, json};

/// The members that a section `[sign_in.NAME]` may have.
#[must_use]
pub fn provider_schema() -> Value {
    let presets = ProviderPreset::ALL.map(ProviderPreset::name);
    let text = json!({ "type": "string" });
    let own = json!({
        "preset": { "enum": presets, "default": "openid", "description": "The provider: sets what the section does not." },
        "issuer": { "type": "string", "description": "Its iss, byte for byte." },
        "label": { "type": "string", "description": "The text of its button." },
        "client_id": { "type": "string", "description": "What this server is called there." },
        "secret_env": text,
        "secret_file": text,
        "client_authentication": { "enum": ["automatic", "basic", "post"], "default": "automatic" },
        "scopes": { "type": "array", "items": text },
        "subject_claim": { "type": "string", "default": "sub" },
        "prompt": text,
        "parameters": { "type": "object", "additionalProperties": text },
    });
    section(own, &["client_id"])
}

/// The members that a section `[assertions.NAME]` may have.
#[must_use]
pub fn assertion_schema() -> Value {
    let own = json!({
        "issuer": { "type": "string", "description": "The iss of its assertions, byte for byte." },
        "kind": { "enum": ["id-jag", "workload"], "description": "What its assertions say." },
        "keys_url": { "type": "string", "description": "Where its keys are; not set: its metadata says." },
        "reusable": { "type": "boolean", "default": false },
    });
    section(own, &["issuer", "kind"])
}

fn section(mut own: Value, required: &[&str]) -> Value {
    let texts = json!({ "type": "array", "items": { "type": "string" } });
    let lists = json!({ "type": "object", "additionalProperties": texts });
    let shared = json!({
        "allowed_domains": texts,
        "required": lists,
        "roles_from": texts,
        "roles": lists,
        "unknown_users": { "enum": ["refuse", "provision"], "default": "refuse" },
        "default_roles": texts,
    });
    let shared: Map<String, Value> = shared.as_object().cloned().unwrap_or_default();
    if let Some(members) = own.as_object_mut() {
        members.extend(shared);
    }
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": required,
        "properties": own,
    })
}
