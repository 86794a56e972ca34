//! Rows 25 and 25a: `Host` and `Origin`, before anything else is read, and what pages may read.

use http::{StatusCode, header};

use crate::harness::{TestServer, call, send};

#[tokio::test]
async fn foreign_hosts_and_origins_are_403_even_with_a_good_token() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    let with = |name, value: &'static str| {
        server.post(call("get_time")).bearer_auth(&token).header(name, value)
    };
    for (name, value) in [
        (header::HOST, "evil.example"),
        (header::HOST, "localhost.evil.example:8000"),
        (header::ORIGIN, "http://evil.example"),
        (header::ORIGIN, "https://localhost.evil.example"),
        (header::ORIGIN, "null"),
    ] {
        let answer = send(with(name.clone(), value)).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{name}: {value}");
        assert_eq!(answer.challenge(), None);
        let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(body["error"]["data"]["header"], name.as_str());
    }
    for (name, value) in
        [(header::HOST, "localhost:8000"), (header::ORIGIN, "http://localhost:6274")]
    {
        send(with(name.clone(), value)).await.assert_called(value);
    }
}

#[tokio::test]
async fn a_foreign_host_is_refused_before_the_token_is_looked_at() {
    let server = TestServer::start().await;
    let request = server.post(call("get_time")).header(header::HOST, "evil.example");
    assert_eq!(send(request).await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_call_and_read_and_others_may_not() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    for (origin, status) in [
        ("https://app.example", StatusCode::NO_CONTENT),
        ("http://localhost:6274", StatusCode::NO_CONTENT),
        ("https://other.example", StatusCode::FORBIDDEN),
    ] {
        let preflight = server.http().request(http::Method::OPTIONS, server.url());
        let preflight = preflight
            .header(header::HOST, "localhost:8000")
            .header(header::ORIGIN, origin)
            .header(header::ACCESS_CONTROL_REQUEST_METHOD, "POST")
            .header(header::ACCESS_CONTROL_REQUEST_HEADERS, "authorization,content-type");
        let answer = send(preflight).await;
        assert_eq!(answer.status, status, "{origin}");
        let allowed = answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
        let is_let_in = status == StatusCode::NO_CONTENT;
        assert_eq!(allowed.is_some_and(|allowed| allowed == origin), is_let_in, "{origin}");
    }
    let from =
        |request: reqwest::RequestBuilder| request.header(header::ORIGIN, "https://app.example");
    let called = send(from(server.post(call("get_time")).bearer_auth(&token))).await;
    called.assert_called("from a page");
    let challenged = send(from(server.post(call("get_time")))).await;
    assert_eq!(challenged.status, StatusCode::UNAUTHORIZED);
    for answer in [called, challenged] {
        let headers = answer.headers;
        assert_eq!(headers[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://app.example");
        let exposed = headers[header::ACCESS_CONTROL_EXPOSE_HEADERS].to_str().unwrap();
        assert!(exposed.starts_with("WWW-Authenticate, Mcp-Session-Id"), "{exposed}");
        let varies = headers.get_all(header::VARY);
        assert!(varies.iter().any(|value| value == "Origin"));
    }
}

#[tokio::test]
async fn a_call_that_takes_any_type_is_answered() {
    let server = TestServer::start().await;
    let token = server.token("admin", "Admin.Write");
    for accept in ["*/*", "application/*, text/event-stream;q=0.5"] {
        let request = server.http().post(server.url()).bearer_auth(&token);
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, accept)
            .body(call("get_time"));
        send(request).await.assert_called(accept);
    }
    for accept in ["application/json", "text/event-stream", "*/*, application/json;q=0"] {
        let request = server.http().post(server.url()).bearer_auth(&token);
        let request = request
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, accept)
            .body(call("get_time"));
        let answer = send(request).await;
        assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE, "{accept}");
        assert_eq!(
            (&answer.json()["id"], &answer.json()["error"]["code"]),
            (&1.into(), &(-32012).into())
        );
    }
}

#[tokio::test]
async fn a_slash_too_many_is_told_the_right_address() {
    let server = TestServer::start().await;
    for method in [http::Method::POST, http::Method::GET] {
        let answer = send(server.http().request(method, format!("{}/", server.url()))).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        let words = "no such path: the MCP server is at http://localhost:8000/mcp, without a slash at its end\n";
        assert_eq!(answer.body, words);
    }
    let answer = send(server.http().get(format!("{}/x/", server.url()))).await;
    assert_eq!((answer.status, answer.body.as_str()), (StatusCode::NOT_FOUND, "no such path\n"));
}
