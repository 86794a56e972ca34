//! What is served, as the settings say; and how these are read again.

use std::pin::Pin;

use settings::Environment;

use super::upstream_resource::UpstreamResource;
use crate::{config::settings::Config, failure::Failure, reload::Recheck};

/// What is served, as the settings say.
pub(crate) struct Served {
    /// The settings.
    pub(crate) config: Config,
    /// The same, to be compared with a new policy.
    pub(crate) recheck: Recheck,
    /// The MCP servers behind the gateway; the demo server if there are none.
    pub(crate) upstreams: Vec<UpstreamResource>,
}

/// Settings that are being read.
pub(crate) type Reading<'a> = Pin<Box<dyn Future<Output = Result<Served, Failure>> + Send + 'a>>;

/// Reads the settings again.
pub(crate) trait Reread: Send + Sync {
    /// What is to be served with `environment`. The upstreams `before`, each with its policy in
    /// force, are taken over where their settings have not changed.
    fn reread<'a>(
        &'a self,
        environment: &'a Environment,
        before: &'a [UpstreamResource],
    ) -> Reading<'a>;
}
