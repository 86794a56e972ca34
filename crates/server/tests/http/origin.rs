//! Row 32: `Host` and `Origin`, before anything else is read.

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
