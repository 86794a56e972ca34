//! `server` or `server run`: bind, say so, serve until told to stop.

use std::{io::Write, sync::Arc, time::Duration};

use auth_core::SystemClock;
use axum::serve::ListenerExt;
use directory::SqliteDirectory;
use settings::{Environment, KeySource};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::{
    app::App,
    args::RunArgs,
    config::{Config, ConfigError},
    failure::Failure,
    log, shutdown,
};

/// How long requests that are under way may take once it is time to stop.
const GRACE: Duration = Duration::from_secs(10);

pub(crate) async fn run(
    args: &RunArgs,
    environment: &Environment,
    out: &mut dyn Write,
) -> Result<(), Failure> {
    let log = log::start(environment);
    let config = match (Config::resolve(args, environment), log) {
        (Ok(config), Ok(())) => config,
        (Ok(_), Err(fault)) => return Err(ConfigError(vec![fault]).into()),
        (Err(faults), log) => {
            return Err(ConfigError(faults.0.into_iter().chain(log.err()).collect()).into());
        }
    };
    let directory = Arc::new(SqliteDirectory::open(&config.database_url).await?);
    let bind = |source| Failure::Bind { address: config.bind.clone(), source };
    let listener = TcpListener::bind(&config.bind).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;

    warn_about(&config, &directory).await?;
    writeln!(
        out,
        "MCP server on http://{address}{}, {}",
        config.resource.path(),
        config.protection()
    )
    .and_then(|()| out.flush())
    .map_err(Failure::output)?;

    let stop = CancellationToken::new();
    let router = App::new(&config, Arc::clone(&directory), Arc::new(SystemClock)).router(&stop);
    // Without this every answer that is written in two parts waits for the client's delayed ACK.
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY could not be set");
        }
    });
    let requested = stop.clone();
    let serve = axum::serve(listener, router).with_graceful_shutdown(async move {
        shutdown::signal().await;
        tracing::info!("Stopping: no new requests, those under way may end");
        requested.cancel();
    });
    let too_long = async {
        stop.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let ended = tokio::select! {
        ended = serve => ended,
        () = too_long => {
            tracing::warn!("Some requests did not end in time");
            Ok(())
        }
    };
    directory.close().await;
    tracing::info!("Stopped");
    ended.map_err(|source| Failure::Io { context: "serving", source })
}

/// What is no fault and still worth knowing.
async fn warn_about(config: &Config, directory: &SqliteDirectory) -> Result<(), Failure> {
    use directory::Directory;
    if directory.list().await?.is_empty() {
        tracing::warn!(
            "The directory has no users, so nobody can call anything: `server users add`"
        );
    }
    if config.key_source == KeySource::Secret && !config.resource.is_loopback() {
        tracing::warn!(
            "Whoever has JWT_SECRET can make tokens, this server included: consider JWT_KEY_FILE with a public key"
        );
    }
    Ok(())
}
