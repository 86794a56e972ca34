//! The server as a value: protected resources and users in, a router out.
//!
//! [`foundation`] opens what lasts as long as the process, [`generation`] makes a server of that
//! and of the settings, and [`in_force`] replaces it when the settings change.

pub(crate) mod foundation;
pub(crate) mod generation;
pub(crate) mod in_force;
pub(crate) mod rates;
pub(crate) mod reload;
pub(crate) mod resource;
pub(crate) mod rules;
pub(crate) mod served;
pub(crate) mod settings_files;
mod sign_in;
pub(crate) mod start_code;
pub(crate) mod upstream;
pub(crate) mod upstream_resource;

use std::{collections::BTreeSet, num::NonZeroU32, sync::Arc};

use audit_log::AuditLog;
use auth_core::{Clock, Rate, ResourceUri};
use axum::{
    Router,
    http::{StatusCode, Uri},
};
use bartizan::{Authenticate, Guard};
use directory::Directory;
use issuer::AuthorizationServer;
use limits_store::LimitsStore;
use listener::is_local;
use metrics::{Metrics, Source};
use tokio_util::sync::CancellationToken;
use traces::Traces;

use self::{
    rates::ResourceRates,
    resource::{check_path, is_in_the_way},
    rules::ResourceRules,
};
pub use self::{
    resource::{Backend, Resource, ResourceError},
    upstream::Upstream,
};
use crate::{
    admin::{
        explain,
        health::{self, Health, IssuersInForce},
        readiness::Readiness,
        readings,
    },
    authenticate::{DirectoryAuthenticator, DirectoryUsers, Provisioning},
};

/// What lets a refused `Host` in.
const HOST_REMEDY: &str = "if clients use that name, set MCP_RESOURCE to the URL that they use";
/// What lets a refused `Origin` in.
const ORIGIN_REMEDY: &str = "if its pages may call this server, add it to ALLOWED_ORIGINS";

/// How many tokens from one public address may be refused, unless a setting says otherwise.
const FAILED_AUTHENTICATIONS: Rate = Rate::per_minute(NonZeroU32::new(300).unwrap());

/// What callers may hold at once: of bodies and streams over all resources together, of calls at
/// each.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How many bytes of bodies ([`Guard::body_memory`]).
    pub body_memory: usize,
    /// How many streams one caller has open at one resource ([`Guard::max_streams`]).
    pub streams_of_each: usize,
    /// How many streams all have open together.
    pub streams: usize,
    /// How many calls one caller has under way at one resource ([`Guard::max_calls`]).
    pub calls_of_each: usize,
    /// How many calls all have under way at one resource.
    pub calls: usize,
    /// How many tokens from one address may be refused at one resource; `None` for 300 a minute,
    /// which bounds public addresses alone.
    pub failed_authentications: Option<Rate>,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            body_memory: 256 * 1024 * 1024,
            streams_of_each: 16,
            streams: 512,
            calls_of_each: 256,
            calls: 1024,
            failed_authentications: None,
        }
    }
}

impl Bounds {
    /// The part of one of `count` resources.
    const fn divided(self, count: usize) -> Self {
        let count = if count == 0 { 1 } else { count };
        Self { body_memory: self.body_memory / count, streams: self.streams / count, ..self }
    }

    /// `guard`, with a bound for tokens that are refused.
    fn of_failures<A: Authenticate>(&self, guard: Guard<A>) -> Guard<A> {
        match self.failed_authentications {
            Some(rate) => guard.max_failed_authentications(rate, |_| true),
            None => {
                guard.max_failed_authentications(FAILED_AUTHENTICATIONS, |peer| !is_local(peer))
            }
        }
    }
}

