//! How much of a server one user takes with sessions: so many run, and the rest wait in the
//! database.

use std::time::Duration;

use directory::AnyDirectory;
use http::StatusCode;
use serde_json::json;
use server::SessionBounds;

use crate::harness::{Answer, TestServer, request, send};

type Server = TestServer<AnyDirectory>;

async fn begin(server: &Server, token: &str) -> Answer {
    let params = json!({
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": { "name": "test", "version": "1" },
    });
    let answer = send(server.post(request("initialize", &params)).bearer_auth(token)).await;
    if answer.status == StatusCode::OK {
        let ready = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
        assert_eq!(within(server, token, &answer, ready).await, StatusCode::ACCEPTED);
    }
    answer
}

/// A message in a session.
async fn within(server: &Server, token: &str, begun: &Answer, body: &str) -> StatusCode {
    let session = begun.headers["mcp-session-id"].to_str().unwrap();
    let request = server.post(body).header("mcp-session-id", session);
    let answer =
        send(request.header("mcp-protocol-version", "2025-11-25").bearer_auth(token)).await;
    answer.status
}

#[tokio::test]
async fn a_user_has_so_many_sessions_running_and_another_is_not_in_their_way() {
    let bounds = SessionBounds { each: 3, total: 5, rest: Duration::from_mins(1) };
    let (server, sessions) = TestServer::start_with_sessions(bounds).await;
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|user| server.token(user, ""));
    for _ in 0..3 {
        assert_eq!(begin(&server, &alice).await.status, StatusCode::OK);
    }
    for _ in 0..20 {
        let refused = begin(&server, &alice).await;
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "{}", refused.body);
        assert_eq!(refused.headers["retry-after"], "5");
    }
    let own = server.forge().claim("sub", "alice").claim("scope", "").claim("client_id", "other");
    let through_another = begin(&server, &server.sign(&own)).await;
    assert_eq!(through_another.status, StatusCode::TOO_MANY_REQUESTS);
    let of_bob = [begin(&server, &bob).await, begin(&server, &bob).await];
    assert!(of_bob.iter().all(|answer| answer.status == StatusCode::OK));
    assert_eq!(begin(&server, &carol).await.status, StatusCode::TOO_MANY_REQUESTS, "all are full");
    assert_eq!(sessions.count(), 5);
    // A session that ends makes room.
    let session = of_bob[0].headers["mcp-session-id"].to_str().unwrap();
    let end = server.http().delete(server.url()).header("mcp-session-id", session);
    assert!(send(end.bearer_auth(&bob)).await.status.is_success());
    assert_eq!(begin(&server, &carol).await.status, StatusCode::OK);
    // A client without a session is served in any case.
    let list = server.post(request("tools/list", &json!({}))).header("mcp-method", "tools/list");
    let list = list.header("mcp-protocol-version", "2026-07-28").bearer_auth(&alice);
    assert_ne!(send(list).await.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn a_session_that_rests_takes_no_memory_and_goes_on_when_it_is_used() {
    let bounds = SessionBounds { each: 2, total: 100, rest: Duration::ZERO };
    let (server, sessions) = TestServer::start_with_sessions(bounds).await;
    let alice = server.token("alice", "");
    let mut begun = Vec::new();
    for _ in 0..10 {
        begun.push(begin(&server, &alice).await);
        assert!(sessions.count() <= 2, "{}", sessions.count());
    }
    let ping = r#"{"jsonrpc":"2.0","id":2,"method":"ping"}"#;
    for answer in &begun {
        assert_eq!(within(&server, &alice, answer, ping).await, StatusCode::OK);
        assert!(sessions.count() <= 2, "{}", sessions.count());
    }
}
