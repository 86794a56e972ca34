//! Looks up the names of servers. A name that is loopback by its text is not looked up, so plain
//! HTTP to `localhost` cannot leave this machine (ADR 0026).

use std::{
    future::Future,
    io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    task::{Context, Poll},
    vec,
};

use auth_core::is_loopback_host;
use hyper_util::client::legacy::connect::dns::Name;
use tower::Service;

/// The system's resolver, but for loopback names.
#[derive(Debug, Clone)]
pub(super) struct Resolver;

impl Service<Name> for Resolver {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        Box::pin(async move {
            let addresses: Vec<SocketAddr> = if is_loopback_host(name.as_str()) {
                vec![(Ipv4Addr::LOCALHOST, 0).into(), (Ipv6Addr::LOCALHOST, 0).into()]
            } else {
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect()
            };
            Ok(addresses.into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_loopback_name_is_not_looked_up() {
        for name in ["localhost", "LOCALHOST.", "no-such-name.localhost"] {
            let found = Resolver.call(name.parse().unwrap()).await.unwrap();
            let found: Vec<_> = found.map(|address| address.ip().to_string()).collect();
            assert_eq!(found, ["127.0.0.1", "::1"], "{name}");
        }
    }
}
