//! One request, from its POST to its answer.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use super::{
    error::HttpLinkError,
    session::{Answered, Session},
};
use crate::{
    http::{AnswerError, AnswerKind, BodyError, Parts},
    link::{
        CallId,
        events::Events,
        message::{answers, one_line},
    },
    wire::{ErrorCode, Message},
};

/// How long to wait before a stream is resumed, if the server does not say (`retry`).
pub(super) const RETRY: Duration = Duration::from_secs(1);
/// The longest time to wait, whatever the server says.
pub(super) const LONGEST_RETRY: Duration = Duration::from_secs(30);
/// How often in a row a stream is resumed that brings no event.
const ATTEMPTS: u32 = 5;
/// How long a stream is read after its answer, so that its connection can be used again.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// What the request of a call asks of its link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Initialize,
    Discover,
    ListTools,
    Other,
}

/// Where a stream is to be resumed.
#[derive(Debug, Default)]
struct Place {
    last: Option<Box<str>>,
    retry: Option<Duration>,
}

/// How a call has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It has its answer, or a fault in place of it.
    Answered,
    /// The server has ended the session. The call has no answer yet.
    NoSession,
    /// It was `initialize`, and this may be a server of 2024-11-05. The call has no answer yet:
    /// this is what the server said, if it was asked.
    OldTransport(Option<HttpLinkError>),
}

/// Runs a call.
pub(super) async fn run(session: &Session, id: CallId, message: Message, role: Role) -> Ended {
    let Err(error) = exchange(session, id, message, role).await else { return Ended::Answered };
    if matches!(error, HttpLinkError::SessionEnded) {
        return Ended::NoSession;
    }
    if role == Role::Initialize && may_be_old(&error) {
        return Ended::OldTransport(Some(error));
    }
    if matches!(error, HttpLinkError::NoAnswer | HttpLinkError::Body(BodyError::Interrupted(_))) {
        session.known.reachability.interrupted();
    }
    // Servers of the old generation need not know `server/discover`.
    if role != Role::Discover {
        session.report(&error);
    }
    session.no_answer(id, error).await;
    Ended::Answered
}

/// Whether an error that answers `initialize` is one after which a client tries the transport of
/// 2024-11-05 (MCP 2025-11-25, transports, backwards compatibility).
const fn may_be_old(error: &HttpLinkError) -> bool {
    let (HttpLinkError::Status(status) | HttpLinkError::Answer(AnswerError::Status(status))) =
        error
    else {
        return false;
    };
    matches!(status.as_u16(), 400 | 404 | 405)
}

