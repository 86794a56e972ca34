//! The tower service.

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use tower::Service;

use super::{
    answer::{self, Answer},
    definitions::Definitions,
    headers,
    limits::FrontLimits,
    new, old,
    params::Params,
    sessions::Sessions,
    shared::Shared,
    trace::traced,
};
use crate::{
    CallContext,
    port::Servers,
    wire::{ErrorCode, Kind, Message, MessageError},
};

/// How deep a client's message may be nested: a server that repeats it in its answer stays within
/// what is read of a server.
const MAX_DEPTH: usize = 64;
/// The longest progress token, in bytes, as JSON: each progress notification repeats it.
const MAX_PROGRESS_TOKEN: usize = 255;

/// An MCP endpoint in front of servers. Cloning it copies one reference.
///
/// A request must have a [`CallContext`] in its extensions; one without is refused.
#[derive(Clone)]
pub struct Front(Arc<Shared>);

impl Front {
    /// An endpoint in front of `servers`, of which `definitions` says what may be seen.
    #[must_use]
    pub fn new(
        servers: Arc<dyn Servers>,
        definitions: Arc<dyn Definitions>,
        limits: FrontLimits,
    ) -> Self {
        Self(Arc::new(Shared {
            servers,
            definitions,
            limits,
            calls: Arc::default(),
            sessions: Sessions::new(limits),
            params: Params::default(),
        }))
    }
}

impl Service<Request<Full<Bytes>>> for Front {
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Full<Bytes>>) -> Self::Future {
        let shared = Arc::clone(&self.0);
        Box::pin(async move { Ok(answer(&shared, request).await) })
    }
}

async fn answer(shared: &Arc<Shared>, request: Request<Full<Bytes>>) -> Answer {
    let (mut parts, body) = request.into_parts();
    let Some(context) = parts.extensions.remove::<CallContext>() else {
        // It is not known on whose behalf: no server may be reached.
        return answer::status(StatusCode::INTERNAL_SERVER_ERROR);
    };
    let headers = &parts.headers;
    match parts.method {
        Method::POST => {
            let Ok(body) = body.collect().await;
            post(shared, context, headers, body.to_bytes()).await
        }
        Method::GET => old::stream(shared, &context, headers),
        Method::DELETE => old::end(shared, &context, headers),
        _ => answer::method_not_allowed(),
    }
}

async fn post(
    shared: &Arc<Shared>,
    context: CallContext,
    headers: &HeaderMap,
    body: Bytes,
) -> Answer {
    if !headers::is_json(headers) {
        return answer::status(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    if !headers::accepts(headers, "application/json")
        || !headers::accepts(headers, "text/event-stream")
    {
        let text = "the Accept header must allow both application/json and text/event-stream";
        let status = StatusCode::NOT_ACCEPTABLE;
        return answer::error(status, None, ErrorCode::INVALID_REQUEST, text);
    }
    let message = match Message::parse(body) {
        Ok(message) => message,
        Err(fault) => {
            let code = match fault {
                MessageError::Utf8(_) | MessageError::Json(_) => ErrorCode::PARSE,
                MessageError::Batch | MessageError::NotJsonRpc => ErrorCode::INVALID_REQUEST,
            };
            return answer::error(StatusCode::BAD_REQUEST, None, code, &fault.to_string());
        }
    };
    let message = match context.trace() {
        Some(trace) => traced(message, trace),
        None => message,
    };
    if message.depth() > MAX_DEPTH {
        let text = "the message is nested deeper than 64 levels";
        let (status, code) = (StatusCode::BAD_REQUEST, ErrorCode::INVALID_REQUEST);
        return answer::error(status, message.id(), code, text);
    }
    if message.kind() == Kind::Request
        && message.progress_token().is_some_and(|token| token.len() > MAX_PROGRESS_TOKEN)
    {
        let text = "the progress token is longer than 255 bytes";
        let (status, code) = (StatusCode::BAD_REQUEST, ErrorCode::INVALID_PARAMS);
        return answer::error(status, message.id(), code, text);
    }
    if message.kind() == Kind::Notification && !message.method().starts_with("notifications/") {
        // A server could execute it as a request, which is not judged here.
        let text = "a request needs an id";
        return answer::error(StatusCode::BAD_REQUEST, None, ErrorCode::INVALID_REQUEST, text);
    }
    if headers::is_new(headers, &message) {
        new::post(shared, context, headers, message).await
    } else {
        old::post(shared, context, headers, message).await
    }
}
