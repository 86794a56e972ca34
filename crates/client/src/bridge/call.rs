//! One request of the program, from its POST to its answer.
//!
//! 1. Each request is answered once: by the server, or with an error that says what happened.
//! 2. A stream that ends before the answer is continued with GET and `Last-Event-ID`, where the
//!    server named an event (MCP 2025-11-25, resumability). A request since 2026-07-28 is not: its
//!    streams cannot be resumed. The POST is never repeated.
//! 3. A session that the server has ended is replaced by a new one. The request that found out is
//!    not repeated: what the session held is gone, and the program has to know.

use std::{sync::Arc, time::Duration};

use http::{StatusCode, header};
use outbound::transport::HttpResponse;
use serde_json::Value;
use tokio::{task::spawn_local, time::sleep};

use super::{
    deliver::{Ended, MAX_MESSAGE},
    link::Link,
    message::{self, INITIALIZE, Id, Message},
    problem::{CODE, Problem},
    send::{MAX_REFUSAL, Sent, body},
    session::Session,
    sse::{Position, Reader},
    stream::{MAX_PAUSE, NoStream, PAUSE, is_of_type, is_stream, longer},
};
use crate::{connect::speaks_only_sse, failure::Failure};

/// How often in a row a stream that ended may fail to be opened again.
const MAX_ATTEMPTS: u32 = 6;
/// How long the end of a session may take.
const END_TIME: Duration = Duration::from_millis(500);

impl Link {
    /// Sends a request, and passes on what comes of it.
    pub(super) async fn call(self: Arc<Self>, message: Message, serial: u64) {
        let Some(id) = message.request_id().cloned() else {
            return;
        };
        if let Err(problem) = self.answered(&message, &id, serial).await {
            self.log.fault(&format!("{} {id}: {}", message.method, problem.message()));
            if self.calls.take_if(&id, serial).is_some() {
                self.output.send(problem.response(&id)).await;
            }
        }
    }

    async fn answered(
        self: &Arc<Self>,
        message: &Message,
        id: &Id,
        serial: u64,
    ) -> Result<(), Problem> {
        let session = self.sessions.now();
        let response = self.send(&Sent::Message(message), &session).await?;
        let status = response.status();
        self.log.step(|| format!("{} {id}: {status}", message.method));
        if status.is_success() && message.method == INITIALIZE {
            self.sessions.note_opening(&message.line);
            let before = self.sessions.begin(response.headers());
            if before.id.is_some() {
                let link = Arc::clone(self);
                spawn_local(async move { link.end_session(&before).await });
            }
        }
        if status.is_success() && is_stream(&response) {
            return self.follow_call(response, message, (id, serial)).await;
        }
        let is_json = is_of_type(&response, "application/json");
        let has_session = session.id.is_some() && !message.is_stateless();
        let max = if status.is_success() { MAX_MESSAGE } else { MAX_REFUSAL };
        let retry_after = response.headers().get(header::RETRY_AFTER).cloned();
        let body = if status.is_success() {
            whole(response, max).await
        } else {
            body(response, max).await
        };
        if status.is_success() {
            return match body {
                Some(body) if is_json && self.deliver(&body, Some(id)).await => Ok(()),
                Some(_) => {
                    let failure = Failure::not_mcp(&self.config.context(None));
                    Err(self.problem(&failure, None, None))
                }
                None => Err(Problem::new(format!(
                    "the answer of {} broke off, or has more than {max} bytes; the call may have \
                     run",
                    self.config.endpoint
                ))),
            };
        }
        let body = body.unwrap_or_default();
        if let Some(error) = error_for(&body, id) {
            self.deliver(error.as_bytes(), Some(id)).await;
            return Ok(());
        }
        if status == StatusCode::NOT_FOUND && has_session {
            return Err(self.lost(&session).await);
        }
        if message.method == INITIALIZE && matches!(status.as_u16(), 400 | 404..=406) {
            let token = self.tokens.current().await.ok().flatten();
            if speaks_only_sse(self.config.target(token.as_ref())).await {
                let failure = Failure::only_sse(&self.config.context(None));
                return Err(self.problem(&failure, None, None));
            }
        }
        let mut text = format!("{} answered with HTTP {status}", self.config.endpoint);
        if let Some(after) = retry_after.as_ref().and_then(|value| value.to_str().ok()) {
            text = format!("{text}; try again later (Retry-After: {after})");
        }
        Err(Problem::new(text))
    }

    /// Passes on the stream of a request, on as many connections as it takes.
    async fn follow_call(
        &self,
        mut response: HttpResponse,
        message: &Message,
        (id, serial): (&Id, u64),
    ) -> Result<(), Problem> {
        let mut position = Position::default();
        loop {
            let before = position.last_id.clone();
            let ended = self.read_stream(response, Some(id), &mut position).await;
            if ended == Ended::Answered || !self.calls.is_open(id, serial) {
                return Ok(());
            }
            let last = position.last_id.as_deref().filter(|last| !last.is_empty());
            let last = last.filter(|_| !message.is_stateless() && ended == Ended::Early);
            let Some(last) = last else {
                return Err(self.broke_off(message));
            };
            // A server that says nothing new is not asked more often than once a second.
            let has_moved = position.last_id != before;
            let mut pause = position.retry.unwrap_or(PAUSE);
            if !has_moved {
                pause = pause.max(PAUSE);
            }
            let mut attempts = 0;
            response = loop {
                sleep(pause).await;
                match self.open_stream(Some(last)).await {
                    Ok(response) => break response,
                    Err(NoStream::NotNow) if attempts < MAX_ATTEMPTS => {
                        attempts += 1;
                        pause = longer(pause).min(MAX_PAUSE);
                    }
                    Err(_) => return Err(self.broke_off(message)),
                }
            };
        }
    }

