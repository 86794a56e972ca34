//! HTTP servers as a source of the pool's connections.

use super::HttpLinks;
use crate::{
    CallContext,
    link::{ClosedError, Link, Reachability},
    pool::{Slot, Source},
};

/// A server whose links are kept by a pool. What depends on who calls is presented with each
/// message: a link of a pool does not know who calls before the first one.
#[derive(Debug, Clone)]
pub struct PooledHttpLinks(HttpLinks);

impl PooledHttpLinks {
    /// These links.
    #[must_use]
    pub const fn new(links: HttpLinks) -> Self {
        Self(links)
    }
}

impl Source for PooledHttpLinks {
    fn is_per_caller(&self) -> bool {
        self.0.credentials.is_per_caller()
    }

    fn reachability(&self) -> Option<Reachability> {
        Some(self.0.reachability())
    }

    async fn open(&self, slot: Slot) -> Result<Link, ClosedError> {
        let caller = CallContext::new(None, auth_core::ScopeSet::empty());
        Ok(self.0.open_holding(caller, slot, Slot::close))
    }
}
