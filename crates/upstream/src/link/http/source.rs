//! HTTP servers as a source of the pool's connections.

use super::HttpLinks;
use crate::{
    CallContext,
    link::{ClosedError, Link},
    pool::{Slot, Source},
};

/// A server whose links are kept by a pool. What the gateway presents is the same for all callers:
/// a connection of a pool does not know who calls.
#[derive(Debug, Clone)]
pub struct PooledHttpLinks(HttpLinks);

/// What is presented would depend on who calls.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("credentials for each caller need a server of the caller's own protocol generation")]
pub struct PerCallerError;

impl PooledHttpLinks {
    /// The links, if what they present does not depend on who calls.
    pub fn new(links: HttpLinks) -> Result<Self, PerCallerError> {
        if links.credentials.is_per_caller() { Err(PerCallerError) } else { Ok(Self(links)) }
    }
}

impl Source for PooledHttpLinks {
    async fn open(&self, slot: Slot) -> Result<Link, ClosedError> {
        let caller = CallContext::new(None, auth_core::ScopeSet::empty());
        Ok(self.0.open_holding(caller, slot, Slot::close))
    }
}
