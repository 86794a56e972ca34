//! The routes of the admin listener: `/metrics`, `/healthz`, `/readyz` in detail, `/explain`,
//! `/reload` and `/drain`.
//!
//! 1. They need no token. `/metrics`, `/healthz` and `/readyz` change nothing, and answer GET and
//!    HEAD alone. The others answer POST alone, and are not there for other machines.
//! 2. At a loopback address a request must call the server by a loopback name, so that a page of a
//!    browser on this machine cannot read them through a name of its own (DNS rebinding).
//! 3. A request of a page (with `Origin`, which browsers add to every POST) is refused, so that no
//!    page can drain the server.
//! 4. An answer takes at most [`TIMEOUT`], or [`RELOADING`].

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use auth_core::{Clock, is_loopback_host};
use axum::{
    Router,
    extract::{Request, State},
    http::{StatusCode, header, uri::Authority},
    middleware::{Next, from_fn},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use directory::Directory;
use metrics::{CONTENT_TYPE, Metrics};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tower::Service;

use super::{
    detail::{detail, of_failing},
    explain::DIRECT_PATH,
    health::Health,
    reach::Reach,
    readiness::Failing,
    readings,
};
use crate::{current_router::CurrentRouter, reload::ReloadEndedError};

/// How long the directory may take to say whether it can be asked, and a question to arrive and to
/// be answered.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long an answer waits until files were read again.
const RELOADING: Duration = Duration::from_mins(1);

/// What is refused of files that were read again.
pub(crate) type Reloaded = Result<Vec<Failing>, ReloadEndedError>;
/// Files that are being read again.
pub(crate) type Reloading = Pin<Box<dyn Future<Output = Reloaded> + Send>>;

/// What the routes answer from.
pub(crate) struct Answers<D> {
    pub(crate) health: Health<D>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) clock: Arc<dyn Clock>,
    /// Reads files again.
    pub(crate) reload: Box<dyn Fn() -> Reloading + Send + Sync>,
    /// The routes that explain decisions.
    pub(crate) explaining: CurrentRouter,
    /// Is cancelled by `/drain`.
    pub(crate) drain: CancellationToken,
}

/// The routes for those who reach the listener so.
pub(crate) fn routes<D: Directory>(answers: Answers<D>, reach: Reach) -> Router {
    let mut router = Router::new()
        .route("/metrics", get(metrics_text::<D>))
        .route("/healthz", get(|| async { (NO_STORE, "ok\n") }))
        .route("/readyz", get(readyz::<D>));
    if reach != Reach::Network {
        router = router
            .route(DIRECT_PATH, post(explained::<D>))
            .route(&format!("{DIRECT_PATH}/{{*resource}}"), post(explained::<D>))
            .route("/reload", post(reload::<D>))
            .route("/drain", post(drain::<D>));
    }
    let router = router
        .with_state(Arc::new(answers))
        .fallback(|| async { (StatusCode::NOT_FOUND, "no such path\n") })
        .layer(from_fn(not_from_a_page));
    match reach {
        Reach::Loopback => router.layer(from_fn(called_by_a_loopback_name)),
        Reach::Owner | Reach::Network => router,
    }
}

const NO_STORE: [(header::HeaderName, &str); 1] = [(header::CACHE_CONTROL, "no-store")];

