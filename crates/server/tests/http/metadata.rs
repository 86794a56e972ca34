//! The metadata document (RFC 9728 §3), which needs no token.

use http::{Method, StatusCode, header};
use serde_json::json;

use crate::harness::{TestServer, send};

#[tokio::test]
async fn anonymous_reads_the_metadata_at_both_places_from_any_origin() {
    let server = TestServer::start().await;
    for path in
        ["/.well-known/oauth-protected-resource/mcp", "/.well-known/oauth-protected-resource"]
    {
        let url = format!("http://{}{path}", server.address);
        let request = server.http().get(&url).header(header::ORIGIN, "https://any.example");
        let answer = send(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        assert_eq!(answer.headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "*");
        assert_eq!(answer.headers[header::CACHE_CONTROL], "public, max-age=3600");
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json");
        assert_eq!(
            answer.json(),
            json!({
                "resource": "http://localhost:8000/mcp",
                "authorization_servers": ["http://localhost:8000"],
                "scopes_supported": ["Admin.Write", "User.Read"],
                "bearer_methods_supported": ["header"],
                "resource_name": "bartizan-server",
            })
        );
        let preflight = send(server.http().request(Method::OPTIONS, &url)).await;
        assert_eq!(preflight.status, StatusCode::NO_CONTENT);
        assert_eq!(preflight.headers[header::ACCESS_CONTROL_ALLOW_METHODS], "GET, HEAD, OPTIONS");
        let answer = send(server.http().post(&url)).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn the_metadata_does_not_follow_the_host_header() {
    let server = TestServer::start().await;
    let url = format!("http://{}/.well-known/oauth-protected-resource", server.address);
    let answer = send(server.http().get(url).header(header::HOST, "evil.example")).await;
    assert_eq!(answer.json()["resource"], "http://localhost:8000/mcp");
}

#[tokio::test]
async fn other_paths_are_404() {
    let server = TestServer::start().await;
    for path in [
        "/",
        "/mcp/",
        "/mcp/x",
        "/.well-known/oauth-protected-resource/",
        "/.well-known/oauth-protected-resource/other",
    ] {
        let answer = send(server.http().get(format!("http://{}{path}", server.address))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}");
    }
}
