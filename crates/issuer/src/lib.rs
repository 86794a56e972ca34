//! An OAuth 2.1 authorization server for MCP (MCP authorization, 2026-07-28; OAuth 2.1; RFC 8414,
//! 8707, 9068, 9207): users sign in with a browser, consent to what a client may do, and the client
//! gets access tokens for one resource.
//!
//! The rules are in [`auth_core::oauth`], the tables in [`directory::authorization`]. Here are the
//! endpoints and the pages.
//!
//! 1. It knows the resources by their URIs and policies, and nothing of MCP itself.
//! 2. A `GET` has no side effect. What changes something is a `POST` with a token that belongs to
//!    the browser (`seal`).
//! 3. Nothing is kept in memory that another node must know.
//! 4. A token has the scopes that the client asked for, the user permitted and the user's roles may
//!    hold; the guard judges them again at each call.
//!
//! **Invariant:** whatever keeps the tables from being read is an error (503), never "no".

mod account;
mod assertions;
mod authorize;
mod body;
mod change;
mod clients;
mod config;
mod cors;
mod device;
mod introspect;
mod limit;
mod metadata;
mod open;
mod own_token;
pub mod pages;
pub mod providers;
mod random;
mod register;
mod reporting;
mod respond;
mod revoke;
mod router;
mod seal;
mod served_policy;
mod server;
pub mod sign_in;
mod token;
mod users;

pub use assertions::{
    AssertionKeys, AssertionKind, AssertionProvider, AssertionProviderError, AssertionProviders,
    AssertionProvidersError,
};
pub use auth_core::{SigningKeys, SigningKeysError, StaticKeys};
pub use change::{Change, ChangeKind, ChangeObserver, ChangedBy};
pub use config::{IssuerConfig, Lifetimes, ServedResource};
pub use open::OpenError;
pub use router::OWN_PATHS;
pub use served_policy::ServedPolicy;
pub use server::{AuthorizationServer, PeerAddress};
