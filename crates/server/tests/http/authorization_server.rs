//! The authorization server beside the guard: in one process, at one address.

use std::sync::Arc;

use auth_core::{
    Clock, KeySet, Policy, ResourceUri, SigningKey, TokenId, TokenIssuer, TokenRequest,
    TrustedIssuer,
};
use axum::{Router, body::Body};
use bartizan::{CertificateAuthorities, Issuers};
use directory::{AnyDirectory, Directory, NewUser};
use http::{Request, StatusCode, header};
use issuer::{AuthorizationServer, IssuerConfig, ServedResource, StaticKeys};
use serde_json::Value;
use server::{
    App, BUILT_IN, Backend, Bounds, McpServer, Provisioning, Readiness, Resource, ResourceError,
    parse_policy,
};
use testkit::{ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

use crate::harness::{call, stamp};

fn policy() -> Policy {
    parse_policy(BUILT_IN, &McpServer::offers()).unwrap()
}

fn key() -> SigningKey {
    let key = TestKey::shared(auth_core::Algorithm::Es256);
    SigningKey::from_pem(&key.private_pem().unwrap()).unwrap()
}

/// A server at `uri`, with its own authorization server if it `signs_in`.
pub(crate) async fn router(uri: &str, signs_in: bool) -> Result<Router, ResourceError> {
    let uri: ResourceUri = uri.parse().unwrap();
    let clock: Arc<dyn Clock> = ManualClock::at(NOW);
    let directory = AnyDirectory::open("sqlite::memory:").await.unwrap();
    let user = NewUser {
        issuer: ISSUER.parse().unwrap(),
        subject: "alice".parse().unwrap(),
        display_name: "Alice".into(),
        roles: ["admin".parse().unwrap()].into(),
    };
    directory.add(user, &stamp(NOW)).await.unwrap();
    let keys = KeySet::default().and_named([key().verifying_key().unwrap()]);
    let trust = TrustedIssuer::new(ISSUER.parse().unwrap(), keys).into();
    let resource = Resource {
        policy: policy(),
        issuers: Issuers::new(uri.audience().clone(), Arc::clone(&clock), [trust]).unwrap(),
        backend: Backend::Demo(McpServer::new(uri.clone(), Arc::clone(&clock))),
        uri: uri.clone(),
    };
    let demo = ServedResource { uri, name: "Demo".into(), policy: policy().into() };
    let config = IssuerConfig::new(ISSUER.parse().unwrap(), vec![demo]);
    let keys = Arc::new(StaticKeys::new(key()).unwrap());
    let (store, time) = (directory.clone(), Arc::clone(&clock));
    let server =
        AuthorizationServer::open(config, store, keys, CertificateAuthorities::default(), time);
    let app = App {
        resources: vec![resource],
        directory: Arc::new(directory),
        authorization_server: Some(server.await.unwrap()).filter(|_| signs_in),
        provisioning: Provisioning::new(),
        allowed_origins: Vec::new(),
        readiness: Readiness::default(),
        has_client_certificates: false,
        bounds: Bounds::default(),
        limits_store: None,
        audit: None,
        traces: None,
        clock,
        metrics: None,
        server_command: "bartizan-server".into(),
    };
    app.router(&CancellationToken::new())
}

async fn get(router: &Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).header(header::HOST, "localhost:8000");
    let response = router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn json(router: &Router, path: &str) -> Value {
    let (status, body) = get(router, path).await;
    assert_eq!(status, StatusCode::OK, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn the_resource_names_the_authorization_server_that_answers_there() {
    let router = router(RESOURCE, true).await.unwrap();
    for path in ["", "/mcp"] {
        let path = format!("/.well-known/oauth-protected-resource{path}");
        let resource = json(&router, &path).await;
        assert_eq!(resource["authorization_servers"], serde_json::json!([ISSUER]), "{path}");
    }
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/mcp/.well-known/oauth-authorization-server",
    ] {
        let metadata = json(&router, path).await;
        assert_eq!(metadata["issuer"], ISSUER, "{path}");
        assert_eq!(metadata["jwks_uri"], format!("{ISSUER}/jwks.json"), "{path}");
    }
    let keys = json(&router, "/jwks.json").await;
    assert_eq!(keys["keys"][0]["alg"], "ES256");
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(get(&router, "/style.css").await.0, StatusCode::OK);
}

#[tokio::test]
async fn without_one_its_paths_are_plain_404s() {
    let router = router(RESOURCE, false).await.unwrap();
    for path in issuer::OWN_PATHS {
        let (status, body) = get(&router, path).await;
        assert_eq!((status, body.as_str()), (StatusCode::NOT_FOUND, "no such path\n"), "{path}");
    }
}

#[tokio::test]
async fn what_is_not_there_is_a_plain_404_beside_one_too() {
    let router = router(RESOURCE, true).await.unwrap();
    for path in [
        "/.well-known/openid-configuration",
        "/mcp/.well-known/openid-configuration",
        "/mcp/authorize",
        "/login",
    ] {
        assert_eq!(get(&router, path).await.0, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_token_of_the_server_itself_is_accepted_at_the_guard() {
    let router = router(RESOURCE, true).await.unwrap();
    let request = TokenRequest::new(
        "alice".parse().unwrap(),
        RESOURCE.parse().unwrap(),
        TokenId::from_random([7; 16]),
    );
    let request = request.scopes("User.Read".parse().unwrap());
    let now = auth_core::NumericDate::from_secs(NOW).unwrap();
    let issuer = TokenIssuer::new(ISSUER.parse().unwrap(), key());
    let token = issuer.issue(&request, now).unwrap();
    let request = Request::post("/mcp")
        .header(header::HOST, "localhost:8000")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/json, text/event-stream")
        .header(header::AUTHORIZATION, format!("Bearer {}", token.expose()))
        .body(Body::from(call("whoami")))
        .unwrap();
    assert_eq!(router.oneshot(request).await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_resource_in_its_way_is_refused() {
    for path in ["/token", "/account/x", "/sign-in/with/y"] {
        let uri = format!("http://localhost:8000{path}");
        let refused = router(&uri, true).await.unwrap_err();
        assert!(matches!(refused, ResourceError::Path), "{path}: {refused}");
        assert!(router(&uri, false).await.is_ok(), "{path}");
    }
}