async fn metrics_text<D: Directory>(State(answers): State<Arc<Answers<D>>>) -> Response {
    let Answers { health, metrics, clock, .. } = &*answers;
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

/// Explains a decision about a token, as the server in force would decide.
async fn explained<D: Directory>(
    State(answers): State<Arc<Answers<D>>>,
    request: Request,
) -> Response {
    let mut explaining = answers.explaining.current();
    match tokio::time::timeout(TIMEOUT, explaining.call(request)).await {
        Ok(Ok(answer)) => answer,
        Err(_) => {
            let text = "the question did not arrive in time, or could not be answered\n";
            (StatusCode::REQUEST_TIMEOUT, NO_STORE, text).into_response()
        }
    }
}

/// Reads files again as after SIGHUP, and says what is refused.
async fn reload<D: Directory>(State(answers): State<Arc<Answers<D>>>) -> Response {
    let reloading = (answers.reload)();
    let Ok(reloaded) = tokio::time::timeout(RELOADING, reloading).await else {
        let text = "files are still being read: /readyz says what is refused\n";
        return (StatusCode::GATEWAY_TIMEOUT, NO_STORE, text).into_response();
    };
    let refused = match reloaded {
        Ok(refused) => refused,
        Err(error) => {
            let text = format!("{error}\n");
            return (StatusCode::SERVICE_UNAVAILABLE, NO_STORE, text).into_response();
        }
    };
    let status = if refused.is_empty() { StatusCode::OK } else { StatusCode::CONFLICT };
    let refused: Vec<_> = refused.iter().map(of_failing).collect();
    let json = [(header::CONTENT_TYPE, "application/json")];
    (status, NO_STORE, json, json!({ "refused": refused }).to_string()).into_response()
}

/// Lets the server stop as with SIGTERM: it accepts nothing more, and finishes what runs.
async fn drain<D: Directory>(State(answers): State<Arc<Answers<D>>>) -> Response {
    answers.drain.cancel();
    (StatusCode::ACCEPTED, NO_STORE, "stopping\n").into_response()
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
        Some(host)
            if is_loopback_host(host.host())
                && !host.as_str().contains('@')
                && hosts.next().is_none() =>
        {
            next.run(request).await
        }
        _ => (StatusCode::FORBIDDEN, "call this by the name localhost\n").into_response(),
    }
}

