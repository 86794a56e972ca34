//! Opening a connection.

use std::sync::Arc;

use crate::{
    child::ChildConfig,
    link::{ClosedError, Link},
    pool::Slot,
    warden::Warden,
};

/// Starts the server and connects to it. `warden` ends it if this process is killed.
///
/// Dropping the link ends the server.
pub async fn open(config: &Arc<ChildConfig>, warden: &Warden) -> Result<Link, ClosedError> {
    open_in(config, warden, None).await
}

/// The same; `slot` is kept until the process is gone.
#[cfg(unix)]
pub(super) async fn open_in(
    config: &Arc<ChildConfig>,
    warden: &Warden,
    slot: Option<Slot>,
) -> Result<Link, ClosedError> {
    use tokio::sync::mpsc;

    let started = crate::child::start(config, warden).await.map_err(ClosedError::NotStarted)?;
    let queue = config.limits.queue.max(1);
    let (sender, outgoing) = mpsc::channel(queue);
    let (incoming, receiver) = mpsc::channel(queue);
    let config = Arc::clone(config);
    tokio::spawn(super::supervise::supervise(config, started, outgoing, incoming, slot));
    Ok(Link { sender, receiver })
}

/// Fails: without process groups and signals a server could not be ended with what it started.
#[cfg(not(unix))]
pub(super) async fn open_in(
    _: &Arc<ChildConfig>,
    _: &Warden,
    _: Option<Slot>,
) -> Result<Link, ClosedError> {
    let reason = "servers over stdio need Linux or macOS; use the server's URL instead";
    Err(ClosedError::NotStarted(std::io::Error::new(std::io::ErrorKind::Unsupported, reason)))
}
