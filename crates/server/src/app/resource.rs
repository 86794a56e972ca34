//! A protected resource: its URI, its policy, whose tokens it accepts, and the MCP service behind
//! its guard.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};

use auth_core::{Action, Issuer, Policy, ResourceUri};
use bartizan::Issuers;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Full, combinators::BoxBody};
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::upstream::Upstream;
use crate::{
    admin::{explain, health},
    mcp::{
        server::{McpServer, SERVER_NAME},
        service::McpService,
        sessions::{self, SessionService, Sessions},
    },
};

/// A protected resource (RFC 9728). Each has its own URI, and so its own audience and metadata.
#[derive(Debug)]
pub struct Resource {
    /// The canonical URI: what tokens name as `aud`. Its path is where the resource is served.
    pub uri: ResourceUri,
    /// Who may do what there.
    pub policy: Policy,
    /// The issuers whose tokens are accepted, for the audience of this resource. The metadata names
    /// them.
    pub issuers: Issuers,
    /// The service behind the guard.
    pub backend: Backend,
}

/// A service behind the guard.
#[derive(Debug)]
pub enum Backend {
    /// The built-in demo server, without sessions.
    Demo(McpServer),
    /// The built-in demo server with sessions for clients of the revisions before 2026-07-28.
    DemoWithSessions(McpServer, Box<Sessions>),
    /// An MCP server behind the gateway. It has sessions of its own.
    Upstream(Upstream),
}

/// Why a resource cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum ResourceError {
    /// The path is the server's own, or has characters that the router would read as a pattern.
    #[error("this path cannot be served: choose another, for example /mcp")]
    Path,
    /// Two resources have this path.
    #[error("two resources have the path {0}")]
    PathTaken(String),
    /// The issuers accept tokens for another audience.
    #[error("{0}: the issuers accept tokens for another resource")]
    Audience(ResourceUri),
    /// A second resource has sessions: the store does not say which resource a session belongs to.
    #[error("{0}: only one resource can have sessions")]
    Sessions(ResourceUri),
    /// The policy has no rule for something that the resource offers.
    #[error(transparent)]
    MissingRules(#[from] bartizan::MissingRulesError),
}

/// Checks that the path of `uri` can be served next to the server's own.
pub(crate) fn check_path(uri: &ResourceUri) -> Result<(), ResourceError> {
    let path = uri.path();
    let is_own = health::PATHS.contains(&path)
        || path.starts_with(explain::PATH)
        || path.starts_with("/.well-known");
    if is_own || path.contains(['{', '}', '*', ':']) {
        return Err(ResourceError::Path);
    }
    Ok(())
}

/// Whether the path of `resource` is one of the authorization server's, or below one.
pub(crate) fn is_in_the_way(name: &Issuer, resource: &ResourceUri) -> bool {
    let base = issuer::IssuerConfig::new(name.clone(), Vec::new());
    let below = resource.path().strip_prefix(base.base_path());
    below.is_some_and(|path| {
        issuer::OWN_PATHS.iter().any(|own| {
            path.strip_prefix(own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    })
}

impl Resource {
    /// The same with sessions, if its service can have them.
    #[must_use]
    pub fn sessions(self, sessions: &Sessions) -> Self {
        let backend = match self.backend {
            Backend::Demo(server) | Backend::DemoWithSessions(server, _) => {
                Backend::DemoWithSessions(server, Box::new(sessions.clone()))
            }
            upstream @ Backend::Upstream(_) => upstream,
        };
        Self { backend, ..self }
    }
}

impl Backend {
    /// Everything that it offers: each needs a rule.
    pub(crate) fn offers(&self) -> Vec<Action> {
        match self {
            Self::Demo(_) | Self::DemoWithSessions(..) => McpServer::offers(),
            Self::Upstream(upstream) => upstream.offers(),
        }
    }

    /// What to call it in the metadata.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Demo(_) | Self::DemoWithSessions(..) => SERVER_NAME,
            Self::Upstream(upstream) => upstream.name(),
        }
    }

    /// The sessions that it keeps, if any.
    pub(crate) const fn sessions(&self) -> Option<&Sessions> {
        match self {
            Self::Demo(_) | Self::Upstream(_) => None,
            Self::DemoWithSessions(_, sessions) => Some(sessions),
        }
    }

    /// Its service. Streams end when `shutdown` is cancelled.
    pub(crate) fn into_service(self, shutdown: &CancellationToken) -> BackendService {
        match self {
            Self::Demo(server) => BackendService::Demo(McpService::new(server, shutdown)),
            Self::DemoWithSessions(server, sessions) => {
                BackendService::Sessions(sessions::service(server, *sessions, shutdown))
            }
            Self::Upstream(upstream) => BackendService::Upstream(upstream),
        }
    }
}

/// The service of a [`Backend`]. An enum, so that no call is dispatched through a box.
#[derive(Clone)]
pub(crate) enum BackendService {
    Demo(McpService),
    Sessions(SessionService),
    Upstream(Upstream),
}

impl Service<Request<Full<Bytes>>> for BackendService {
    type Response = Response<BoxBody<Bytes, Infallible>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        match self {
            Self::Demo(service) => service.poll_ready(context),
            Self::Sessions(service) => {
                Service::<Request<Full<Bytes>>>::poll_ready(service, context)
            }
            Self::Upstream(_) => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        match self {
            Self::Demo(service) => service.call(request),
            Self::Sessions(service) => service.call(request),
            Self::Upstream(upstream) => {
                let answer = upstream.answer(request);
                Box::pin(async move { Ok(answer.await) })
            }
        }
    }
}
