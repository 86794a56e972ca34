//! When to stop.

use std::future::Future;

/// Returns when the process is asked to stop: SIGINT (Ctrl-C) or SIGTERM. It listens from the call
/// on, not from the first poll, so that no signal in between is missed.
#[cfg(unix)]
pub fn signal() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let listen = |kind| signal(kind).ok();
    let signals = [SignalKind::interrupt(), SignalKind::terminate()].map(listen);
    async move {
        let [interrupt, terminate] = signals.map(async |signal| match signal {
            Some(mut signal) => drop(signal.recv().await),
            // Without a handler the system's own stops the process.
            None => std::future::pending().await,
        });
        tokio::select! {
            () = interrupt => {}
            () = terminate => {}
        }
    }
}

/// Returns when the process is asked to stop: Ctrl-C.
#[cfg(not(unix))]
pub fn signal() -> impl Future<Output = ()> {
    async {
        if tokio::signal::ctrl_c().await.is_err() {
            // Without a handler the system's own stops the process.
            std::future::pending::<()>().await;
        }
    }
}
