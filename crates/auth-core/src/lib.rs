//! Who is calling an MCP server, and what they may do: the pure half.
//!
//! Bytes, keys and the time go in; values come out. Nothing here opens a socket, reads the
//! environment or looks at the wall clock (but for [`SystemClock`], which exists to be passed in).
//! HTTP lives in `bartizan`, users live in `directory`.
//!
//! # The states of a caller
//!
//! Each state is a type that only the step before it can make:
//!
//! ```text
//! AccessToken ──parse──► UnverifiedToken ──verify──► Claims
//! Claims ──+ user──► Principal ──decide──► Permit
//! ```
//!
//! # Example
//!
//! ```
//! use auth_core::*;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer: Issuer = "https://issuer.example".parse()?;
//! let audience: Audience = "https://mcp.example/mcp".parse()?;
//! let key = SigningKey::from_secret(b"0123456789abcdef0123456789abcdef")?;
//! let now = NumericDate::from_secs(1_800_000_000)?;
//!
//! let id = TokenId::from_random([7; 16]);
//! let request = TokenRequest::new("alice".parse()?, audience.clone(), id)
//!     .scopes("User.Read".parse()?);
//! let token = TokenIssuer::new(issuer.clone(), key.clone()).issue(&request, now)?;
//!
//! let keys = KeySet::from_iter([key.verifying_key()?]);
//! let verifier = TokenVerifier::new(audience).trust(TrustedIssuer::new(issuer, keys));
//! let claims = verifier.verify(&token, now)?;
//! assert_eq!(claims.subject().as_str(), "alice");
//! # Ok(()) }
//! ```

mod admission;
mod algorithm;
pub mod audit;
pub mod base64url;
mod certificate;
mod challenge;
mod claims;
mod crypto;
pub mod display;
mod explain;
mod health;
mod issue;
mod json;
mod jwks;
mod jws;
mod key;
mod key_error;
mod loopback;
mod member_name;
mod metadata;
pub mod oauth;
pub mod openid;
mod owner_tag;
mod policy;
mod principal;
pub mod quota;
mod resource;
mod scope;
mod signing_keys;
mod thumbprint;
mod time;
mod token;
pub mod trace_context;
mod verify;

pub use admission::{Account, AccountError, check_account};
pub use algorithm::{Algorithm, UnknownAlgorithmError};
pub use certificate::CertificateThumbprint;
pub use challenge::{BearerError, Challenge, ChallengeError};
pub use claims::{
    Audience, Claims, ClientId, InvalidNameError, Issuer, RoleName, Subject, TokenId,
};
pub use explain::{DirectoryLookup, Explanation, Finding, malformed_steps, trace};
pub use health::{FailureChange, JobFailure, JobHealth};
pub use issue::{IssueError, TokenIssuer, TokenRequest};
pub use json::{StrictJsonError, parse_strict};
pub use jwks::{Jwk, Jwks, KeyLookupError, KeySet};
pub use jws::{ParseTokenError, UnverifiedToken};
pub use key::{KeyId, SigningKey, VerifyingKey};
pub use key_error::KeyError;
pub use loopback::is_loopback_host;
pub use member_name::is_name_alike;
pub use metadata::ProtectedResourceMetadata;
pub use owner_tag::OwnerTagKey;
pub use policy::{
    Action, Decision, Denial, DenialReason, FullRoleDocument, FullRuleDocument, FullScopeDocument,
    Hypothetical, LimitsDocument, ListsDocument, Permit, Policy, PolicyDocument, PolicyError,
    PolicyFault, Query, Rate, RateError, RateLimit, Requirement, RoleDocument, RuleDocument,
    ScopeDocument, TemplateError, Verdict,
};
pub use principal::{Ceiling, Owner, Principal};
pub use resource::{ResourceUri, ResourceUriError};
pub use scope::{InvalidScopeError, Scope, ScopeSet};
pub use signing_keys::{ActiveKey, SigningKeys, SigningKeysError, StaticKeys};
pub use time::{Clock, Leeway, NumericDate, SystemClock, TimeError};
pub use token::{AccessToken, AccessTokenError, MAX_TOKEN_BYTES};
pub use verify::{
    Check, CheckDetail, ClaimFault, IntrospectionError, IntrospectionResponse, IssuerKeys, Outcome,
    Step, TokenOutline, TokenTypes, TokenVerifier, Trace, TrustedIssuer, VerifyError,
};
