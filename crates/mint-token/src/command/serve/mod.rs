//! `serve`: the authorization server alone, for installations where the resource server must not
//! hold a signing key.
//!
//! 1. Its settings are those of the server, which shares the directory with it ([`settings`]).
//! 2. Connections are bounded as those of the server, by the same listener.
//! 3. The log goes to standard error. No password, code, token or cookie is in it.
//! 4. Changes are recorded in an audit log, if one is configured ([`audit`]).
//! 5. It stops when it is asked to, and requests under way may end.
//! 6. It speaks TLS if there is a certificate, whose files are read again ([`transport`]).

mod audit;
mod health;
mod log;
mod settings;
mod transport;

use std::{io, sync::Arc};

use audit_setup::{AuditSetupError, OpenAudit};
use auth_core::{Clock, JobHealth, SystemClock, audit::Change};
use axum::Router;
use directory::AnyDirectory;
use issuer::PeerAddress;
use issuer_setup::{OpenIssuer, SetupError};
use listener::{
    Connections, Limits, PerAddress, descriptors,
    signals::{Asked, Signals},
};
use tls_setup::{CertificateFiles, Expiry, TlsFileError, keep_fresh};
use tokio::{net::TcpListener, runtime::Runtime, sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;

use self::{settings::ServeSettings, transport::Open};
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
    #[error("TLS: {0}")]
    Tls(#[from] TlsFileError),
    #[error("cannot listen on {0}: {1}")]
    Bind(String, io::Error),
    #[error("{0}: {1}")]
    System(&'static str, io::Error),
}

impl ServeError {
    const fn exit(&self) -> Exit {
        match self {
            Self::Settings(_)
            | Self::Tls(_)
            | Self::Setup(SetupError::Settings(_) | SetupError::Keys(_)) => Exit::Usage,
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
    let mut signals = Signals::listen();
    let environment = (world.environment)(&args.env_file)
        .map_err(|fault| ServeError::Settings(vec![fault.to_string()]))?;
    let log = log::start(&environment);
    let settings = match (ServeSettings::resolve(args, &environment), log) {
        (Ok(settings), Ok(())) => settings,
        (settings, log) => {
            let faults = settings.err().into_iter().flatten().chain(log.err());
            return Err(ServeError::Settings(faults.collect()));
        }
    };
    let ServeSettings { bind, transport, host, setup, database_url, max_connections, .. } =
        settings;
    let (max_per_address, proxies) = (settings.max_per_address, settings.proxies);
    let grace = settings.shutdown;

    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let store = AnyDirectory::open(&database_url).await.map_err(SetupError::from)?;
    let resources: Vec<_> = setup.resources.iter().map(|it| it.uri.to_string()).collect();
    let title = format!("{} for {}", setup.issuer, resources.join(", "));
    let opened = OpenIssuer::open(setup, &store, &clock).await?;
    let audit = audit::open(settings.audit.as_ref(), &opened, &store, &clock).await?;
    let listening = |error| ServeError::Bind(bind.clone(), error);
    let listener = TcpListener::bind(&bind).await.map_err(listening)?;
    let address = listener.local_addr().map_err(listening)?;
    let permitted = transport.check(address.ip());
    permitted.map_err(|fault| ServeError::Settings(vec![fault.to_string()]))?;
    if let Some(shortage) = descriptors::raise(max_connections) {
        tracing::warn!("{shortage}");
    }

    let stop = CancellationToken::new();
    let scheme = transport.scheme();
    let Open { socket, in_force, files } = transport.open(listener, host, &clock)?;
    let reread = Arc::new(Notify::new());
    let rereading = Rereading { expiry: in_force.expiry(), files, asked: Arc::clone(&reread) };
    let issuer = opened.server.clone();
    let (router, mut jobs) = start(opened, &store, audit.as_ref(), &clock, rereading, &stop);
    let said = announce(&format!("{scheme}://{address}"), &title, world);
    if said != Exit::Done {
        return Ok(said);
    }
    let per_address =
        max_per_address.map_or(PerAddress::Public(max_connections.div_ceil(4)), PerAddress::Every);
    let limits = Limits { connections: max_connections, per_address, grace, ..Limits::default() };
    let counts = Connections::default();
    let serving = listener::serve(socket, router, stop.clone(), limits, proxies, PROGRAM, counts);
    let serving = tokio::spawn(serving);
    while signals.next().await == Asked::ToReload {
        reread.notify_one();
    }
    if let Some(audit) = &audit {
        audit.log().record_change(stop_by_a_signal);
    }
    tracing::info!("Stopping: no new requests, those under way may end");
    stop.cancel();
    let ended = serving.await;
    while jobs.join_next().await.is_some() {}
    issuer.wait_for_changes().await;
    if let Some(audit) = audit {
        audit.close().await;
    }
    store.close().await;
    tracing::info!("Stopped");
    ended.map(|()| Exit::Done).map_err(|error| ServeError::System("serving", error.into()))
}

/// What is recorded of a stop, as the server records its own.
fn stop_by_a_signal() -> Change {
    Change {
        by: "an operator".to_owned(),
        command: "drain".to_owned(),
        object: None,
        issuer: None,
        detail: Some("a signal".to_owned()),
    }
}

/// The certificate, if there is one, and how its files are read again.
struct Rereading {
    expiry: Expiry,
    files: Option<CertificateFiles>,
    /// Notified when the operator asks.
    asked: Arc<Notify>,
}

/// The routes, and the background jobs, which end when `stop` is cancelled.
fn start(
    opened: OpenIssuer,
    store: &AnyDirectory,
    audit: Option<&OpenAudit>,
    clock: &Arc<dyn Clock>,
    Rereading { expiry, files, asked }: Rereading,
    stop: &CancellationToken,
) -> (Router, JoinSet<()>) {
    let (watch, agreement) = (opened.watch(), opened.agreement());
    let rereads = JobHealth::new("reading the TLS certificate again");
    let mut jobs = vec![opened.health(), watch.health().clone(), rereads.clone()];
    jobs.extend(audit.into_iter().flat_map(OpenAudit::health));
    let (store, at) = (store.clone(), Arc::clone(clock));
    let questions = health::Questions {
        store,
        agreement: agreement.clone(),
        audit: audit.map(|audit| audit.log().clone()),
        jobs,
        expiry: expiry.clone(),
        names: files.as_ref().map(CertificateFiles::names),
        clock: at,
    };
    let router = opened.server.clone().router().merge(health::routes(questions));
    let mut running = JoinSet::new();
    if let Some(files) = files {
        running.spawn(keep_fresh(files, Arc::clone(clock), rereads, asked, stop.clone()));
        running.spawn(expiry.watch(Arc::clone(clock), stop.clone()));
    }
    running.spawn(watch.keep_fresh(Arc::clone(clock), stop.clone()));
    running.spawn(agreement.keep(stop.clone()));
    running.spawn(opened.prune(stop.clone()));
    if let Some(audit) = audit {
        audit.start(&mut running, stop);
    }
    (router, running)
}

/// Says on standard output where it listens.
fn announce(url: &str, title: &str, world: &mut World<'_>) -> Exit {
    output::to_out(&format!("Authorization server on {url}: {title}\n"), world)
}
