//! A collector: it takes what is sent, or does what a test says.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    trace::v1::Span,
};
use prost::Message as _;
use tokio::{net::TcpListener, sync::Notify};

/// What a collector does with a request.
#[derive(Debug, Clone)]
pub(crate) enum Behaviour {
    Take,
    /// Takes all but so many, and says so.
    Reject(i64),
    /// Answers with this status, and with these headers.
    Answer(u16, Vec<(&'static str, String)>),
    /// Never answers.
    Hang,
}

/// What one request had.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) message: ExportTraceServiceRequest,
}

impl Received {
    /// Its spans.
    pub(crate) fn spans(&self) -> Vec<Span> {
        let resources = self.message.resource_spans.iter();
        let scopes = resources.flat_map(|resource| &resource.scope_spans);
        scopes.flat_map(|scope| scope.spans.clone()).collect()
    }
}

#[derive(Debug)]
struct Inner {
    behaviour: Mutex<Behaviour>,
    received: Mutex<Vec<Received>>,
    changed: Notify,
}

/// A collector on loopback.
#[derive(Debug, Clone)]
pub(crate) struct Collector {
    address: SocketAddr,
    inner: Arc<Inner>,
}

impl Collector {
    pub(crate) async fn start(behaviour: Behaviour) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            behaviour: Mutex::new(behaviour),
            received: Mutex::default(),
            changed: Notify::new(),
        });
        let serving = Arc::clone(&inner);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let inner = Arc::clone(&serving);
                let service = service_fn(move |request| answer(Arc::clone(&inner), request));
                let connection =
                    http1::Builder::new().serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { address, inner }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.inner.behaviour.lock().unwrap() = behaviour;
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.inner.received.lock().unwrap().clone()
    }

    /// The spans that were received once there are `count`.
    pub(crate) async fn spans(&self, count: usize) -> Vec<Span> {
        let all = async {
            loop {
                let changed = self.inner.changed.notified();
                let spans: Vec<_> = self.received().iter().flat_map(Received::spans).collect();
                if spans.len() >= count {
                    return spans;
                }
                changed.await;
            }
        };
        tokio::time::timeout(Duration::from_mins(1), all).await.unwrap()
    }

    /// The one span that is received.
    pub(crate) async fn span(&self) -> Span {
        let mut spans = self.spans(1).await;
        assert_eq!(spans.len(), 1, "{spans:?}");
        spans.remove(0)
    }
}

async fn answer(
    inner: Arc<Inner>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let message = ExportTraceServiceRequest::decode(body.clone()).unwrap();
    let (path, headers) = (parts.uri.path().to_owned(), parts.headers);
    let behaviour = inner.behaviour.lock().unwrap().clone();
    inner.received.lock().unwrap().push(Received { path, headers, body, message });
    inner.changed.notify_waiters();
    let taken = |rejected: i64| {
        let error_message = if rejected > 0 { "too old\n" } else { "" }.to_owned();
        let partial = ExportTracePartialSuccess { rejected_spans: rejected, error_message };
        let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
        let response = Response::builder().header("content-type", "application/x-protobuf");
        response.body(Full::from(answer.encode_to_vec())).unwrap()
    };
    Ok(match behaviour {
        Behaviour::Take => taken(0),
        Behaviour::Reject(count) => taken(count),
        Behaviour::Answer(status, headers) => {
            let mut response = Response::builder().status(status);
            for (name, value) in headers {
                response = response.header(name, value);
            }
            response.body(Full::default()).unwrap()
        }
        Behaviour::Hang => std::future::pending().await,
    })
}
