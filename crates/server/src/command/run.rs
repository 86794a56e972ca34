//! `server` or `server run`: bind, print the address, serve until a signal to stop.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
    sync::Arc,
};

use audit_setup::OpenAudit;
use auth_core::{Clock, SystemClock};
use bartizan::{ClientCertificate, PeerAddress};
use directory::{AnyDirectory, CachedDirectory, Directory};
use listener::{
    CertificateThumbprint, Connections, Limits, PerAddress, Socket, descriptors, serve,
    signals::{Asked, Signals},
};
use settings::{EnvFile, Environment, KeySource};
use terminal::{Invocation, Program};
use tls_setup::{
    CertificateFiles, ClientsFile, Expiry, Host, InForce as TlsInForce, Names, TlsFileError,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::next_step::next_step;
use crate::{
    admin::{
        health,
        listening::{Listening, read_connections},
        readiness::Failing,
        routes::{self, Answers},
    },
    app::{
        foundation::Foundation,
        generation::served_resources,
        in_force::InForce,
        served::{Reading, Reread, Served},
        settings_files::SettingsFiles,
        upstream_resource::UpstreamResource,
    },
    args::RunArgs,
    config::{
        policy_file::PolicySource,
        settings::{Config, ConfigError, policy_path},
        transport::Transport,
    },
    failure::Failure,
    mcp::server::McpServer,
    reload::{Part, Recheck, Reload, Watched},
    telemetry::{log, traces::Tracing},
    tls::{acme::AcmeJob, reported},
};

/// What the listener has to know of this program.
const PROGRAM: listener::Program = listener::Program {
    note_address: |extensions, address| {
        extensions.insert(PeerAddress(address));
    },
    note_certificate: |extensions, CertificateThumbprint(bytes)| {
        extensions.insert(ClientCertificate(auth_core::CertificateThumbprint::from_bytes(bytes)));
    },
    is_health_check: |path| health::PATHS.contains(&path),
};

pub(crate) async fn run(
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let mut signals = Signals::listen();
    let log = log::start(environment);
    let policy = policy_path(args.policy.as_ref(), environment);
    let files = SettingsFiles::new(args, env_file, environment, policy);
    let environment = &files.environment().clone();
    let config = match (Config::resolve(args, environment, &McpServer::offers()), log) {
        (Ok(config), Ok(())) => config,
        (Ok(_), Err(fault)) => return Err(ConfigError(vec![fault]).into()),
        (Err(faults), log) => {
            let hints = hints(environment, invocation);
            let all = faults.0.into_iter().chain(log.err()).chain(hints);
            return Err(ConfigError(all.collect()).into());
        }
    };
    if environment.config().upstreams().is_some() {
        let command = invocation.command(Program::Server, "gateway");
        tracing::warn!("The sections [upstreams.NAME] are not served: `{command}` serves them");
    }
    let served = served(config, args, environment);
    let start = Start { served, files, reread: Box::new(RereadServer { args: args.clone() }) };
    let serving = serve_until(&mut signals, start, env_file, environment, invocation, out);
    Box::pin(serving).await
}

/// The demo server with this configuration.
fn served(config: Config, args: &RunArgs, environment: &Environment) -> Served {
    let recheck =
        Recheck { args: args.clone(), environment: environment.clone(), is_only_one: true };
    Served { config, recheck, upstreams: Vec::new() }
}

/// Reads the settings of the demo server again.
struct RereadServer {
    args: RunArgs,
}

impl Reread for RereadServer {
    fn reread<'a>(
        &'a self,
        environment: &'a Environment,
        _: &'a [UpstreamResource],
    ) -> Reading<'a> {
        let resolved = Config::resolve(&self.args, environment, &McpServer::offers());
        Box::pin(async move { Ok(served(resolved?, &self.args, environment)) })
    }
}

