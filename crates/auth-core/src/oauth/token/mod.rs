//! The token endpoint and its neighbours: what a client sends, and what it gets.

mod introspection;
mod request;
mod response;
mod revocation;

pub use introspection::{IntrospectionRequest, TokenDescription};
pub use request::{AccessTokenRequest, Assertion, Grant};
pub use response::{AccessTokenResponse, OFFLINE_ACCESS};
pub use revocation::{RevocationRequest, TokenTypeHint};
