//! `server` or `server run`: bind, say so, serve until told to stop.

use std::{io::Write, sync::Arc};

use auth_core::{Clock, SystemClock};
use directory::{AnyDirectory, CacheSettings, CachedDirectory, Directory, Shared};
use settings::{EnvFile, Environment, KeySource, fresh_secret};
use terminal::{Invocation, Program};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    args::RunArgs,
    config::{
        issuers,
        settings::{Config, ConfigError},
    },
    failure::Failure,
    key_files::KeyFiles,
    listen::{Limits, PerAddress, descriptors, serve, shutdown},
    mcp::sessions::Sessions,
    telemetry::log,
};

pub(crate) async fn run(
    args: &RunArgs,
    env_file: &EnvFile,
    environment: &Environment,
    invocation: &Invocation,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let asked_to_stop = shutdown::signal();
    let log = log::start(environment);
    let config = match (Config::resolve(args, environment), log) {
        (Ok(config), Ok(())) => config,
        (Ok(_), Err(fault)) => return Err(ConfigError(vec![fault]).into()),
        (Err(faults), log) => {
            let hint = new_env_file(environment, invocation);
            let all = faults.0.into_iter().chain(log.err()).chain(hint);
            return Err(ConfigError(all.collect()).into());
        }
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let settings = CacheSettings {
        max_in_memory: config.directory_max_users,
        max_age: config.directory_max_age,
        clock: Arc::clone(&clock),
    };
    let store = AnyDirectory::open(&config.database_url).await?;
    let sessions = if config.has_sessions {
        let key = fresh_secret().map_err(|error| Failure::Io {
            context: "no randomness for a secret",
            source: error.into(),
        })?;
        let shared = Shared::new(store.clone());
        Some(Sessions::open(shared, key.as_bytes(), Arc::clone(&clock)).await?)
    } else {
        None
    };
    let directory = Arc::new(CachedDirectory::load(store, settings).await?);
    let bind = |source| Failure::Bind { address: config.bind.clone(), source };
    let listener = TcpListener::bind(&config.bind).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;

    if env_file.is_open_to_others() {
        let path = env_file.path().display();
        tracing::warn!(
            "Other users can read {path}, which may hold secrets: run `chmod 600 {path}`"
        );
    }
    warn_about(&config, &directory, invocation).await?;
    if let Some(shortage) = descriptors::raise(config.max_connections) {
        tracing::warn!("{shortage}");
    }
    let stop = CancellationToken::new();
    let server_command = invocation.program(Program::Server);
    let mut app = App::new(&config, Arc::clone(&directory), Arc::clone(&clock))?
        .server_command(&server_command);
    let files = KeyFiles::new(config.key_files(), app.issuers.clone(), clock);
    let jobs = files.health().into_iter().chain(sessions.as_ref().map(Sessions::health));
    for (job, health) in jobs {
        app.readiness.add(move || health.as_failing(&job));
    }
    let pruning = sessions.clone().map(|it| tokio::spawn(it.prune(stop.clone())));
    app.sessions = sessions;
    let keeping = tokio::spawn(issuers::keep_fresh(app.issuers.clone(), stop.clone()));
    let following = tokio::spawn(follow(Arc::clone(&directory), stop.clone()));
    let files = tokio::spawn(files.keep_fresh(stop.clone()));
    app.readiness.add(log::failing);
    let router = log::Gate::new(app.router(&stop)?, log::current());
    writeln!(
        out,
        "MCP server on http://{address}{}, {}",
        config.resource.path(),
        config.protection()
    )
    .and_then(|()| out.flush())
    .map_err(Failure::output)?;

    let connections = config.max_connections;
    let per_address = config
        .max_connections_per_address
        .map_or(PerAddress::Public(connections.div_ceil(4)), PerAddress::Every);
    let limits = Limits { connections, per_address, ..Limits::default() };
    let serving = tokio::spawn(serve(listener, router, stop.clone(), limits));
    asked_to_stop.await;
    tracing::info!("Stopping: no new requests, those under way may end");
    stop.cancel();
    let ended = serving.await;
    let _ = (keeping.await, following.await, files.await);
    if let Some(pruning) = pruning {
        let _ = pruning.await;
    }
    directory.close().await;
    tracing::info!("Stopped");
    ended.map_err(|source| Failure::Io { context: "serving", source: source.into() })
}

/// How to get a key, where a new `.env` file has one.
fn new_env_file(environment: &Environment, invocation: &Invocation) -> Option<String> {
    let error = settings::verifying_keys(environment).err()?;
    let command = invocation.make_env_file();
    error
        .is_fixed_by_a_new_env_file()
        .then(|| format!("hint: `{command}` makes a .env with a fresh secret where there is none"))
}

/// Keeps what is known of users fresh until `stop` is cancelled.
async fn follow(directory: Arc<CachedDirectory<AnyDirectory>>, stop: CancellationToken) {
    tokio::select! {
        () = directory.keep_fresh() => {}
        () = stop.cancelled() => {}
    }
}

/// What is no fault and still worth knowing.
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
    let Some(local) = &config.local else { return Ok(()) };
    for (place, fault) in &local.keys.unusable {
        tracing::warn!(place, %fault, "A key of the set in JWT_KEY_FILE cannot be used");
    }
    if local.keys.source == KeySource::Secret && !config.resource.is_loopback() {
        tracing::warn!(
            "Whoever has JWT_SECRET can make tokens, this server included: consider JWT_KEY_FILE with a public key"
        );
    }
    Ok(())
}
