//! A token for the caller, for which the gateway exchanges one that it has minted itself (RFC 8693
//! §2). The caller's own token is not known here.

use std::sync::Arc;

use auth_core::{Audience, ScopeSet};
use secrecy::ExposeSecret;

use super::{
    cache::TokenCache, endpoint::TokenEndpoint, error::CredentialError, mint::MintToken,
    minted::request, token::UpstreamToken,
};
use crate::CallContext;

/// RFC 8693 §2.1.
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
/// RFC 8693 §3: what the subject token is.
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";
/// RFC 8693 §3: what is asked for.
const ACCESS_TOKEN: &str = "urn:ietf:params:oauth:token-type:access_token";

/// Which scopes an exchange asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ExchangedScopes {
    /// Those that the action needs.
    OfAction,
    /// These, whatever the action: for a server with scopes of other names.
    Fixed(ScopeSet),
}

/// Tokens for callers from a token endpoint that trusts what the gateway mints.
#[derive(Debug)]
pub struct TokenExchange {
    endpoint: TokenEndpoint,
    mint: Arc<dyn MintToken>,
    issuer: Audience,
    scopes: ExchangedScopes,
    resource: Option<String>,
    audience: Option<String>,
    cache: TokenCache,
}

impl TokenExchange {
    /// Tokens from `endpoint`. `issuer` names its authorization server: the audience of the subject
    /// tokens that `mint` makes.
    #[must_use]
    pub fn new(
        endpoint: TokenEndpoint,
        mint: Arc<dyn MintToken>,
        issuer: Audience,
        scopes: ExchangedScopes,
    ) -> Self {
        Self {
            endpoint,
            mint,
            issuer,
            scopes,
            resource: None,
            audience: None,
            cache: TokenCache::new(),
        }
    }

    /// The same for this resource (RFC 8707 §2, RFC 8693 §2.1).
    #[must_use]
    pub fn resource(self, resource: String) -> Self {
        Self { resource: Some(resource), ..self }
    }

    /// The same for the server that the authorization server knows by this name (RFC 8693 §2.1).
    #[must_use]
    pub fn audience(self, audience: String) -> Self {
        Self { audience: Some(audience), ..self }
    }

    pub(super) async fn token(
        &self,
        caller: &CallContext,
    ) -> Result<UpstreamToken, CredentialError> {
        let slot = self.cache.slot(caller);
        slot.get(|| self.fetch(caller)).await
    }

    async fn fetch(&self, caller: &CallContext) -> Result<UpstreamToken, CredentialError> {
        let subject = self.mint.mint(&request(&self.issuer, caller))?;
        let scopes = match &self.scopes {
            ExchangedScopes::OfAction => caller.scopes().to_string(),
            ExchangedScopes::Fixed(scopes) => scopes.to_string(),
        };
        let mut pairs = vec![
            ("grant_type", GRANT_TYPE),
            ("subject_token", subject.text.expose_secret()),
            ("subject_token_type", JWT),
            ("requested_token_type", ACCESS_TOKEN),
        ];
        if !scopes.is_empty() {
            pairs.push(("scope", &scopes));
        }
        pairs.extend(self.resource.as_deref().map(|resource| ("resource", resource)));
        pairs.extend(self.audience.as_deref().map(|audience| ("audience", audience)));
        self.endpoint.ask(pairs).await
    }

    pub(super) fn refused(&self, caller: &CallContext, token: &UpstreamToken) -> bool {
        self.cache.slot(caller).refused(token)
    }
}
