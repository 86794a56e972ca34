//! What the gateway presents to a server behind it: no credentials, a header from a secret file, or
//! an access token.
//!
//! 1. [`HeaderFile`]: a header whose value is in a secret file. The file is read again while the
//!    program runs.
//! 2. [`ClientCredentials`]: the gateway's own token (RFC 6749 §4.4).
//! 3. [`TokenExchange`]: a token for the caller, for which the gateway exchanges one that it has
//!    minted itself (RFC 8693 §2).
//! 4. [`MintedTokens`]: a token for the caller that the gateway mints itself, with the caller as
//!    `sub` and the gateway as `act` (RFC 8693 §4.1).
//! 5. [`IdentityHeaders`]: who the caller is, in headers that the operator names. They are not
//!    credentials: a server may rely on them only if no one else can reach it.
//!
//! Tokens are kept until shortly before they end, in a bounded cache for each caller and set of
//! scopes. A token that the server refuses with 401 is replaced, unless it is new.
//!
//! **Invariant:** what is presented comes from the operator's configuration and from
//! [`MintToken`]. A caller is a [`CallContext`], which has no token.

mod cache;
mod client;
mod endpoint;
mod error;
mod exchange;
mod header;
mod identity;
mod mint;
mod minted;
mod secret_file;
mod token;

use std::{fmt, sync::Arc};

use auth_core::Issuer;
use http::header::AUTHORIZATION;

use self::token::UpstreamToken;
pub use self::{
    client::ClientCredentials,
    endpoint::{SecretMethod, TokenEndpoint, TokenEndpointUrl, TokenEndpointUrlError},
    error::{CredentialError, HeaderNameError, TokenEndpointError},
    exchange::{ExchangedScopes, TokenExchange},
    header::HeaderFile,
    identity::IdentityHeaders,
    mint::{MintError, MintRequest, MintSubject, MintToken, MintedToken},
    minted::MintedTokens,
    secret_file::{ReadSecret, SecretFile},
};
use crate::{CallContext, http::SentHeaders};

/// What the gateway presents to one server. A clone shares the tokens.
#[derive(Clone)]
pub struct Credentials {
    source: Source,
    identity: IdentityHeaders,
}

#[derive(Clone)]
enum Source {
    None,
    Header(Arc<HeaderFile>),
    Client(Arc<ClientCredentials>),
    Exchange(Arc<TokenExchange>),
    Minted(Arc<MintedTokens>),
}

/// The token with which a request was sent, if it was sent with one.
#[derive(Debug)]
pub(crate) struct Presented(Option<UpstreamToken>);

impl Credentials {
    /// Nothing.
    #[must_use]
    pub const fn none() -> Self {
        Self::of(Source::None)
    }

    /// A header from a secret file.
    #[must_use]
    pub fn header(header: HeaderFile) -> Self {
        Self::of(Source::Header(Arc::new(header)))
    }

    /// The gateway's own token.
    #[must_use]
    pub fn client(client: ClientCredentials) -> Self {
        Self::of(Source::Client(Arc::new(client)))
    }

    /// A token for the caller, exchanged for one that the gateway has minted.
    #[must_use]
    pub fn exchange(exchange: TokenExchange) -> Self {
        Self::of(Source::Exchange(Arc::new(exchange)))
    }

    /// A token for the caller that the gateway mints.
    #[must_use]
    pub fn minted(minted: MintedTokens) -> Self {
        Self::of(Source::Minted(Arc::new(minted)))
    }

    /// The same, and headers that say who the caller is. Users of the issuer `own` go by their
    /// subject alone where there is no header for the issuer.
    #[must_use]
    pub fn with_identity(self, identity: IdentityHeaders, own: Issuer) -> Self {
        Self { identity: identity.own_issuer(own), ..self }
    }

    /// Whether what is presented depends on who calls, so that a connection without a caller of its
    /// own cannot have it.
    #[must_use]
    pub fn is_per_caller(&self) -> bool {
        matches!(self.source, Source::Exchange(_) | Source::Minted(_)) || self.identity.is_some()
    }

    /// Whether tokens are presented, so that there may be another one where one is refused.
    pub(crate) const fn has_tokens(&self) -> bool {
        matches!(self.source, Source::Client(_) | Source::Exchange(_) | Source::Minted(_))
    }

    const fn of(source: Source) -> Self {
        Self { source, identity: IdentityHeaders::none() }
    }

    /// Adds to the headers of a request what the server is to see.
    pub(crate) async fn add_to(
        &self,
        headers: &mut SentHeaders,
        caller: &CallContext,
    ) -> Result<Presented, CredentialError> {
        self.identity.add_to(headers, caller);
        let token = match &self.source {
            Source::None => return Ok(Presented(None)),
            Source::Header(header) => {
                let (name, value) = header.get().await?;
                headers.add_own(name, value);
                return Ok(Presented(None));
            }
            Source::Client(client) => client.token().await?,
            Source::Exchange(exchange) => exchange.token(caller).await?,
            Source::Minted(minted) => minted.token(caller).await?,
        };
        headers.add_own(AUTHORIZATION, token.header());
        Ok(Presented(Some(token)))
    }

    /// Forgets the token that the server has refused with 401. Whether the next one may be another.
    pub(crate) fn refused(&self, caller: &CallContext, presented: &Presented) -> bool {
        let Presented(Some(token)) = presented else { return false };
        match &self.source {
            Source::None | Source::Header(_) => false,
            Source::Client(client) => client.refused(token),
            Source::Exchange(exchange) => exchange.refused(caller, token),
            Source::Minted(minted) => minted.refused(caller, token),
        }
    }
}

/// Shows the kind alone.
impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.source {
            Source::None => "none",
            Source::Header(_) => "header",
            Source::Client(_) => "client credentials",
            Source::Exchange(_) => "token exchange",
            Source::Minted(_) => "minted",
        };
        write!(f, "Credentials({kind})")
    }
}
