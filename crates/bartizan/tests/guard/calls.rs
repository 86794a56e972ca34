//! Calls under way have bounds, of one caller and of all, and give their places back however they
//! end.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use auth_core::Algorithm;
use bartizan::{AuditEvent, Guard, GuardService, GuardUsage, GuardedBody, Observer, Outcome};
use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use serde_json::{Value, json};
use testkit::{Forge, TestKey};
use tokio::task::JoinHandle;
use tower::{Service, ServiceExt};

use crate::{Authenticator, guard};

type Body = BoxBody<Bytes, Infallible>;
type Answer = Response<GuardedBody<Body>>;

/// What the service behind the guard does with a call.
#[derive(Debug, Clone, Copy)]
enum Behind {
    /// Answers at once.
    Answers,
    /// Never answers.
    Hangs,
    /// Begins an answer of this type, which does not end.
    Begins(&'static str),
    Panics,
}

async fn answer(behind: Behind) -> Response<Body> {
    let (kind, body) = match behind {
        Behind::Answers => ("text/plain", Full::<Bytes>::from("through").boxed()),
        Behind::Hangs => std::future::pending().await,
        Behind::Begins(kind) => {
            let begun = stream::iter([Ok(Frame::data(Bytes::from("{")))]);
            let open = futures_util::StreamExt::chain(begun, stream::pending());
            (kind, StreamBody::new(open).boxed())
        }
        Behind::Panics => unreachable!("a fault of the service"),
    };
    Response::builder().header(header::CONTENT_TYPE, kind).body(body).unwrap()
}

/// A guard with these bounds, in front of a service that can be told what to do.
struct World {
    guard: Guard<Authenticator>,
    usage: GuardUsage,
    behind: Arc<Mutex<Behind>>,
}

type Call = Request<Full<Bytes>>;

impl World {
    fn new(guard: Guard<Authenticator>) -> Self {
        let usage = guard.usage();
        Self { guard, usage, behind: Arc::new(Mutex::new(Behind::Answers)) }
    }

    fn is(&self, behind: Behind) {
        *self.behind.lock().unwrap() = behind;
    }

    async fn ask(&self, request: Request<Full<Bytes>>) -> Answer {
        self.service().oneshot(request).await.unwrap()
    }

    fn service(
        &self,
    ) -> GuardService<
        impl Service<Call, Response = Response<Body>, Error = Infallible, Future: Send>
        + Clone
        + Send
        + 'static,
        Authenticator,
    > {
        let behind = Arc::clone(&self.behind);
        self.guard.protect(tower::service_fn(move |_: Request<Full<Bytes>>| {
            let behind = *behind.lock().unwrap();
            async move { Ok::<_, Infallible>(answer(behind).await) }
        }))
    }

    /// Makes a call that is not answered; returns when it is under way.
    async fn hang(&self, request: Request<Full<Bytes>>) -> JoinHandle<Result<Answer, Infallible>> {
        self.is(Behind::Hangs);
        let before = self.usage.calls();
        let call = tokio::spawn(self.service().oneshot(request));
        self.until(before + 1).await;
        self.is(Behind::Answers);
        call
    }

