//! The composition root: configuration in, a router out.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{Clock, Policy, ResourceUri};
use axum::{Router, http::StatusCode};
use directory::Directory;
use mcp_guard::{Guard, Issuers};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService,
    session::{local::LocalSessionManager, never::NeverSessionManager},
};
use tokio_util::sync::CancellationToken;

use crate::{
    authenticate::{DirectoryAuthenticator, Provisioning},
    config::Config,
    failure::Failure,
    health,
    mcp::McpServer,
    sessions::{Sessions, WithOwner},
};

/// What a server is made of.
#[derive(Debug)]
pub struct App<D> {
    /// The canonical URI.
    pub resource: ResourceUri,
    /// Who may do what.
    pub policy: Policy,
    /// Whose tokens count; the metadata names them.
    pub issuers: Issuers,
    /// The users.
    pub directory: Arc<D>,
    /// Whose users are added when they are first seen.
    pub provisioning: Provisioning,
    /// Where clients of the revisions before 2026-07-28 have sessions; `None` if they have none.
    pub sessions: Option<Sessions>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

impl<D: Directory> App<D> {
    /// The app that `config` describes, with users from `directory`.
    pub fn new(config: &Config, directory: Arc<D>, clock: Arc<dyn Clock>) -> Result<Self, Failure> {
        Ok(Self {
            resource: config.resource.clone(),
            policy: config.policy.clone(),
            issuers: config.issuers(&clock)?,
            directory,
            provisioning: config.provisioning.clone(),
            sessions: None,
            clock,
        })
    }

    /// Every route. Streams end when `shutdown` is cancelled.
    pub fn router(self, shutdown: &CancellationToken) -> Router {
        let (issuers, clock) = (self.issuers.clone(), Arc::clone(&self.clock));
        let authenticate = DirectoryAuthenticator::new(issuers, Arc::clone(&self.directory), clock)
            .provisioning(self.provisioning);
        let guard = Guard::new(self.resource.clone(), self.policy, authenticate).name("server");
        let issuers = self.issuers.names().iter().cloned();
        let guard = issuers.fold(guard, Guard::authorization_server);

        let mut config = StreamableHttpServerConfig::default()
            .with_legacy_session_mode(self.sessions.is_some())
            // One answer needs no stream.
            .with_json_response(true)
            // The guard has judged Host and Origin before, against names made ready at start.
            .disable_allowed_hosts()
            .with_cancellation_token(shutdown.child_token());
        let server = McpServer::new(self.resource.clone(), self.clock);
        let server = move || Ok(server.clone());

        let router = health::routes(self.directory, self.issuers);
        let path = self.resource.path();
        let (router, guard) = if let Some(sessions) = self.sessions {
            let guard = guard.sealed_with(sessions.key());
            config.session_store = Some(Arc::new(sessions));
            let manager = Arc::new(LocalSessionManager::default());
            let mcp = WithOwner(StreamableHttpService::new(server, manager, config));
            (router.route_service(path, guard.protect(mcp)), guard)
        } else {
            // Both generations are served without sessions: a request carries all that it needs, so there
            // is no session that a stranger could take over, and any node can answer.
            let manager = Arc::new(NeverSessionManager::default());
            let mcp = StreamableHttpService::new(server, manager, config);
            (router.route_service(path, guard.protect(mcp)), guard)
        };
        let mut router = router.fallback(|| async { (StatusCode::NOT_FOUND, "no such path\n") });
        for path in BTreeSet::from(guard.metadata_paths()) {
            router = router.route_service(&path, guard.metadata());
        }
        router
    }
}
