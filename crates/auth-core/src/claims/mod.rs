//! What a verified token says (RFC 7519 §4, RFC 9068 §2.2).
//!
//! **Invariant:** a [`Claims`] exists only if [`TokenVerifier`](crate::TokenVerifier) accepted the
//! token that it came from, by its signature or by what its issuer says about it.

mod names;

use std::{collections::BTreeSet, sync::Arc};

pub use names::{Audience, ClientId, InvalidNameError, Issuer, RoleName, Subject, TokenId};
pub(crate) use names::{has_control, is_display_name};
use serde_json::{Map, Value};

use crate::{CertificateThumbprint, NumericDate, ScopeSet};

/// How many actors of a chain are kept, and how long the name of one may be.
const MAX_ACTORS: usize = 8;
const MAX_ACTOR_BYTES: usize = 255;

/// The claims of a verified access token.
#[derive(Debug, Clone, PartialEq)]
pub struct Claims {
    pub(crate) issuer: Issuer,
    pub(crate) subject: Subject,
    /// The claim that the subject was read from; `None`: `sub`.
    pub(crate) subject_claim: Option<Arc<str>>,
    pub(crate) audiences: Vec<Audience>,
    pub(crate) expires_at: NumericDate,
    pub(crate) issued_at: Option<NumericDate>,
    pub(crate) not_before: Option<NumericDate>,
    pub(crate) token_id: Option<TokenId>,
    pub(crate) client_id: Option<ClientId>,
    pub(crate) name: Option<String>,
    pub(crate) scopes: ScopeSet,
    pub(crate) roles: BTreeSet<RoleName>,
    pub(crate) certificate: Option<CertificateThumbprint>,
    pub(crate) other: Map<String, Value>,
}

impl Claims {
    /// `iss`: who issued the token.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// `sub` (or what this issuer writes instead): about whom it speaks.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The name of the claim that the subject was read from.
    pub(crate) fn subject_claim(&self) -> &str {
        self.subject_claim.as_deref().unwrap_or("sub")
    }

    /// `aud` (or what this issuer writes instead): for whom it is meant; ours is among them.
    #[must_use]
    pub fn audiences(&self) -> &[Audience] {
        &self.audiences
    }

    /// `exp`: the second from which it is expired.
    #[must_use]
    pub const fn expires_at(&self) -> NumericDate {
        self.expires_at
    }

    /// `iat`: when it was issued.
    #[must_use]
    pub const fn issued_at(&self) -> Option<NumericDate> {
        self.issued_at
    }

    /// `nbf`: the second before which it is not valid yet.
    #[must_use]
    pub const fn not_before(&self) -> Option<NumericDate> {
        self.not_before
    }

    /// `jti`: which token this is.
    #[must_use]
    pub const fn token_id(&self) -> Option<&TokenId> {
        self.token_id.as_ref()
    }

    /// `client_id` (or else `azp`, `cid`, `appid`): through which client.
    #[must_use]
    pub const fn client_id(&self) -> Option<&ClientId> {
        self.client_id.as_ref()
    }

    /// `name`: what to call the subject; for display only, never for a decision.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// What to call the subject where a person has to recognise it: the first of `name`,
    /// `preferred_username` and `email` (OpenID Connect Core §5.1) that fits in one line. For
    /// display only: a user may choose each of them.
    #[must_use]
    pub fn display_name(&self) -> Option<&str> {
        let other = ["preferred_username", "email"].into_iter();
        let other = other.filter_map(|name| self.other.get(name)?.as_str());
        self.name().into_iter().chain(other).find(|name| is_display_name(name))
    }

    /// `scope`, or wherever its issuer writes scopes: what the token grants.
    #[must_use]
    pub const fn scopes(&self) -> &ScopeSet {
        &self.scopes
    }

    /// `roles`, or wherever its issuer writes them: empty unless this issuer's roles are trusted.
    #[must_use]
    pub const fn roles(&self) -> &BTreeSet<RoleName> {
        &self.roles
    }

    /// `cnf`: the client certificate that the token is bound to, if it is.
    #[must_use]
    pub const fn certificate(&self) -> Option<CertificateThumbprint> {
        self.certificate
    }

    /// `act`: who acts for the subject, the last to act first (RFC 8693 §4.1), each by its `sub`.
    /// At most eight; what is no actor ends the chain.
    #[must_use]
    pub fn actors(&self) -> Vec<String> {
        let act = |holder: &Value| holder.as_object()?.get("act").cloned();
        let chain = std::iter::successors(self.other.get("act").cloned(), act);
        let subject = |actor: Value| {
            let subject = actor.get("sub")?.as_str()?.to_owned();
            (subject.len() <= MAX_ACTOR_BYTES).then_some(subject)
        };
        chain.map_while(subject).take(MAX_ACTORS).collect()
    }

    /// Every other claim as it stood in the token; those with roles or scopes too, trusted or not.
    #[must_use]
    pub const fn other(&self) -> &Map<String, Value> {
        &self.other
    }
}
