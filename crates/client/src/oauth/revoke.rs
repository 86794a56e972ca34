//! Taking tokens back (RFC 7009).

use serde_json::Value;

use super::{
    Outward,
    client_auth::{self, Preferred, method},
};
use crate::store::Entry;

/// Revokes the tokens of an entry, if the issuer has an endpoint for it. Returns the kinds of token
/// that it revoked. Not every issuer revokes access tokens.
pub(crate) async fn revoke(entry: &Entry, outward: &Outward) -> Vec<&'static str> {
    let mut revoked = Vec::new();
    let endpoint = entry.metadata.additional_fields.get("revocation_endpoint");
    let Some(endpoint) = endpoint.and_then(Value::as_str) else {
        return revoked;
    };
    let client = &entry.client;
    let who = (client, method(client, &entry.metadata, Preferred::Basic));
    for (token, kind) in entry.secrets() {
        let form = vec![("token", token.as_str()), ("token_type_hint", kind)];
        let answer = client_auth::post(endpoint, form, who, outward).await;
        if answer.is_ok_and(|reply| reply.status.is_success()) {
            revoked.push(kind);
        }
    }
    revoked
}
