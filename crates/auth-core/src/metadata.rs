//! What a protected server says about itself (RFC 9728 §2): written by the server, read by the
//! client.

use serde::{Deserialize, Serialize};

use crate::{ResourceUri, ScopeSet};

/// The protected resource metadata document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProtectedResourceMetadata {
    /// The canonical URI; a client compares it with the one it called (RFC 9728 §3.3).
    pub resource: String,
    /// The issuers whose tokens are taken.
    #[serde(default)]
    pub authorization_servers: Vec<String>,
    /// The scopes that a client may ask for; never `offline_access` (MCP authorization).
    #[serde(default)]
    pub scopes_supported: Vec<String>,
    /// How a token is sent: in the `Authorization` header and in no other way.
    #[serde(default)]
    pub bearer_methods_supported: Vec<String>,
    /// Whether tokens may be bound to client certificates (RFC 8705 §3.3).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tls_client_certificate_bound_access_tokens: bool,
    /// What to call the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_name: Option<String>,
}

impl ProtectedResourceMetadata {
    /// The metadata of `resource`, whose tokens `authorization_servers` issue.
    #[must_use]
    pub fn new(
        resource: &ResourceUri,
        authorization_servers: impl IntoIterator<Item = String>,
        scopes: &ScopeSet,
    ) -> Self {
        Self {
            resource: resource.to_string(),
            authorization_servers: authorization_servers.into_iter().collect(),
            scopes_supported: scopes
                .iter()
                .map(ToString::to_string)
                .filter(|scope| scope != "offline_access")
                .collect(),
            bearer_methods_supported: vec!["header".into()],
            tls_client_certificate_bound_access_tokens: false,
            resource_name: None,
        }
    }

    /// The two paths at which a server answers with it: the one with the resource's path put in,
    /// and the bare one (RFC 9728 §3.1; MCP authorization, discovery).
    #[must_use]
    pub fn paths(resource: &ResourceUri) -> [String; 2] {
        [resource.metadata_path(), crate::resource::WELL_KNOWN.to_owned()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offline_access_is_never_advertised() {
        let resource = "https://mcp.example/mcp".parse().unwrap();
        let scopes = "offline_access User.Read".parse().unwrap();
        let metadata =
            ProtectedResourceMetadata::new(&resource, ["https://as.example".into()], &scopes);
        assert_eq!(
            serde_json::to_value(&metadata).unwrap(),
            serde_json::json!({
                "resource": "https://mcp.example/mcp",
                "authorization_servers": ["https://as.example"],
                "scopes_supported": ["User.Read"],
                "bearer_methods_supported": ["header"],
            })
        );
        assert_eq!(
            ProtectedResourceMetadata::paths(&resource),
            ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]
        );
    }
}
