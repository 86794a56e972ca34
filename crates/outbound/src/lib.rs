//! The one HTTP client of the project. Everything that a program of ours requests from another host
//! goes through it: keys and metadata of issuers, tokens, registrations, introspection.
//!
//! A server that fetches what a document names can be made to ask its own neighbours (server-side
//! request forgery, SSRF: RFC 9728 §7.7, MCP security best practices). The rules against it, which
//! no caller can leave out:
//!
//! 1. `https`, or `http` to a loopback host. No user, password or fragment in a URL ([`Address`]).
//! 2. An [`AddressPolicy`] says which classes of IP address may be asked. What a name resolves to
//!    is filtered at the moment of connecting, so a name cannot change its address in between (DNS
//!    rebinding). An IPv4 address inside an IPv6 address is judged as that IPv4 address.
//! 3. A document of an issuer may lead to public addresses, and to addresses of the class that the
//!    document itself came from ([`AddressPolicy::for_document`]).
//! 4. A name that is loopback by its text ([`auth_core::is_loopback_host`]) is never looked up:
//!    plain HTTP cannot leave this machine.
//! 5. No redirect is followed. A credential goes to the address it was meant for, and nowhere else.
//! 6. Time, head and body are bounded ([`Limits`]). No content coding is decoded, so a body is
//!    never larger than what was received; a coded one is refused.
//! 7. A loopback host is asked directly, whatever proxy the environment names. Where a proxy is
//!    used, the proxy resolves the name, so rule 2 is the proxy's to enforce for names; it still
//!    holds here for IP addresses in URLs.
//! 8. Connections are pooled per policy: a connection that one policy allowed serves no other.
//! 9. No [`ClientCertificate`] is presented, but by a client that was made with one.
//!
//! What an unauthenticated party names, such as the metadata document of a client that signs in, is
//! fetched under [`AddressPolicy::public_only`] and with [`Limits`] as small as the document may
//! be; the response keeps its headers, `Cache-Control` among them. What comes as a stream, such as
//! a response of an MCP server behind a gateway, is read by [`OutboundClient::stream`].
//!
//! [`well_known`] has the addresses of metadata documents, [`document`] their parsers,
//! [`challenge`] the reader of `WWW-Authenticate`. [`transport`] has the client under rmcp's own
//! HTTP transport.
//!
//! ```
//! use outbound::{Address, AddressPolicy, OutboundClient, Request};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = OutboundClient::builder(AddressPolicy::public_only()).build()?;
//! let address: Address = "https://login.example/.well-known/openid-configuration".parse()?;
//! let response = client.send(Request::get(address)).await?;
//! assert!(response.status.is_success());
//! # Ok(())
//! # }
//! assert!("http://login.example/".parse::<Address>().is_err());
//! ```

mod address;
mod authorities;
mod client;
mod client_certificate;
pub mod document;
mod error;
mod limits;
mod proxy;
mod request;
mod resolver;
mod response;
mod tls;
pub mod transport;
pub mod well_known;
mod www_authenticate;

pub use address::{Address, AddressClass, AddressError, AddressPolicy};
pub use authorities::{AuthoritiesError, CertificateAuthorities};
pub use client::{Builder, OutboundClient};
pub use client_certificate::{ClientCertificate, ClientCertificateError};
pub use error::{OutboundError, RefusedRedirect};
pub use limits::Limits;
pub use request::Request;
pub use resolver::{Lookup, LookupFuture, SystemLookup};
pub use response::{Response, StreamingResponse};
pub use tls::{ConnectFault, RefusedCertificate};
pub use www_authenticate::{challenge, challenge_lines};

/// What every request names as its `User-Agent` (RFC 9110 §10.1.5).
pub const USER_AGENT: &str = concat!("bartizan/", env!("CARGO_PKG_VERSION"));
