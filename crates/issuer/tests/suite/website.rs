//! A website on loopback, with a certificate for `localhost` of an authority of its own.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use auth_core::Algorithm;
use base64::{Engine, engine::general_purpose::STANDARD};
use issuer::{AuthorizationServer, StaticKeys};
use outbound::{AddressPolicy, CertificateAuthorities, OutboundClient};
use testkit::{ManualClock, TestKey};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::common::{World, server};

/// The authority of the certificate.
const AUTHORITY: &str = include_str!("../matrix/tls/ca.pem");

/// A website that has one answer.
pub(crate) struct Website {
    /// `https://localhost:PORT`.
    pub(crate) origin: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
}

impl Website {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let (answer, asked) = (Arc::new(Mutex::new(String::new())), Arc::new(AtomicUsize::new(0)));
        let (text, count) = (Arc::clone(&answer), Arc::clone(&asked));
        let acceptor = acceptor();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, text) = (acceptor.clone(), text.lock().unwrap().clone());
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let Ok(mut stream) = acceptor.accept(stream).await else { return };
                    let mut head = [0; 4096];
                    let _ = stream.read(&mut head).await;
                    count.fetch_add(1, Ordering::SeqCst);
                    if text.is_empty() {
                        std::future::pending::<()>().await;
                    }
                    let _ = stream.write_all(text.as_bytes()).await;
                    let _ = stream.shutdown().await;
                });
            }
        });
        Self { origin, answer, asked }
    }

    /// Answers so from now on. Before the first call it takes requests and says nothing.
    pub(crate) fn answers(&self, status: &str, headers: &str, body: &str) {
        let length = body.len();
        let text = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n\
             {body}"
        );
        *self.answer.lock().unwrap() = text;
    }

    /// A world whose server may ask websites here.
    pub(crate) async fn world() -> World {
        let clock = ManualClock::at(testkit::NOW);
        let (usual, store) = server::with(Arc::clone(&clock), |_| {}).await;
        let keys = StaticKeys::new(TestKey::shared(Algorithm::Es256).signing()).unwrap();
        let (config, time) = (usual.config().clone(), Arc::clone(&clock));
        let server = AuthorizationServer::new(
            config,
            store.clone(),
            Arc::new(keys),
            client(),
            &[7; 32],
            time,
        );
        World::of(server, store, clock)
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

/// A client that trusts the websites here, and may ask them.
fn client() -> OutboundClient {
    let authorities = CertificateAuthorities::from_pem(AUTHORITY.as_bytes()).unwrap();
    let policy = AddressPolicy::public_only().and_loopback(true);
    OutboundClient::builder(policy).authorities(authorities).build().unwrap()
}

fn acceptor() -> TlsAcceptor {
    let read = |pem: &str| {
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        STANDARD.decode(body).unwrap()
    };
    let certificate = read(include_str!("../matrix/tls/server.pem")).into();
    let key = read(include_str!("../matrix/tls/server.key"));
    let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key);
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key.into())
        .unwrap();
    TlsAcceptor::from(Arc::new(config))
}
