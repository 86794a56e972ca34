//! The client of one server: its connections, and one request after another over them.

use std::{fmt, future::poll_fn};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use tower::Service;

use super::{
    HttpLimits, SendError, SentHeaders, TlsRoots, TlsRootsError, UpstreamUrl,
    connector::{Connector, Versions},
};

/// What a connection over http/1.1 buffers at most in each direction, and so the longest head, in
/// bytes. Each open stream has one.
const HTTP1_BUFFER: usize = 16 * 1024;
/// The most header lines of an answer.
const MAX_HEADERS: usize = 100;
/// What a server may send over http/2 before it is read: for a stream, and for a connection with
/// all its streams, in bytes (RFC 9113 §5.2).
const HTTP2_STREAM_WINDOW: u32 = 64 * 1024;
const HTTP2_CONNECTION_WINDOW: u32 = 1024 * 1024;

type Pool = Client<Connector, Full<Bytes>>;

/// Sends requests to one server. A clone shares its connections.
#[derive(Clone)]
pub struct HttpClient {
    url: UpstreamUrl,
    limits: HttpLimits,
    connector: Connector,
    /// For requests whose answers end soon.
    calls: Pool,
    /// For streams that stay open.
    streams: Pool,
}

impl HttpClient {
    /// A client of the server at `url`. Nothing is sent yet. An error if the authorities of an
    /// `https` URL cannot be used.
    pub fn new(
        url: UpstreamUrl,
        roots: &TlsRoots,
        limits: HttpLimits,
    ) -> Result<Self, TlsRootsError> {
        let tls = if url.is_https() { roots.config()? } else { TlsRoots::none()? };
        let streams = Connector::new(tls.clone(), Versions::Http1, limits.connect);
        let connector = Connector::new(tls, Versions::All, limits.connect);
        Ok(Self {
            url,
            limits,
            calls: pool(connector.clone(), &limits),
            streams: pool(streams, &limits),
            connector,
        })
    }

    /// The same server at another path of its origin.
    pub(crate) fn at(&self, url: UpstreamUrl) -> Self {
        Self { url, ..self.clone() }
    }

    /// Where the server is.
    #[must_use]
    pub const fn url(&self) -> &UpstreamUrl {
        &self.url
    }

    /// The bounds.
    #[must_use]
    pub const fn limits(&self) -> &HttpLimits {
        &self.limits
    }

    /// Whether a connection can be made, TLS included. No request is sent.
    pub async fn reach(&self) -> Result<(), SendError> {
        let mut connector = self.connector.clone();
        poll_fn(|context| connector.poll_ready(context)).await.map_err(SendError::Unreachable)?;
        let connected = connector.call(self.url.uri().clone()).await;
        connected.map(drop).map_err(SendError::Unreachable)
    }

    /// Sends a request once, and returns its answer as soon as the head is there.
    pub(crate) async fn send(
        &self,
        method: Method,
        headers: SentHeaders,
        body: Bytes,
        lasts: bool,
    ) -> Result<Response<Incoming>, SendError> {
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = method;
        *request.uri_mut() = self.url.uri().clone();
        *request.headers_mut() = headers.into_map();
        let pool = if lasts { &self.streams } else { &self.calls };
        match tokio::time::timeout(self.limits.head, pool.request(request)).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) if error.is_connect() => Err(SendError::Unreachable(error.into())),
            Ok(Err(error)) => Err(SendError::Interrupted(error.into())),
            Err(_) => Err(SendError::Timeout(self.limits.head)),
        }
    }
}

fn pool(connector: Connector, limits: &HttpLimits) -> Pool {
    Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(limits.idle_connection)
        .pool_max_idle_per_host(limits.idle_connections)
        // Only of a request that was not yet taken by its connection: not one byte was written.
        .retry_canceled_requests(true)
        .http1_max_buf_size(HTTP1_BUFFER)
        .http1_max_headers(MAX_HEADERS)
        .http2_initial_stream_window_size(HTTP2_STREAM_WINDOW)
        .http2_initial_connection_window_size(HTTP2_CONNECTION_WINDOW)
        .http2_max_send_buf_size(HTTP1_BUFFER)
        .http2_max_header_list_size(16 * 1024)
        .build(connector)
}

/// Shows no query, which may hold a key.
impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpClient({})", self.url)
    }
}
