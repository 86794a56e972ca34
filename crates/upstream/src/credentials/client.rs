//! The gateway's own token (RFC 6749 §4.4). It says nothing about the caller.

use auth_core::ScopeSet;

use super::{cache::Slot, endpoint::TokenEndpoint, error::CredentialError, token::UpstreamToken};

/// The gateway's own token, from a token endpoint.
#[derive(Debug)]
pub struct ClientCredentials {
    endpoint: TokenEndpoint,
    scopes: ScopeSet,
    resource: Option<String>,
    slot: Slot,
}

impl ClientCredentials {
    /// A token with these scopes; the endpoint's default ones if there are none.
    #[must_use]
    pub fn new(endpoint: TokenEndpoint, scopes: ScopeSet) -> Self {
        Self { endpoint, scopes, resource: None, slot: Slot::default() }
    }

    /// The same for this resource (RFC 8707 §2).
    #[must_use]
    pub fn resource(self, resource: String) -> Self {
        Self { resource: Some(resource), ..self }
    }

    pub(super) async fn token(&self) -> Result<UpstreamToken, CredentialError> {
        self.slot.get(|| self.fetch()).await
    }

    async fn fetch(&self) -> Result<UpstreamToken, CredentialError> {
        let scopes = self.scopes.to_string();
        let mut pairs = vec![("grant_type", "client_credentials")];
        if !scopes.is_empty() {
            pairs.push(("scope", &scopes));
        }
        pairs.extend(self.resource.as_deref().map(|resource| ("resource", resource)));
        self.endpoint.ask(pairs).await
    }

    pub(super) fn refused(&self, token: &UpstreamToken) -> bool {
        self.slot.refused(token)
    }
}
