//! Metadata documents of issuers (RFC 8414, OpenID Connect Discovery) and of protected resources
//! (RFC 9728): one parser each.
//!
//! 1. The status is 200 and the media type is `application/json` (RFC 8414 §3.2, RFC 9728 §3.2) or
//!    ends in `+json`.
//! 2. The body is a JSON object with at most 256 members, none of them twice at any depth.
//! 3. The caller checks whose document it is: byte for byte for an issuer
//!    ([`IssuerMetadata::require_issuer`], RFC 8414 §3.3).
//! 4. An address out of it is an [`Address`](crate::Address) under a policy, never a text
//!    ([`IssuerMetadata::address`]).

mod error;
mod issuer;
mod object;
mod resource;

pub use self::{error::DocumentError, issuer::IssuerMetadata, resource::resource_metadata};
