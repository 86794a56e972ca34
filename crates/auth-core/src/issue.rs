//! Making tokens: JWT access tokens of RFC 9068.

use std::{collections::BTreeSet, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use crate::{
    AccessToken, Audience, ClientId, Issuer, NumericDate, RoleName, ScopeSet, SigningKey, Subject,
    TokenId,
};

/// Claims that [`TokenRequest::claim`] does not set, because a method of their own does.
const OWN_CLAIMS: [&str; 11] =
    ["iss", "sub", "aud", "exp", "iat", "nbf", "jti", "client_id", "scope", "roles", "name"];

/// Signs tokens in the name of one issuer.
#[derive(Debug, Clone)]
pub struct TokenIssuer {
    issuer: Issuer,
    key: SigningKey,
}

/// What a token is to say.
#[derive(Debug, Clone)]
pub struct TokenRequest {
    subject: Subject,
    audience: Audience,
    token_id: TokenId,
    client_id: Option<ClientId>,
    name: Option<String>,
    scopes: ScopeSet,
    roles: BTreeSet<RoleName>,
    lifetime: Duration,
    not_before: Option<NumericDate>,
    other: Map<String, Value>,
    header: Map<String, Value>,
}

/// Why no token was made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IssueError {
    /// A claim that has an option of its own.
    #[error("the claim {0:?} has an option of its own and cannot be set by name")]
    OwnClaim(String),
    /// A member of the header that the key decides.
    #[error("the header's {0:?} is the key's own and cannot be set")]
    KeyHeader(String),
    /// No lifetime.
    #[error("a token must live for at least one second")]
    NoLifetime,
    /// The token would be longer than the server reads.
    #[error("the token would be longer than {} bytes", crate::MAX_TOKEN_BYTES)]
    TooLong,
    /// The key refused to sign.
    #[error("the key could not sign")]
    Signing,
}

impl TokenRequest {
    /// A token for `subject` at `audience`, called `token_id`; it lives for an hour and grants
    /// nothing.
    #[must_use]
    pub fn new(subject: Subject, audience: Audience, token_id: TokenId) -> Self {
        Self {
            subject,
            audience,
            token_id,
            client_id: None,
            name: None,
            scopes: ScopeSet::empty(),
            roles: BTreeSet::new(),
            lifetime: Duration::from_hours(1),
            not_before: None,
            other: Map::new(),
            header: Map::new(),
        }
    }

    /// `scope`: what it grants.
    #[must_use]
    pub fn scopes(self, scopes: ScopeSet) -> Self {
        Self { scopes, ..self }
    }

    /// `roles`: which roles it carries. They count where the issuer's roles are trusted.
    #[must_use]
    pub fn roles(self, roles: impl IntoIterator<Item = RoleName>) -> Self {
        Self { roles: roles.into_iter().collect(), ..self }
    }

    /// `client_id`: through which client.
    #[must_use]
    pub fn client_id(self, client_id: ClientId) -> Self {
        Self { client_id: Some(client_id), ..self }
    }

    /// `name`: what to call the subject.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// How long it lives, in whole seconds.
    #[must_use]
    pub fn lifetime(self, lifetime: Duration) -> Self {
        Self { lifetime, ..self }
    }

    /// `nbf`: when it begins to count; `exp` is a lifetime later. Now, if nothing is said.
    #[must_use]
    pub fn not_before(self, date: NumericDate) -> Self {
        Self { not_before: Some(date), ..self }
    }

    /// Any other member of the header, or another `typ`. `alg` and `kid` are the key's.
    pub fn header(mut self, name: impl Into<String>, value: Value) -> Result<Self, IssueError> {
        let name = name.into();
        if ["alg", "kid"].contains(&name.as_str()) {
            return Err(IssueError::KeyHeader(name));
        }
        self.header.insert(name, value);
        Ok(self)
    }

    /// Any other claim.
    pub fn claim(mut self, name: impl Into<String>, value: Value) -> Result<Self, IssueError> {
        let name = name.into();
        if OWN_CLAIMS.contains(&name.as_str()) {
            return Err(IssueError::OwnClaim(name));
        }
        self.other.insert(name, value);
        Ok(self)
    }
}

impl TokenIssuer {
    /// An issuer called `issuer` that signs with `key`.
    #[must_use]
    pub const fn new(issuer: Issuer, key: SigningKey) -> Self {
        Self { issuer, key }
    }

    /// Signs a token of type `at+jwt` (RFC 9068 §2.1), issued at `now`.
    pub fn issue(
        &self,
        request: &TokenRequest,
        now: NumericDate,
    ) -> Result<AccessToken, IssueError> {
        if request.lifetime.as_secs() == 0 {
            return Err(IssueError::NoLifetime);
        }
        let not_before = request.not_before.unwrap_or(now);
        let mut claims = request.other.clone();
        claims.insert("iss".into(), json!(self.issuer));
        claims.insert("sub".into(), json!(request.subject));
        claims.insert("aud".into(), json!(request.audience));
        claims.insert("exp".into(), json!(not_before.plus(request.lifetime)));
        claims.insert("iat".into(), json!(now));
        claims.insert("nbf".into(), json!(not_before));
        claims.insert("jti".into(), json!(request.token_id));
        claims.insert("scope".into(), json!(request.scopes));
        if let Some(client_id) = &request.client_id {
            claims.insert("client_id".into(), json!(client_id));
        }
        if let Some(name) = &request.name {
            claims.insert("name".into(), json!(name));
        }
        if !request.roles.is_empty() {
            claims.insert("roles".into(), json!(request.roles));
        }

        let mut header = Map::new();
        header.insert("alg".into(), json!(self.key.algorithm().name()));
        header.insert("typ".into(), json!("at+jwt"));
        if let Some(id) = self.key.id() {
            header.insert("kid".into(), json!(id.as_str()));
        }
        header.extend(request.header.clone());
        self.sign(&Value::Object(header), &Value::Object(claims))
    }

    fn sign(&self, header: &Value, claims: &Value) -> Result<AccessToken, IssueError> {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signing_input = format!("{}.{}", part(header), part(claims));
        let signature =
            self.key.signer().sign(signing_input.as_bytes()).map_err(|_| IssueError::Signing)?;
        format!("{signing_input}.{}", URL_SAFE_NO_PAD.encode(signature))
            .parse()
            .map_err(|_| IssueError::TooLong)
    }
}
