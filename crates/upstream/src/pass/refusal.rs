//! What the gateway answers itself: a JSON-RPC error with the id of the request (JSON-RPC 2.0
//! §5.1).

use std::fmt::Display;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};

use super::{body::PassBody, error_text::error_text};
use crate::wire::{Kind, Message};

/// The id of a request, as JSON; `None` for a notification, an answer, and what is no message.
pub(super) fn id_of(body: &Bytes) -> Option<Box<str>> {
    let message = Message::parse(body.clone()).ok()?;
    message.id().filter(|_| message.kind() == Kind::Request).map(Into::into)
}

/// An answer with a JSON-RPC error.
pub(super) fn refuse(
    status: StatusCode,
    message: &dyn Display,
    request: &Bytes,
) -> Response<PassBody> {
    let text = error_text(id_of(request).as_deref(), message);
    let mut response = Response::new(PassBody::own(Bytes::from(text)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_request_has_an_id() {
        let id_of = |text: &'static str| id_of(&Bytes::from_static(text.as_bytes()));
        for (text, id) in [
            (r#"{"jsonrpc":"2.0","id":7,"method":"a"}"#, "7"),
            (r#"{"jsonrpc":"2.0","id":"x","method":"a","params":{"id":1}}"#, r#""x""#),
            (r#"{"jsonrpc":"2.0","id":18446744073709551616,"method":"a"}"#, "18446744073709551616"),
        ] {
            assert_eq!(id_of(text).as_deref(), Some(id), "{text}");
        }
        for text in [
            "",
            "[]",
            r#"{"jsonrpc":"2.0","method":"a"}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
            r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"a"}"#,
        ] {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
