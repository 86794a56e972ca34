//! What an authorization server keeps: clients, grants, codes, credentials and browser sessions, in
//! the database of the directory.
//!
//! 1. A secret is stored as its digest, a password as its Argon2id hash.
//! 2. What may happen once (a code, an approval, an assertion, a step of a second factor) is taken
//!    by a conditional write, so of two requests at the same time, on any nodes, one succeeds.
//! 3. Ending a grant revokes the access tokens that it gave: they become rows of `revoked_tokens`,
//!    which every node reads within a second.
//! 4. A removed user takes everything along. A disabled one keeps it, and may not use it.
//! 5. A client that is removed has no grant afterwards, nor one that was given meanwhile.
//! 6. Everything that a stranger can add has a bound and an end.
//!
//! **Invariant:** whatever keeps the tables from being read is an error, never "no such code".

mod assertion;
mod client;
mod code;
mod columns;
mod consent;
mod credential;
mod database;
mod device;
mod direct;
mod ending;
mod grant;
mod issuing;
mod one_time;
mod prune;
mod session;
mod sign_in_method;
mod throttle;
mod tokens;

pub use self::{
    client::{AddClient, ClientOrigin, ClientSource, StoredClient},
    code::IssuedCode,
    consent::Consent,
    credential::SecondFactor,
    device::{DeviceRequest, StoredDevice},
    grant::{
        AddGrant, EndedGrants, Grant, GrantFilter, GrantId, GrantIdError, IssuedToken, NewGrant,
        PresentedRefresh,
    },
    one_time::OneTimeKind,
    session::{BrowserSession, NewSession},
    sign_in_method::{FirstProof, SecondProof, SignInMethod, SignInMethodError},
    throttle::Throttle,
};
use crate::AnyDirectory;

/// The tables of an authorization server, in the database of the directory.
#[derive(Debug, Clone)]
pub struct AuthorizationStore {
    directory: AnyDirectory,
}

impl AuthorizationStore {
    /// What is kept beside the users of `directory`.
    #[must_use]
    pub const fn new(directory: AnyDirectory) -> Self {
        Self { directory }
    }

    /// The users.
    #[must_use]
    pub const fn users(&self) -> &AnyDirectory {
        &self.directory
    }
}
