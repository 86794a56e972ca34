//! An authority for tests: it answers as each test needs it, and checks no signature.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    extract::State,
    http::{StatusCode, Uri},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

/// What becomes of each order.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// Its challenge fails, with this detail.
    RefusesChallenge(&'static str),
    /// It fails itself, with this detail.
    RefusesOrder(&'static str),
    /// It is not accepted, with this detail.
    RefusesRequest(&'static str),
    /// It has a challenge by DNS alone.
    OtherChallenge,
    /// It is never ready.
    NeverReady,
}

/// An authority that runs until it is dropped.
pub(super) struct Authority {
    url: String,
    asked: Asked,
    _stop: DropGuard,
}

/// The paths that were asked for.
type Asked = Arc<Mutex<Vec<String>>>;

impl Authority {
    pub(super) async fn start(outcome: Outcome) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (asked, stop) = (Asked::default(), CancellationToken::new());
        let state = (url.clone(), outcome, Arc::clone(&asked));
        let router = Router::new().fallback(answer).with_state(state);
        let stopped = stop.clone().cancelled_owned();
        tokio::spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stopped).await.unwrap();
        });
        Self { url, asked, _stop: stop.drop_guard() }
    }

    pub(super) fn directory(&self) -> String {
        format!("{}/directory", self.url)
    }

    pub(super) fn was_asked(&self, path: &str) -> bool {
        self.asked.lock().unwrap().iter().any(|asked| asked == path)
    }
}

async fn answer(
    State((url, outcome, asked)): State<(String, Outcome, Asked)>,
    uri: Uri,
) -> Response {
    asked.lock().unwrap().push(uri.path().to_owned());
    let at = |path: &str| format!("{url}/{path}");
    let created = |path: &str, body: Value| {
        (StatusCode::CREATED, [("location", at(path))], body.to_string()).into_response()
    };
    let problem = |detail: &str| json!({ "type": "urn:ietf:params:acme:error", "detail": detail });
    let kind = if matches!(outcome, Outcome::OtherChallenge) { "dns-01" } else { "tls-alpn-01" };
    let mut challenge =
        json!({ "type": kind, "url": at("challenge"), "token": "x", "status": "pending" });
    let mut order = json!({
        "status": "pending", "authorizations": [at("authorization")], "finalize": at("finalize"),
    });
    let was_ready = asked.lock().unwrap().iter().any(|path| path == "/challenge");
    let mut answer = match uri.path() {
        "/directory" => json!({
            "newNonce": at("nonce"), "newAccount": at("new-account"), "newOrder": at("new-order"),
        })
        .to_string()
        .into_response(),
        "/nonce" => StatusCode::OK.into_response(),
        "/new-account" => created("account", json!({ "status": "valid" })),
        "/new-order" => match outcome {
            Outcome::RefusesRequest(detail) => {
                (StatusCode::TOO_MANY_REQUESTS, problem(detail).to_string()).into_response()
            }
            _ => created("order", order),
        },
        "/order" => {
            match outcome {
                Outcome::RefusesChallenge(_) => order["status"] = "invalid".into(),
                Outcome::RefusesOrder(detail) => {
                    order["status"] = "invalid".into();
                    order["error"] = problem(detail);
                }
                _ => {}
            }
            order.to_string().into_response()
        }
        "/authorization" => {
            if let (Outcome::RefusesChallenge(detail), true) = (outcome, was_ready) {
                challenge["status"] = "invalid".into();
                challenge["error"] = problem(detail);
            }
            let identifier = json!({ "type": "dns", "value": "mcp.example" });
            let status = challenge["status"].clone();
            json!({ "identifier": identifier, "status": status, "challenges": [challenge] })
                .to_string()
                .into_response()
        }
        "/challenge" => challenge.to_string().into_response(),
        _ => StatusCode::NOT_FOUND.into_response(),
    };
    answer.headers_mut().insert("replay-nonce", "nonce".parse().unwrap());
    answer
}
