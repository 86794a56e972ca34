//! The composition root: configuration in, a router out.

use std::{collections::BTreeSet, sync::Arc};

use auth_core::{Clock, Policy, ResourceUri};
use axum::{
    Router,
    http::{StatusCode, Uri},
};
use bartizan::{Guard, Issuers, MissingRulesError};
use directory::Directory;
use tokio_util::sync::CancellationToken;

use crate::{
    admin::{explain, health, readiness::Readiness},
    authenticate::{DirectoryAuthenticator, DirectoryUsers, Provisioning},
    config::settings::Config,
    failure::Failure,
    mcp::{
        server::McpServer,
        service::McpService,
        sessions::{self, Sessions},
    },
};

/// What callers may hold at once.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many bytes of bodies ([`Guard::body_memory`]).
    pub body_memory: usize,
    /// How many streams one caller has open ([`Guard::max_streams`]).
    pub streams_of_each: usize,
    /// How many streams all have open together.
    pub streams: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { body_memory: 256 * 1024 * 1024, streams_of_each: 16, streams: 512 }
    }
}

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
    /// The origins of web pages that may call the server, besides its own.
    pub allowed_origins: Vec<String>,
    /// Where clients of the revisions before 2026-07-28 have sessions; `None` if they have none.
    pub sessions: Option<Sessions>,
    /// What goes on in the background, for `/readyz`.
    pub readiness: Readiness,
    /// What callers may hold at once.
    pub bounds: Bounds,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// How the server's command line is called where the log suggests a command.
    pub server_command: String,
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
            allowed_origins: config.allowed_origins.clone(),
            sessions: None,
            readiness: Readiness::default(),
            bounds: Bounds {
                body_memory: config.max_body_memory,
                // Half of the connections is left for all the rest.
                streams: (config.max_connections / 2).max(1),
                ..Bounds::default()
            },
            clock,
            server_command: "server".into(),
        })
    }

    /// Suggests commands in the log by this name: `bartizan-server`.
    #[must_use]
    pub fn server_command(self, command: &str) -> Self {
        Self { server_command: command.into(), ..self }
    }

    /// Every route. Streams end when `shutdown` is cancelled. An error if the policy has no rule for
    /// something that the server offers.
    pub fn router(self, shutdown: &CancellationToken) -> Result<Router, MissingRulesError> {
        let (issuers, clock) = (self.issuers.clone(), Arc::clone(&self.clock));
        let users =
            Arc::new(DirectoryUsers::new(Arc::clone(&self.directory), &self.server_command));
        let authenticate =
            DirectoryAuthenticator::new(users, issuers, clock).provisioning(self.provisioning);
        let admin = explain::mount(
            Router::new(),
            &self.resource,
            &self.policy,
            &authenticate,
            &self.clock,
        )?;
        let guard =
            Guard::new(self.resource.clone(), self.policy, McpServer::offers(), authenticate)?
                .name("server")
                .body_memory(self.bounds.body_memory)
                .max_streams(self.bounds.streams_of_each, self.bounds.streams);
        let issuers = self.issuers.names().iter().cloned();
        let guard = issuers.fold(guard, Guard::authorization_server);
        let origins = self.allowed_origins.iter();
        let guard = origins.fold(guard, |guard, origin| guard.allow_origin(origin));

        let server = McpServer::new(self.resource.clone(), self.clock);
        let router = health::routes(self.directory, self.issuers, self.readiness).merge(admin);
        let path = self.resource.path();
        let elsewhere = Elsewhere::of(&self.resource);
        let (router, guard) = if let Some(sessions) = self.sessions {
            let guard = guard.owner_tag_key(sessions.key());
            let mcp = sessions::service(server, sessions, shutdown);
            (router.route_service(path, guard.protect(mcp)), guard)
        } else {
            let mcp = guard.protect(McpService::new(server, shutdown));
            (router.route_service(path, mcp), guard)
        };
        let mut router =
            router.fallback(move |uri: Uri| async move { elsewhere.answer(uri.path()) });
        for path in BTreeSet::from(guard.metadata_paths()) {
            router = router.route_service(&path, guard.metadata());
        }
        Ok(router)
    }
}

/// What is answered at paths where nothing is.
#[derive(Debug, Clone)]
struct Elsewhere {
    /// The resource's path with a slash more or less, which is a mistake that is often made.
    nearly: String,
    words: String,
}

impl Elsewhere {
    fn of(resource: &ResourceUri) -> Self {
        let path = resource.path();
        let (nearly, slash) = match path.strip_suffix('/') {
            Some(without) => (without.to_owned(), "with the slash at its end"),
            None => (format!("{path}/"), "without a slash at its end"),
        };
        Self { nearly, words: format!("no such path: the MCP server is at {resource}, {slash}") }
    }

    fn answer(&self, path: &str) -> (StatusCode, String) {
        let words = if path == self.nearly { &self.words } else { "no such path" };
        (StatusCode::NOT_FOUND, format!("{words}\n"))
    }
}
