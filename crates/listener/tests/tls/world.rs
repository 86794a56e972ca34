//! A server with TLS, and clients that trust its authority.

use std::{convert::Infallible, future::Future, net::SocketAddr, sync::Arc, time::Duration};

use axum::{
    Extension, Router,
    body::Body,
    http::{HeaderMap, Uri, header},
    routing::{get, post},
};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::{Request, Response, body::Incoming, client::conn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use listener::{
    Certificate, CertificateThumbprint, ClientAuthorities, Connections, Limits, Program, Socket,
    Tls, TrustedProxies, serve,
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName},
};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_util::sync::CancellationToken;

pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

const PROGRAM: Program = Program {
    note_address: |_, _| {},
    note_certificate: |extensions, certificate| {
        extensions.insert(certificate);
    },
    is_health_check: |path| path == "/healthz",
};

/// A certificate authority of its own.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
    pub(crate) der: CertificateDer<'static>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let (pem, der) = (certificate.pem(), certificate.der().clone());
        Self { issuer: Issuer::new(params, key), pem, der }
    }

    /// A certificate for `localhost`, as PEM, and its key.
    pub(crate) fn signed(&self) -> (String, KeyPair, CertificateDer<'static>) {
        self.signed_with(|_| {})
    }

    pub(crate) fn signed_with(
        &self,
        change: impl FnOnce(&mut CertificateParams),
    ) -> (String, KeyPair, CertificateDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        change(&mut params);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key, certificate.der().clone())
    }

    pub(crate) fn certificate(&self) -> Certificate {
        let (chain, key, _) = self.signed();
        Certificate::from_pem(chain.as_bytes(), key.serialize_pem().as_bytes()).unwrap()
    }

    pub(crate) fn clients(&self) -> ClientAuthorities {
        ClientAuthorities::from_pem(self.pem.as_bytes()).unwrap()
    }
}

/// A running server.
pub(crate) struct World {
    pub(crate) authority: Authority,
    pub(crate) address: SocketAddr,
    pub(crate) tls: Tls,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<()>,
    pub(crate) connections: Connections,
}

impl World {
    pub(crate) async fn new(limits: Limits) -> Self {
        Self::with_clients_of(None, limits).await
    }

    pub(crate) async fn with_clients_of(
        clients: Option<ClientAuthorities>,
        limits: Limits,
    ) -> Self {
        let authority = Authority::new();
        let tls = Tls::without_certificate();
        tls.replace(&authority.certificate(), clients.as_ref()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, connections) = (CancellationToken::new(), Connections::default());
        let socket = Socket::Tls(listener, tls.clone());
        let serving = spawn(socket, &stop, limits, &connections);
        Self { authority, address, tls, stop, serving, connections }
    }

    /// How a client without a certificate connects, with these protocols.
    pub(crate) fn client(&self, protocols: &[&str]) -> ClientConfig {
        self.client_with(protocols, None)
    }

    pub(crate) fn client_with(
        &self,
        protocols: &[&str],
        own: Option<(CertificateDer<'static>, &KeyPair)>,
    ) -> ClientConfig {
        self.client_of(protocols, own, rustls::ALL_VERSIONS)
    }

    /// The same with these versions of TLS.
    pub(crate) fn client_of(
        &self,
        protocols: &[&str],
        own: Option<(CertificateDer<'static>, &KeyPair)>,
        versions: &[&'static rustls::SupportedProtocolVersion],
    ) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(self.authority.der.clone()).unwrap();
        let builder = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match own {
            Some((certificate, key)) => {
                let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
                builder.with_client_auth_cert(vec![certificate], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = protocols.iter().map(|it| it.as_bytes().to_vec()).collect();
        config
    }

    pub(crate) async fn connect(&self, config: ClientConfig) -> std::io::Result<Secured> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        TlsConnector::from(Arc::new(config)).connect(name, stream).await
    }

    /// A client of HTTP/1.1.
    pub(crate) async fn http1(&self) -> Http1 {
        let stream = self.connect(self.client(&["http/1.1"])).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"http/1.1"[..]));
        http1(stream).await
    }

    /// A client of HTTP/2.
    pub(crate) async fn http2(&self) -> Http2 {
        let stream = self.connect(self.client(&["h2", "http/1.1"])).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        http2(stream).await
    }
}

/// Serves at another socket.
pub(crate) fn start(socket: Socket, stop: &CancellationToken) {
    spawn(socket, stop, Limits::default(), &Connections::default());
}

fn spawn(
    socket: Socket,
    stop: &CancellationToken,
    limits: Limits,
    connections: &Connections,
) -> JoinHandle<()> {
    let (proxies, counts) = (TrustedProxies::default(), connections.clone());
    tokio::spawn(serve(socket, router(), stop.clone(), limits, proxies, PROGRAM, counts))
}

pub(crate) type Secured = TlsStream<TcpStream>;
pub(crate) type Http1 = conn::http1::SendRequest<Empty<Bytes>>;
pub(crate) type Http2 = conn::http2::SendRequest<Empty<Bytes>>;

pub(crate) async fn http1(stream: Secured) -> Http1 {
    let (sender, connection) = conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

pub(crate) async fn http2(stream: Secured) -> Http2 {
    let executor = TokioExecutor::new();
    let (sender, connection) =
        conn::http2::handshake(executor, TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// A request of HTTP/1.1, which names its host in a header.
pub(crate) fn request1(path: &str) -> Request<Empty<Bytes>> {
    let request = Request::builder().uri(path).header(header::HOST, "localhost");
    request.body(Empty::new()).unwrap()
}

/// A request of HTTP/2, which names its host in its target.
pub(crate) fn request2(path: &str) -> Request<Empty<Bytes>> {
    let request = Request::builder().uri(format!("https://localhost{path}"));
    request.body(Empty::new()).unwrap()
}

/// The status and the text of an answer.
pub(crate) async fn read(
    answering: impl Future<Output = hyper::Result<Response<Incoming>>>,
) -> (u16, String) {
    let reading = async {
        let response = answering.await.unwrap();
        let status = response.status().as_u16();
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        (status, String::from_utf8(bytes.to_vec()).unwrap())
    };
    tokio::time::timeout(PATIENCE, reading).await.unwrap()
}

/// Waits until something holds.
pub(crate) async fn until(holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap();
}

fn router() -> Router {
    let slow = || async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "slow"
    };
    let unread = |body: Body| async move {
        std::future::pending::<()>().await;
        drop(body);
    };
    let endless = || async {
        Body::from_stream(futures_util::stream::pending::<Result<Bytes, Infallible>>())
    };
    Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/healthz", get(|| async { "ok" }))
        .route("/large", get(|| async { "x".repeat(1 << 20) }))
        .route("/slow", get(slow))
        .route("/unread", post(unread))
        .route("/endless", get(endless))
        .route(
            "/host",
            get(|uri: Uri, headers: HeaderMap| async move {
                format!("{uri} {:?}", headers.get(header::HOST))
            }),
        )
        .route(
            "/from",
            get(|from: Option<Extension<CertificateThumbprint>>| async move {
                from.map_or("nobody".to_owned(), |Extension(from)| format!("{:?}", from.0))
            }),
        )
}
