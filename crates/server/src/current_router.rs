//! The routes that requests take, which are replaced when the settings change.

use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::Router;

/// The routes in force. Its clones share them.
#[derive(Debug, Clone)]
pub(crate) struct CurrentRouter(Arc<ArcSwap<Router>>);

impl CurrentRouter {
    /// `router`, until it is replaced.
    pub(crate) fn new(router: Router) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(router)))
    }

    /// The routes for one request, which keeps them to its end.
    pub(crate) fn current(&self) -> Router {
        Router::clone(&self.0.load())
    }

    /// Puts `router` in force for every request that follows.
    pub(crate) fn replace(&self, router: Router) {
        self.0.store(Arc::new(router));
    }
}
