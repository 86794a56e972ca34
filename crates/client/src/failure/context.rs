//! What a failure has to know of the run that it ends. No token is in it.

use std::time::Duration;

use auth_core::ScopeSet;

use crate::{endpoint::Endpoint, jwt::Binding};

/// The run that a failure is about.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) endpoint: Endpoint,
    pub(crate) timeout: Duration,
    pub(crate) token: SentToken,
    /// How long ago the token expired, by its own claim, if it did: `34 seconds ago`.
    pub(crate) expired: Option<String>,
    /// Whom the token is for, by its own claim, if that is not the user whom tokens are minted for
    /// by default.
    pub(crate) subject: Option<String>,
    /// The audience that a token for this server has to name, if that is not the one that tokens
    /// are minted for by default. Text from outside.
    pub(crate) audience: Option<String>,
    /// What the token is for, by its own claim, if that is known not to be this server. Text from
    /// outside.
    pub(crate) elsewhere: Option<String>,
    /// What the token is bound to, by its own claim.
    pub(crate) binding: Option<Binding>,
    /// The certificate that is presented to servers that ask for one.
    pub(crate) certificate: Option<PresentedCertificate>,
    /// Whether the token is known to be for this server, by its own claim.
    pub(crate) is_for_server: bool,
    /// Whether the server is known to take the tokens that are minted here: it is on this machine,
    /// and its metadata name the issuer of these (`JWT_ISSUER`).
    pub(crate) takes_minted: bool,
    /// ` --url URL`, if it was given as a flag: what a command needs that goes to this server.
    pub(crate) server_flag: String,
    pub(crate) operation: Operation,
}

/// The certificate that is presented.
#[derive(Debug, Clone)]
pub(crate) struct PresentedCertificate {
    /// Its file.
    pub(crate) file: String,
    /// What tokens that are bound to it name (RFC 8705 §3.1).
    pub(crate) thumbprint: String,
}

/// The token that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SentToken {
    /// None was sent.
    None,
    /// One was sent, with the scopes that it names itself, if it is a JWT. **Not verified.**
    Sent(Option<ScopeSet>),
}

/// The request, as far as messages are about it.
#[derive(Debug, Clone)]
pub(crate) struct Operation {
    /// "calling `get_time`".
    pub(crate) description: String,
    /// The command that shows what can be named in such a request.
    pub(crate) listing_hint: Option<String>,
}

impl Context {
    /// The scopes that the token names itself.
    pub(crate) fn token_scopes(&self) -> Option<&ScopeSet> {
        match &self.token {
            SentToken::Sent(scopes) => scopes.as_ref(),
            SentToken::None => None,
        }
    }

    /// Whether a token was sent.
    pub(crate) fn has_token(&self) -> bool {
        self.token != SentToken::None
    }
}