/// What a server starts with.
pub(super) struct Start {
    /// What is served.
    pub(super) served: Served,
    /// Where that is written down.
    pub(super) files: SettingsFiles,
    /// How it is read again.
    pub(super) reread: Box<dyn Reread>,
}

/// Serves until a signal asks to stop.
#[expect(clippy::too_many_lines, reason = "one step of the start after the other")]
pub(super) async fn serve_until(
    signals: &mut Signals,
    Start { served, files, reread }: Start,
    env_file: &EnvFile,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let Served { config, upstreams, .. } = &served;
    let lines: Vec<_> = upstreams.iter().map(|it| line_of(it, config)).collect();
    let command = invocation.program(Program::Server);
    let resources = served_resources(config, upstreams);
    let opening = Foundation::open(config, resources, &clock, command);
    let mut foundation = Box::pin(opening).await?;
    let (start_code, tracing) = (foundation.start_code.take(), foundation.tracing.take());
    let directory = Arc::clone(&foundation.directory);
    let bind = |source| Failure::Bind { address: config.bind.clone(), source };
    let listener = TcpListener::bind(&config.bind).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    config.transport.check(address.ip()).map_err(|fault| ConfigError(vec![fault.to_string()]))?;
    let Secured { socket, expiry, names, files: tls_files, acme } =
        secured(listener, config, &clock)?;
    let admin = match &config.admin {
        Some(admin) => Some(Listening::open(admin).await?),
        None => None,
    };

    if env_file.is_open_to_others() {
        let path = env_file.path().display();
        tracing::warn!(
            "Other users can read {path}, which may hold secrets: run `chmod 600 {path}`"
        );
    }
    for (name, meant) in environment.misspelled() {
        let path = env_file.path().display();
        tracing::warn!("No program reads {name} in {path}: did you mean {meant}?");
    }
    warn_about(config, &directory, invocation).await?;
    if !address.ip().is_loopback() && config.resource.is_loopback() {
        let resource = config.resource.as_str();
        tracing::warn!(
            resource,
            "Clients on other machines are refused: set MCP_RESOURCE to the URL that they use"
        );
    }
    if let Some(shortage) = descriptors::raise(config.bounds.connections) {
        tracing::warn!("{shortage}");
    }
    let is_terminal = io::stdout().is_terminal();
    let mut text = String::new();
    let scheme = config.transport.scheme();
    if lines.is_empty() {
        let path = config.resource.path();
        text = format!("MCP server on {scheme}://{address}{path}, {}\n", config.protection());
        let is_plain = matches!(config.transport, Transport::Plain(_));
        let tls = (!is_plain).then(|| config.resource.as_str());
        text.push_str(&next_step(address, path, tls, is_terminal, invocation));
    }
    for (name, path, protection) in lines {
        let _ = writeln!(text, "MCP server {name} on {scheme}://{address}{path}, {protection}");
    }
    if let Some(admin) = &admin {
        let _ =
            writeln!(text, "Admin listener on {}: {}", admin.place, admin.reach.paths().join(", "));
    }
    let (stop, ended_calls) = (CancellationToken::new(), CancellationToken::new());
    let connections = config.bounds.connections;
    let per_address = config
        .bounds
        .connections_per_address
        .map_or(PerAddress::Public(connections.div_ceil(4)), PerAddress::Every);
    let limits = Limits { connections, per_address, ..Limits::default() };
    let proxies = config.trusted_proxies.clone();
    let (metrics, audit) = (foundation.metrics.clone(), foundation.audit.clone());
    let foundation = Arc::new(foundation);
    let mut jobs = foundation.start(&stop, &ended_calls);
    let tracing = tracing.map(Tracing::start);
    let mut in_force = InForce::new(Arc::clone(&foundation), stop.clone(), ended_calls.clone());
    Box::pin(in_force.put(served)).await?;
    let (health, router, replaceable) = (in_force.health(), in_force.router(), in_force.parts());
    let explaining = in_force.explaining();
    let settings = Watched::new(files.watched(in_force, reread, stop.clone()), Arc::clone(&clock));
    let mut lasting: Vec<Box<dyn Part>> = vec![Box::new(settings)];
    lasting.extend(tls_files);
    let reload = Reload::new(lasting, replaceable, Arc::clone(&clock));
    health.readiness.add_job(reload.reading());
    if let Some(names) = names {
        health.readiness.add(move || reported::for_others(&names));
    }
    for changed in reload.health() {
        health.readiness.add(move || changed.failing());
    }
    let (reloads, asking) = (reload.requests(), reload.requests());
    jobs.spawn(reload.keep_fresh(stop.clone()));
    if let Some(acme) = acme {
        acme.add_to(&health.readiness);
        jobs.spawn(acme.run(stop.clone()));
    }
    jobs.spawn(expiry.clone().watch(Arc::clone(&clock), stop.clone()));
    let (watched, at) = (expiry.clone(), Arc::clone(&clock));
    health.readiness.add(move || reported::failing(&watched, at.now()));
    let stopping = stop.clone();
    health.readiness.add(move || stopping.is_cancelled().then(Failing::stopping));
    let router = log::Gate::new(router, log::current());
    write!(out, "{text}").and_then(|()| out.flush()).map_err(Failure::output)?;
    if let Some(start_code) = start_code {
        let audit = audit.as_ref().map(OpenAudit::log);
        start_code.offer(address, is_terminal, audit, invocation, out).await?;
    }

    let counts = Connections::default();
    // It answers until the last request has ended.
    let admin_stop = CancellationToken::new();
    let drain = CancellationToken::new();
    let admin = admin.zip(metrics).map(|(admin, metrics)| {
        read_connections(&metrics, metrics::Listener::Main, counts.clone(), connections);
        reported::read_by(&metrics, expiry.clone(), Arc::clone(&clock));
        let answers = Answers {
            health,
            metrics: Arc::clone(&metrics),
            clock: Arc::clone(&clock),
            reload: Box::new(move || {
                let asking = asking.clone();
                Box::pin(async move { asking.ask_and_wait().await })
            }),
            explaining,
            drain: drain.clone(),
        };
        let answering = routes::routes(answers, admin.reach);
        tokio::spawn(admin.serve(answering, admin_stop.clone(), metrics))
    });
    let serving = serve(socket, router, stop.clone(), limits, proxies, PROGRAM, counts);
    let serving = tokio::spawn(serving);
    loop {
        let asked = tokio::select! {
            asked = signals.next() => asked,
            () = drain.cancelled() => Asked::ToStop,
        };
        match asked {
            Asked::ToReload => reloads.ask(),
            Asked::ToStop => break,
        }
    }
    tracing::info!("Stopping: no new requests, those under way may end");
    stop.cancel();
    let ended = serving.await;
    ended_calls.cancel();
    admin_stop.cancel();
    if let Some(admin) = admin {
        let _ = admin.await;
    }
    while jobs.join_next().await.is_some() {}
    if let Some(audit) = audit {
        audit.close().await;
    }
    if let Some(tracing) = tracing {
        tracing.stop().await;
    }
    directory.close().await;
    tracing::info!("Stopped");
    ended.map_err(|source| Failure::Io { context: "serving", source: source.into() })
}

