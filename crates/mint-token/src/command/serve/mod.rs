//! `serve`: the authorization server alone, for installations where the resource server must not
//! hold a signing key.
//!
//! 1. Its settings are those of the server, which shares the directory with it ([`settings`]).
//! 2. Connections are bounded as those of the server, by the same listener.
//! 3. The log goes to standard error. No password, code, token or cookie is in it.
//! 4. Changes are recorded in an audit log, if one is configured ([`audit`]).
//! 5. It stops when it is asked to, and requests under way may end.

mod audit;
mod health;
mod log;
mod settings;

use std::{io, net::SocketAddr, sync::Arc};

use audit_setup::{AuditSetupError, OpenAudit};
use auth_core::{Clock, SystemClock};
use axum::Router;
use directory::AnyDirectory;
use issuer::PeerAddress;
use issuer_setup::{OpenIssuer, SetupError};
use listener::{Connections, Limits, PerAddress, descriptors, shutdown};
use tokio::{net::TcpListener, runtime::Runtime, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::settings::{PLAIN_HTTP, ServeSettings};
use crate::{Exit, World, args::ServeArgs, output};

/// What the listener has to know of this program.
const PROGRAM: listener::Program = listener::Program {
    note_address: |extensions, address| {
        extensions.insert(PeerAddress(address));
    },
    note_certificate: |_, _| {},
    is_health_check: |path| health::PATHS.contains(&path),
};

/// Why it does not run.
#[derive(Debug, thiserror::Error)]
enum ServeError {
    #[error("the configuration is invalid:\n{}", .0.join("\n"))]
    Settings(Vec<String>),
    #[error(transparent)]
    Setup(#[from] SetupError),
    #[error(transparent)]
    Audit(#[from] AuditSetupError),
    #[error("cannot listen on {0}: {1}")]
    Bind(String, io::Error),
    #[error("{0}: {1}")]
    System(&'static str, io::Error),
}

impl ServeError {
    const fn exit(&self) -> Exit {
        match self {
            Self::Settings(_) | Self::Setup(SetupError::Settings(_) | SetupError::Keys(_)) => {
                Exit::Usage
            }
            _ => Exit::Failed,
        }
    }
}

/// Runs the verb.
pub(crate) fn run(args: &ServeArgs, world: &mut World<'_>) -> Exit {
    let done = Runtime::new()
        .map_err(|error| ServeError::System("starting", error))
        .and_then(|runtime| runtime.block_on(serve(args, world)));
    match done {
        Ok(exit) => exit,
        Err(fault) => {
            output::error(&fault, world);
            fault.exit()
        }
    }
}

async fn serve(args: &ServeArgs, world: &mut World<'_>) -> Result<Exit, ServeError> {
    let asked_to_stop = shutdown::signal();
    let environment = (world.environment)(&args.env_file)
        .map_err(|fault| ServeError::Settings(vec![fault.to_string()]))?;
    let settings = ServeSettings::resolve(args, &environment).map_err(ServeError::Settings)?;
    let ServeSettings { bind, plain_http, setup, database_url, max_connections, .. } = settings;
    let (max_per_address, proxies) = (settings.max_per_address, settings.proxies);
    log::start(&environment).map_err(|fault| ServeError::Settings(vec![fault]))?;

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = AnyDirectory::open(&database_url).await.map_err(SetupError::from)?;
    let resources: Vec<_> = setup.resources.iter().map(|it| it.uri.to_string()).collect();
    let title = format!("{} for {}", setup.issuer, resources.join(", "));
    let opened = OpenIssuer::open(setup, &store, &clock).await?;
    let audit = audit::open(settings.audit.as_ref(), &opened, &store, &clock).await?;
    let listening = |error| ServeError::Bind(bind.clone(), error);
    let listener = TcpListener::bind(&bind).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    if !plain_http.is_permitted_at(address.ip()) {
        return Err(ServeError::Settings(vec![format!("{address}: {PLAIN_HTTP}")]));
    }
    if let Some(shortage) = descriptors::raise(max_connections) {
        tracing::warn!("{shortage}");
    }

    let stop = CancellationToken::new();
    let (router, mut jobs) = start(opened, &store, audit.as_ref(), &clock, &stop);
    let said = announce(address, &title, world);
    if said != Exit::Done {
        return Ok(said);
    }
    let per_address =
        max_per_address.map_or(PerAddress::Public(max_connections.div_ceil(4)), PerAddress::Every);
    let limits = Limits { connections: max_connections, per_address, ..Limits::default() };
    let counts = Connections::default();
    let serving = listener::serve(listener, router, stop.clone(), limits, proxies, PROGRAM, counts);
    let serving = tokio::spawn(serving);
    asked_to_stop.await;
    tracing::info!("Stopping: no new requests, those under way may end");
    stop.cancel();
    let ended = serving.await;
    while jobs.join_next().await.is_some() {}
    if let Some(audit) = audit {
        audit.close().await;
    }
    store.close().await;
    tracing::info!("Stopped");
    ended.map(|()| Exit::Done).map_err(|error| ServeError::System("serving", error.into()))
}

/// The routes, and the background jobs, which end when `stop` is cancelled.
fn start(
    opened: OpenIssuer,
    store: &AnyDirectory,
    audit: Option<&OpenAudit>,
    clock: &Arc<dyn Clock>,
    stop: &CancellationToken,
) -> (Router, JoinSet<()>) {
    let (watch, agreement) = (opened.watch(), opened.agreement());
    let mut jobs = vec![opened.health(), watch.health().clone()];
    jobs.extend(audit.into_iter().flat_map(OpenAudit::health));
    let log = audit.map(|audit| audit.log().clone());
    let health = health::routes(store.clone(), agreement.clone(), log, jobs);
    let router = opened.server.clone().router().merge(health);
    let mut running = JoinSet::new();
    running.spawn(watch.keep_fresh(Arc::clone(clock), stop.clone()));
    running.spawn(agreement.keep(stop.clone()));
    running.spawn(opened.prune(stop.clone()));
    if let Some(audit) = audit {
        audit.start(&mut running, stop);
    }
    (router, running)
}

/// Says on standard output where it listens.
fn announce(address: SocketAddr, title: &str, world: &mut World<'_>) -> Exit {
    output::to_out(&format!("Authorization server on http://{address}: {title}\n"), world)
}
