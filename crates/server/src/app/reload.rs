//! The files of this server that are read again, each with what depends on it.

use std::sync::Arc;

use auth_core::Clock;
use settings::regular_file::is_given_at_start;
use upstream::catalog::Catalog;

use super::rules::ResourceRules;
use crate::{
    config::{policy_file::PolicySource, settings::Config, upstreams::UpstreamConfig},
    gateway::watch::WatchedUpstream,
    mcp::server::McpServer,
    reload::{
        Part, Recheck, Watched,
        policy::{PolicyFile, PolicyInForce},
    },
};

/// The files of each upstream, in the order of their resources.
pub(crate) type UpstreamFiles = Vec<(UpstreamConfig, Arc<Catalog>)>;

/// What is read again of the server that `config` describes: the files of `upstreams`, or the
/// policy of the demo server. `rules` are those of the resources, in the same order.
pub(crate) fn parts(
    config: &Config,
    upstreams: UpstreamFiles,
    rules: Vec<ResourceRules>,
    recheck: &Recheck,
    clock: &Arc<dyn Clock>,
) -> Vec<Box<dyn Part>> {
    let mut policies = rules.into_iter().map(|rules| PolicyInForce::new(rules, recheck.clone()));
    let mut parts: Vec<Box<dyn Part>> = Vec::new();
    if upstreams.is_empty()
        && let PolicySource::File(path) = &config.policy_source
        && !is_given_at_start(path)
        && let Some(policy) = policies.next()
    {
        let file = PolicyFile::new(path.clone(), McpServer::offers(), policy);
        parts.push(Box::new(Watched::new(file, Arc::clone(clock))));
    }
    for ((config, catalog), policy) in upstreams.into_iter().zip(policies) {
        let files = WatchedUpstream::new(config, catalog, policy);
        parts.push(Box::new(Watched::new(files, Arc::clone(clock))));
    }
    parts
}
