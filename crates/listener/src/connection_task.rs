//! One connection, from its handshake to its end.

use std::{convert::Infallible, pin::pin};

use axum::{
    body::Body,
    http::{Request, Response},
};
use hyper::{body::Incoming, server::conn::http1};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    service::TowerToHyperService,
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;
use tower::Service;

use crate::{
    admission::Admitted,
    caller::CallerAddress,
    connections::Connections,
    http2,
    kind::Kind,
    limits::Limits,
    progress::Progress,
    reserve::Reserve,
    tls::{self, Tls},
};

/// What one connection needs.
pub(super) struct ConnectionTask<S> {
    pub(super) io: Progress,
    pub(super) service: CallerAddress<S>,
    pub(super) admitted: Admitted,
    pub(super) connections: Connections,
    /// The bounds. Where less time is given, these say so.
    pub(super) limits: Limits,
    pub(super) stop: CancellationToken,
}

impl<S> ConnectionTask<S>
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone + Send + 'static,
    S::Future: Send + 'static,
{
    /// Serves HTTP/1.1.
    pub(super) async fn plain(self) {
        let service = reserve(&self.admitted, self.service);
        http1(self.io, service, &self.admitted, &self.limits, &self.stop).await;
    }

    /// Serves what is negotiated by TLS.
    pub(super) async fn secured(self, tls: Tls) {
        let Self { io, mut service, admitted, connections, limits, stop } = self;
        let handshake = tls::accept(&tls, io, admitted.room.kind);
        let time = limits.handshake_timeout.min(limits.head_timeout);
        let accepted = tokio::select! {
            accepted = tokio::time::timeout(time, handshake) => accepted,
            () = stop.cancelled() => return,
        };
        let accepted = match accepted {
            Ok(Ok(Some(accepted))) => accepted,
            Ok(Ok(None)) => return tracing::debug!("The challenge of an authority was answered"),
            Ok(Err(error)) => return connections.handshake_failed(service.peer, &error),
            Err(_) => return connections.handshake_failed(service.peer, &"it took too long"),
        };
        service.certificate = accepted.certificate;
        let service = reserve(&admitted, service);
        if accepted.is_http2 {
            Box::pin(http2::serve(accepted.stream, service, &limits, &stop)).await;
        } else {
            http1(accepted.stream, service, &admitted, &limits, &stop).await;
        }
    }
}

fn reserve<S>(admitted: &Admitted, inner: CallerAddress<S>) -> Reserve<CallerAddress<S>> {
    let is_health_check = inner.program.is_health_check;
    let is_reserve = admitted.room.kind == Kind::Reserve;
    Reserve { inner, is_health_check: is_reserve.then_some(is_health_check) }
}

async fn http1<I, S>(
    io: I,
    service: S,
    admitted: &Admitted,
    limits: &Limits,
    stop: &CancellationToken,
) where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
    S: Service<Request<Incoming>, Response = Response<Body>, Error = Infallible>,
    S: Clone,
{
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(limits.head_timeout)
        .max_buf_size(limits.head_bytes)
        .keep_alive(admitted.room.kind == Kind::Ordinary);
    let service = TowerToHyperService::new(service);
    let mut connection = pin!(http.serve_connection(TokioIo::new(io), service));
    let ended = tokio::select! {
        biased;
        ended = connection.as_mut() => ended,
        () = stop.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Clients that disconnect or take too long are no error of the server.
    if let Err(error) = ended {
        tracing::debug!(%error, "A connection ended early");
    }
}
