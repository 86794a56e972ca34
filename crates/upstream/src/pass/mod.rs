//! An HTTP server of the caller's own protocol generation: what was judged is passed on.
//!
//! 1. The bytes of a request are sent as they were judged, to the operator's URL and no other. Path
//!    and query of the caller's request are not used.
//! 2. Headers are passed on by a list of names, in both directions: [`SentHeaders`] and
//!    `answer`. Ids of sessions and of events are among them.
//! 3. An answer is passed on as it comes: a stream, one JSON-RPC message, or none. Nothing is
//!    copied and nothing is held back.
//! 4. A redirect, a content coding, another media type, and a refusal of the gateway's credentials
//!    are errors. So is a server that cannot be reached, that does not begin to answer in time, or
//!    whose answer is too long. The caller gets a JSON-RPC error with the id of its request.
//! 5. A stream that breaks before its answer ends with such an error as its last event, if nothing
//!    but whole events were sent and the caller cannot resume it: its events had no ids. Any other
//!    break reaches the caller as a break.
//! 6. A request is never sent a second time.
//!
//! [`SentHeaders`]: crate::http::SentHeaders

mod answer;
mod body;
mod error;
mod error_text;
mod refusal;
mod request;
mod tail;

use http::{Response, StatusCode};
use tracing::warn;

use self::{answer::Answer, refusal::refuse};
pub use self::{body::PassBody, error::PassError, request::PassRequest};
use crate::{
    CallContext,
    credentials::Credentials,
    http::{HttpClient, SendError},
};

/// Passes requests on to one HTTP server. A clone shares its connections and its tokens.
#[derive(Debug, Clone)]
pub struct Pass {
    client: HttpClient,
    credentials: Credentials,
}

impl Pass {
    /// Passes requests on to the server of `client`, with these credentials.
    #[must_use]
    pub const fn new(client: HttpClient, credentials: Credentials) -> Self {
        Self { client, credentials }
    }

    /// Sends a request, and returns its answer as soon as the head is there. What goes wrong is an
    /// answer, too. Dropping the answer, or the future, ends the request.
    pub async fn call(&self, request: PassRequest, caller: &CallContext) -> Response<PassBody> {
        let body = request.body.clone();
        match self.exchange(request, caller).await {
            Ok(response) => response,
            Err(error) => {
                let status = error.status();
                warn!(
                    upstream = %self.client.url(),
                    error = &error as &dyn std::error::Error,
                    "the server behind the gateway did not answer"
                );
                refuse(status, &error, &body)
            }
        }
    }

    async fn exchange(
        &self,
        request: PassRequest,
        caller: &CallContext,
    ) -> Result<Response<PassBody>, PassError> {
        let PassRequest { method, mut headers, body } = request;
        let lasts = method == http::Method::GET || headers.is_listen();
        let presented = self.credentials.add_to(&mut headers, caller).await?;
        let response = self.client.send(method, headers, body.clone(), lasts).await?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            // The next request has another token; this one is not sent again.
            let _ = self.credentials.refused(caller, &presented);
        }
        let answer = Answer::of(response, self.client.limits())?;
        Ok(answer.into_response(&body, self.client.limits()))
    }

    /// Whether the server can be reached, TLS included. No request is sent.
    pub async fn reach(&self) -> Result<(), SendError> {
        self.client.reach().await
    }
}
