//! Rules that are replaced while requests run.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use auth_core::Policy;
use bartizan::{Caller, Limits, Rules};
use futures_util::future::join_all;
use http::{Request, StatusCode};
use serde_json::Value;
use tower::ServiceExt;

use super::*;

/// Rules by which everything has the name of the one scope.
fn rules(name: &str) -> Rules {
    let document: PolicyDocument = serde_json::from_value(json!({
        "scopes": { name: "" },
        "tools": { "t": name, name: [] },
        "lists": { "show_scopes": true },
    }))
    .unwrap();
    Rules::new(Policy::try_from(document).unwrap())
}

/// Answers with both tools, and in the server's name says by which policy the request was judged.
async fn list(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let caller = request.extensions().get::<Caller>().unwrap();
    let judged_by = caller.policy().scopes().to_string();
    // Others get a turn, and rules may change.
    tokio::task::yield_now().await;
    let tools = json!([{ "name": "X" }, { "name": "Y" }]);
    let body = json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": tools, "by": judged_by } });
    let answer = Response::builder().header("content-type", "application/json");
    Ok(answer.body(body.to_string().into()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_replacements_and_no_request_is_judged_by_half_of_one() {
    const REPLACEMENTS: usize = 1000;
    let guard = guard();
    let handle = guard.rules();
    handle.replace(rules("X")).unwrap();
    let service = guard.protect(tower::service_fn(list));
    let metadata = guard.metadata();
    let (is_over, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));

    let callers = (0..4).map(|_| {
        let (service, metadata) = (service.clone(), metadata.clone());
        let (is_over, calls) = (Arc::clone(&is_over), Arc::clone(&calls));
        tokio::spawn(async move {
            let token = token("X Y");
            while !is_over.load(Ordering::SeqCst) {
                let send = |token: Option<&str>, body: String| {
                    let mut request = Request::post("/mcp").header("host", "localhost");
                    if let Some(token) = token {
                        request = request.header("authorization", format!("Bearer {token}"));
                    }
                    service.clone().oneshot(request.body(Full::<Bytes>::from(body)).unwrap())
                };
                let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/list"}"#.to_owned();
                let answer = send(Some(&token), body).await.unwrap();
                let body = answer.into_body().collect().await.unwrap().to_bytes();
                let answer: Value = serde_json::from_slice(&body).unwrap();
                // What the inner service was given, and what its answer was held to.
                let (by, tools) = (&answer["result"]["by"], &answer["result"]["tools"]);
                assert_eq!(tools.as_array().unwrap().len(), 1, "{answer}");
                assert_eq!(&tools[0]["name"], by, "{answer}");

                let Ok(denied) = send(None, call("t")).await;
                assert_eq!(denied.status(), StatusCode::UNAUTHORIZED);
                let challenge = denied.headers()["www-authenticate"].to_str().unwrap();
                assert!(challenge.contains("scope=\"X\"") || challenge.contains("scope=\"Y\""));

                let document = metadata.clone().oneshot(Request::get("/").body(()).unwrap());
                let document = document.await.unwrap().into_body().collect().await.unwrap();
                let document: Value = serde_json::from_slice(&document.to_bytes()).unwrap();
                assert_eq!(document["scopes_supported"].as_array().unwrap().len(), 1);
                calls.fetch_add(1, Ordering::SeqCst);
            }
        })
    });
    let callers: Vec<_> = callers.collect();
    let other = [rules("Y"), rules("X")];
    for number in 0..REPLACEMENTS {
        handle.replace(other[number % 2].clone()).unwrap();
        // At least one call for every few replacements.
        while calls.load(Ordering::SeqCst) * 5 < number {
            tokio::task::yield_now().await;
        }
    }
    is_over.store(true, Ordering::SeqCst);
    for caller in join_all(callers).await {
        caller.unwrap();
    }
}

#[tokio::test]
async fn rules_that_miss_what_is_offered_are_refused_and_the_old_ones_stay() {
    let offers = [Action::CallTool("a".into()), Action::CallTool("b".into())];
    let new =
        |policy| Guard::new(RESOURCE.parse().unwrap(), policy, offers.clone(), authenticator());
    let missing = new(Policy::clone(&rules("X").policy)).unwrap_err();
    assert_eq!(missing.actions(), offers);
    assert!(missing.to_string().ends_with("offers: tools/call a, tools/call b"), "{missing}");

    let guard = new(policy()).unwrap();
    let handle = guard.rules();
    assert_eq!(handle.replace(rules("X")).unwrap_err(), missing);
    assert_eq!(handle.current().policy.scopes().to_string(), "A B");
    let status = |body: String| {
        let request = Request::post("/mcp").header("host", "localhost");
        let request = request.header("authorization", format!("Bearer {}", token("A")));
        let request = request.body(Full::<Bytes>::from(body)).unwrap();
        let inner = tower::service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let answer = guard.protect(inner).oneshot(request);
        async { answer.await.unwrap().status() }
    };
    assert_eq!(status(call("a")).await, StatusCode::OK);
    // Limits are replaced with the rest.
    let limits = Limits { max_body_bytes: 8, ..Limits::default() };
    handle.replace(Rules { limits, ..handle.current() }).unwrap();
    assert_eq!(status(call("a")).await, StatusCode::PAYLOAD_TOO_LARGE);
}

/// A stream's next check asks the newest rules, whether its caller has a token or not.
#[tokio::test(start_paused = true)]
async fn open_streams_are_judged_by_the_newest_rules() {
    let open = |public: bool, tool: Value| {
        let rule = if public { json!({ "public": true }) } else { json!(["B"]) };
        let document = json!({
            "scopes": { "A": "", "B": "" }, "tools": { "a": tool },
            "methods": { "session/stream": rule },
        });
        Rules::new(
            Policy::try_from(serde_json::from_value::<PolicyDocument>(document).unwrap()).unwrap(),
        )
    };
    for token in [None, Some(token("A"))] {
        let guard = guard();
        let handle = guard.rules();
        handle.replace(open(true, json!("A"))).unwrap();
        let inner = tower::service_fn(|_: Request<Full<Bytes>>| async {
            let body = StreamBody::new(futures_util::stream::pending::<
                Result<Frame<Bytes>, Infallible>,
            >());
            let answer = Response::builder().header("content-type", "text/event-stream");
            Ok::<_, Infallible>(answer.body(body).unwrap())
        });
        let mut request = Request::get("/mcp").header("host", "localhost");
        if let Some(token) = &token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let request = request.body(Full::<Bytes>::default()).unwrap();
        let answer = guard.protect(inner).oneshot(request).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let mut body = answer.into_body();
        // Other rules that still permit it change nothing.
        handle.replace(open(true, json!("B"))).unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(5), body.frame()).await;
        assert!(waited.is_err(), "the stream goes on");
        handle.replace(open(false, json!("A"))).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(5), body.frame()).await;
        assert!(ended.unwrap().is_none(), "the stream ends");
    }
}