/// Where callers are accepted, and what keeps the certificate.
struct Secured {
    socket: Socket,
    expiry: Expiry,
    /// Those of the certificate, if it is from files.
    names: Option<Names>,
    /// The files that are read again.
    files: Option<Box<dyn Part>>,
    /// The orders at an authority.
    acme: Option<AcmeJob>,
}

fn secured(
    listener: TcpListener,
    config: &Config,
    clock: &Arc<dyn Clock>,
) -> Result<Secured, Failure> {
    let in_force = TlsInForce::default();
    let (socket, expiry) = (Socket::Tls, in_force.expiry());
    let at = || Arc::clone(clock);
    let fault = |fault: TlsFileError| ConfigError(vec![format!("TLS: {fault}")]);
    let (files, loaded) = match &config.transport {
        Transport::Plain(_) => {
            let socket = listener.into();
            return Ok(Secured { socket, expiry, names: None, files: None, acme: None });
        }
        Transport::Acme(acme, clients) => {
            let clients = clients.clone().map(|it| ClientsFile::new(it, in_force.clone()));
            let clients = clients.transpose().map_err(fault)?;
            let files: Option<Box<dyn Part>> =
                clients.map(|it| -> Box<dyn Part> { Box::new(Watched::new(it, at())) });
            let job = AcmeJob::new(acme.clone(), in_force, at());
            let socket = socket(listener, job.tls());
            return Ok(Secured { socket, expiry, names: None, files, acme: Some(job) });
        }
        Transport::Tls(files, loaded) => (files, loaded),
    };
    let host = Host { name: config.resource.host().to_owned(), setting: "MCP_RESOURCE" };
    let socket = socket(listener, in_force.tls());
    let certificate = CertificateFiles::new(files.clone(), loaded.clone(), host, in_force, at());
    let certificate = certificate.map_err(fault)?;
    let names = Some(certificate.names());
    let files: Option<Box<dyn Part>> = Some(Box::new(Watched::new(certificate, at())));
    Ok(Secured { socket, expiry, names, files, acme: None })
}