    /// Waits until so many calls are under way.
    async fn until(&self, calls: usize) {
        let reached = async {
            while self.usage.calls() != calls {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let reached = tokio::time::timeout(Duration::from_secs(20), reached).await;
        assert!(reached.is_ok(), "{calls} are not reached: {}", self.usage.calls());
    }
}

fn request(subject: &str, client: &str, method: &str, body: &Value) -> Request<Full<Bytes>> {
    let key = TestKey::shared(Algorithm::Hs256);
    let token = Forge::valid(key).claim("scope", "A").claim("sub", subject);
    let token = token.claim("client_id", client).sign(key);
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Request::builder()
        .method(method)
        .uri("/mcp")
        .header("host", "localhost")
        .header("authorization", format!("Bearer {token}"))
        .body(body.into())
        .unwrap()
}

fn call(subject: &str) -> Request<Full<Bytes>> {
    call_through(subject, "testkit")
}

fn call_through(subject: &str, client: &str) -> Request<Full<Bytes>> {
    let params = json!({ "name": "a" });
    let body = json!({ "jsonrpc": "2.0", "id": 7, "method": "tools/call", "params": params });
    request(subject, client, "POST", &body)
}

/// Keeps what was refused, with its action.
#[derive(Clone, Default)]
struct Refused(Arc<Mutex<Vec<String>>>);

impl Observer for Refused {
    fn observe(&self, event: &AuditEvent<'_>) {
        if let (Outcome::Refused(kind, _), Some(action)) = (event.outcome, event.action) {
            self.0.lock().unwrap().push(format!("{kind:?} {action}"));
        }
    }
}

#[tokio::test]
async fn a_caller_has_so_many_calls_under_way_and_all_together_have() {
    let refused = Refused::default();
    let world = World::new(guard().max_calls(2, 3).observer(refused.clone()));
    let of_alice = world.hang(call("alice")).await;
    let _through_another_client = world.hang(call_through("alice", "other")).await;
    for client in ["testkit", "other"] {
        let answer = world.ask(call_through("alice", client)).await;
        assert_eq!(answer.status(), 429);
        assert_eq!(answer.headers()["retry-after"], "1");
        let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let text =
            "the limit on calls under way is reached for this caller: try again when one has ended";
        let data = json!({ "error": "too_many_calls", "request_id": id, "retry_after": 1 });
        let error = json!({ "code": -32000, "message": text, "data": data });
        assert_eq!(body, json!({ "jsonrpc": "2.0", "id": 7, "error": error }));
    }
    let notification = json!({ "jsonrpc": "2.0", "method": "notifications/cancelled" });
    let answer = world.ask(request("alice", "testkit", "POST", &notification)).await;
    assert_eq!(answer.status(), 200, "a call can be cancelled");

    assert_eq!(world.ask(call("bob")).await.status(), 200, "another caller");
    world.until(2).await;
    let _of_bob = world.hang(call("bob")).await;
    let answer = world.ask(call("carol")).await;
    assert_eq!(answer.status(), 503);
    assert_eq!(answer.headers()["retry-after"], "1");
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert!(String::from_utf8_lossy(&body).contains("is reached for all callers together"));
    let one = "CallsReached tools/call a".to_owned();
    assert_eq!(*refused.0.lock().unwrap(), vec![one; 3]);

    // Its caller goes away.
    of_alice.abort();
    world.until(2).await;
    assert_eq!(world.ask(call("carol")).await.status(), 200);
    assert_eq!(world.ask(call("alice")).await.status(), 200);
}

#[tokio::test]
async fn a_call_is_under_way_until_its_answer_has_ended() {
    let world = World::new(guard().max_calls(1, 10));
    for kind in ["text/event-stream", "application/json", "text/plain"] {
        world.is(Behind::Begins(kind));
        let answer = world.ask(call("alice")).await;
        assert_eq!((answer.status().as_u16(), world.usage.calls()), (200, 1), "{kind}");
        world.is(Behind::Answers);
        assert_eq!(world.ask(call("alice")).await.status(), 429, "{kind}");
        // Its caller goes away, or the listener has sent all of it.
        drop(answer);
        assert_eq!(world.usage.calls(), 0, "{kind}");
        let answer = world.ask(call("alice")).await;
        assert_eq!(answer.status(), 200, "{kind}");
        assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "through");
        assert_eq!(world.usage.calls(), 0, "{kind}");
    }
    world.is(Behind::Panics);
    for _ in 0..2 {
        assert_eq!(world.ask(call("alice")).await.status(), 500);
    }
    assert_eq!(world.usage.calls(), 0);
}

#[tokio::test]
async fn a_stream_that_only_listens_is_no_call() {
    let world = World::new(guard().max_calls(0, 0));
    assert_eq!(world.ask(call("alice")).await.status(), 429);
    let listen = json!({
        "jsonrpc": "2.0", "id": 1, "method": "subscriptions/listen",
        "params": { "notifications": { "toolsListChanged": true } },
    });
    let listens = [("POST", listen), ("GET", Value::Null)];
    for (method, body) in listens {
        let answer = world.ask(request("alice", "testkit", method, &body)).await;
        assert_eq!(answer.status(), 200, "{method}");
    }
}

#[tokio::test]
async fn without_a_bound_no_call_is_counted() {
    let world = World::new(guard());
    world.is(Behind::Begins("text/event-stream"));
    let _answer = world.ask(call("alice")).await;
    assert_eq!(world.usage.calls(), 0);
}
