//! Classes of IP addresses (IANA special-purpose address registries, RFC 6890).
//!
//! An IPv4 address inside an IPv6 address is of its own class: IPv4-mapped (RFC 4291 §2.5.5.2),
//! NAT64 (RFC 6052 §2.1) and 6to4 (RFC 3056). Local-use NAT64 (RFC 8215) and Teredo (RFC 4380) are
//! reserved: what is behind them cannot be seen in the address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an IP address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// Globally reachable unicast.
    Public,
    /// RFC 1918, RFC 6598 (shared address space) and RFC 4193 (unique local).
    Private,
    /// 127.0.0.0/8 and `::1`.
    Loopback,
    /// 169.254.0.0/16 and `fe80::/10`. Clouds serve credentials there.
    LinkLocal,
    /// Unspecified, multicast, broadcast, documentation, benchmarking and the rest: no server has
    /// one.
    Reserved,
}

impl AddressClass {
    /// The class of an address.
    ///
    /// ```
    /// use outbound::AddressClass;
    /// let class = |text: &str| AddressClass::of(text.parse().unwrap());
    /// assert_eq!(class("8.8.8.8"), AddressClass::Public);
    /// assert_eq!(class("::ffff:10.0.0.1"), AddressClass::Private);
    /// assert_eq!(class("64:ff9b::7f00:1"), AddressClass::Loopback);
    /// ```
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> AddressClass {
    match address.octets() {
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [192, 168, ..] | [172, 16..=31, ..] | [100, 64..=127, ..] => {
            AddressClass::Private
        }
        [169, 254, ..] => AddressClass::LinkLocal,
        // This network; IETF protocol assignments, documentation and 6to4 relays; benchmarking;
        // multicast, future use and broadcast.
        [0 | 224..=255, ..]
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 18 | 19, ..]
        | [198, 51, 100, _]
        | [203, 0, 113, _] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressClass {
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            of_v4(Ipv4Addr::new(a, b, c, d))
        }
        [0xfc00..=0xfdff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        // IETF protocol assignments with Teredo and ORCHID; documentation.
        [0x2001, 0..=0x1ff | 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => AddressClass::Reserved,
        // Global unicast.
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_an_address_has_the_class_of_what_it_reaches() {
        use AddressClass::{LinkLocal, Loopback, Private, Public, Reserved};
        for (class, addresses) in [
            (Public, &["8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "2606:4700::1"][..]),
            (Public, &["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1", "2001:4860::1"]),
            (Private, &["10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"]),
            (Private, &["fd00::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "2002:a00:1::"]),
            (Loopback, &["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]),
            (LinkLocal, &["169.254.169.254", "fe80::1", "febf::1", "::ffff:169.254.169.254"]),
            (LinkLocal, &["64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::"]),
            (Reserved, &["0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0", "::127.0.0.1", "fec0::1"]),
            (Reserved, &["224.0.0.1", "240.0.0.1", "255.255.255.255", "ff02::1", "100::1"]),
            (Reserved, &["192.0.0.8", "192.0.2.1", "198.51.100.1", "203.0.113.1", "198.18.0.1"]),
            (Reserved, &["2001::1", "2001:db8::1", "3fff::1", "64:ff9b:1::1", "192.88.99.1"]),
        ] {
            for address in addresses {
                assert_eq!(AddressClass::of(address.parse().unwrap()), class, "{address}");
            }
        }
    }
}
