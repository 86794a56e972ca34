//! What an observer is told of each request.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::{Arc, Mutex},
    time::Duration,
};

use bartizan::{AuditEvent, Completion, Observer, Outcome, PeerAddress, RefusalKind};
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
            Outcome::Completed(Completion { method, status, .. }) => {
                format!("completed: {method:?} {:?}", status.map(|it| it.as_u16()))
            }
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
        [
            "user-userson - authenticated",
            "user-userson tools/call a permitted",
            "user-userson tools/call a completed: Some(\"tools/call\") Some(200)"
        ]
    );
    assert_eq!(
        events(Some(&token("B")), "localhost", &call("a")).await,
        [
            "user-userson - authenticated",
            "user-userson tools/call a denied: this needs the scope A; the token has B",
            "user-userson tools/call a completed: Some(\"tools/call\") Some(403)"
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
    assert_eq!(seen[3], "user-userson tools/list completed: Some(\"tools/list\") Some(502)");
}

/// The status of an answer, and how long the request took.
type Ended = (Option<u16>, Duration);

/// Sends what each event says of how long the request took.
#[derive(Debug, Clone, Default)]
struct Durations(Arc<Mutex<Vec<Ended>>>);

impl Observer for Durations {
    fn observe(&self, event: &AuditEvent<'_>) {
        if let Outcome::Completed(completion) = event.outcome {
            let status = completion.status.map(|status| status.as_u16());
            self.0.lock().unwrap().push((status, completion.elapsed));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_until_its_answer_is_sent_and_ends_also_if_no_one_waits_for_it() {
    let durations = Durations::default();
    let guard = guard().observer(durations.clone());
    let usage = guard.usage();
    let inner = tower::service_fn(|_: Request<Full<Bytes>>| async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let answer = Response::builder().header("content-type", "application/json");
        Ok::<_, Infallible>(answer.body(Full::<Bytes>::from("{}")).unwrap())
    });
    let service = guard.protect(inner);
    let call = || {
        let request = Request::post("/mcp").header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {}", token("A")));
        service.clone().oneshot(request.body(Full::<Bytes>::from(call("a"))).unwrap())
    };
    let response = call().await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(durations.0.lock().unwrap().len(), 0, "the answer is not sent yet");
    drop(response);
    let gone = tokio::time::timeout(Duration::from_secs(1), call()).await;
    assert!(gone.is_err());
    let seen = durations.0.lock().unwrap().clone();
    let (five, one) = (Duration::from_secs(5), Duration::from_secs(1));
    assert_eq!(seen, [(Some(200), five), (None, one)]);
    assert_eq!((usage.body_bytes(), usage.streams()), (0, 0));
}
