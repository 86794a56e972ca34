//! `Authorization` headers, in an otherwise good request.

use http::{HeaderValue, Request, StatusCode, header};
use http_body_util::Full;

use super::{
    guard::send,
    world::{token, with_token},
};

/// Each line as one `Authorization` header, in which `$TOKEN` is replaced by a good token. The
/// answer is the one that RFC 6750 §3.1 and OAuth 2.1 §5.1.1 give, written down anew here.
pub fn bearer(data: &[u8]) -> bool {
    let lines: Vec<&[u8]> = data.split(|&b| b == b'\n').filter(|line| !line.is_empty()).collect();
    let lines: Vec<Vec<u8>> = lines.into_iter().map(with_token).collect();
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"a"}}"#;
    let mut request = Request::post("/mcp").header(header::HOST, "localhost");
    for line in &lines {
        let Ok(value) = HeaderValue::from_bytes(line) else { return false };
        request = request.header(header::AUTHORIZATION, value);
    }
    let (answer, passed) = send(request.body(Full::from(body)).unwrap());

    let expected = match &lines[..] {
        [] => Expected::NoToken,
        [line] => expected(line),
        _ => Expected::BadRequest,
    };
    let challenge = answer.headers.get(header::WWW_AUTHENTICATE);
    let challenge = challenge.map(|value| value.to_str().unwrap());
    let says = |text: &str| challenge.is_some_and(|challenge| challenge.contains(text));
    match expected {
        Expected::Good => assert_eq!((answer.status, challenge), (StatusCode::OK, None)),
        Expected::NoToken => {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert!(says("Bearer scope=") && !says("error"));
        }
        Expected::BadRequest => {
            assert_eq!(answer.status, StatusCode::BAD_REQUEST);
            assert!(says("error=\"invalid_request\""));
        }
        Expected::Invalid => {
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
            assert!(says("error=\"invalid_token\""));
        }
    }
    assert_eq!(passed.is_some(), expected == Expected::Good);
    passed.is_some()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Good,
    NoToken,
    BadRequest,
    Invalid,
}

fn expected(line: &[u8]) -> Expected {
    let mut words = line.splitn(2, |&b| b == b' ');
    if !words.next().unwrap_or_default().eq_ignore_ascii_case(b"bearer") {
        return Expected::NoToken;
    }
    let mut text = words.next().unwrap_or_default();
    while let [b' ', rest @ ..] = text {
        text = rest;
    }
    // b64token of RFC 6750 §2.1
    let is_b64 = |b: &u8| b.is_ascii_alphanumeric() || b"-._~+/".contains(b);
    let padding = text.iter().rev().take_while(|&&b| b == b'=').count();
    let (body, _) = text.split_at(text.len() - padding);
    if body.is_empty() || !body.iter().all(is_b64) {
        return Expected::BadRequest;
    }
    if text == token().as_bytes() { Expected::Good } else { Expected::Invalid }
}
