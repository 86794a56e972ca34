//! The bounds of the listener, for one peer and for all peers together.

use std::{net::IpAddr, time::Duration};

/// The bounds of the listener. `docs/limits.md` lists them with the tests that hold them.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// How long the head of a request may take to arrive; also how long a connection may be idle.
    pub head_timeout: Duration,
    /// How long a TLS handshake may take. Where a head has less time, so has a handshake.
    pub handshake_timeout: Duration,
    /// How many bytes the head of a request may have.
    pub head_bytes: usize,
    /// How long a peer may read nothing of what is written to its connection.
    pub write_timeout: Duration,
    /// How many connections are open at once.
    pub connections: usize,
    /// How many of them one address may have.
    pub per_address: PerAddress,
    /// How many connections more are answered, for health checks alone.
    pub reserve: usize,
    /// How many of those one address may have.
    pub reserve_per_address: usize,
    /// The same as `head_timeout`, for those.
    pub reserve_timeout: Duration,
    /// How long requests that are under way may take after the stop.
    pub grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            head_timeout: Duration::from_secs(30),
            handshake_timeout: Duration::from_secs(10),
            head_bytes: 64 * 1024,
            write_timeout: Duration::from_secs(30),
            connections: 1024,
            per_address: PerAddress::Public(256),
            reserve: 16,
            reserve_per_address: 4,
            reserve_timeout: Duration::from_secs(5),
            grace: Duration::from_secs(10),
        }
    }
}

/// How many connections one address may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PerAddress {
    /// A bound for every address.
    Every(usize),
    /// A bound for public addresses. A proxy in front connects from a loopback or private address,
    /// on behalf of all clients, so those are not bounded.
    Public(usize),
}

impl PerAddress {
    /// The bound for `address`, if it has one.
    pub(super) fn most(self, address: IpAddr) -> Option<usize> {
        match self {
            Self::Every(most) => Some(most),
            Self::Public(most) => (!is_local(address)).then_some(most),
        }
    }
}

/// Loopback, private, link-local, shared (RFC 6598) or unique local: no address of the public
/// Internet.
#[must_use]
pub fn is_local(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            ip.is_loopback()
                || ip.is_private()
                || ip.is_link_local()
                || first == 100 && (64..128).contains(&second)
        }
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_bounded_unless_all_are() {
        let public = PerAddress::Public(9);
        for local in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.1.1",
            "100.64.0.1",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
        ] {
            assert_eq!(public.most(local.parse().unwrap()), None, "{local}");
            assert_eq!(PerAddress::Every(9).most(local.parse().unwrap()), Some(9), "{local}");
        }
        for other in ["203.0.113.1", "100.128.0.1", "2001:db8::1", "::ffff:203.0.113.1"] {
            assert_eq!(public.most(other.parse().unwrap()), Some(9), "{other}");
        }
    }
}
