//! What several of the tests need.

use std::{error::Error, path::Path, sync::Arc, time::Duration};

use auth_core::{Algorithm, Ceiling, KeySet, NumericDate, Principal, TokenVerifier, TrustedIssuer};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use http_body_util::BodyExt;
use serde_json::Value;
use testkit::{Forge, ISSUER, NOW, RESOURCE, TestKey};
use upstream::{
    CallContext,
    credentials::Credentials,
    http::{HttpClient, HttpLimits, TlsRoots, UpstreamUrl},
    pass::{Pass, PassBody, PassRequest},
};
use zeroize::Zeroizing;

pub(crate) const CALL: &str =
    r#"{"jsonrpc":"2.0","id":"a-7","method":"tools/call","params":{"name":"t"}}"#;

/// Bounds that a test need not wait for.
pub(crate) fn limits() -> HttpLimits {
    HttpLimits {
        connect: Duration::from_millis(500),
        head: Duration::from_secs(5),
        ..HttpLimits::default()
    }
}

pub(crate) fn client(url: &str, limits: HttpLimits) -> HttpClient {
    let url = UpstreamUrl::parse(url).unwrap();
    HttpClient::new(url, &TlsRoots::system(), limits).unwrap()
}

pub(crate) fn pass(url: &str) -> Pass {
    Pass::new(client(url, limits()), Credentials::none())
}

/// A caller whose subject is `user-userson`, and an action that needs `scopes`.
pub(crate) fn caller(scopes: &str) -> CallContext {
    caller_with("user-userson", scopes)
}

pub(crate) fn caller_with(subject: &str, scopes: &str) -> CallContext {
    let key = TestKey::shared(Algorithm::Hs256);
    let forge = Forge::valid(key).claim("sub", subject).claim("client_id", "client-1");
    let entry = TrustedIssuer::new(ISSUER.parse().unwrap(), KeySet::from_iter([key.verifying()]));
    let verifier = TokenVerifier::new(RESOURCE.parse().unwrap()).trust(entry);
    let now = NumericDate::from_secs(NOW).unwrap();
    let claims = verifier.verify(&forge.sign(key).parse().unwrap(), now).unwrap();
    let principal = Principal::new(&claims, Ceiling::IssuerDecides);
    CallContext::new(Some(Arc::new(principal)), scopes.parse().unwrap())
}

pub(crate) fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
    let pair = |(name, value): &(&str, &str)| {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        (name, HeaderValue::from_str(value).unwrap())
    };
    pairs.iter().map(pair).collect()
}

pub(crate) fn post(body: &str) -> PassRequest {
    let headers = headers(&[
        ("content-type", "application/json"),
        ("accept", "application/json, text/event-stream"),
    ]);
    PassRequest::new(&Method::POST, &headers, Bytes::copy_from_slice(body.as_bytes()))
}

/// The body of an answer; what went wrong, if it did not end well.
pub(crate) async fn text(response: Response<PassBody>) -> Result<String, String> {
    let whole = response.into_body().collect().await.map_err(|error| error.to_string())?;
    Ok(String::from_utf8(whole.to_bytes().to_vec()).unwrap())
}

/// The id and the text of a JSON-RPC error.
pub(crate) fn error(text: &str) -> (Value, String) {
    let message: Value = serde_json::from_str(text).unwrap();
    assert_eq!(message["jsonrpc"], "2.0");
    assert_eq!(message["error"]["code"], -32603);
    (message["id"].clone(), message["error"]["message"].as_str().unwrap().to_owned())
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, Box<dyn Error + Send + Sync>> {
    Ok(Zeroizing::new(std::fs::read_to_string(path)?))
}
