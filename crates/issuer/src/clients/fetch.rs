//! What a fetch needs beside an address.

use std::net::IpAddr;

use auth_core::NumericDate;
use outbound::OutboundClient;

/// By which client something is fetched, when, and for whom.
#[derive(Clone, Copy)]
pub(super) struct Fetch<'a> {
    /// It asks public addresses alone.
    pub(super) outbound: &'a OutboundClient,
    pub(super) now: NumericDate,
    /// The address that asks: how much is fetched for one is bounded.
    pub(super) asker: Option<IpAddr>,
}
