//! Calls over TLS 1.3, with HTTP/1.1 or HTTP/2.

use std::{
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, Response,
    body::Incoming,
    client::conn::{http1, http2},
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, task::JoinSet};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{
        ClientConfig, HandshakeKind, RootCertStore,
        client::Resumption,
        pki_types::{CertificateDer, ServerName, pem::PemObject},
        version::TLS13,
    },
};

use crate::{
    calls::{self, Revision},
    load::{CONNECTIONS, Latencies},
    process::Server,
};

/// What is spoken over TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    Http2,
}

/// Connections over TLS that each send the next request when the answer is there.
pub(crate) struct Tls {
    address: SocketAddr,
    request: Vec<u8>,
    protocol: Protocol,
    config: Arc<ClientConfig>,
    /// Each request has a connection of its own, begun in that way.
    each: Option<HandshakeKind>,
}

impl Tls {
    pub(crate) fn new(
        server: &Server,
        folder: &Path,
        protocol: Protocol,
        resumption: bool,
        each: Option<HandshakeKind>,
    ) -> Self {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(folder.join("cert.pem")).unwrap();
        roots.add(certificate).unwrap();
        let mut config = ClientConfig::builder_with_protocol_versions(&[&TLS13])
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = match protocol {
            Protocol::Http1 => vec![b"http/1.1".to_vec()],
            Protocol::Http2 => vec![b"h2".to_vec()],
        };
        if !resumption {
            config.resumption = Resumption::disabled();
        }
        let request = calls::get_time(Revision::V2025, Some(server.valid()[0]));
        Self { address: server.address, request, protocol, config: Arc::new(config), each }
    }

    pub(crate) async fn run(&self, length: Duration) -> Latencies {
        let end = Instant::now() + length;
        let mut callers = JoinSet::new();
        for _ in 0..CONNECTIONS {
            let mut config = ClientConfig::clone(&self.config);
            if self.each == Some(HandshakeKind::Resumed) {
                // Tickets are for one use each, so nobody takes another's.
                config.resumption = Resumption::in_memory_sessions(32);
            }
            let tls = Self {
                address: self.address,
                request: self.request.clone(),
                protocol: self.protocol,
                config: Arc::new(config),
                each: self.each,
            };
            callers.spawn(async move { tls.call(end).await });
        }
        Latencies::new(callers.join_all().await.into_iter().flatten())
    }

    async fn call(&self, end: Instant) -> Vec<u32> {
        let mut took = Vec::new();
        let mut note = |begun: Instant| {
            took.push(u32::try_from(begun.elapsed().as_nanos()).unwrap_or(u32::MAX));
        };
        if let Some(kind) = self.each {
            // The first connection brings the ticket that the next goes on with.
            self.once(None).await;
            while Instant::now() < end {
                let begun = Instant::now();
                self.once(Some(kind)).await;
                note(begun);
            }
            return took;
        }
        let mut connection = Connection::open(self.connect(None).await, self.protocol).await;
        while Instant::now() < end {
            let begun = Instant::now();
            connection.send(&self.request).await;
            note(begun);
        }
        took
    }

    /// One connection and one call over it.
    async fn once(&self, kind: Option<HandshakeKind>) {
        let mut connection = Connection::open(self.connect(kind).await, self.protocol).await;
        connection.send(&self.request).await;
    }

    async fn connect(&self, kind: Option<HandshakeKind>) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        let connector = TlsConnector::from(Arc::clone(&self.config));
        let stream = connector.connect(name, stream).await.unwrap();
        if kind.is_some() {
            assert_eq!(stream.get_ref().1.handshake_kind(), kind, "how it was begun");
        }
        stream
    }
}

enum Connection {
    Http1(http1::SendRequest<Full<Bytes>>),
    Http2(http2::SendRequest<Full<Bytes>>),
}

impl Connection {
    async fn open(stream: TlsStream<TcpStream>, protocol: Protocol) -> Self {
        let io = TokioIo::new(stream);
        match protocol {
            Protocol::Http1 => {
                let (sender, connection) = http1::handshake(io).await.unwrap();
                tokio::spawn(connection);
                Self::Http1(sender)
            }
            Protocol::Http2 => {
                let executor = TokioExecutor::new();
                let (sender, connection) = http2::handshake(executor, io).await.unwrap();
                tokio::spawn(connection);
                Self::Http2(sender)
            }
        }
    }

    async fn send(&mut self, request: &[u8]) {
        let response: Response<Incoming> = match self {
            Self::Http1(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(parsed(request, false)).await.unwrap()
            }
            Self::Http2(sender) => {
                sender.ready().await.unwrap();
                sender.send_request(parsed(request, true)).await.unwrap()
            }
        };
        assert_eq!(response.status(), 200);
        let _ = response.into_body().collect().await.unwrap();
    }
}

/// A request of `calls` as hyper has it.
fn parsed(request: &[u8], http2: bool) -> Request<Full<Bytes>> {
    let text = std::str::from_utf8(request).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    // HTTP/2 has the host in its address.
    let uri = if http2 { "http://localhost:8000/mcp" } else { "/mcp" };
    let mut request = Request::post(uri);
    for (name, value) in head.lines().skip(1).filter_map(|line| line.split_once(": ")) {
        if !(http2 && name == "Host") {
            request = request.header(name, value);
        }
    }
    request.body(Full::new(Bytes::copy_from_slice(body.as_bytes()))).unwrap()
}
