//! Requests to the server, with the token that it wants.
//!
//! 1. A message is sent once. It is sent again only after the server has refused it for its token,
//!    with 401, or with 403 and `insufficient_scope`: then it was not run.
//! 2. A token is sent to the server's own URL alone, and over plain HTTP to this machine alone. No
//!    redirect is followed.

use std::time::Duration;

use auth_core::AccessToken;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use outbound::{
    OutboundError,
    transport::{HttpError, HttpResponse},
};
use serde_json::{Map, Value};

use super::{
    headers::{self, LAST_EVENT_ID},
    link::Link,
    message::{INITIALIZE, Message},
    problem::Problem,
    session::Session,
    tokens::Refused,
};
use crate::{
    failure::{Failure, Operation},
    sanitize::Sanitizer,
    session::{History, with_source},
    transport,
};

/// The longest body of a refusal that is read, in bytes.
pub(super) const MAX_REFUSAL: usize = 256 << 10;
/// How long the body of a refusal may take.
const REFUSAL_TIME: Duration = Duration::from_secs(10);
/// How long a call waits for a person: SDKs give up after a minute.
const PATIENCE: Duration = Duration::from_secs(50);

/// How often a message is sent again with another token: one of another run, a renewed one, and one
/// of each sign-in.
const MAX_TRIES: u32 = 6;

/// What is sent.
pub(super) enum Sent<'a> {
    /// A message.
    Message(&'a Message),
    /// A message, for which no person is asked.
    Quietly(&'a Message),
    /// A request for a stream, from this event on.
    Stream(Option<&'a str>),
    /// The end of the session.
    End,
}

impl Sent<'_> {
    fn method(&self) -> Method {
        match self {
            Self::Message(_) | Self::Quietly(_) => Method::POST,
            Self::Stream(_) => Method::GET,
            Self::End => Method::DELETE,
        }
    }

    fn message(&self) -> Option<&Message> {
        match self {
            Self::Message(message) | Self::Quietly(message) => Some(message),
            _ => None,
        }
    }

    /// "calling `x`".
    fn description(&self) -> String {
        let Some(message) = self.message() else {
            return "listening".to_owned();
        };
        match (message.method.as_str(), &message.name) {
            ("tools/call", Some(name)) => format!("calling `{name}`"),
            ("", _) => "answering".to_owned(),
            (method, Some(name)) => format!("{method} `{name}`"),
            (method, None) => method.to_owned(),
        }
    }

    /// Whether a person may be asked for it, and how long it waits for that.
    fn patience(&self) -> (bool, Option<Duration>) {
        match self {
            Self::Message(message) if message.request_id().is_some() => {
                let is_first = [INITIALIZE, "server/discover"].contains(&message.method.as_str());
                (true, (!is_first).then_some(PATIENCE))
            }
            _ => (false, Some(PATIENCE)),
        }
    }
}

impl Link {
    /// Sends, with a token that the server accepts. Any other status is a response.
    pub(super) async fn send(
        &self,
        sent: &Sent<'_>,
        session: &Session,
    ) -> Result<HttpResponse, Problem> {
        let (mut history, mut tries) = (History::default(), 0);
        loop {
            let current = self.tokens.current().await;
            let token = current.map_err(|failure| self.problem(&failure, None, None))?;
            let response = self.send_once(sent, session, token.as_ref()).await;
            let response = response.map_err(|error| self.unreachable(&error, token.as_ref()))?;
            let is_forbidden = match response.status() {
                StatusCode::UNAUTHORIZED => false,
                StatusCode::FORBIDDEN => true,
                _ => return Ok(response),
            };
            let lines = transport::lines(&response);
            let id = transport::request_id(&response);
            let body = body(response, MAX_REFUSAL).await.unwrap_or_default();
            let text = String::from_utf8_lossy(&body);
            let mut context = self.config.context(token.as_ref());
            context.operation = Operation { description: sent.description(), listing_hint: None };
            let failure = Failure::refused(is_forbidden, lines.as_deref(), &text, &context);
            let failure = failure.with_request_id(id);
            history.was_sent = token.is_some();
            self.log.step(|| format!("{}: {}", sent.description(), failure.message()));
            let (may_ask, patience) = sent.patience();
            tries += 1;
            let result = if tries > MAX_TRIES {
                Err(failure)
            } else {
                let refused = Refused { failure, token: token.clone(), patience, may_ask };
                self.tokens.after(refused, &mut history).await
            };
            if let Err(failure) = result {
                let failure = with_source(failure, &self.config, token.as_ref()).await;
                let error = serde_json::from_slice::<Value>(&body).ok();
                let error = error.as_ref().and_then(|body| body.get("error")?.as_object());
                return Err(self.problem(&failure, error, token.as_ref()));
            }
        }
    }

    /// Sends with this token.
    pub(super) async fn send_once(
        &self,
        sent: &Sent<'_>,
        session: &Session,
        token: Option<&AccessToken>,
    ) -> Result<HttpResponse, HttpError> {
        let endpoint = &self.config.endpoint;
        let mut headers = HeaderMap::new();
        let accept = match sent {
            Sent::Stream(_) => "text/event-stream",
            _ => "application/json, text/event-stream",
        };
        headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        let message = sent.message();
        match message {
            Some(message) if message.is_stateless() => {
                headers::describe(message, &mut headers);
                self.params.describe(message, &mut headers);
            }
            // What opens a session is in none.
            Some(message) if message.method == INITIALIZE => {}
            _ => session.describe(&mut headers),
        }
        if let Sent::Stream(Some(last)) = sent
            && let Ok(last) = HeaderValue::from_str(last)
        {
            headers.insert(LAST_EVENT_ID, last);
        }
        let mut request = self.http.request(sent.method(), endpoint.as_str());
        if let Some(message) = message {
            let json = HeaderValue::from_static("application/json");
            headers.insert(header::CONTENT_TYPE, json);
            request = request.body(message.line.clone());
        }
        if let Some(token) = token.filter(|_| endpoint.keeps_secrets()) {
            request = request.bearer_auth(token.expose());
        }
        request.headers(headers).send().await
    }

    /// A failure as the error that the program gets.
    pub(super) fn problem(
        &self,
        failure: &Failure,
        server: Option<&Map<String, Value>>,
        token: Option<&AccessToken>,
    ) -> Problem {
        Problem::of(failure, server, &Sanitizer::new(token), &self.config.invocation)
    }

    /// A fault of the connection.
    pub(super) fn unreachable(&self, error: &HttpError, token: Option<&AccessToken>) -> Problem {
        let error = OutboundError::from(error);
        let failure = Failure::from_outbound(&error, &self.config.context(token));
        self.problem(&failure, None, token)
    }
}

/// The body of a response, of at most `max` bytes. `None` if it is longer, or does not end.
pub(super) async fn body(mut response: HttpResponse, max: usize) -> Option<Vec<u8>> {
    let read = async {
        let mut body = Vec::new();
        while let Some(piece) = response.chunk().await.ok()? {
            if body.len() + piece.len() > max {
                return None;
            }
            body.extend_from_slice(&piece);
        }
        Some(body)
    };
    tokio::time::timeout(REFUSAL_TIME, read).await.ok().flatten()
}
