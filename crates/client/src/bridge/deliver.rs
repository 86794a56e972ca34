//! What the server sends, passed on to the program.
//!
//! 1. Messages of one stream keep their order. Requests and notifications are passed on as they
//!    come, whatever their method.
//! 2. A response is passed on if its request has no answer yet, whichever stream it comes on.
//!    Otherwise it is late, and dropped: its request was cancelled, or has its answer.
//! 3. What is no message is dropped, and logged.

use std::time::Duration;

use http::HeaderValue;
use outbound::transport::HttpResponse;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};

use super::{
    calls::Asks,
    link::Link,
    message::{self, Id, Kind},
    params::Listed,
    sse::{Position, Reader},
};

/// The longest message of the server, in bytes.
pub(super) const MAX_MESSAGE: usize = 16 << 20;
/// How long a stream may go on after the answer to its request. It should end at once; when it has
/// ended, its connection can be used again.
const AFTER_ANSWER: Duration = Duration::from_secs(1);

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ended {
    /// The answer to its request was passed on.
    Answered,
    /// The connection ended before.
    Early,
    /// An event is too long. There is no use in another connection.
    TooLong,
}

impl Link {
    /// Passes on a message of the server. Returns whether it is the answer to `own`.
    pub(super) async fn deliver(&self, bytes: &[u8], own: Option<&Id>) -> bool {
        let (kind, text) = match message::read_from_server(bytes) {
            Ok(read) => read,
            Err(error) => {
                self.log.fault(&format!("the server sent something else than a message: {error}"));
                return false;
            }
        };
        let Kind::Response(id) = kind else {
            self.output.send(text).await;
            return false;
        };
        let Some(id) = id else {
            self.log.fault("the server sent an error that belongs to no request");
            return false;
        };
        let Some(call) = self.calls.take(&id) else {
            self.log.step(|| format!("a late answer to {id} is dropped"));
            return false;
        };
        let text = match call.asks {
            Asks::Session => {
                self.agree(&text);
                text
            }
            Asks::Tools if call.is_stateless => self.listed(text),
            _ => text,
        };
        self.output.send(text).await;
        let is_own = own == Some(&id);
        // Its own stream has nothing more to say.
        if let Some(task) = call.task.filter(|_| !is_own) {
            task.abort();
        }
        is_own
    }

    /// Notes the version that the server chose.
    pub(super) fn agree(&self, answer: &str) {
        let answer: Option<Value> = serde_json::from_str(answer).ok();
        let version =
            answer.as_ref().and_then(|it| it.pointer("/result/protocolVersion")?.as_str());
        if let Some(version) = version.and_then(|version| HeaderValue::from_str(version).ok()) {
            self.sessions.agree(version);
        }
    }

    fn listed(&self, text: String) -> String {
        match self.params.learn(&text) {
            Listed::Same => text,
            Listed::Without { message, tools } => {
                let names = tools.join(", ");
                self.log.fault(&format!("left out, for a wrong x-mcp-header: {names}"));
                message
            }
        }
    }

    /// Reads a stream to its end, or for a while after the answer to `own`.
    pub(super) async fn read_stream(
        &self,
        mut response: HttpResponse,
        own: Option<&Id>,
        position: &mut Position,
    ) -> Ended {
        let mut reader = Reader::new(MAX_MESSAGE);
        let mut answered: Option<Instant> = None;
        loop {
            let piece = match answered {
                Some(deadline) => match timeout_at(deadline, response.chunk()).await {
                    Ok(piece) => piece,
                    Err(_) => return Ended::Answered,
                },
                None => response.chunk().await,
            };
            let Ok(Some(piece)) = piece else {
                return if answered.is_some() { Ended::Answered } else { Ended::Early };
            };
            let events = match reader.read(&piece, position) {
                Ok(events) => events,
                Err(error) => {
                    self.log.fault(&format!("the stream is not read any further: {error}"));
                    return if answered.is_some() { Ended::Answered } else { Ended::TooLong };
                }
            };
            for event in events {
                // An empty event names a position, and other kinds are not of this protocol.
                let is_message = event.kind.as_deref().is_none_or(|kind| kind == "message");
                if is_message && !event.data.is_empty() && self.deliver(&event.data, own).await {
                    answered = Some(Instant::now() + AFTER_ANSWER);
                }
            }
        }
    }
}
