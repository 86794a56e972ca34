//! Without room for the record of a decision no request goes on.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use auth_core::audit::{Argument, Digest, TraceId};
use bartizan::{AuditEvent, NoRoomError, Observer, Outcome, Recorder, RefusalKind, Room};
use http::{Request, StatusCode};
use tower::ServiceExt;

use super::*;

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Has room for so many decisions at once.
#[derive(Default)]
struct Counting {
    room: usize,
    taken: Arc<AtomicUsize>,
    seen: Mutex<Vec<Seen>>,
}

/// One decision: its outcome, its details, and how much room was taken when it was reported.
#[derive(Debug, PartialEq, Eq)]
struct Seen {
    outcome: &'static str,
    arguments: Option<Digest>,
    values: Vec<Argument>,
    trace: Option<TraceId>,
    policy: Option<Digest>,
    taken: usize,
}

impl Observer for Counting {
    fn observe(&self, event: &AuditEvent<'_>) {
        assert_eq!(event.resource.as_str(), RESOURCE);
        let outcome = match event.outcome {
            Outcome::Permitted => "permitted",
            Outcome::Denied(_) => "denied",
            Outcome::Refused(RefusalKind::Unrecordable, _) => "unrecordable",
            Outcome::Refused(..) => "refused",
            Outcome::Unauthenticated(_) => "unauthenticated",
            _ => return,
        };
        self.seen.lock().unwrap().push(Seen {
            outcome,
            arguments: event.details.arguments,
            values: event.details.values.clone(),
            trace: event.details.trace,
            policy: event.policy.and_then(Policy::source),
            taken: self.taken.load(Ordering::Relaxed),
        });
    }
}

/// Gives its room back when it is dropped.
struct Given(Arc<AtomicUsize>);

impl Drop for Given {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Recorder for Counting {
    fn reserve(&self) -> Pin<Box<dyn Future<Output = Result<Room, NoRoomError>> + Send + '_>> {
        Box::pin(async move {
            if self.taken.load(Ordering::Relaxed) == self.room {
                return Err(NoRoomError);
            }
            self.taken.fetch_add(1, Ordering::Relaxed);
            Ok(Room::new(Given(Arc::clone(&self.taken))))
        })
    }
}

fn policy() -> Policy {
    super::policy().read_from("the policy's text")
}

/// The status of a call with this token and tool, what was recorded, and whether it reached the
/// server.
async fn call_with(recorder: Arc<Counting>, token: &str, tool: &str) -> (StatusCode, bool) {
    let reached = Arc::new(AtomicUsize::new(0));
    let guard = Guard::new(RESOURCE.parse().unwrap(), policy(), [], authenticator()).unwrap();
    let guard = guard.recorder(recorder);
    let inner = {
        let reached = Arc::clone(&reached);
        tower::service_fn(move |_: Request<Full<Bytes>>| {
            reached.fetch_add(1, Ordering::Relaxed);
            async { Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())) }
        })
    };
    let body = format!(
        r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{{"name":"{tool}","arguments":{{ "n":1 }}}}}}"#
    );
    let request = Request::post("/mcp")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {token}"))
        .header("traceparent", TRACEPARENT)
        .body(Full::<Bytes>::from(body))
        .unwrap();
    let response = guard.protect(inner).oneshot(request).await.unwrap();
    let has_retry = response.headers().contains_key("retry-after");
    assert_eq!(has_retry, response.status() == StatusCode::SERVICE_UNAVAILABLE);
    (response.status(), reached.load(Ordering::Relaxed) == 1)
}

fn seen(outcome: &'static str, taken: usize) -> Seen {
    let is_decision = taken > 0;
    Seen {
        outcome,
        arguments: is_decision.then(|| Digest::of(b"{ \"n\":1 }")),
        values: is_decision
            .then(|| Argument { name: "n".into(), json: Some("1".into()) })
            .into_iter()
            .collect(),
        trace: if is_decision { TraceId::from_traceparent(TRACEPARENT) } else { None },
        policy: is_decision.then(|| Digest::of(b"the policy's text")),
        taken,
    }
}

#[tokio::test]
async fn a_decision_is_made_while_there_is_room_for_its_record() {
    let recorder = Arc::new(Counting { room: 1, ..Counting::default() });
    let permitted = call_with(Arc::clone(&recorder), &token("A"), "a").await;
    assert_eq!(permitted, (StatusCode::OK, true));
    let denied = call_with(Arc::clone(&recorder), &token("B"), "a").await;
    assert_eq!(denied, (StatusCode::FORBIDDEN, false));
    let records = recorder.seen.lock().unwrap();
    assert_eq!(*records, [seen("permitted", 1), seen("denied", 1)]);
    assert_eq!(recorder.taken.load(Ordering::Relaxed), 0, "the room is given back");
}

#[tokio::test]
async fn without_room_no_call_reaches_the_server() {
    let recorder = Arc::new(Counting::default());
    for (scope, tool) in [("A", "a"), ("B", "a")] {
        let refused = call_with(Arc::clone(&recorder), &token(scope), tool).await;
        assert_eq!(refused, (StatusCode::SERVICE_UNAVAILABLE, false));
    }
    // What no policy decides needs no room.
    let refused = call_with(Arc::clone(&recorder), "x", "a").await;
    assert_eq!(refused, (StatusCode::UNAUTHORIZED, false));
    let records = recorder.seen.lock().unwrap();
    let wanted = ["unrecordable", "unrecordable", "unauthenticated"].map(|it| seen(it, 0));
    assert_eq!(*records, wanted);
}

#[tokio::test]
async fn no_details_are_worked_out_for_observers_alone() {
    struct Details;
    impl Observer for Details {
        fn observe(&self, event: &AuditEvent<'_>) {
            assert_eq!(*event.details, bartizan::Details::default());
        }
    }
    let guard = guard().observer(Details);
    let inner = tower::service_fn(|_: Request<Full<Bytes>>| async {
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let request = Request::post("/mcp")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {}", token("A")))
        .header("traceparent", TRACEPARENT)
        .body(Full::<Bytes>::from(call("a")))
        .unwrap();
    let response = guard.protect(inner).oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}
