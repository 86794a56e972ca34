//! A token for the caller that the gateway mints itself.

use std::{sync::Arc, time::Duration};

use auth_core::Audience;

use super::{
    cache::TokenCache,
    error::CredentialError,
    mint::{MintRequest, MintSubject, MintToken},
    token::UpstreamToken,
};
use crate::CallContext;

/// How long a minted token is valid.
pub(super) const LIFETIME: Duration = Duration::from_mins(1);

/// Tokens that the gateway mints for one server: for its audience, with the caller as `sub`, the
/// gateway as `act`, and the scopes of the action alone. They are valid for a minute.
#[derive(Debug)]
pub struct MintedTokens {
    mint: Arc<dyn MintToken>,
    audience: Audience,
    cache: TokenCache,
}

impl MintedTokens {
    /// Tokens for `audience`.
    #[must_use]
    pub fn new(mint: Arc<dyn MintToken>, audience: Audience) -> Self {
        Self { mint, audience, cache: TokenCache::new() }
    }

    pub(super) async fn token(
        &self,
        caller: &CallContext,
    ) -> Result<UpstreamToken, CredentialError> {
        let slot = self.cache.slot(caller);
        slot.get(|| async {
            let request = request(&self.audience, caller);
            UpstreamToken::minted(&self.mint.mint(&request)?)
        })
        .await
    }

    pub(super) fn refused(&self, caller: &CallContext, token: &UpstreamToken) -> bool {
        self.cache.slot(caller).refused(token)
    }
}

/// A token for `audience` that speaks for `caller` with the scopes of its action.
pub(super) fn request<'a>(audience: &'a Audience, caller: &'a CallContext) -> MintRequest<'a> {
    let subject = match caller.principal() {
        Some(principal) => MintSubject::Caller(principal),
        None => MintSubject::Gateway,
    };
    MintRequest { audience, subject, scopes: caller.scopes(), lifetime: LIFETIME }
}