/// What is printed of an upstream: its name, its path, and what protects it.
fn line_of(upstream: &UpstreamResource, config: &Config) -> (String, String, String) {
    let (name, path) = (upstream.upstream.name().to_owned(), upstream.uri.path().to_owned());
    let policy = PolicySource::File(upstream.config.policy.clone());
    (name, path, config.protection_of(&upstream.uri, &policy))
}

/// What may help where the configuration is invalid: variables in `.env` with misspelled names, or
/// a new file.
pub(super) fn hints(environment: &Environment, invocation: &Invocation) -> Vec<String> {
    let misspelled = environment.misspelled().into_iter();
    let hints: Vec<_> = misspelled
        .map(|(name, meant)| format!("hint: no program reads {name}: did you mean {meant}?"))
        .collect();
    if hints.is_empty() { Vec::from_iter(new_env_file(environment, invocation)) } else { hints }
}

/// How to get a key, where a new `.env` file has one.
fn new_env_file(environment: &Environment, invocation: &Invocation) -> Option<String> {
    let error = settings::verifying_keys(environment).err()?;
    let command = invocation.make_env_file();
    error
        .is_fixed_by_a_new_env_file()
        .then(|| format!("hint: `{command}` makes a .env with a fresh secret where there is none"))
}

/// Logs what is valid but probably unintended.
async fn warn_about(
    config: &Config,
    directory: &CachedDirectory<AnyDirectory>,
    invocation: &Invocation,
) -> Result<(), Failure> {
    directory.ping().await?;
    if directory.is_empty() && config.provisioning.is_empty() {
        let command = invocation.command(Program::Server, "users add");
        tracing::warn!("The directory has no users, so every call is refused: `{command}`");
    }
    for issuer in &config.issuers {
        for (place, fault) in &issuer.unusable {
            let issuer = issuer.trusted.issuer().as_str();
            tracing::warn!(issuer, place, %fault, "A key of the issuer's file cannot be used");
        }
    }
    let Some(keys) = config.local.as_ref().and_then(|local| local.keys.as_ref()) else {
        return Ok(());
    };
    for (place, fault) in &keys.unusable {
        tracing::warn!(place, %fault, "A key of the set in JWT_KEY_FILE cannot be used");
    }
    if keys.source == KeySource::Secret && !config.resource.is_loopback() {
        tracing::warn!(
            "Every holder of JWT_SECRET can issue tokens, this server included: consider JWT_KEY_FILE with a public key"
        );
    }
    Ok(())
}