    fn broke_off(&self, message: &Message) -> Problem {
        let endpoint = &self.config.endpoint;
        if message.method == "subscriptions/listen" {
            return Problem::new(format!("{endpoint} ended the stream; listen again"));
        }
        Problem::new(format!(
            "the connection to {endpoint} ended before the answer was there; the call may have run"
        ))
    }

    /// Replaces a session that the server has ended. Returns the error for the call.
    async fn lost(self: &Arc<Self>, session: &Session) -> Problem {
        let endpoint = &self.config.endpoint;
        let _renewing = self.renewing.lock().await;
        let renewed = if self.sessions.now().serial == session.serial {
            self.reopen(session).await
        } else {
            Ok(())
        };
        match renewed {
            Ok(()) => Problem::new(format!(
                "{endpoint} has ended the session, and a new one is open. What the session held \
                 is gone, and the call was not run: try again"
            )),
            Err(problem) => Problem::new(format!(
                "{endpoint} has ended the session, and there is no new one: {}",
                problem.message()
            )),
        }
    }

    /// Opens a new session with the messages that opened the first.
    async fn reopen(self: &Arc<Self>, session: &Session) -> Result<(), Problem> {
        let read =
            |line: Vec<u8>| message::read(&line).map_err(|error| Problem::new(error.to_string()));
        let Some((opening, opened)) = self.sessions.opening() else {
            return Err(Problem::new("the program has not opened it"));
        };
        let opening = read(opening)?;
        let response = self.send(&Sent::Quietly(&opening), session).await?;
        if !response.status().is_success() {
            let status = response.status();
            return Err(Problem::new(format!("initialize was answered with HTTP {status}")));
        }
        self.sessions.begin(response.headers());
        let id = opening.request_id().cloned();
        let answer = self.first_answer(response, id.as_ref()).await?;
        self.agree(&answer);
        let now = self.sessions.now();
        if now.version() != session.version() {
            return Err(Problem::new("the server speaks another version now: start again"));
        }
        if let Some(opened) = opened {
            self.send(&Sent::Quietly(&read(opened)?), &now).await?;
        }
        self.follow_session().await;
        Ok(())
    }

    /// The answer to a request of ours, which is not passed on.
    async fn first_answer(
        &self,
        mut response: HttpResponse,
        id: Option<&Id>,
    ) -> Result<String, Problem> {
        let missing = || Problem::new("initialize was not answered");
        let answers = |bytes: &[u8]| {
            let (kind, text) = message::read_from_server(bytes).ok()?;
            (kind == message::Kind::Response(id.cloned()) && text.contains("\"result\""))
                .then_some(text)
        };
        if !is_stream(&response) {
            let body = whole(response, MAX_MESSAGE).await.ok_or_else(missing)?;
            return answers(&body).ok_or_else(missing);
        }
        let mut reader = Reader::new(MAX_MESSAGE);
        let mut position = Position::default();
        while let Ok(Some(piece)) = response.chunk().await {
            let events = reader.read(&piece, &mut position).map_err(|_| missing())?;
            for event in events.iter().filter(|event| !event.data.is_empty()) {
                if let Some(answer) = answers(&event.data) {
                    return Ok(answer);
                }
            }
        }
        Err(missing())
    }

    /// Ends a session at the server, if it has an id.
    pub(super) async fn end_session(&self, session: &Session) {
        if session.id.is_none() {
            return;
        }
        let end = async {
            let token = self.tokens.current().await.ok().flatten();
            self.send_once(&Sent::End, session, token.as_ref()).await.ok()
        };
        let ended = tokio::time::timeout(END_TIME, end).await.ok().flatten();
        let status = ended.map(|response| response.status());
        self.log.step(|| format!("the session ends: {status:?}"));
    }
}

/// The whole body, of at most `max` bytes, however long it takes.
async fn whole(mut response: HttpResponse, max: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.ok()? {
        if body.len() + piece.len() > max {
            return None;
        }
        body.extend_from_slice(&piece);
    }
    Some(body)
}

/// The JSON-RPC error in the body of a response with a status of failure, as the answer to a
/// request. One with another id belongs to another request.
fn error_for(body: &[u8], id: &Id) -> Option<String> {
    let (kind, text) = message::read_from_server(body).ok()?;
    let message::Kind::Response(of) = kind else {
        return None;
    };
    if of.as_ref() == Some(id) {
        return Some(text);
    }
    let error = serde_json::from_str::<Value>(&text).ok()?;
    let error = error.get("error").filter(|_| of.is_none())?;
    let code = error.get("code").and_then(Value::as_i64).unwrap_or(CODE);
    let words = error.get("message").and_then(Value::as_str).unwrap_or_default();
    Some(message::error(Some(id), code, words, error.get("data").cloned()))
}
