//! The caller, once token and user are known.

use std::{collections::BTreeSet, sync::Arc};

use crate::{Claims, ClientId, Issuer, NumericDate, RoleName, ScopeSet, Subject, TokenId};

/// What bounds a token's scopes, whatever the token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ceiling {
    /// The scopes of the roles that the directory gives the user.
    Roles(Arc<BTreeSet<RoleName>>),
    /// No directory: the issuer's word is the only bound. For servers that have no users of their
    /// own.
    IssuerDecides,
}

/// Whose a session, an event or a task is: the same whatever token they come with next, another as
/// soon as issuer, subject or client is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Owner {
    /// Callers without a token, who are one owner.
    Anonymous,
    /// A caller with a token.
    Principal {
        /// Who vouches for them.
        issuer: Issuer,
        /// Who they are.
        subject: Subject,
        /// Through which client they come.
        client_id: Option<ClientId>,
    },
}

/// Who is calling, through which client, with which scopes, until when.
///
/// **Invariant:** it can be made only from [`Claims`], so from a verified token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    issuer: Issuer,
    subject: Subject,
    client_id: Option<ClientId>,
    display_name: Option<Arc<str>>,
    token_id: Option<TokenId>,
    actors: Vec<String>,
    scopes: ScopeSet,
    roles: BTreeSet<RoleName>,
    ceiling: Ceiling,
    expires_at: NumericDate,
}

impl Principal {
    /// The caller whose token says `claims` and whose scopes are bounded by `ceiling`.
    #[must_use]
    pub fn new(claims: &Claims, ceiling: Ceiling) -> Self {
        Self {
            issuer: claims.issuer().clone(),
            subject: claims.subject().clone(),
            client_id: claims.client_id().cloned(),
            display_name: claims.name().map(Arc::from),
            token_id: claims.token_id().cloned(),
            actors: claims.actors(),
            scopes: claims.scopes().clone(),
            roles: claims.roles().clone(),
            ceiling,
            expires_at: claims.expires_at(),
        }
    }

    /// A caller who is only assumed. It never leaves the crate: what is decided about it is an
    /// answer without a permit.
    pub(crate) fn hypothetical(
        scopes: ScopeSet,
        roles: BTreeSet<RoleName>,
        ceiling: Ceiling,
    ) -> Self {
        Self {
            issuer: Issuer::supposed(),
            subject: Subject::supposed(),
            client_id: None,
            display_name: None,
            token_id: None,
            actors: Vec::new(),
            scopes,
            roles,
            ceiling,
            expires_at: NumericDate::EPOCH,
        }
    }

    /// The same caller under the name that the directory knows.
    #[must_use]
    pub fn with_display_name(self, name: impl Into<Arc<str>>) -> Self {
        Self { display_name: Some(name.into()), ..self }
    }

    /// Who vouches for the caller.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// Who the caller is, within its issuer.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// Through which client the call comes.
    #[must_use]
    pub const fn client_id(&self) -> Option<&ClientId> {
        self.client_id.as_ref()
    }

    /// What to call the caller; for display only.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        self.display_name.as_deref()
    }

    /// Which token was shown.
    #[must_use]
    pub const fn token_id(&self) -> Option<&TokenId> {
        self.token_id.as_ref()
    }

    /// Who acts for the subject, the last to act first (RFC 8693 §4.1): for records, never for a
    /// decision.
    #[must_use]
    pub fn actors(&self) -> &[String] {
        &self.actors
    }

    /// The scopes in the token.
    #[must_use]
    pub const fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// The roles in the token, where its issuer's roles are trusted.
    #[must_use]
    pub const fn roles(&self) -> &BTreeSet<RoleName> {
        &self.roles
    }

    /// What bounds the token's scopes.
    #[must_use]
    pub const fn ceiling(&self) -> &Ceiling {
        &self.ceiling
    }

    /// Whose what this caller makes is.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::Principal {
            issuer: self.issuer.clone(),
            subject: self.subject.clone(),
            client_id: self.client_id.clone(),
        }
    }

    /// When the token, and with it this principal, expires.
    #[must_use]
    pub const fn expires_at(&self) -> NumericDate {
        self.expires_at
    }
}
