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
//! 6. Connections come over TCP, with or without TLS ([`Tls`]), or over a Unix socket (`socket`),
//!    and are counted ([`Connections`]), handshakes too.
//! 7. With TLS there is HTTP/2 (`http2`), too, within bounds of its own.
//!
//! `axum::serve` has no limits.

mod admission;
mod caller;
mod connection;
mod connection_task;
mod connections;
pub mod descriptors;
mod http2;
mod kind;
mod limits;
mod peers;
mod program;
mod progress;
mod reserve;
mod seldom;
pub mod shutdown;
pub mod signals;
mod socket;
mod stream;
#[cfg(test)]
mod tests;
mod tls;
mod trusted_proxies;

use std::{convert::Infallible, io, time::Duration};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::body::Incoming;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tower::Service;

use self::{
    admission::Admission,
    caller::{CallerAddress, Reports},
    connection::configured,
    connection_task::ConnectionTask,
    kind::Kind,
    seldom::Seldom,
};
pub use self::{
    connections::Connections,
    limits::{Limits, PerAddress, is_local},
    program::{CertificateThumbprint, Program},
    socket::{Socket, UnixSocket},
    tls::{Certificate, CertificateError, ChallengeCertificate, ClientAuthorities, Tls, Validity},
    trusted_proxies::{TrustedProxies, TrustedProxiesError},
};

/// How long to wait before accepting again after an error (out of descriptors, for example).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `service` until `stop` is cancelled and what was under way has ended. What has not ended
/// within [`Limits::grace`] is aborted. `proxies` are trusted to name the address that a request
/// comes from. Connections are counted in `connections`.
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
    // While few connections are left, and in the reserve, slow peers have less time.
    let hurried = Limits { head_timeout: limits.reserve_timeout, ..limits };
    let admission = Admission::new(limits, proxies.clone(), connections.clone());
    let reports = Reports::default();
    let (mut running, faults) = (JoinSet::new(), Seldom::default());
    loop {
        let next = async { (admission.acquire().await, socket.accept().await) };
        let (room, accepted) = tokio::select! {
            next = next => next,
            () = stop.cancelled() => break,
        };
        let (stream, address) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_one_peer(&error) => {
                tracing::debug!(%error, "A connection ended before it was accepted");
                continue;
            }
            Err(error) => {
                if let Some(left_out) = faults.due() {
                    tracing::warn!(%error, left_out, "Connections cannot be accepted, and wait");
                }
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(admitted) = admission.admit(room, address) else {
            continue;
        };
        let is_hurried = admitted.room.kind == Kind::Reserve || admission.is_scarce();
        let task = ConnectionTask {
            io: configured(stream, limits.write_timeout),
            service: CallerAddress {
                inner: service.clone(),
                peer: address,
                proxies: proxies.clone(),
                program,
                reports: reports.clone(),
                certificate: None,
            },
            admitted,
            connections: connections.clone(),
            limits: if is_hurried { hurried } else { limits },
            stop: stop.clone(),
        };
        while running.try_join_next().is_some() {}
        match socket.tls() {
            Some(tls) => running.spawn(task.secured(tls.clone())),
            None => running.spawn(task.plain()),
        };
    }
    drop(socket);
    let all_ended = async { while running.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, all_ended).await.is_err() {
        let connections = running.len();
        tracing::warn!(connections, "Some requests did not end in time, and are aborted");
        running.shutdown().await;
    }
}

/// Whether a connection could not be accepted because its peer has ended it. Others can be.
fn is_of_one_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