/// A server, ready to be routed.
#[derive(Debug)]
pub struct App<D> {
    /// The protected resources. No two have the same path. The administrative interface answers
    /// for each at `/admin/explain` with its path.
    pub resources: Vec<Resource>,
    /// The users.
    pub directory: Arc<D>,
    /// The authorization server in this process, if there is one.
    pub authorization_server: Option<AuthorizationServer>,
    /// The issuers whose users are added on first use.
    pub provisioning: Provisioning,
    /// The origins of web pages that may call the server, besides its own.
    pub allowed_origins: Vec<String>,
    /// The background jobs, for `/readyz`.
    pub readiness: Readiness,
    /// What callers may hold at once.
    pub bounds: Bounds,
    /// Where several nodes count rates together, if they do.
    pub limits_store: Option<LimitsStore>,
    /// Whether clients may present certificates, which tokens may be bound to.
    pub has_client_certificates: bool,
    /// Records every decision, if there is an audit log.
    pub audit: Option<AuditLog>,
    /// Counts what happens, if an operator can ask for it.
    pub metrics: Option<Arc<Metrics>>,
    /// Follows every request, if traces are sent.
    pub traces: Option<Traces>,
    /// The current time.
    pub clock: Arc<dyn Clock>,
    /// The name of the server's command line, for commands that the log suggests.
    pub server_command: String,
}

/// `guard`, with its decisions in the audit log, if there is one.
fn recorded<A: Authenticate>(guard: Guard<A>, log: Option<&AuditLog>) -> Guard<A> {
    match log {
        Some(log) => guard.recorder(Arc::new(log.clone())),
        None => guard,
    }
}

impl<D: Directory> App<D> {
    /// Suggests commands in the log by this name: `bartizan-server`.
    #[must_use]
    pub fn server_command(self, command: &str) -> Self {
        Self { server_command: command.into(), ..self }
    }

    /// Whether it can serve.
    pub(crate) fn health(&self) -> Health<D> {
        Health {
            directory: Arc::clone(&self.directory),
            issuers: IssuersInForce::new(self.resources.iter().map(|it| it.issuers.clone())),
            readiness: self.readiness.clone(),
        }
    }

    /// Every route. Streams end when `shutdown` is cancelled.
    ///
    /// # Errors
    ///
    /// [`ResourceError`] if a resource cannot be served at its path.
    pub fn router(self, shutdown: &CancellationToken) -> Result<Router, ResourceError> {
        let metrics = self.metrics.clone();
        let Routed { router, sources, .. } = self.route(shutdown, &ResourceRates::default())?;
        if let Some(metrics) = metrics {
            metrics.read_instead(sources);
        }
        Ok(router)
    }

