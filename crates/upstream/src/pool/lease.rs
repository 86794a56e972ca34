//! The use of a server.

use std::{fmt, ops::Deref, sync::Arc};

use super::{error::PoolError, usage::Used};

/// What came of a start; `None`: it is not over.
pub(super) type Outcome<C> = Option<Result<Arc<Instance<C>>, PoolError>>;

/// A server that is ready.
pub(super) struct Instance<C> {
    pub(super) connection: C,
}

/// The use of a connection. While there is one, the server is not ended for being idle or for
/// want of room; it may still end by itself.
pub struct Lease<C> {
    instance: Arc<Instance<C>>,
    used: Used,
}

impl<C> Lease<C> {
    pub(super) const fn new(instance: Arc<Instance<C>>, used: Used) -> Self {
        Self { instance, used }
    }
}

impl<C> Deref for Lease<C> {
    type Target = C;

    fn deref(&self) -> &C {
        &self.instance.connection
    }
}

impl<C> Clone for Lease<C> {
    fn clone(&self) -> Self {
        Self { instance: Arc::clone(&self.instance), used: self.used.clone() }
    }
}

impl<C: fmt::Debug> fmt::Debug for Lease<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.instance.connection).finish()
    }
}