async fn exchange(
    session: &Session,
    id: CallId,
    message: Message,
    role: Role,
) -> Result<(), HttpLinkError> {
    let Answered { kind, response, is_missing } = session.post(message).await?;
    let status = response.status();
    if role == Role::Initialize && status.is_success() {
        session.learn_session(response.headers());
    }
    let limits = *session.client.limits();
    match kind {
        AnswerKind::Empty => Err(HttpLinkError::Status(status)),
        AnswerKind::Json => {
            let parts = Parts::new(response.into_body(), limits.stalled);
            let body = one_line(parts.whole(limits.answer_bytes).await?);
            if is_missing && !is_unknown_method(id, &body) {
                return Err(HttpLinkError::SessionEnded);
            }
            let answer = answer_to(id, body, status)?;
            learn(session, role, &answer);
            session.deliver(answer, Some(id)).await;
            Ok(())
        }
        AnswerKind::Stream => {
            let mut place = Place::default();
            let mut parts = Parts::new(response.into_body(), limits.idle_stream);
            let mut attempts = 0;
            loop {
                let (is_answered, has_events) =
                    read(session, id, &mut parts, role, &mut place).await?;
                if is_answered {
                    return Ok(());
                }
                attempts = if has_events { 0 } else { attempts + 1 };
                let Some(last) = place.last.as_deref().filter(|_| attempts < ATTEMPTS) else {
                    return Err(HttpLinkError::NoAnswer);
                };
                sleep(place.retry.unwrap_or(RETRY).min(LONGEST_RETRY)).await;
                match session.get(Some(last)).await {
                    Ok(Answered { kind: AnswerKind::Stream, response, .. }) => {
                        parts = Parts::new(response.into_body(), limits.idle_stream);
                    }
                    Ok(_) => return Err(HttpLinkError::NoAnswer),
                    Err(HttpLinkError::Send(_)) => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

/// Reads a stream to the answer, or to its end. Whether the answer came, and whether any event did.
async fn read(
    session: &Session,
    id: CallId,
    parts: &mut Parts,
    role: Role,
    place: &mut Place,
) -> Result<(bool, bool), HttpLinkError> {
    let max = session.client.limits().message_bytes;
    let mut events = Events::new(max);
    let mut has_events = false;
    // A break is an end: either may be resumed.
    while let Some(Ok(part)) = parts.next().await {
        events.push(&part).map_err(|error| HttpLinkError::TooLong(error.0))?;
        while let Some(event) = events.next() {
            has_events = true;
            if let Some(last) = event.id {
                place.last = Some(last).filter(|last| !last.is_empty());
            }
            place.retry = event.retry.or(place.retry);
            if event.data.is_empty() {
                continue;
            }
            let is_answer = answers(&event.data, id);
            if is_answer {
                learn(session, role, &event.data);
            }
            let is_received = session.deliver(event.data, Some(id)).await;
            if is_answer || !is_received {
                let rest = async { while let Some(Ok(_)) = parts.next().await {} };
                let _ = timeout(AFTERWARDS, rest).await;
                return Ok((true, true));
            }
        }
    }
    Ok((false, has_events))
}

fn learn(session: &Session, role: Role, answer: &[u8]) {
    match role {
        Role::Initialize => session.learn_version(answer),
        Role::ListTools => session.known.params.learn(answer),
        Role::Discover | Role::Other => {}
    }
}

/// The answer to a call in a JSON body. An error that names no call is about this one.
fn answer_to(id: CallId, body: Bytes, status: StatusCode) -> Result<Bytes, HttpLinkError> {
    if answers(&body, id) {
        return Ok(body);
    }
    let value: Value = serde_json::from_slice(&body).unwrap_or_default();
    match value.get("error") {
        Some(error) if error.is_object() && value.get("id").is_none_or(Value::is_null) => {
            let answer = json!({ "jsonrpc": "2.0", "id": id.0, "error": error });
            Ok(answer.to_string().into())
        }
        _ => Err(HttpLinkError::Status(status)),
    }
}

/// Whether a body says that a call's method does not exist: a server may do so with 404 (MCP
/// 2026-07-28, streamable HTTP), and its session goes on.
fn is_unknown_method(id: CallId, body: &Bytes) -> bool {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    let code = value.pointer("/error/code").and_then(Value::as_i64);
    answers(body, id) && code == Some(ErrorCode::METHOD_NOT_FOUND.0.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Result<String, String> {
        let answer = answer_to(CallId(7), Bytes::from(body.to_owned()), StatusCode::BAD_REQUEST);
        answer
            .map(|answer| String::from_utf8(answer.to_vec()).unwrap())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn an_error_without_an_id_answers_the_call_on_whose_answer_it_came() {
        let own = r#"{"jsonrpc":"2.0","id":7,"result":{"x":1.0}}"#;
        assert_eq!(answer(own).unwrap(), own);
        let nameless = r#"{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"m"}}"#;
        let expected = r#"{"error":{"code":-32000,"message":"m"},"id":7,"jsonrpc":"2.0"}"#;
        assert_eq!(answer(nameless).unwrap(), expected);
        for other in [r#"{"id":8,"result":{}}"#, r#"{"id":8,"error":{}}"#, "{}", "[]", "x"] {
            let fault = "the server answers 400 Bad Request without an answer to the call";
            assert_eq!(answer(other), Err(fault.into()), "{other}");
        }
    }
}
