//! **Invariant:** the caller's token never reaches an upstream.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use upstream::{
    credentials::{Credentials, IdentityHeaders},
    pass::{Pass, PassRequest},
};

use super::{
    server::{Server, json},
    support::{CALL, caller, client, limits, text},
};

const TOKEN: &str = "eyJhbGciOiJub25lIn0.c2VjcmV0.dG9rZW4";

fn own() -> auth_core::Issuer {
    "https://own.example".parse().unwrap()
}

/// Every way in which a caller may send a token, but for the body: what is in the body is an
/// argument of a tool, and the caller's own choice.
fn headers_with_the_token() -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("authorization", "Bearer {}"),
        ("authorization", "bearer {}"),
        ("authorization", "DPoP {}"),
        ("proxy-authorization", "Bearer {}"),
        ("x-forwarded-access-token", "{}"),
        ("x-auth-request-access-token", "{}"),
        ("x-access-token", "{}"),
        ("x-api-key", "{}"),
        ("dpop", "{}"),
        ("cookie", "session={}"),
        ("cookie2", "{}"),
        ("referer", "https://a.example/?access_token={}"),
        ("origin", "https://{}.example"),
        ("forwarded", "for={}"),
        ("x-forwarded-for", "{}"),
        ("x-original-url", "/?access_token={}"),
        ("user-agent", "{}"),
        ("via", "{}"),
        ("from", "{}"),
        ("if-none-match", "\"{}\""),
        ("accept-encoding", "{}"),
        ("baggage", "token={}"),
        ("sec-websocket-protocol", "{}"),
        ("x-user", "{}"),
        ("x-client", "{}"),
    ] {
        let value = HeaderValue::try_from(value.replace("{}", TOKEN)).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers.append("content-type", HeaderValue::from_static("application/json"));
    headers
}

#[tokio::test]
async fn no_byte_of_the_callers_token_reaches_the_server() {
    let server = Server::saying(json("{}")).await;
    let identity = IdentityHeaders::none().subject("x-user").unwrap();
    let identity = identity.client("x-client").unwrap().scopes("x-scopes").unwrap();
    let credentials =
        Credentials::none().with_identity(identity.issuer("x-issuer").unwrap(), own());
    let pass = Pass::new(client(&server.url(), limits()), credentials);
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let body =
            if method == Method::POST { Bytes::from_static(CALL.as_bytes()) } else { Bytes::new() };
        let request = PassRequest::new(&method, &headers_with_the_token(), body);
        text(pass.call(request, &caller("tools:call")).await).await.unwrap();
    }
    let bytes = String::from_utf8(server.bytes()).unwrap();
    for part in TOKEN.split('.').chain([TOKEN]) {
        assert!(!bytes.contains(part), "{part} in {bytes}");
    }
    let received = server.received();
    assert_eq!(received.len(), 3);
    for request in received {
        let mut names = request.header_names();
        names.retain(|name| name != "content-length");
        let expected =
            ["content-type", "host", "user-agent", "x-client", "x-issuer", "x-scopes", "x-user"];
        assert_eq!(names, expected);
        assert_eq!(request.header("x-user"), Some("user-userson"));
        assert_eq!(request.header("x-client"), Some("client-1"));
        assert_eq!(request.header("x-scopes"), Some("tools:call"));
    }
}

#[tokio::test]
async fn a_caller_without_a_name_cannot_take_one() {
    let server = Server::saying(json("{}")).await;
    let identity = IdentityHeaders::none().subject("x-user").unwrap();
    let credentials = Credentials::none().with_identity(identity, own());
    let pass = Pass::new(client(&server.url(), limits()), credentials);
    let mut headers = headers_with_the_token();
    headers.insert("x-user", HeaderValue::from_static("admin"));
    let request = PassRequest::new(&Method::POST, &headers, Bytes::from_static(CALL.as_bytes()));
    let anonymous = upstream::CallContext::new(None, "".parse().unwrap());
    text(pass.call(request, &anonymous).await).await.unwrap();
    assert_eq!(server.received()[0].header("x-user"), None);
}

#[tokio::test]
async fn what_is_in_the_body_stays_as_it_is() {
    let server = Server::saying(json("{}")).await;
    let pass = Pass::new(client(&server.url(), limits()), Credentials::none());
    let body = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"t":"{TOKEN}"}}}}"#);
    let headers = headers_with_the_token();
    let request = PassRequest::new(&Method::POST, &headers, Bytes::from(body.clone()));
    text(pass.call(request, &caller("")).await).await.unwrap();
    assert_eq!(server.received()[0].body, body.as_bytes());
}
