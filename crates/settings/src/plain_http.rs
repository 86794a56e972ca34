//! Where plain HTTP may be spoken: `PLAIN_HTTP`.
//!
//! A token that is read on its way can be used. So it is loopback alone, unless the setting says
//! that a proxy in front, or the network, keeps others from reading it.

use std::net::{IpAddr, SocketAddr};

use crate::{Environment, Reader, Variable};

/// Where plain HTTP may be spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlainHttp {
    is_everywhere: bool,
}

impl PlainHttp {
    /// Reads the setting. What is wrong is added to `faults`.
    #[must_use]
    pub fn read(environment: &Environment, faults: &mut Vec<String>) -> Option<Self> {
        let is_everywhere = Reader::new(environment, faults).is_on(Variable::PlainHttp)?;
        Some(Self { is_everywhere })
    }

    /// Whether it may be spoken at this address.
    #[must_use]
    pub fn is_permitted_at(self, address: IpAddr) -> bool {
        self.is_everywhere || address.to_canonical().is_loopback()
    }

    /// The same of `host:port` as it is configured. One with a name is known once a program
    /// listens.
    #[must_use]
    pub fn may_be_permitted_at(self, bind: &str) -> bool {
        bind.parse().map_or(true, |address: SocketAddr| self.is_permitted_at(address.ip()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<PlainHttp, String> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut faults = Vec::new();
        let found = PlainHttp::read(&Environment::from_pairs(pairs), &mut faults);
        found.ok_or_else(|| faults.join("\n"))
    }

    #[test]
    fn plain_http_is_for_loopback_unless_it_is_meant() {
        let (off, on) = (read(&[]).unwrap(), read(&[("PLAIN_HTTP", "on")]).unwrap());
        for address in ["127.0.0.1:8000", "[::1]:0", "[::ffff:127.0.0.1]:1", "localhost:8000"] {
            assert!(off.may_be_permitted_at(address), "{address}");
        }
        for address in ["0.0.0.0:8000", "[::]:8000", "10.0.0.1:80", "192.0.2.1:1"] {
            assert!(!off.may_be_permitted_at(address), "{address}");
            assert!(on.may_be_permitted_at(address), "{address}");
        }
        assert!(!off.is_permitted_at("192.0.2.1".parse().unwrap()));
        let unclear = read(&[("PLAIN_HTTP", "yes")]).unwrap_err();
        assert!(unclear.ends_with("write on or off"), "{unclear}");
    }
}
