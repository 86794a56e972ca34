//! How much one address may ask for in a minute.
//!
//! 1. An IPv6 network of /64 is one address: one customer has that many.
//! 2. What is counted is forgotten with the minute. At most [`MAX_ADDRESSES`] are counted apart;
//!    beyond that, all new ones are counted together.
//! 3. The count is this process's own: the bound on the whole is in the store.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use auth_core::NumericDate;

/// How many addresses are counted apart.
const MAX_ADDRESSES: usize = 16 * 1024;

/// Counts requests by address.
#[derive(Debug, Default)]
pub(crate) struct AddressLimit(Mutex<Minute>);

#[derive(Debug, Default)]
struct Minute {
    number: i64,
    counts: HashMap<Option<u128>, u32>,
}

impl AddressLimit {
    /// Counts one more request of `address`. An error if it has made more than `limit` in this
    /// minute: for how many seconds it has to wait.
    pub(crate) fn count(
        &self,
        address: Option<IpAddr>,
        limit: u32,
        now: NumericDate,
    ) -> Result<(), u64> {
        let mut minute = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = now.as_secs().div_euclid(60);
        if minute.number != number {
            *minute = Minute { number, counts: HashMap::new() };
        }
        let network = address.map(network);
        let is_known = minute.counts.contains_key(&network);
        let key = if is_known || minute.counts.len() < MAX_ADDRESSES { network } else { None };
        let count = minute.counts.entry(key).or_default();
        *count = count.saturating_add(1);
        if *count <= limit { Ok(()) } else { Err(60 - now.as_secs().rem_euclid(60).unsigned_abs()) }
    }
}

/// The address, or for IPv6 its network of /64.
pub(crate) fn network(address: IpAddr) -> u128 {
    match address.to_canonical() {
        // As an IPv4-mapped address, which no network of IPv6 has as its first half but `::/64`.
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits() >> 64 << 64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> NumericDate {
        NumericDate::from_secs(1_800_000_000 + secs).unwrap()
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn an_address_has_its_own_count_for_a_minute() {
        let limit = AddressLimit::default();
        for _ in 0..2 {
            assert_eq!(limit.count(Some(ip("192.0.2.1")), 2, at(10)), Ok(()));
        }
        assert_eq!(limit.count(Some(ip("192.0.2.1")), 2, at(10)), Err(50));
        assert_eq!(limit.count(Some(ip("192.0.2.2")), 2, at(10)), Ok(()));
        assert_eq!(limit.count(Some(ip("192.0.2.1")), 2, at(60)), Ok(()));
    }

    #[test]
    fn a_network_of_ipv6_is_one_address() {
        let limit = AddressLimit::default();
        assert_eq!(limit.count(Some(ip("2001:db8::1")), 1, at(0)), Ok(()));
        assert!(limit.count(Some(ip("2001:db8::2")), 1, at(0)).is_err());
        assert_eq!(limit.count(Some(ip("2001:db8:0:1::2")), 1, at(0)), Ok(()));
        assert_eq!(limit.count(Some(ip("192.0.2.1")), 1, at(0)), Ok(()));
        assert!(limit.count(Some(ip("::ffff:192.0.2.1")), 1, at(0)).is_err());
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let limit = AddressLimit::default();
        for n in 0..u32::try_from(MAX_ADDRESSES).unwrap() {
            let address = IpAddr::V4(n.into());
            assert_eq!(limit.count(Some(address), 1, at(0)), Ok(()));
        }
        assert_eq!(limit.count(Some(ip("2001:db8::1")), 1, at(0)), Ok(()));
        assert!(limit.count(Some(ip("2001:db8:1::1")), 1, at(0)).is_err());
        let minute = limit.0.lock().unwrap();
        assert_eq!(minute.counts.len(), MAX_ADDRESSES + 1);
    }
}
