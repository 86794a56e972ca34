//! What is known of an issuer: its keys, and how its tokens say what they say.

use std::{collections::BTreeSet, sync::Arc};

use crate::{Algorithm, Audience, Issuer, KeySet, Leeway, ScopeSet, VerifyError};

/// Which `typ` an issuer's access tokens have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenTypes {
    /// `at+jwt` only (RFC 9068 §2.1): no other kind of JWT can be taken for an access token.
    #[default]
    AccessToken,
    /// Also `JWT`, for issuers that do not follow RFC 9068. Tokens that look like ID tokens or
    /// refresh tokens are still refused.
    AccessTokenOrJwt,
    /// Also none at all, for issuers whose headers have no `typ`. Look-alikes are refused as above.
    Any,
}

/// An issuer whose tokens count, with its keys and the form of its tokens.
///
/// What is not set is as RFC 9068 has it: `typ` is `at+jwt`, `aud` is the resource, scopes are in
/// `scope`, roles in `roles`, and roles are not trusted.
#[derive(Debug, Clone)]
pub struct TrustedIssuer {
    pub(super) issuer: Issuer,
    pub(super) keys: IssuerKeys,
    pub(super) token_types: TokenTypes,
    pub(super) trust_roles: bool,
    /// `None`: the resource's own.
    pub(super) audiences: Option<Vec<Audience>>,
    pub(super) audience_claim: String,
    /// `None`: every one that there is.
    pub(super) algorithms: Option<BTreeSet<Algorithm>>,
    pub(super) scopes_from: Vec<String>,
    /// Whether `scope` may be a list, too.
    pub(super) lists_scopes: bool,
    /// `None`: `sub`.
    pub(super) subject_from: Option<Vec<Arc<str>>>,
    pub(super) roles_from: Vec<String>,
    pub(super) grants: ScopeSet,
    /// `None`: the verifier's.
    pub(super) leeway: Option<Leeway>,
}

impl TrustedIssuer {
    /// Trusts `issuer` with `keys`: `at+jwt` only, roles not trusted.
    #[must_use]
    pub fn new(issuer: Issuer, keys: KeySet) -> Self {
        Self {
            keys: IssuerKeys::new(issuer.clone(), keys),
            issuer,
            token_types: TokenTypes::AccessToken,
            trust_roles: false,
            audiences: None,
            audience_claim: "aud".into(),
            algorithms: None,
            scopes_from: vec!["scope".into()],
            lists_scopes: false,
            subject_from: None,
            roles_from: vec!["roles".into()],
            grants: ScopeSet::empty(),
            leeway: None,
        }
    }

    /// Who it is.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The keys that were given with the issuer.
    #[must_use]
    pub const fn keys(&self) -> &IssuerKeys {
        &self.keys
    }

    /// Sets which `typ` is permitted.
    #[must_use]
    pub fn token_types(self, token_types: TokenTypes) -> Self {
        Self { token_types, ..self }
    }

    /// Lets the roles in this issuer's tokens grant their scopes.
    #[must_use]
    pub fn trust_roles(self, trust_roles: bool) -> Self {
        Self { trust_roles, ..self }
    }

    /// What this issuer calls the resource: takes the place of the resource's own audience, for
    /// issuers that write another (an application's id, say). One of them must be named.
    #[must_use]
    pub fn audiences(self, audiences: impl IntoIterator<Item = Audience>) -> Self {
        Self { audiences: Some(audiences.into_iter().collect()), ..self }
    }

    /// The claim that names the audience, for issuers whose tokens have no `aud`. An `aud`
    /// that is there anyway must name one of the audiences too.
    #[must_use]
    pub fn audience_claim(self, claim: impl Into<String>) -> Self {
        Self { audience_claim: claim.into(), ..self }
    }

    /// The algorithms that this issuer signs with: no other is accepted, whatever keys it has.
    #[must_use]
    pub fn algorithms(self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self { algorithms: Some(algorithms.into_iter().collect()), ..self }
    }

    /// The claims that hold scopes: each a string of scopes with spaces between them, or a
    /// list of strings. Their union counts. What is not set is `scope` alone, and that a string
    /// (RFC 9068 §2.2.3); `scope` that is named here may be a list, too.
    #[must_use]
    pub fn scopes_from<S: Into<String>>(self, claims: impl IntoIterator<Item = S>) -> Self {
        let scopes_from: Vec<String> = claims.into_iter().map(Into::into).collect();
        let lists_scopes = scopes_from.iter().any(|claim| claim == "scope");
        Self { scopes_from, lists_scopes, ..self }
    }

    /// The claims that may name the subject, for issuers whose tokens or answers have no
    /// `sub`: the first that is there counts. **Their values must not meet**: where people choose
    /// their own names, or clients theirs, one could be called as another is.
    #[must_use]
    pub fn subject_from<S: AsRef<str>>(self, claims: impl IntoIterator<Item = S>) -> Self {
        let subject_from = claims.into_iter().map(|claim| Arc::from(claim.as_ref())).collect();
        Self { subject_from: Some(subject_from), ..self }
    }

    /// Where roles are: a claim (`groups`, `https://ex.com/roles`), or the way to a member of one
    /// (`realm_access.roles`). It is a list of roles, one role as a string, or an object whose
    /// members are named after roles and are objects (Zitadel). What cannot be the name of a role
    /// is none. A member of the whole name is preferred to a way. Their union counts, if roles are
    /// trusted at all.
    #[must_use]
    pub fn roles_from<S: Into<String>>(self, paths: impl IntoIterator<Item = S>) -> Self {
        Self { roles_from: paths.into_iter().map(Into::into).collect(), ..self }
    }

    /// What every token of this issuer grants by itself, for issuers whose tokens have no scopes.
    /// As with all scopes, the directory bounds it.
    #[must_use]
    pub fn grants(self, scopes: ScopeSet) -> Self {
        Self { grants: scopes, ..self }
    }

    /// How far this issuer's clock may disagree with the verifier's: takes the place of
    /// [`TokenVerifier::leeway`](crate::TokenVerifier::leeway).
    #[must_use]
    pub fn leeway(self, leeway: Leeway) -> Self {
        Self { leeway: Some(leeway), ..self }
    }

    pub(super) fn permits(&self, algorithm: Algorithm) -> Result<(), VerifyError> {
        match &self.algorithms {
            Some(permitted) if !permitted.contains(&algorithm) => {
                Err(VerifyError::AlgorithmNotPermitted)
            }
            _ => Ok(()),
        }
    }
}

/// The keys of one issuer, and whose they are: so that a key is never looked up by its `kid` alone.
#[derive(Debug, Clone)]
pub struct IssuerKeys {
    issuer: Issuer,
    keys: KeySet,
}

impl IssuerKeys {
    /// The keys of `issuer`.
    #[must_use]
    pub const fn new(issuer: Issuer, keys: KeySet) -> Self {
        Self { issuer, keys }
    }

    /// Whose keys these are.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// The keys.
    #[must_use]
    pub const fn keys(&self) -> &KeySet {
        &self.keys
    }
}
