//! Other issuers whose assertions are exchanged for access tokens (RFC 7523 §2.1).
//!
//! 1. An enterprise's identity provider says which user a client may act for (ID-JAG, MCP
//!    enterprise-managed authorization). A platform says which workload a program is.
//! 2. The subject is a user here, named `NAME|SUB` under our issuer, as one is who signs in through
//!    the provider NAME. The roles that the user has here bound its tokens.
//! 3. A subject who is no user here is refused, unless the provider's entry says otherwise.

use std::collections::BTreeSet;

use auth_core::{Issuer, RoleName};

/// An issuer whose assertions are exchanged for access tokens.
#[derive(Debug, Clone)]
pub struct AssertionProvider {
    /// What it is called here: 1 to 32 characters of a-z, 0-9 and `-`. Part of its users' names.
    pub name: String,
    /// Its `iss`, byte for byte.
    pub issuer: Issuer,
    /// Where its keys are.
    pub keys: AssertionKeys,
    /// What its assertions say.
    pub kind: AssertionKind,
    /// Whether an assertion may be exchanged more than once until it expires: for workloads whose
    /// platform renews their JWT at its own pace. An ID-JAG never may.
    pub is_reusable: bool,
    /// What becomes of a subject who is no user here.
    pub unknown_users: UnknownUsers,
}

/// Where the keys of an [`AssertionProvider`] are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssertionKeys {
    /// At the `jwks_uri` of its metadata (RFC 8414, OpenID Connect Discovery).
    Discover,
    /// At this address: `https`, or `http` to a loopback host.
    Url(String),
}

/// What an assertion says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionKind {
    /// Which user the client that sends it may act for: an ID-JAG of an identity provider.
    IdJag,
    /// Which workload sends it: a JWT of a platform, such as a service account's.
    Workload,
}

/// What becomes of a subject who is no user here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnknownUsers {
    /// It is refused.
    Refuse,
    /// It is added with these roles.
    Provision(BTreeSet<RoleName>),
}

impl AssertionProvider {
    /// The provider `issuer`, called `name` here: its keys are discovered, each assertion counts
    /// once, and its subjects must be users here.
    #[must_use]
    pub fn new(name: impl Into<String>, issuer: Issuer, kind: AssertionKind) -> Self {
        Self {
            name: name.into(),
            issuer,
            keys: AssertionKeys::Discover,
            kind,
            is_reusable: false,
            unknown_users: UnknownUsers::Refuse,
        }
    }
}
