//! Requests without a session (from 2026-07-28 on). A connection that ends cancels its call.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;

use super::{
    answer::{self, Answer},
    headers,
    race::{First, first},
    shared::{Shared, filter, is_list},
    stream::CallBody,
};
use crate::{
    CallContext,
    port::Event,
    wire::{ErrorCode, Kind, Message},
};

pub(super) async fn post(
    shared: &Arc<Shared>,
    context: CallContext,
    http: &HeaderMap,
    message: Message,
) -> Answer {
    match message.kind() {
        Kind::Request => request(shared, context, http, message).await,
        Kind::Notification => {
            // The one that the revision knows is for stdio: here the connection ends instead.
            if message.method() != "notifications/cancelled"
                && let Ok(server) = shared.servers.stateless(&context).await
            {
                server.notify(&context, message).await;
            }
            answer::status(StatusCode::ACCEPTED)
        }
        Kind::Answer => {
            let text = "this revision has no answers of clients";
            let status = StatusCode::BAD_REQUEST;
            answer::error(status, None, ErrorCode::INVALID_REQUEST, text)
        }
    }
}

async fn request(
    shared: &Arc<Shared>,
    context: CallContext,
    http: &HeaderMap,
    request: Message,
) -> Answer {
    if let Err(fault) = headers::check_new(http, &request) {
        let (status, id) = (StatusCode::BAD_REQUEST, request.id());
        return answer::error(status, id, fault.code, &fault.message);
    }
    if request.method() == "initialize" {
        // For a server it would begin the old generation.
        let text = "this revision has no initialize";
        let status = StatusCode::NOT_FOUND;
        return answer::error(status, request.id(), ErrorCode::METHOD_NOT_FOUND, text);
    }
    let admitted = match shared.admit(&request) {
        Ok(admitted) => admitted,
        Err(refused) => return refused,
    };
    let Some(place) = shared.place(context.owner()) else {
        return answer::too_many(request.id());
    };
    let server = match shared.servers.stateless(&context).await {
        Ok(server) => server,
        Err(error) => return answer::not_opened(request.id(), error),
    };
    if shared.definitions.concern(&request)
        && let Err(error) = server.confirm(&context).await
    {
        return answer::not_opened(request.id(), error);
    }
    let method = request.method();
    if method == "tools/call"
        && let Err(fault) =
            shared.params.check(http, &request, &*server, &context, &*shared.definitions).await
    {
        shared.params.forget();
        let (status, id) = (StatusCode::BAD_REQUEST, request.id());
        return answer::error(status, id, fault.code, &fault.message);
    }
    if let Err(refused) = shared.admit_again(&request, admitted) {
        return refused;
    }
    let listed = is_list(method).then(|| method.to_owned());
    let sent = request.bytes().clone();
    let mut call = server.call(&context, request);
    // Not sooner than it needs a comment: the status of an error cannot follow.
    let after = Some(shared.limits.keep_alive);
    let begun = match first(&mut *call, None, after).await {
        First::Event(Event::Answer(answer))
            if answer.error().is_some() || !headers::prefers_stream(http) =>
        {
            let answer = match &listed {
                Some(method) => filter(&*shared.definitions, method, answer),
                None => answer,
            };
            return answer::json(status(&answer, &sent), answer.into_bytes());
        }
        First::Event(event) => Some(event),
        First::Late | First::Cancelled(_) | First::Ended => None,
    };
    let definitions = Arc::clone(&shared.definitions);
    let finish = move |answer: Message| match &listed {
        Some(method) => filter(&*definitions, method, answer),
        None => answer,
    };
    let keep_alive = shared.limits.keep_alive;
    let body = CallBody::new(call, begun, keep_alive, place, Box::new(finish));
    answer::events(body.boxed())
}

/// The status of an answer: errors of the request itself have one of their own (MCP 2026-07-28,
/// protocol version header and server validation).
fn status(answer: &Message, request: &Bytes) -> StatusCode {
    match answer::error_code(answer).map(ErrorCode) {
        Some(
            ErrorCode::HEADER_MISMATCH
            | ErrorCode::MISSING_CAPABILITY
            | ErrorCode::UNSUPPORTED_REVISION,
        ) => StatusCode::BAD_REQUEST,
        Some(ErrorCode::INVALID_PARAMS) if headers::is_malformed(request) => {
            StatusCode::BAD_REQUEST
        }
        Some(ErrorCode::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        _ => StatusCode::OK,
    }
}
