//! The port by which the gateway mints tokens. The program implements it with its signing keys.

use std::{error::Error, fmt, time::Duration};

use auth_core::{Audience, Principal, ScopeSet};
use secrecy::SecretString;

/// Mints short-lived tokens.
///
/// The token says:
///
/// 1. `aud`: the audience of the request, and no other.
/// 2. `sub`: the caller, unique among the callers of all issuers.
/// 3. `act`: the gateway, as the one who acts for the subject (RFC 8693 §4.1). For
///    [`MintSubject::Gateway`] the gateway is `sub`, and there is no `act`.
/// 4. `scope`: the scopes of the request, and no others.
/// 5. `exp`: after `lifetime` at the latest, and not after that of the caller's own token
///    ([`Principal::expires_at`]). When that has ended, there is none ([`MintError::Ended`]).
pub trait MintToken: fmt::Debug + Send + Sync {
    /// Mints a token. It may take as long as a signature takes, and does not block.
    fn mint(&self, request: &MintRequest<'_>) -> Result<MintedToken, MintError>;
}

/// What a token is to say.
#[derive(Debug, Clone, Copy)]
pub struct MintRequest<'a> {
    /// Who it is for.
    pub audience: &'a Audience,
    /// Who it speaks for.
    pub subject: MintSubject<'a>,
    /// What it grants.
    pub scopes: &'a ScopeSet,
    /// How long it is valid at most.
    pub lifetime: Duration,
}

/// Who a minted token speaks for.
#[derive(Debug, Clone, Copy)]
pub enum MintSubject<'a> {
    /// A caller, for whom the gateway acts.
    Caller(&'a Principal),
    /// The gateway itself: when it looks at what a server offers, and for callers without a token.
    Gateway,
}

/// A token that [`MintToken`] has made.
#[derive(Debug, Clone)]
pub struct MintedToken {
    pub(super) text: SecretString,
    pub(super) lifetime: Duration,
}

impl MintedToken {
    /// The text of a token, and how long it is valid from now on.
    #[must_use]
    pub const fn new(text: SecretString, lifetime: Duration) -> Self {
        Self { text, lifetime }
    }

    /// Its text.
    #[must_use]
    pub const fn text(&self) -> &SecretString {
        &self.text
    }

    /// How long it is valid.
    #[must_use]
    pub const fn lifetime(&self) -> Duration {
        self.lifetime
    }
}

/// Why no token was minted.
#[derive(Debug, thiserror::Error)]
pub enum MintError {
    /// The caller's own token has ended, and with it what may be done on its behalf.
    #[error("the caller's token has ended")]
    Ended,
    /// The gateway could not sign. The reason shows no secret.
    #[error("the gateway could not sign")]
    Unsigned(#[source] Box<dyn Error + Send + Sync>),
}
