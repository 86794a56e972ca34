//! Bodies of requests, read within their bounds.
//!
//! 1. A form has at most [`MAX_FORM_BYTES`]; what is longer is not read to its end.
//! 2. A body arrives within [`MAX_TIME`]: who sends slowly holds a connection no longer.
//! 3. Where a change is made to its end whatever the caller does, the body is read before that:
//!    a caller that sends slowly holds its connection, and nothing else.
//! 4. A form says that it is one: `application/x-www-form-urlencoded` (RFC 6749 §4.1.3).

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use auth_core::oauth::{ErrorCode, Form, MAX_FORM_BYTES, MAX_REGISTRATION_BYTES, OAuthError};
use axum::body::{Body, HttpBody};
use bytes::Bytes;
use http::{HeaderMap, header};
use tokio::time::timeout;

/// How long a body may take to arrive.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The longest body of any endpoint.
const MAX_BYTES: usize =
    if MAX_FORM_BYTES > MAX_REGISTRATION_BYTES { MAX_FORM_BYTES } else { MAX_REGISTRATION_BYTES };

/// The body takes longer than [`MAX_TIME`].
#[derive(Debug, thiserror::Error)]
#[error("the body takes longer than {} s", MAX_TIME.as_secs())]
struct SlowBodyError;

/// A body that could not be read.
struct Unreadable(Option<axum::Error>);

impl HttpBody for Unreadable {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<http_body::Frame<Bytes>, axum::Error>>> {
        Poll::Ready(self.0.take().map(Err))
    }
}

/// The same body once it was received. If it cannot be, [`read`] says why.
pub(crate) async fn receive(body: Body) -> Body {
    match timeout(MAX_TIME, axum::body::to_bytes(body, MAX_BYTES)).await {
        Ok(Ok(bytes)) => Body::from(bytes),
        Ok(Err(error)) => Body::new(Unreadable(Some(error))),
        Err(_) => Body::new(Unreadable(Some(axum::Error::new(SlowBodyError)))),
    }
}

/// Whether it was not received in time.
fn is_slow(error: &axum::Error) -> bool {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<SlowBodyError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The whole body, if it has at most `limit` bytes and arrives within [`MAX_TIME`].
pub(crate) async fn read(body: Body, limit: usize) -> Result<Bytes, OAuthError> {
    let invalid = |text: String| OAuthError::new(ErrorCode::InvalidRequest, text);
    match timeout(MAX_TIME, axum::body::to_bytes(body, limit)).await {
        Err(_) => Err(invalid(SlowBodyError.to_string())),
        Ok(Err(error)) if is_slow(&error) => Err(invalid(SlowBodyError.to_string())),
        Ok(Err(_)) => {
            Err(invalid(format!("the body cannot be read, or is longer than {limit} bytes")))
        }
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

/// The parameters of a `POST`.
pub(crate) async fn form(headers: &HeaderMap, body: Body) -> Result<Form, OAuthError> {
    if !is_form(headers) {
        let text = "send the parameters as application/x-www-form-urlencoded";
        return Err(OAuthError::new(ErrorCode::InvalidRequest, text));
    }
    Ok(Form::parse(&read(body, MAX_FORM_BYTES).await?)?)
}

/// Whether a body says that it is a form.
pub(crate) fn is_form(headers: &HeaderMap) -> bool {
    media_type(headers).as_deref() == Some("application/x-www-form-urlencoded")
}

/// The media type of a body without its parameters (RFC 9110 §8.3.1).
pub(crate) fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(value.split(';').next()?.trim().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use futures_util::{StreamExt, stream};
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_body_that_does_not_end_is_not_waited_for() {
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"a="))]);
        let body = Body::from_stream(first.chain(stream::pending()));
        let began = Instant::now();
        let fault = read(body, MAX_FORM_BYTES).await.unwrap_err();
        assert!(fault.to_string().contains("10 s"), "{fault}");
        assert_eq!(began.elapsed(), MAX_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_received_before_is_read_or_refused_as_any_other() {
        let received = receive(Body::from("a=b")).await;
        assert_eq!(read(received, 3).await.unwrap(), "a=b");
        let long = receive(Body::from(vec![b'a'; MAX_BYTES + 1])).await;
        let fault = read(long, MAX_FORM_BYTES).await.unwrap_err();
        assert!(fault.to_string().contains("is longer than"), "{fault}");
        let first = stream::iter([Ok::<_, Infallible>(Bytes::from_static(b"a="))]);
        let began = Instant::now();
        let slow = receive(Body::from_stream(first.chain(stream::pending()))).await;
        assert_eq!(began.elapsed(), MAX_TIME);
        let fault = read(slow, MAX_FORM_BYTES).await.unwrap_err();
        assert!(fault.to_string().contains("10 s"), "{fault}");
        assert_eq!(began.elapsed(), MAX_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_comes_in_time_and_is_short_enough_is_read() {
        let late = stream::once(async {
            tokio::time::sleep(MAX_TIME / 2).await;
            Ok::<_, Infallible>(Bytes::from_static(b"a=b"))
        });
        assert_eq!(read(Body::from_stream(late), 3).await.unwrap(), "a=b");
        assert!(read(Body::from("abcd"), 3).await.is_err());
    }
}
