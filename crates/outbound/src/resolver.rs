//! Names are resolved, and what may not be asked is left out.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use auth_core::is_loopback_host;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use crate::{AddressClass, AddressError, AddressPolicy};

/// The addresses of a name, or an error of the resolver.
pub type LookupFuture = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Looks names up. A parameter, so that a test can answer as a hostile name server does.
pub trait Lookup: fmt::Debug + Send + Sync {
    /// The addresses of a name.
    fn lookup(&self, name: &str) -> LookupFuture;
}

/// The resolver of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemLookup;

impl Lookup for SystemLookup {
    fn lookup(&self, name: &str) -> LookupFuture {
        let name = name.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Resolves names for the HTTP library, which asks at every new connection.
pub(crate) struct FilteringResolver {
    pub(crate) policy: Arc<AddressPolicy>,
    pub(crate) lookup: Arc<dyn Lookup>,
}

impl Resolve for FilteringResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let (policy, lookup) = (Arc::clone(&self.policy), Arc::clone(&self.lookup));
        Box::pin(async move {
            let name = name.as_str();
            // A name server could send plain HTTP to another host.
            let found = if is_loopback_host(name) {
                vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)]
            } else {
                lookup.lookup(name).await?
            };
            let allowed = allowed(&policy, name, found)?;
            Ok(Box::new(allowed.into_iter().map(|ip| SocketAddr::new(ip, 0))) as Addrs)
        })
    }
}

/// The addresses that may be asked; an error if there are some, and none of them may.
fn allowed(
    policy: &AddressPolicy,
    name: &str,
    found: Vec<IpAddr>,
) -> Result<Vec<IpAddr>, AddressError> {
    let mut refused = None;
    let mut allowed = Vec::new();
    for address in found {
        match policy.judge(name, AddressClass::of(address)) {
            Ok(()) => allowed.push(address),
            Err(error) => refused = Some(error),
        }
    }
    match refused {
        Some(error) if allowed.is_empty() => Err(error),
        _ => Ok(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_addresses_that_may_be_asked_are_left() {
        let judge = |policy: &AddressPolicy, found: &[&str]| {
            allowed(policy, "a.example", found.iter().map(|ip| ip.parse().unwrap()).collect())
        };
        let public = AddressPolicy::public_only();
        let one: IpAddr = "8.8.8.8".parse().unwrap();
        assert_eq!(judge(&public, &["10.0.0.1", "8.8.8.8", "::1"]), Ok(vec![one]));
        assert_eq!(judge(&public, &["10.0.0.1"]), Err(AddressError::Private));
        assert_eq!(judge(&public, &["::ffff:169.254.169.254"]), Err(AddressError::LinkLocal));
        assert_eq!(judge(&public, &["127.0.0.1"]), Err(AddressError::Loopback));
        assert_eq!(judge(&public, &["0.0.0.0"]), Err(AddressError::Reserved));
        assert_eq!(judge(&public, &[]), Ok(Vec::new()));
    }
}
