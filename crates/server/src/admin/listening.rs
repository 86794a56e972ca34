//! The admin listener: where it listens, and within which bounds.

use std::sync::Arc;

use axum::Router;
use listener::{Connections, Limits, PerAddress, Program, Socket, TrustedProxies, UnixSocket};
use metrics::{Listener, Metrics};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{bind::AdminBind, reach::Reach};
use crate::failure::Failure;

/// How many connections are open at once.
const CONNECTIONS: usize = 16;

/// Its requests need no address.
const PROGRAM: Program =
    Program { note_address: |_, _| {}, note_certificate: |_, _| {}, is_health_check: |_| true };

/// A socket that listens, and what to print of it.
pub(crate) struct Listening {
    socket: Socket,
    /// Where it listens, as `http://127.0.0.1:9000`.
    pub(crate) place: String,
    /// Who reaches it.
    pub(crate) reach: Reach,
}

impl Listening {
    /// Listens at `bind`.
    pub(crate) async fn open(bind: &AdminBind) -> Result<Self, Failure> {
        let failure = |source| Failure::AdminBind { place: bind.to_string(), source };
        match bind {
            AdminBind::Address(address) => {
                let socket = TcpListener::bind(address).await.map_err(failure)?;
                let address = socket.local_addr().map_err(failure)?;
                let is_loopback = address.ip().to_canonical().is_loopback();
                let reach = if is_loopback { Reach::Loopback } else { Reach::Network };
                Ok(Self { socket: socket.into(), place: format!("http://{address}"), reach })
            }
            AdminBind::Unix(path) => {
                let socket = UnixSocket::bind(path).map_err(failure)?;
                Ok(Self { socket: socket.into(), place: bind.to_string(), reach: Reach::Owner })
            }
        }
    }

    /// Serves `routes` until `stop` is cancelled.
    pub(crate) async fn serve(
        self,
        routes: Router,
        stop: CancellationToken,
        metrics: Arc<Metrics>,
    ) {
        let connections = Connections::default();
        read_connections(&metrics, Listener::Admin, connections.clone(), CONNECTIONS);
        let per_address = PerAddress::Every(CONNECTIONS);
        let limits =
            Limits { connections: CONNECTIONS, per_address, reserve: 0, ..Limits::default() };
        let proxies = TrustedProxies::default();
        let socket = self.socket;
        listener::serve(socket, routes, stop, limits, proxies, PROGRAM, connections).await;
    }
}

/// Lets `metrics` read the connections of a listener.
pub(crate) fn read_connections(
    metrics: &Metrics,
    listener: Listener,
    connections: Connections,
    limit: usize,
) {
    metrics.read(move |readings| {
        let (open, in_reserve) = (connections.open(), connections.in_reserve());
        readings.connections(listener, open, in_reserve, limit, connections.refused());
        if listener == Listener::Main {
            readings.failed_handshakes(connections.failed_handshakes());
        }
    });
}
