//! Connects within one bound on time, from the look-up of the name to the end of the TLS handshake.

use std::{
    error::Error,
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use http::Uri;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower::Service;

use super::resolver::Resolver;

/// How long a connection may be silent before the system probes whether the other side is there.
const KEEPALIVE: Duration = Duration::from_mins(1);

type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;
type BoxError = Box<dyn Error + Send + Sync>;

/// Which versions of HTTP are offered by ALPN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Versions {
    /// http/1.1 alone.
    Http1,
    /// http/2, or http/1.1.
    All,
}

/// Makes the connections to one server.
#[derive(Debug, Clone)]
pub(super) struct Connector {
    inner: HttpsConnector<HttpConnector<Resolver>>,
    time: Duration,
}

impl Connector {
    pub(super) fn new(tls: ClientConfig, versions: Versions, time: Duration) -> Self {
        let mut http = HttpConnector::new_with_resolver(Resolver);
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEPALIVE));
        http.set_keepalive_interval(Some(KEEPALIVE / 4));
        http.set_keepalive_retries(Some(4));
        // Each address of several has its share of the time.
        http.set_connect_timeout(Some(time));
        let builder = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http();
        let inner = match versions {
            Versions::Http1 => builder.enable_http1().wrap_connector(http),
            Versions::All => builder.enable_http1().enable_http2().wrap_connector(http),
        };
        Self { inner, time }
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Stream, BoxError>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.inner.call(uri);
        let time = self.time;
        Box::pin(async move {
            let connected = tokio::time::timeout(time, connecting).await;
            connected.unwrap_or_else(|_| Err(io::Error::from(io::ErrorKind::TimedOut).into()))
        })
    }
}
