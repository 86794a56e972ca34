//! One hop, as a proxy names it: the node of RFC 7239 §6, and what is written in `X-Forwarded-For`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::error::ForwardingError;

/// The value of `for`: an IPv4 address, an IPv6 address in brackets, each with or without a port;
/// or an identifier, which is no address.
pub(super) fn node(text: &str) -> Result<IpAddr, ForwardingError> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']').ok_or(ForwardingError::Malformed)?;
            let address: Ipv6Addr = address.parse().map_err(|_| ForwardingError::Malformed)?;
            let port = match port.strip_prefix(':') {
                Some(port) => Some(port),
                None if port.is_empty() => None,
                None => return Err(ForwardingError::Malformed),
            };
            (Ok(IpAddr::V6(address)), port)
        }
        None => match text.split_once(':') {
            Some((name, port)) => (named(name), Some(port)),
            None => (named(text), None),
        },
    };
    if port.is_some_and(|port| !is_port(port)) {
        return Err(ForwardingError::Malformed);
    }
    name.map(|address| address.to_canonical())
}

/// An entry of `X-Forwarded-For`: a node, or an IPv6 address without brackets. The header has no
/// standard; this is what proxies send.
pub(super) fn entry(text: &str) -> Result<IpAddr, ForwardingError> {
    match text.parse::<Ipv6Addr>() {
        Ok(address) => Ok(IpAddr::V6(address).to_canonical()),
        Err(_) => node(text),
    }
}

/// A name without a colon in it.
fn named(name: &str) -> Result<IpAddr, ForwardingError> {
    if name.eq_ignore_ascii_case("unknown") || is_obfuscated(name) {
        return Err(ForwardingError::Unidentified);
    }
    name.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| ForwardingError::Malformed)
}

fn is_port(port: &str) -> bool {
    let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|it| it.is_ascii_digit());
    is_number && port.parse::<u16>().is_ok() || is_obfuscated(port)
}

/// `"_" 1*( ALPHA / DIGIT / "." / "_" / "-")`
fn is_obfuscated(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    text.strip_prefix('_').is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_part))
}
