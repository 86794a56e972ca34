//! The metadata, the key set, and which methods and origins are answered.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::common::World;

#[tokio::test]
async fn the_metadata_is_where_clients_look_and_says_what_is_there() {
    let world = World::new().await;
    let mut documents = Vec::new();
    for path in [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-authorization-server/mcp",
        "/mcp/.well-known/oauth-authorization-server",
    ] {
        let answer = world.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*");
        documents.push(answer.json());
    }
    documents.dedup();
    let [document] = &documents[..] else { panic!("they differ") };
    assert_eq!(document["issuer"], "http://localhost:8000");
    assert_eq!(document["token_endpoint"], "http://localhost:8000/token");
    assert_eq!(document["registration_endpoint"], "http://localhost:8000/register");
    assert_eq!(document["client_id_metadata_document_supported"], true);
    assert_eq!(
        document["scopes_supported"],
        json!(["Admin.Write", "User.Read", "User.Write", "offline_access"])
    );
    let grants = document["grant_types_supported"].as_array().unwrap();
    assert!(grants.contains(&"authorization_code".into()));
    assert!(!grants.contains(&"urn:ietf:params:oauth:grant-type:jwt-bearer".into()));
    for path in ["/.well-known/openid-configuration", "/mcp/.well-known/openid-configuration"] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn an_issuer_with_a_path_has_its_endpoints_below_it() {
    let world = World::with(|config| config.issuer = "https://as.example/auth".parse().unwrap());
    let world = world.await;
    let document = world.get("/.well-known/oauth-authorization-server/auth").await.json();
    assert_eq!(document["authorization_endpoint"], "https://as.example/auth/authorize");
    assert_eq!(world.get("/auth/jwks.json").await.status, StatusCode::OK);
    assert_eq!(world.get("/auth/authorize").await.status, StatusCode::BAD_REQUEST);
    for path in ["/jwks.json", "/authorize"] {
        assert_eq!(world.get(path).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn the_key_set_has_public_keys_alone() {
    let world = World::new().await;
    let answer = world.get("/jwks.json").await;
    let keys = answer.json();
    assert_eq!(keys["keys"].as_array().unwrap().len(), 1);
    assert_eq!(keys["keys"][0]["kty"], "EC");
    assert_eq!(keys["keys"][0].get("d"), None);
    assert_eq!(answer.header("cache-control"), "max-age=300");
}

#[tokio::test]
async fn another_method_is_405_and_another_path_a_plain_404() {
    let world = World::new().await;
    for (method, path) in [
        (Method::GET, "/token"),
        (Method::PUT, "/token"),
        (Method::GET, "/register"),
        (Method::GET, "/revoke"),
        (Method::GET, "/introspect"),
        (Method::DELETE, "/authorize"),
        (Method::POST, "/jwks.json"),
        (Method::POST, "/.well-known/oauth-authorization-server"),
    ] {
        let request = Request::builder().method(method.clone()).uri(path);
        let answer = world.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        assert!(!answer.header("allow").is_empty(), "{method} {path}");
    }
    for path in ["/", "/token/", "/userinfo", "/authorize/x"] {
        let answer = world.get(path).await;
        assert_eq!((answer.status, &*answer.body), (StatusCode::NOT_FOUND, ""), "{path}");
    }
}

#[tokio::test]
async fn scripts_of_any_origin_may_call_what_is_for_programs_and_nothing_else() {
    let world = World::new().await;
    let preflight = |path: &str| {
        let request = Request::options(path)
            .header("origin", "https://inspector.example")
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "content-type,mcp-protocol-version");
        request.body(Body::empty()).unwrap()
    };
    for path in [
        "/token",
        "/register",
        "/revoke",
        "/introspect",
        "/jwks.json",
        "/.well-known/oauth-authorization-server",
    ] {
        let answer = world.send(preflight(path)).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT, "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), "*", "{path}");
        assert!(answer.headers.get("access-control-allow-credentials").is_none());
        assert!(answer.header("access-control-allow-headers").contains("mcp-protocol-version"));
    }
    let answer = world.post("/token", &[("client_id", "gone"), ("grant_type", "x")]).await;
    assert_eq!(answer.header("access-control-allow-origin"), "*");
    for path in ["/authorize"] {
        let answer = world.send(preflight(path)).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
        assert!(answer.headers.get("access-control-allow-origin").is_none(), "{path}");
    }
}
