//! The one port: who stands behind a token.

use std::{error::Error, future::Future, sync::Arc};

use auth_core::{
    AccessToken, Ceiling, Claims, Clock, DecodedToken, Facts, Issuer, Principal, Subject,
    TokenOutline, TokenVerifier, UnverifiedToken, VerifyError,
};

use crate::authenticate::{
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
    InvalidToken(#[from] InvalidToken),
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
        /// What the operator can do about it: a command, say. It goes to the log alone.
        remedy: Option<String>,
    },
    /// The user exists and may not do anything: 403; another token would not help.
    #[error("the user is disabled")]
    DisabledUser {
        /// Who vouched for the subject.
        issuer: Issuer,
        /// The subject that is disabled.
        subject: Subject,
        /// What the operator can do about it: a command, say. It goes to the log alone.
        remedy: Option<String>,
    },
    /// It could not be found out, as the directory of users or the issuer could not be asked: 503. Never
    /// a pass.
    #[error("the directory of users or the issuer could not be asked")]
    Unavailable(#[source] Box<dyn Error + Send + Sync>),
}

/// Why a token is void. For the operator: a caller is told no more than `invalid_token`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{fault}")]
pub struct InvalidToken {
    /// The check that it does not pass.
    pub fault: VerifyError,
    /// Whose token it says it is, if that is somebody who is trusted.
    pub issuer: Option<Issuer>,
    /// What that check expects, and what it found.
    pub facts: Option<Facts>,
}

impl From<VerifyError> for InvalidToken {
    fn from(fault: VerifyError) -> Self {
        Self { fault, issuer: None, facts: None }
    }
}

impl From<VerifyError> for AuthenticateError {
    fn from(fault: VerifyError) -> Self {
        Self::InvalidToken(fault.into())
    }
}

/// What to tell of a token that cannot be read: `fault` says why. `is_trusted` knows the issuers.
pub(crate) fn unreadable(
    token: &AccessToken,
    fault: VerifyError,
    is_trusted: impl FnOnce(&Issuer) -> bool,
) -> InvalidToken {
    let outline = TokenOutline::of(token);
    let issuer = outline.as_ref().and_then(TokenOutline::issuer).filter(|it| is_trusted(it));
    InvalidToken {
        fault,
        issuer: issuer.cloned(),
        facts: outline.as_ref().map(|outline| outline.facts(fault)),
    }
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

    async fn claims(&self, token: &AccessToken) -> Result<Arc<Claims>, InvalidToken> {
        let name = self.memory.name(token);
        if let Some(known) = name.and_then(|name| self.memory.find(name, self.clock.now())) {
            return Ok(known.claims);
        }
        let is_trusted = |issuer: &Issuer| self.verifier.trusted(issuer).is_some();
        let decoded = DecodedToken::decode(token);
        let parsed = decoded.as_ref().map_err(|fault| *fault).and_then(UnverifiedToken::parse);
        let parsed = parsed.map_err(|fault| unreadable(token, fault.into(), is_trusted))?;
        let turn = self.pace.turn(parsed.algorithm()).await;
        let now = self.clock.now();
        let verdict = turn.took(self.verifier.verify_parsed(&parsed, None, now));
        let claims = verdict.map_err(|fault| InvalidToken {
            fault,
            issuer: parsed.unverified_issuer().filter(|it| is_trusted(it)).cloned(),
            facts: Some(self.verifier.facts(&parsed, None, now, fault)),
        })?;
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
