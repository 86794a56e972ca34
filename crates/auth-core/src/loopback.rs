//! The one rule for what is a loopback host.
//!
//! 1. A name: `localhost` and everything below it (RFC 6761 §6.3), with or without the dot of the
//!    root.
//! 2. An address: 127.0.0.0/8 (RFC 1122 §3.2.1.3) and `::1` (RFC 4291 §2.5.3), also as an
//!    IPv4-mapped address. The unspecified addresses `0.0.0.0` and `::` are none.

use std::net::IpAddr;

/// Whether a host is this machine, by its text alone. `host` is a name or an IP address; an IPv6
/// address may be in brackets.
///
/// ```
/// use auth_core::is_loopback_host;
/// assert!(is_loopback_host("api.localhost.") && is_loopback_host("[::1]"));
/// assert!(!is_loopback_host("0.0.0.0") && !is_loopback_host("localhost.example"));
/// ```
#[must_use]
pub fn is_loopback_host(host: &str) -> bool {
    let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if let Ok(address) = bare.parse::<IpAddr>() {
        return address.to_canonical().is_loopback();
    }
    let name = host.strip_suffix('.').unwrap_or(host);
    name.rsplit('.').next().is_some_and(|label| label.eq_ignore_ascii_case("localhost"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_what_the_standards_say() {
        for host in [
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.b.localhost",
            "a.LocalHost.",
            "127.0.0.1",
            "127.255.255.254",
            "::1",
            "[::1]",
            "::ffff:127.0.0.1",
            "[::ffff:127.1.2.3]",
        ] {
            assert!(is_loopback_host(host), "{host}");
        }
        for host in [
            "",
            ".",
            "localhost..",
            "localhost.example",
            "notlocalhost",
            "127.0.0.1.example",
            "128.0.0.1",
            "0.0.0.0",
            "::",
            "[::]",
            "::127.0.0.1",
            "10.0.0.1",
        ] {
            assert!(!is_loopback_host(host), "{host}");
        }
    }
}
