//! Trusted issuers: those whose keys are fetched, and those that are asked about their tokens.
//!
//! ```text
//! Issuers ──► Keyring ───────┐
//!        └──► Introspection ─┴─► Endpoint ──► IssuerClient ──► the issuer
//! ```
//!
//! 1. Only https, and plain http to a loopback host; no redirect; an address out of an issuer's
//!    document is public, or of the class of the address that the document came from
//!    ([`outbound`]).
//! 2. Every response is bounded in size and time.
//! 3. However many requests wait for it, one thing is fetched once at a time, and not again before
//!    a pause is over; no lock is held meanwhile ([`flight`]).
//! 4. Ages are measured by the [`Clock`](auth_core::Clock), so that a test can let an hour pass.

mod client;
mod discovery;
mod entry;
mod flight;
mod introspection;
mod issuers;
mod keyring;
mod preset;
mod questions;
mod token_form;
mod turns;

pub use client::{FetchError, FetchFault, IssuerClient};
pub use discovery::Location;
pub use entry::Trust;
pub use introspection::{IntrospectWhen, Introspection};
pub use issuers::{IssuerStatus, Issuers, IssuersError};
pub use keyring::Keyring;
pub use outbound::{Address, AddressError, CertificateAuthorities, OutboundError};
pub use preset::{Preset, UnknownPresetError};
