//! Defence in depth: handlers refuse what no guard permitted, and what was permitted for another
//! action.

use std::convert::Infallible;

use auth_core::{Algorithm, KeySet, TokenVerifier, TrustedIssuer};
use axum::{Router, body::Body};
use bartizan::{Guard, TokenAuthenticator};
use http::{Request, StatusCode};
use http_body_util::Full;
use serde_json::{Value, json};
use server::{BUILT_IN, McpServer, McpService, parse_policy};
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use crate::harness::{call, request};

fn mcp() -> McpService {
    let server = McpServer::new(RESOURCE.parse().unwrap(), ManualClock::at(NOW));
    McpService::new(server, &CancellationToken::new())
}

fn post(body: String) -> Request<Body> {
    Request::post("http://localhost:8000/mcp")
        .header("host", "localhost:8000")
        .header("content-type", "application/json")
        .header("accept", "application/json, text/event-stream")
        .body(Body::from(body))
        .unwrap()
}

async fn answer(app: Router, request: Request<Body>) -> Value {
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    serde_json::from_slice(&body).unwrap()
}

#[tokio::test]
async fn without_the_guard_nobody_gets_anything() {
    let unguarded = tower::service_fn(|request: Request<Body>| async {
        let (parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
        mcp().call(Request::from_parts(parts, Full::new(body))).await
    });
    let app = Router::new().route_service("/mcp", unguarded);
    for body in [
        call("get_time"),
        call("whoami"),
        request("tools/list", &json!({})),
        request("resources/list", &json!({})),
        request("resources/read", &json!({ "uri": "server://info" })),
    ] {
        let answer = answer(app.clone(), post(body.clone())).await;
        assert_eq!(answer["error"]["code"], -32603, "{body}: {answer}");
        assert!(answer["result"].is_null(), "{body}: {answer}");
    }
}

#[tokio::test]
async fn a_permit_for_one_action_opens_no_other() {
    let key = TestKey::shared(Algorithm::Hs256);
    let issuer = TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(issuer);
    let authenticate = TokenAuthenticator::new(verifier, ManualClock::at(NOW));
    let guard = Guard::new(
        RESOURCE.parse().unwrap(),
        parse_policy(BUILT_IN, &McpServer::offers()).unwrap(),
        [],
        authenticate,
    )
    .unwrap();
    let token = Forge::valid(key).sign(key);

    for (judged, done) in [
        (call("whoami"), call("get_time")),
        (call("whoami"), request("resources/read", &json!({ "uri": "server://info" }))),
        (request("tools/list", &json!({})), call("get_time")),
    ] {
        // A layer between the guard and the server that puts another body in the place of the one
        // that was judged: what no layer should do, and what must not work if one does.
        let swapped = done.clone();
        let between = tower::service_fn(move |request: Request<Full<bytes::Bytes>>| {
            let (parts, _) = request.into_parts();
            let request = Request::from_parts(parts, Full::<bytes::Bytes>::from(swapped.clone()));
            let mut mcp = mcp();
            async move { Ok::<_, Infallible>(mcp.call(request).await.unwrap()) }
        });
        let app = Router::new().route_service("/mcp", guard.protect(between));
        let mut request = post(judged.clone());
        let value = format!("Bearer {token}").parse().unwrap();
        request.headers_mut().insert("authorization", value);
        let answer = answer(app, request).await;
        assert_eq!(answer["error"]["code"], -32603, "{judged} → {done}: {answer}");
        assert!(answer["result"].is_null(), "{answer}");
    }
}
