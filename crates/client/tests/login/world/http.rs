//! Requests and answers of the issuer.

use std::collections::HashMap;

use axum::{
    body::Body,
    http::{HeaderMap, Response, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Url;
use serde_json::Value;

pub(super) type Pairs = HashMap<String, String>;

pub(super) fn answer(status: u16, json: &Value) -> Response<Body> {
    let response = Response::builder().status(status);
    let response = response.header(header::CONTENT_TYPE, "application/json");
    response.body(Body::from(json.to_string())).unwrap()
}

pub(super) fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(text).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decoded = |text: &str| pairs(&format!("x={text}")).remove("x").unwrap();
    Some((decoded(id), decoded(secret)))
}

pub(super) fn pairs(text: &str) -> Pairs {
    let url = Url::parse(&format!("form:?{text}")).unwrap();
    url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}
