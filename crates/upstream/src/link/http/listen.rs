//! The GET stream of a session: what the server says that belongs to no call.

use tokio::time::{Duration, sleep};

use super::{
    call::{LONGEST_RETRY, RETRY},
    error::HttpLinkError,
    session::{Answered, Session},
};
use crate::{
    http::{AnswerError, AnswerKind, Parts},
    link::events::Events,
};

/// Listens for as long as the server offers the stream. Returns `true` if the session has ended.
pub(super) async fn listen(session: &Session) -> bool {
    let limits = *session.client.limits();
    let mut last: Option<Box<str>> = None;
    let mut retry = RETRY;
    let mut pause = RETRY;
    loop {
        match session.get(last.as_deref()).await {
            Ok(Answered { kind: AnswerKind::Stream, response, .. }) => {
                let mut parts = Parts::new(response.into_body(), limits.idle_stream);
                let mut events = Events::new(limits.message_bytes);
                while let Some(part) = parts.next().await {
                    let Ok(part) = part else {
                        session.known.reachability.interrupted();
                        break;
                    };
                    if let Err(error) = events.push(&part) {
                        session.too_long(error.0).await;
                        break;
                    }
                    while let Some(event) = events.next() {
                        pause = RETRY;
                        if let Some(id) = event.id {
                            last = Some(id).filter(|id| !id.is_empty());
                        }
                        retry = event.retry.unwrap_or(retry);
                        if !event.data.is_empty() && !session.deliver(event.data, None).await {
                            return false;
                        }
                    }
                }
            }
            Err(HttpLinkError::SessionEnded) => return true,
            Err(HttpLinkError::Answer(AnswerError::Status(status))) if status.is_server_error() => {
            }
            Err(HttpLinkError::Send(_) | HttpLinkError::Credentials(_)) => {}
            // 405: the server has no such stream.
            Ok(_) | Err(_) => return false,
        }
        sleep(retry.max(pause).min(LONGEST_RETRY)).await;
        pause = (pause * 2).min(Duration::from_secs(30));
    }
}