/// Refuses a request of a page, whatever page that is.
async fn not_from_a_page(request: Request, next: Next) -> Response {
    if request.headers().contains_key(header::ORIGIN) {
        return (StatusCode::FORBIDDEN, "not from a page\n").into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use auth_core::SystemClock;
    use axum::body::Body;
    use directory::MemoryDirectory;

    use super::*;
    use crate::admin::{
        health::IssuersInForce,
        readiness::{Failing, Readiness},
    };

    fn refused() -> Failing {
        Failing {
            what: "a change is refused".into(),
            since: None,
            affects_callers: false,
            reason: Some("line 7".into()),
        }
    }

    async fn answer(path: &str, hosts: &[&str], reach: Reach) -> (u16, String) {
        let request = Request::get(path);
        let request = hosts.iter().fold(request, |it, host| it.header(header::HOST, *host));
        let (status, text, _) = send(request.body(Body::empty()).unwrap(), reach).await;
        (status, text)
    }

    /// The status and the body of the answer, and whether the server is to stop.
    async fn send(request: Request, reach: Reach) -> (u16, String, bool) {
        let reloaded = || Ok(vec![refused()]);
        send_with(request, reach, reloaded).await
    }

    /// The same where `reloaded` becomes of files that are read again.
    async fn send_with(
        request: Request,
        reach: Reach,
        reloaded: fn() -> Reloaded,
    ) -> (u16, String, bool) {
        let readiness = Readiness::default();
        readiness.add(|| {
            Some(Failing {
                what: "a job fails".into(),
                since: None,
                affects_callers: false,
                reason: None,
            })
        });
        let health = Health {
            directory: Arc::new(MemoryDirectory::default()),
            issuers: IssuersInForce::new([]),
            readiness,
        };
        let drain = CancellationToken::new();
        let answers = Answers {
            health,
            metrics: Arc::new(Metrics::new("1", 0.0)),
            clock: Arc::new(SystemClock),
            reload: Box::new(move || Box::pin(async move { reloaded() })),
            explaining: CurrentRouter::new(Router::new().fallback(|| async { "why" })),
            drain: drain.clone(),
        };
        let Ok(response) = routes(answers, reach).call(request).await;
        let status = response.status().as_u16();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.into()).unwrap(), drain.is_cancelled())
    }

    #[tokio::test]
    async fn a_program_on_this_machine_stops_the_server_and_no_page_and_no_other_machine_does() {
        let drain = |method: &str, origin: Option<&str>, reach| {
            let request = Request::builder().method(method).uri("/drain");
            let request = request.header(header::HOST, "localhost");
            let request = origin.into_iter().fold(request, |it, o| it.header(header::ORIGIN, o));
            send(request.body(Body::empty()).unwrap(), reach)
        };
        for reach in [Reach::Owner, Reach::Loopback] {
            assert_eq!(drain("POST", None, reach).await, (202, "stopping\n".into(), true));
            assert_eq!(drain("GET", None, reach).await, (405, String::new(), false));
        }
        let by_others = drain("POST", None, Reach::Network).await;
        assert_eq!(by_others, (404, "no such path\n".into(), false));
        for origin in ["https://evil.example", "http://localhost:9000", "null"] {
            let refused = drain("POST", Some(origin), Reach::Owner).await;
            assert_eq!(refused, (403, "not from a page\n".into(), false), "{origin}");
        }
    }

    #[tokio::test]
    async fn a_page_that_calls_this_machine_by_its_own_name_is_refused() {
        for host in ["localhost:9000", "127.0.0.1:9000", "[::1]:9000", "localhost"] {
            assert_eq!(answer("/metrics", &[host], Reach::Loopback).await.0, 200, "{host}");
        }
        let refused: [&[&str]; 5] = [
            &["evil.example:9000"],
            &[],
            &["localhost", "a"],
            &["0.0.0.0"],
            &["evil.example@localhost"],
        ];
        for hosts in refused {
            assert_eq!(answer("/metrics", hosts, Reach::Loopback).await.0, 403, "{hosts:?}");
        }
        // Where other machines ask, they know it by names of theirs.
        assert_eq!(answer("/metrics", &["metrics.internal:9000"], Reach::Network).await.0, 200);
    }

    #[tokio::test]
    async fn readiness_is_a_document_with_what_fails() {
        let (status, text) = answer("/readyz", &["localhost"], Reach::Loopback).await;
        let found: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((status, &found["ready"]), (200, &true.into()));
        assert_eq!(found["failing"][0]["what"], "a job fails");
        let members: BTreeSet<_> = found.as_object().unwrap().keys().map(String::as_str).collect();
        let expected = ["directory", "failing", "issuers", "jobs", "ready"];
        assert_eq!(members, expected.into_iter().collect());
    }

    #[tokio::test]
    async fn a_reload_answers_with_what_is_refused() {
        let reload = |method: &str, reach| {
            let request = Request::builder().method(method).uri("/reload");
            let request = request.header(header::HOST, "localhost");
            send(request.body(Body::empty()).unwrap(), reach)
        };
        let (status, text, _) = reload("POST", Reach::Owner).await;
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        let refused = json!([{
            "what": "a change is refused",
            "since": null,
            "affects_callers": false,
            "reason": "line 7",
        }]);
        assert_eq!((status, &json["refused"]), (409, &refused));
        let request = Request::post("/reload").body(Body::empty()).unwrap();
        let ended = || Err(ReloadEndedError::Stopping);
        let (status, text, _) = send_with(request, Reach::Owner, ended).await;
        assert!(status == 503 && text.starts_with("the server stops: "), "{status} {text}");
        assert_eq!(reload("GET", Reach::Loopback).await.0, 405);
        assert_eq!(reload("POST", Reach::Network).await.0, 404);
        for path in ["/explain", "/explain/mcp"] {
            for (reach, expected) in [(Reach::Owner, 200), (Reach::Network, 404)] {
                let request = Request::post(path).body(Body::empty()).unwrap();
                assert_eq!(send(request, reach).await.0, expected, "{path}");
            }
        }
    }

    #[tokio::test]
    async fn nothing_else_is_there() {
        for path in ["/", "/mcp", "/admin/explain", "/metrics/"] {
            assert_eq!(answer(path, &["localhost"], Reach::Loopback).await.0, 404, "{path}");
        }
        assert_eq!(answer("/healthz", &["localhost"], Reach::Loopback).await, (200, "ok\n".into()));
    }
}
