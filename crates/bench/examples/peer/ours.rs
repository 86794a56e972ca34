//! Our server, by the listener of our programs: with TLS, or without.

use std::{fs, path::Path};

use axum::Router;
use listener::{
    Certificate, Connections, Limits, PerAddress, Program, Socket, Tls, TrustedProxies, serve,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// The server needs neither address nor certificate of its peers here.
const PROGRAM: Program =
    Program { note_address: |_, _| {}, note_certificate: |_, _| {}, is_health_check: |_| false };

/// More connections than a scene has.
const CONNECTIONS: usize = 20_000;

/// Serves with `cert.pem` and `key.pem` of `folder`, or in plain HTTP/1.1.
pub(crate) async fn by_our_listener(listener: TcpListener, router: Router, folder: Option<&Path>) {
    let socket = match folder {
        Some(folder) => Socket::Tls(listener, tls(folder)),
        None => listener.into(),
    };
    let per_address = PerAddress::Every(CONNECTIONS);
    let limits = Limits { connections: CONNECTIONS, per_address, ..Limits::default() };
    let (stop, proxies) = (CancellationToken::new(), TrustedProxies::default());
    serve(socket, router, stop, limits, proxies, PROGRAM, Connections::default()).await;
}

fn tls(folder: &Path) -> Tls {
    let read = |name| fs::read(folder.join(name)).unwrap();
    let certificate = Certificate::from_pem(&read("cert.pem"), &read("key.pem")).unwrap();
    let tls = Tls::without_certificate();
    tls.replace(&certificate, None).unwrap();
    tls
}
