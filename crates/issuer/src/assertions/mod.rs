//! Other issuers whose assertions are exchanged for access tokens (RFC 7523 §2.1).
//!
//! 1. An enterprise's identity provider says which user a client may act for (ID-JAG, MCP
//!    enterprise-managed authorization). A platform says which workload a program is.
//! 2. The subject is a user here, named `NAME|SUB` under our issuer, as one is who signs in through
//!    the provider NAME. The roles that the user has here bound its tokens.
//! 3. A subject who is no user here is refused, unless the provider's entry says otherwise.

mod config;
mod provider;
mod registry;

pub use config::{AssertionKeys, AssertionKind, AssertionProvider, AssertionProviderError};
pub(crate) use provider::Provider;
pub use registry::{AssertionProviders, AssertionProvidersError};
