//! How connections are served.

use std::{convert::Infallible, path::Path, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    http::{Request, Response},
    serve::ListenerExt,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::conn::auto,
    service::TowerToHyperService,
};
use tokio::net::TcpListener;
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        ServerConfig,
        crypto::aws_lc_rs::Ticketer,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
        version::TLS13,
    },
};
use tower::Service;

/// As everybody serves, but for the socket option without which streams would wait.
pub(crate) async fn by_axum(listener: TcpListener, router: Router) {
    let listener = listener.tap_io(|stream| stream.set_nodelay(true).unwrap());
    axum::serve(listener, router).await.unwrap();
}

/// As our server serves (`crates/server/src/listen/`), without its limit on connections. With a
/// certificate, as whatever stands before it would serve.
pub(crate) async fn by_us<S>(listener: TcpListener, service: S, certificate: Option<&Path>)
where
    S: Service<Request<hyper::body::Incoming>, Response = Response<Body>, Error = Infallible>
        + Clone
        + Send
        + 'static,
    S::Future: Send,
{
    let acceptor = certificate.map(acceptor);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(Duration::from_secs(30));
    let either = auto::Builder::new(TokioExecutor::new());
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        let service = TowerToHyperService::new(service.clone());
        if let Some(acceptor) = &acceptor {
            let (accepting, either) = (acceptor.accept(stream), either.clone());
            tokio::spawn(async move {
                if let Ok(stream) = accepting.await {
                    let _ = either.serve_connection(TokioIo::new(stream), service).await;
                }
            });
        } else {
            let connection = http.serve_connection(TokioIo::new(stream), service);
            tokio::spawn(async move {
                let _ = connection.await;
            });
        }
    }
}

fn acceptor(folder: &Path) -> TlsAcceptor {
    let chain = CertificateDer::pem_file_iter(folder.join("cert.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let mut config = ServerConfig::builder_with_protocol_versions(&[&TLS13])
        .with_no_client_auth()
        .with_single_cert(chain.map(Result::unwrap).collect(), key)
        .unwrap();
    config.ticketer = Ticketer::new().unwrap();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}
