//! The one port: who stands behind a token.

use std::{error::Error, future::Future, sync::Arc};

use auth_core::{
    AccessToken, Ceiling, Claims, Clock, DecodedToken, Issuer, Principal, Subject, TokenVerifier,
    UnverifiedToken, VerifyError,
};

use crate::{
    memory::{Known, Memory},
    pace::Pace,
};

/// Turns a token into the principal behind it. Whatever cannot be decided is an error, never a pass.
pub trait Authenticate: Send + Sync + 'static {
    /// Who is calling with `token`?
    fn authenticate(
        &self,
        token: AccessToken,
    ) -> impl Future<Output = Result<Principal, AuthenticateError>> + Send;
}

/// Why nobody stands behind a token.
#[derive(Debug, thiserror::Error)]
pub enum AuthenticateError {
    /// The token is void: 401 `invalid_token`; another token may help.
    #[error("the token is not valid")]
    InvalidToken(#[from] VerifyError),
    /// The token was good and has been revoked: 401 `invalid_token`; another token may help.
    #[error("the token is revoked")]
    RevokedToken {
        /// Who issued it.
        issuer: Issuer,
        /// About whom it speaks.
        subject: Subject,
    },
    /// The token is valid and its subject is nobody here: 403; another token would not help.
    #[error("the user does not exist")]
    UnknownUser {
        /// Who vouched for the subject.
        issuer: Issuer,
        /// The subject that is not known.
        subject: Subject,
    },
    /// The user exists and may not do anything: 403; another token would not help.
    #[error("the user is disabled")]
    DisabledUser {
        /// Who vouched for the subject.
        issuer: Issuer,
        /// The subject that is disabled.
        subject: Subject,
    },
    /// It could not be found out, as the directory of users or the issuer could not be asked: 503. Never
    /// a pass.
    #[error("the directory of users or the issuer could not be asked")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Believes the token alone: for servers that have no users of their own. The issuer's word is the only
/// bound on what a token may grant ([`Ceiling::IssuerDecides`]). A token that was found good is remembered
/// until it expires.
#[derive(Debug, Clone)]
pub struct TokenAuthenticator<C> {
    verifier: TokenVerifier,
    clock: C,
    memory: Arc<Memory>,
    pace: Arc<Pace>,
}

impl<C: Clock> TokenAuthenticator<C> {
    /// Judges tokens with `verifier` at the time that `clock` tells.
    pub fn new(verifier: TokenVerifier, clock: C) -> Self {
        Self { verifier, clock, memory: Arc::new(Memory::new()), pace: Arc::new(Pace::new()) }
    }

    async fn claims(&self, token: &AccessToken) -> Result<Arc<Claims>, VerifyError> {
        let name = self.memory.name(token);
        if let Some(known) = name.and_then(|name| self.memory.find(name, self.clock.now())) {
            return Ok(known.claims);
        }
        let decoded = DecodedToken::decode(token)?;
        let parsed = UnverifiedToken::parse(&decoded)?;
        let turn = self.pace.turn(parsed.algorithm()).await;
        let now = self.clock.now();
        let claims = turn.took(self.verifier.verify_parsed(&parsed, None, now))?;
        let claims = Arc::new(claims);
        if let Some(name) = name {
            let known = Known { claims: Arc::clone(&claims), keys: None };
            self.memory.remember(name, known, now);
        }
        Ok(claims)
    }
}

impl<C: Clock + 'static> Authenticate for TokenAuthenticator<C> {
    async fn authenticate(&self, token: AccessToken) -> Result<Principal, AuthenticateError> {
        let claims = self.claims(&token).await?;
        Ok(Principal::new(&claims, Ceiling::IssuerDecides))
    }
}
