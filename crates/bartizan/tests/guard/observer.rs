//! What an observer is told of each request.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
};

use bartizan::{AuditEvent, Observer, Outcome, PeerAddress, RefusalKind};
use http::Request;
use tower::ServiceExt;

use super::*;

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

#[derive(Debug, Clone, Default)]
struct Events(Arc<Mutex<Vec<String>>>);

impl Observer for Events {
    fn observe(&self, event: &AuditEvent<'_>) {
        assert_eq!(event.peer, Some(PEER));
        let outcome = match event.outcome {
            Outcome::Authenticated => "authenticated".into(),
            Outcome::Unauthenticated(error) => format!("unauthenticated: {error}"),
            Outcome::Refused(kind, reason) => format!("{kind:?}: {reason}"),
            Outcome::Permitted => "permitted".into(),
            Outcome::Denied(denial) => format!("denied: {denial}"),
            Outcome::Panicked => "panicked".into(),
            Outcome::UnreadableList(reason) => format!("unreadable: {reason}"),
            other => format!("{other:?}"),
        };
        let subject = event.principal.map_or("-", |principal| principal.subject().as_str());
        let action = event.action.map_or("-".into(), ToString::to_string);
        self.0.lock().unwrap().push(format!("{subject} {action} {outcome}"));
    }
}

/// The events of one request with this token and body, which must all have its id.
async fn events(token: Option<&str>, host: &str, body: &str) -> Vec<String> {
    let events = Events::default();
    let guard = guard().observer(events.clone());
    let inner = tower::service_fn(|_: Request<Full<Bytes>>| async {
        let answer = Response::builder().header("content-type", "application/json");
        Ok::<_, Infallible>(answer.body(Full::<Bytes>::from("no list")).unwrap())
    });
    let mut request = Request::post("/mcp").header("host", host).extension(PeerAddress(PEER));
    if let Some(token) = token {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let request = request.body(Full::<Bytes>::from(body.to_owned())).unwrap();
    drop(guard.protect(inner).oneshot(request).await.unwrap());
    let events = events.0.lock().unwrap();
    events.clone()
}

#[tokio::test]
async fn every_decision_is_observed_with_caller_and_action() {
    assert_eq!(
        events(Some(&token("A")), "localhost", &call("a")).await,
        ["user-userson - authenticated", "user-userson tools/call a permitted"]
    );
    assert_eq!(
        events(Some(&token("B")), "localhost", &call("a")).await,
        [
            "user-userson - authenticated",
            "user-userson tools/call a denied: this needs the scope A; the token has B"
        ]
    );
    assert_eq!(
        events(Some("x"), "localhost", &call("a")).await,
        ["- - unauthenticated: the token is not valid"]
    );
    assert_eq!(
        events(None, "localhost", &call("a")).await,
        ["- - MissingToken: no bearer token was sent"]
    );
    let refused = events(Some(&token("A")), "evil.example", &call("a")).await;
    assert!(refused[0].starts_with("- - ForbiddenOrigin: "), "{refused:?}");
    let malformed = events(Some(&token("A")), "localhost", "[]").await;
    assert!(malformed[1].starts_with("user-userson - Malformed: "), "{malformed:?}");
    assert_ne!(RefusalKind::Malformed, RefusalKind::NotOwned);
}

#[tokio::test]
async fn what_happens_after_the_decision_is_observed_too() {
    let list = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#;
    let seen = events(Some(&token("A")), "localhost", list).await;
    assert_eq!(seen[1], "user-userson tools/list permitted");
    assert!(seen[2].starts_with("user-userson tools/list unreadable: "), "{seen:?}");
}