    /// Every route, and what can be replaced or read of it. What callers have spent of their rates
    /// is in `rates`.
    pub(crate) fn route(
        self,
        shutdown: &CancellationToken,
        rates: &ResourceRates,
    ) -> Result<Routed, ResourceError> {
        let bounds = self.bounds.divided(self.resources.len());
        let mut router = health::routes(self.health());
        let users = DirectoryUsers::new(Arc::clone(&self.directory), &self.server_command);
        let users = Arc::new(users.audit(self.audit.clone()));
        let mut not_found = NotFound::default();
        let mut has_sessions = false;
        let (mut rules, mut sources) = (Vec::new(), Vec::new());
        let mut explaining = Router::new();
        let (mut paths, mut metadata_paths) = (BTreeSet::new(), BTreeSet::new());
        for resource in self.resources {
            let Resource { uri, policy, issuers, backend } = resource;
            let path = uri.path().to_owned();
            check_path(&uri)?;
            let server = self.authorization_server.as_ref();
            if server.is_some_and(|server| is_in_the_way(&server.config().issuer, &uri)) {
                return Err(ResourceError::Path);
            }
            if !paths.insert(path.clone()) {
                return Err(ResourceError::PathTaken(path));
            }
            if issuers.audience() != uri.audience() {
                return Err(ResourceError::Audience(uri));
            }
            if backend.sessions().is_some() && std::mem::replace(&mut has_sessions, true) {
                return Err(ResourceError::Sessions(uri));
            }
            not_found.add(&uri);
            let clock = Arc::clone(&self.clock);
            let authenticate =
                DirectoryAuthenticator::new(Arc::clone(&users), issuers.clone(), clock)
                    .provisioning(self.provisioning.clone());
            let places = explain::paths_of(&uri, paths.len() == 1);
            let guard = Guard::new(uri.clone(), policy, backend.offers(), authenticate.clone())?
                .name(backend.name())
                .body_memory(bounds.body_memory)
                .max_streams(bounds.streams_of_each, bounds.streams)
                .max_calls(bounds.calls_of_each, bounds.calls);
            let spent = rates.of(&uri);
            let guard = guard.spent_rates(&spent.calls);
            let guard = bounds.of_failures(guard);
            let guard = match &self.limits_store {
                Some(store) => guard.budget_store(Arc::new(store.clone())),
                None => guard,
            };
            let guard = issuers.names().iter().cloned().fold(guard, Guard::authorization_server);
            let origins = self.allowed_origins.iter();
            let guard = origins.fold(guard, |guard, origin| guard.allow_origin(origin));
            let guard = guard.origin_remedies(HOST_REMEDY, ORIGIN_REMEDY);
            let guard =
                if self.has_client_certificates { guard.client_certificates() } else { guard };
            let mut guard = recorded(guard, self.audit.as_ref());
            if let Some(traces) = &self.traces {
                guard = guard.tracer(Arc::new(traces.resource(&uri)));
            }
            let calls = guard.rules();
            let metrics = self.metrics.as_ref().map(|metrics| {
                let (usage, calls) = (guard.usage(), calls.clone());
                let (counted, source) =
                    readings::of_resource(metrics, &uri, usage, calls, &issuers);
                sources.push(source);
                counted
            });
            if let Some(metrics) = &metrics {
                guard = guard.observer(metrics.clone());
            }
            let bound = |guard: Guard<_>| {
                let guard = bounds.of_failures(guard.spent_rates(&spent.questions));
                recorded(guard, self.audit.as_ref())
            };
            let (own, clock) = (calls.clone(), &self.clock);
            let mounted = explain::mount(router, &places, &uri, own, &authenticate, clock, bound)?;
            (router, explaining) = (mounted.router, explaining.merge(mounted.direct));
            let questions = mounted.rules;
            let at_issuer = server.and_then(|server| server.config().resource(&uri));
            let at_issuer = at_issuer.map(|resource| resource.policy.clone());
            rules.push(ResourceRules { calls, questions, metrics, served: at_issuer });
            let guard = match backend.sessions() {
                Some(sessions) => guard.owner_tag_key(sessions.key()),
                None => guard,
            };
            for path in guard.metadata_paths() {
                // The root location is the first resource's.
                if metadata_paths.insert(path.clone()) {
                    router = router.route_service(&path, guard.metadata());
                }
            }
            router = router.route_service(&path, guard.protect(backend.into_service(shutdown)));
        }
        if let Some(server) = self.authorization_server {
            router = router.merge(sign_in::routes(server));
        }
        let router = router.fallback(move |uri: Uri| async move { not_found.answer(uri.path()) });
        Ok(Routed { router, explaining, rules, sources })
    }
}

/// The routes of a server.
pub(crate) struct Routed {
    pub(crate) router: Router,
    /// Those of the admin listener that explain decisions.
    pub(crate) explaining: Router,
    /// The rules of each resource, in their order.
    pub(crate) rules: Vec<ResourceRules>,
    /// What reads the state of each resource for the metrics, if there are any.
    pub(crate) sources: Vec<Source>,
}

/// What is answered at paths where nothing is served.
#[derive(Debug, Clone, Default)]
struct NotFound {
    /// The path of a resource with a slash more or less, which is a common mistake, and the answer.
    near_misses: Vec<(String, String)>,
}

impl NotFound {
    fn add(&mut self, resource: &ResourceUri) {
        let path = resource.path();
        let (near_miss, slash) = match path.strip_suffix('/') {
            Some(without) => (without.to_owned(), "with the slash at its end"),
            None => (format!("{path}/"), "without a slash at its end"),
        };
        let text = format!("no such path: the MCP server is at {resource}, {slash}");
        self.near_misses.push((near_miss, text));
    }

    fn answer(&self, path: &str) -> (StatusCode, String) {
        let found = self.near_misses.iter().find(|(near_miss, _)| near_miss == path);
        let text = found.map_or("no such path", |(_, text)| text);
        (StatusCode::NOT_FOUND, format!("{text}\n"))
    }
}
