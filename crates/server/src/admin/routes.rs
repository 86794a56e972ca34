//! The routes of the admin listener: `/metrics`, `/healthz`, and `/readyz` in detail.
//!
//! 1. They need no token, change nothing, and answer GET and HEAD alone.
//! 2. At a loopback address a request must call the server by a loopback name, so that a page of a
//!    browser on this machine cannot read them through a name of its own (DNS rebinding).
//! 3. An answer takes at most [`TIMEOUT`].

use std::{sync::Arc, time::Duration};

use auth_core::{Clock, is_loopback_host};
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::get,
};
use directory::Directory;
use metrics::{CONTENT_TYPE, Metrics};

use super::{detail::detail, health::Health, readings};

/// How long the directory may take to say whether it can be asked.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What the routes answer from.
struct Answers<D> {
    health: Health<D>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
}

/// The routes. `is_loopback`: they are served at a loopback address.
pub(crate) fn routes<D: Directory>(
    health: Health<D>,
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    is_loopback: bool,
) -> Router {
    let answers = Arc::new(Answers { health, metrics, clock });
    let router = Router::new()
        .route("/metrics", get(metrics_text::<D>))
        .route("/healthz", get(|| async { (NO_STORE, "ok\n") }))
        .route("/readyz", get(readyz::<D>))
        .with_state(answers)
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such path\n") });
    if is_loopback { router.layer(from_fn(called_by_a_loopback_name)) } else { router }
}

const NO_STORE: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

async fn metrics_text<D: Directory>(State(answers): State<Arc<Answers<D>>>) -> Response {
    let Answers { health, metrics, clock } = &*answers;
    let Ok(failing) = tokio::time::timeout(TIMEOUT, health.failing()).await else {
        return too_slow();
    };
    let text = metrics.encode(|readings| {
        readings::of_health(readings, health, &failing, clock.as_ref());
    });
    match text {
        Ok(text) => (NO_STORE, [(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn readyz<D: Directory>(State(answers): State<Arc<Answers<D>>>) -> Response {
    let health = &answers.health;
    let Ok(failing) = tokio::time::timeout(TIMEOUT, health.failing()).await else {
        return too_slow();
    };
    let is_ready = !failing.iter().any(|failing| failing.affects_callers);
    let status = if is_ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, NO_STORE, json, detail(health, &failing).to_string()).into_response()
}

fn too_slow() -> Response {
    let text = "the directory did not say in time whether it can be asked\n";
    (StatusCode::SERVICE_UNAVAILABLE, NO_STORE, text).into_response()
}

/// Refuses a request whose `Host` is another name than one of this machine.
async fn called_by_a_loopback_name(request: Request, next: Next) -> Response {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok()?.parse::<Authority>().ok());
    match host {
        Some(host) if is_loopback_host(host.host()) && hosts.next().is_none() => {
            next.run(request).await
        }
        _ => (StatusCode::FORBIDDEN, "call this by the name localhost\n").into_response(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use auth_core::SystemClock;
    use axum::body::Body;
    use directory::MemoryDirectory;
    use tower::Service;

    use super::*;
    use crate::admin::readiness::{Failing, Readiness};

    async fn answer(path: &str, hosts: &[&str], is_loopback: bool) -> (u16, String) {
        let readiness = Readiness::default();
        readiness.add(|| {
            Some(Failing { what: "a job fails".into(), since: None, affects_callers: false })
        });
        let health =
            Health { directory: Arc::new(MemoryDirectory::default()), issuers: vec![], readiness };
        let metrics = Arc::new(Metrics::new("1", 0.0));
        let mut routes = routes(health, metrics, Arc::new(SystemClock), is_loopback);
        let request = Request::get(path);
        let request = hosts.iter().fold(request, |it, host| it.header(header::HOST, *host));
        let Ok(response) = routes.call(request.body(Body::empty()).unwrap()).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.into()).unwrap())
    }

    #[tokio::test]
    async fn a_page_that_calls_this_machine_by_its_own_name_is_refused() {
        for host in ["localhost:9000", "127.0.0.1:9000", "[::1]:9000", "localhost"] {
            assert_eq!(answer("/metrics", &[host], true).await.0, 200, "{host}");
        }
        let refused: [&[&str]; 4] =
            [&["evil.example:9000"], &[], &["localhost", "a"], &["0.0.0.0"]];
        for hosts in refused {
            assert_eq!(answer("/metrics", hosts, true).await.0, 403, "{hosts:?}");
        }
        // Where other machines ask, they know it by names of theirs.
        assert_eq!(answer("/metrics", &["metrics.internal:9000"], false).await.0, 200);
    }

    #[tokio::test]
    async fn readiness_is_a_document_with_what_fails() {
        let (status, text) = answer("/readyz", &["localhost"], true).await;
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &found["ready"]), (200, &true.into()));
        assert_eq!(found["failing"][0]["what"], "a job fails");
        let members: BTreeSet<_> = found.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = ["directory", "failing", "issuers", "jobs", "ready"];
        assert_eq!(members, expected.into_iter().collect());
    }

    #[tokio::test]
    async fn nothing_else_is_there() {
        for path in ["/", "/mcp", "/admin/explain", "/metrics/"] {
            assert_eq!(answer(path, &["localhost"], true).await.0, 404, "{path}");
        }
        assert_eq!(answer("/healthz", &["localhost"], true).await, (200, "ok\n".into()));
    }
}
