//! The proxies whose word counts for where a request comes from.
//!
//! 1. An entry is an address, or a range in CIDR notation (RFC 4632 §3.1, RFC 4291 §2.3) without
//!    bits after its prefix.
//! 2. A range of more addresses than a network has is refused: each caller in it could name any
//!    address as its own.
//! 3. An IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2) is the IPv4 address. No other range of IPv6
//!    contains an IPv4 address.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
    sync::Arc,
};

/// The shortest prefixes: those of the widest private networks (RFC 1918 §3, RFC 4193 §3.1).
const LEAST_V4: u32 = 8;
const LEAST_V6: u32 = 7;

/// The reverse proxies in front of the program, by address. There are none by default. Clones share
/// the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[Network]>);

/// Why a list of proxies is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustedProxiesError {
    /// An entry is neither an address nor a range.
    #[error("{0:?} is neither an address nor a range: write, for example, 10.0.0.5 or 10.0.0.0/8")]
    Syntax(String),
    /// A range has bits after its prefix: probably another one was meant.
    #[error("{0:?} has bits after its prefix: write {1}, or the address alone")]
    HostBits(String, String),
    /// A range is of more addresses than a network has.
    #[error("{0:?} is too wide a range: name the proxies alone, by /8 or longer (IPv6: /7)")]
    TooWide(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    V4 { first: u32, prefix: u32 },
    V6 { first: u128, prefix: u32 },
}

impl TrustedProxies {
    /// Whether `address` is one of them.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

/// Addresses and ranges with commas between.
impl FromStr for TrustedProxies {
    type Err = TrustedProxiesError;

    fn from_str(text: &str) -> Result<Self, TrustedProxiesError> {
        let entries = text.split(',').map(str::trim).filter(|entry| !entry.is_empty());
        entries.map(Network::parse).collect::<Result<_, _>>().map(Self)
    }
}

impl Network {
    fn parse(text: &str) -> Result<Self, TrustedProxiesError> {
        let syntax = || TrustedProxiesError::Syntax(text.to_owned());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| syntax())?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            // A sign is no digit, though a number may have one.
            Some(prefix) if !prefix.bytes().all(|byte| byte.is_ascii_digit()) => None,
            Some(prefix) => prefix.parse::<u32>().ok().filter(|prefix| *prefix <= bits),
            None => Some(bits),
        };
        let prefix = prefix.ok_or_else(syntax)?;
        let network = match (address, address.to_canonical()) {
            (IpAddr::V6(_), IpAddr::V4(mapped)) if prefix >= 96 => {
                Self::V4 { first: mapped.to_bits(), prefix: prefix - 96 }
            }
            (IpAddr::V6(address), _) => Self::V6 { first: address.to_bits(), prefix },
            (IpAddr::V4(address), _) => Self::V4 { first: address.to_bits(), prefix },
        };
        let is_too_wide = match network {
            Self::V4 { prefix, .. } => prefix < LEAST_V4,
            Self::V6 { prefix, .. } => prefix < LEAST_V6,
        };
        if is_too_wide {
            return Err(TrustedProxiesError::TooWide(text.to_owned()));
        }
        let whole = network.without_host_bits();
        if whole != network {
            return Err(TrustedProxiesError::HostBits(text.to_owned(), whole.to_string()));
        }
        Ok(network)
    }

    /// The prefix of a network is at least 1 here.
    fn without_host_bits(self) -> Self {
        match self {
            Self::V4 { first, prefix } => {
                Self::V4 { first: first & (u32::MAX << (32 - prefix)), prefix }
            }
            Self::V6 { first, prefix } => {
                Self::V6 { first: first & (u128::MAX << (128 - prefix)), prefix }
            }
        }
    }

    fn contains(self, address: IpAddr) -> bool {
        match (self, address.to_canonical()) {
            (Self::V4 { first, prefix }, IpAddr::V4(address)) => {
                (first ^ address.to_bits()) >> (32 - prefix) == 0
            }
            (Self::V6 { first, prefix }, IpAddr::V6(address)) => {
                (first ^ address.to_bits()) >> (128 - prefix) == 0
            }
            _ => false,
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::V4 { first, prefix } => write!(f, "{}/{prefix}", Ipv4Addr::from_bits(first)),
            Self::V6 { first, prefix } => write!(f, "{}/{prefix}", Ipv6Addr::from_bits(first)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(list: &str, address: &str) -> bool {
        list.parse::<TrustedProxies>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_or_a_range_is_trusted_and_nothing_beside_it() {
        for (list, inside, outside) in [
            ("10.0.0.5", "10.0.0.5", "10.0.0.6"),
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.0.0.4/31", "10.0.0.5", "10.0.0.6"),
            ("10.0.0.5/32", "::ffff:10.0.0.5", "::10.0.0.5"),
            ("::ffff:10.0.0.5", "10.0.0.5", "10.0.0.6"),
            ("::ffff:10.0.0.0/104", "10.1.2.3", "11.0.0.0"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("fd00::/8", "fdff::1", "fe00::"),
            (" ::1 ,, 127.0.0.1,", "127.0.0.1", "127.0.0.2"),
            ("fc00::/7", "fdff::1", "fe00::"),
            // A range of IPv6 in which all mapped addresses would be.
            ("::/16", "::1", "10.0.0.5"),
        ] {
            assert!(contains(list, inside), "{list}: {inside}");
            assert!(!contains(list, outside), "{list}: {outside}");
        }
        for none in ["", " ", ","] {
            assert_eq!(none.parse::<TrustedProxies>().unwrap(), TrustedProxies::default());
        }
        assert!(!TrustedProxies::default().contains([127, 0, 0, 1].into()));
    }

    #[test]
    fn what_is_no_range_or_too_wide_a_one_is_refused() {
        let refused = |list: &str| list.parse::<TrustedProxies>().unwrap_err();
        for entry in [
            "proxy.internal",
            "10.0.0.5:80",
            "[::1]",
            "fe80::1%eth0",
            "010.0.0.5",
            "10.0.0",
            "10.0.0.0/",
            "10.0.0.0/+8",
            "10.0.0.0/-8",
            "10.0.0.0/33",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "2001:db8::/129",
            "*",
        ] {
            assert_eq!(refused(entry), TrustedProxiesError::Syntax(entry.to_owned()));
        }
        for entry in [
            "0.0.0.0/0",
            "::/0",
            "10.0.0.5/0",
            "::ffff:0.0.0.0/96",
            "::ffff:10.0.0.0/103",
            "0.0.0.0/1",
            "128.0.0.0/7",
            "::/1",
            "fc00::/6",
        ] {
            assert_eq!(refused(entry), TrustedProxiesError::TooWide(entry.to_owned()));
        }
        for (entry, meant) in [
            ("10.0.0.5/8", "10.0.0.0/8"),
            ("2001:db8::1/64", "2001:db8::/64"),
            ("::ffff:10.0.0.5/104", "10.0.0.0/8"),
        ] {
            let host_bits = TrustedProxiesError::HostBits(entry.to_owned(), meant.to_owned());
            assert_eq!(refused(&format!("127.0.0.1,{entry}")), host_bits);
        }
    }
}
