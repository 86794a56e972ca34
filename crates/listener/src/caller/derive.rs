//! From the peer and the headers to the address.

use std::net::IpAddr;

use axum::http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{FORWARDED, ToStrError},
};

use super::{error::ForwardingError, forwarded::Elements, node::entry};
use crate::{limits::is_local, trusted_proxies::TrustedProxies};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Where a request comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Derived {
    pub(super) address: IpAddr,
    pub(super) notice: Option<Notice>,
}

/// What an operator should know of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Notice {
    /// A peer that is not of the public Internet sends forwarding headers: it may be a proxy that
    /// the operator has not named.
    Ignored,
    /// A trusted proxy is counted itself.
    Unnamed(ForwardingError),
}

/// Where a request with these headers comes from, whose connection is of `peer`.
pub(super) fn derive(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> Derived {
    let peer = peer.to_canonical();
    if !proxies.contains(peer) {
        let forwards = headers.contains_key(FORWARDED) || headers.contains_key(X_FORWARDED_FOR);
        let notice = (forwards && is_local(peer)).then_some(Notice::Ignored);
        return Derived { address: peer, notice };
    }
    match named(headers, proxies) {
        Ok(address) => Derived { address, notice: None },
        Err(error) => Derived { address: peer, notice: Some(Notice::Unnamed(error)) },
    }
}

/// The address that the headers of a trusted proxy name.
fn named(headers: &HeaderMap, proxies: &TrustedProxies) -> Result<IpAddr, ForwardingError> {
    let forwarded = rightmost(headers, &FORWARDED, |line| {
        // A line can be read from its start alone.
        Elements::of(line).filter(|hop| !is_proxy(hop, proxies)).last()
    });
    let x_forwarded_for = rightmost(headers, &X_FORWARDED_FOR, |line| {
        let hops = line.rsplit(',').map(|text| entry(text.trim_matches([' ', '\t'])));
        hops.into_iter().find(|hop| !is_proxy(hop, proxies))
    });
    match (forwarded, x_forwarded_for) {
        (None, None) => Err(ForwardingError::Absent),
        (Some(one), None) | (None, Some(one)) => one,
        (Some(one), Some(other)) => {
            let (one, other) = (one?, other?);
            if one == other { Ok(one) } else { Err(ForwardingError::Disagreement) }
        }
    }
}

type Hop = Result<IpAddr, ForwardingError>;

fn is_proxy(hop: &Hop, proxies: &TrustedProxies) -> bool {
    hop.is_ok_and(|address| proxies.contains(address))
}

/// What the lines of a header name, the last line first. `of_line` is the rightmost hop of a line
/// that is no trusted proxy. `None` if the header is not there.
fn rightmost(
    headers: &HeaderMap,
    name: &HeaderName,
    of_line: impl Fn(&str) -> Option<Hop>,
) -> Option<Hop> {
    let mut lines = headers.get_all(name).iter().rev().peekable();
    lines.peek()?;
    let malformed = |_: ToStrError| Some(Err(ForwardingError::Malformed));
    let found = lines.find_map(|line: &HeaderValue| line.to_str().map_or_else(malformed, &of_line));
    Some(found.unwrap_or(Err(ForwardingError::OnlyProxies)))
}
