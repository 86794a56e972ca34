//! From a listening socket to answered requests, within [`Limits`].
//!
//! 1. The head of a request arrives in time and within a size; a connection may be idle for as
//!    long. While less than a quarter of the connections is left, new ones have a sixth of the
//!    time.
//! 2. What is written is taken in time (`progress`).
//! 3. The number of open connections is bounded, in total and for one address (`peers`).
//! 4. Beyond that a few more are accepted, on which health checks are answered and everything else
//!    is refused (`reserve`); the number of these is bounded for one address too. Others wait in
//!    the system's queue.
//! 5. Each request has the address that it comes from, also behind a proxy (`caller`).
//! 6. Connections come over TCP or over a Unix socket (`socket`), and are counted
//!    ([`Connections`]).
//!
//! `axum::serve` has no limits.

mod admission;
mod caller;
mod connection;
mod connections;
pub mod descriptors;
mod kind;
mod limits;
mod peers;
mod program;
mod progress;
mod reserve;
pub mod shutdown;
pub mod signals;
mod socket;
mod stream;
#[cfg(test)]
mod tests;
mod trusted_proxies;

use std::{convert::Infallible, time::Duration};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio_util::sync::CancellationToken;
use tower::Service;

use self::{
    admission::Admission,
    caller::{CallerAddress, Reports},
    connection::configured,
    kind::Kind,
    reserve::Reserve,
};
pub use self::{
    connections::Connections,
    limits::{Limits, PerAddress, is_local},
    program::Program,
    socket::{Socket, UnixSocket},
    trusted_proxies::{TrustedProxies, TrustedProxiesError},
};

/// How long to wait before accepting again after an error (out of descriptors, for example).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `service` until `stop` is cancelled and what was under way has ended, or its time is
/// over. `proxies` are trusted to name the address that a request comes from. Connections are
/// counted in `connections`.
pub async fn serve<S>(
    socket: impl Into<Socket>,
    service: S,
    stop: CancellationToken,
    limits: Limits,
    proxies: TrustedProxies,
    program: Program,
    connections: Connections,
) where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    let socket = socket.into();
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes);
    let mut reserve_http = http.clone();
    reserve_http.header_read_timeout(limits.reserve_timeout).keep_alive(false);
    // While few connections are left, slow requests have less time.
    let mut scarce_http = http.clone();
    scarce_http.header_read_timeout(limits.reserve_timeout);
    let admission = Admission::new(limits, proxies.clone(), connections);
    let reports = Reports::default();
    let is_health_check = program.is_health_check;
    let graceful = GracefulShutdown::new();
    loop {
        let next = async { (admission.acquire().await, socket.accept().await) };
        let (room, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "A connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(admitted) = admission.admit(room, address) else {
            tracing::debug!(%address, "An address has all the connections that it may have");
            continue;
        };
        let io = TokioIo::new(configured(stream, limits.write_timeout));
        let service = CallerAddress {
            inner: service.clone(),
            peer: address,
            proxies: proxies.clone(),
            program,
            reports: reports.clone(),
        };
        // Clients that disconnect or take too long are no error of the server.
        match admitted.room.kind {
            Kind::Ordinary => {
                let service = TowerToHyperService::new(service);
                let http = if admission.is_scarce() { &scarce_http } else { &http };
                let connection = graceful.watch(http.serve_connection(io, service));
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "A connection ended early");
                    }
                    drop(admitted);
                });
            }
            Kind::Reserve => {
                let service = TowerToHyperService::new(Reserve { inner: service, is_health_check });
                let connection = graceful.watch(reserve_http.serve_connection(io, service));
                tokio::spawn(async move {
                    if let Err(error) = connection.await {
                        tracing::debug!(%error, "A connection ended early");
                    }
                    drop(admitted);
                });
            }
        }
    }
    drop(socket);
    tokio::select! {
        () = graceful.shutdown() => {}
        () = tokio::time::sleep(limits.grace) => {
            tracing::warn!("Some requests did not end in time");
        }
    }
}
