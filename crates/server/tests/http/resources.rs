//! Several protected resources on one server: each has its own path, audience, policy and metadata.

use std::sync::Arc;

use auth_core::{Algorithm, KeySet, ResourceUri, TrustedIssuer};
use axum::{Router, body::Body};
use bartizan::{Issuers, Trust};
use directory::{AnyDirectory, Directory, MemoryDirectory, NewUser, Shared};
use http::{Request, StatusCode, header};
use serde_json::Value;
use server::{
    App, BUILT_IN, Backend, Bounds, McpServer, Provisioning, Readiness, Resource, ResourceError,
    Sessions, parse_policy,
};
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::harness::{call, stamp};

const FILES: &str = "http://localhost:8000/files";

fn key() -> &'static TestKey {
    TestKey::shared(Algorithm::Hs256)
}

fn resource(uri: &str, policy: &str) -> Resource {
    let clock = ManualClock::at(NOW);
    let keys = KeySet::from_iter([key().verifying()]);
    let trust: Trust = TrustedIssuer::new(ISSUER.parse().unwrap(), keys).into();
    let uri: ResourceUri = uri.parse().unwrap();
    Resource {
        policy: parse_policy(policy, &McpServer::offers()).unwrap(),
        issuers: Issuers::new(uri.audience().clone(), clock.clone(), [trust]).unwrap(),
        backend: Backend::Demo(McpServer::new(uri.clone(), clock)),
        uri,
    }
}

async fn router(resources: Vec<Resource>) -> Result<Router, ResourceError> {
    let directory = MemoryDirectory::default();
    let user = NewUser {
        issuer: ISSUER.parse().unwrap(),
        subject: "user".parse().unwrap(),
        display_name: "user".into(),
        roles: ["user".parse().unwrap()].into(),
    };
    directory.add(user, &stamp(NOW)).await.unwrap();
    let app = App {
        resources,
        directory: Arc::new(directory),
        provisioning: Provisioning::new(),
        allowed_origins: Vec::new(),
        readiness: Readiness::default(),
        has_client_certificates: false,
        bounds: Bounds::default(),
        limits_store: None,
        audit: None,
        traces: None,
        clock: ManualClock::at(NOW),
        authorization_server: None,
        metrics: None,
        server_command: "bartizan-server".into(),
    };
    app.router(&CancellationToken::new())
}

async fn status(router: &Router, path: &str, audience: &str) -> StatusCode {
    let token = Forge::valid(key()).claim("sub", "user").claim("aud", audience);
    let token = token.claim("scope", "User.Read").sign(key());
    let request = Request::post(path)
        .header(header::HOST, "localhost:8000")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header(header::AUTHORIZATION, format!("Bearer {token}"))
        .body(Body::from(call("whoami")))
        .unwrap();
    router.clone().oneshot(request).await.unwrap().status()
}

async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).header(header::HOST, "localhost:8000");
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn each_resource_has_its_own_audience_policy_and_metadata() {
    let closed = BUILT_IN.replace("whoami = []", "whoami = [\"Admin.Write\"]");
    assert_ne!(closed, BUILT_IN);
    let router =
        router(vec![resource(RESOURCE, BUILT_IN), resource(FILES, &closed)]).await.unwrap();
    assert_eq!(status(&router, "/mcp", RESOURCE).await, StatusCode::OK);
    assert_eq!(status(&router, "/mcp", FILES).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&router, "/files", RESOURCE).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(&router, "/files", FILES).await, StatusCode::FORBIDDEN);
    for (path, uri) in [("/mcp", RESOURCE), ("/files", FILES), ("", RESOURCE)] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let metadata: Value = serde_json::from_str(&get(&router, &path).await.1).unwrap();
        assert_eq!(metadata["resource"], uri, "{path}");
    }
    let (status, text) = get(&router, "/files/").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    assert!(text.contains(FILES), "{text}");
}

#[tokio::test]
async fn resources_at_the_same_path_or_at_one_of_the_servers_own_are_refused() {
    let twice = vec![resource(RESOURCE, BUILT_IN), resource(RESOURCE, BUILT_IN)];
    let error = router(twice).await.unwrap_err();
    assert!(matches!(&error, ResourceError::PathTaken(path) if path == "/mcp"), "{error}");
    for path in ["/healthz", "/readyz", "/admin/explain", "/.well-known/x", "/{x}"] {
        let uri = format!("http://localhost:8000{path}");
        if uri.parse::<ResourceUri>().is_ok() {
            let one = vec![resource(&uri, BUILT_IN)];
            let error = router(one).await.unwrap_err();
            assert!(matches!(error, ResourceError::Path), "{path}: {error}");
        }
    }
}

#[tokio::test]
async fn a_resource_whose_issuers_accept_tokens_for_another_is_refused() {
    let other = resource(FILES, BUILT_IN).issuers;
    let mixed = Resource { issuers: other, ..resource(RESOURCE, BUILT_IN) };
    let error = router(vec![mixed]).await.unwrap_err();
    assert!(
        matches!(&error, ResourceError::Audience(uri) if uri.to_string() == RESOURCE),
        "{error}"
    );
}

#[tokio::test]
async fn a_second_resource_with_sessions_is_refused() {
    let store = AnyDirectory::open("sqlite::memory:").await.unwrap();
    let clock = ManualClock::at(NOW);
    let sessions = Sessions::open(Shared::new(store), &[7; 32], clock).await.unwrap();
    let one = || resource(RESOURCE, BUILT_IN).sessions(&sessions);
    assert!(router(vec![one(), resource(FILES, BUILT_IN)]).await.is_ok());
    let error = router(vec![one(), resource(FILES, BUILT_IN).sessions(&sessions)]).await;
    let error = error.unwrap_err();
    assert!(matches!(&error, ResourceError::Sessions(uri) if uri.to_string() == FILES), "{error}");
}
