//! How many connections each peer address has.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Counts the open connections of each address. Its clones share the counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Peers(Arc<Mutex<HashMap<IpAddr, usize>>>);

/// One connection of an address, counted until it is dropped.
#[derive(Debug)]
pub(super) struct Slot {
    peers: Peers,
    address: IpAddr,
}

impl Peers {
    /// Counts a connection of `address`. `None` if it has `most` already.
    pub(super) fn enter(&self, address: IpAddr, most: Option<usize>) -> Option<Slot> {
        let address = network(address);
        let mut counts = self.counts();
        let count = counts.entry(address).or_default();
        if most.is_some_and(|most| *count >= most) {
            // An entry that was just made must not stay.
            if *count == 0 {
                counts.remove(&address);
            }
            return None;
        }
        *count += 1;
        Some(Slot { peers: self.clone(), address })
    }

    fn counts(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut counts = self.peers.counts();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

/// What counts as one address: of IPv6 the network of 64 bits, which belongs to one subscriber.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6((ip.to_bits() & (u128::MAX << 64)).into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_and_what_ends_is_given_back() {
        let peers = Peers::default();
        let enter = |address: &str| peers.enter(address.parse().unwrap(), Some(2));
        let (first, second) = (enter("192.0.2.1").unwrap(), enter("::ffff:192.0.2.1").unwrap());
        assert!(enter("192.0.2.1").is_none(), "IPv4 within IPv6 is the same address");
        assert!(enter("192.0.2.2").is_some());
        drop(first);
        let _third = enter("192.0.2.1").unwrap();
        assert!(enter("192.0.2.1").is_none());
        drop(second);
        assert!(enter("192.0.2.1").is_some());
    }

    #[test]
    fn a_network_of_64_bits_is_one_address() {
        let peers = Peers::default();
        let enter = |address: &str| peers.enter(address.parse().unwrap(), Some(1));
        let _first = enter("2001:db8::1").unwrap();
        assert!(enter("2001:db8::ffff:1").is_none());
        assert!(enter("2001:db8:0:1::1").is_some());
    }

    #[test]
    fn nothing_is_remembered_of_those_who_left_or_were_refused() {
        let peers = Peers::default();
        let address = "192.0.2.1".parse().unwrap();
        drop(peers.enter(address, None));
        assert!(peers.enter(address, Some(0)).is_none());
        assert!(peers.counts().is_empty());
    }
}
