//! An HTTP client for requests that rmcp makes, which keeps the last reply: how it is read, and
//! what is said of it, is decided here rather than in rmcp.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::transport::auth::{OAuthHttpClient, OAuthHttpClientFuture, OAuthHttpRequest};

use super::{LoginError, Outward, Reply, answer::Answer, error::unanswered};

/// Sends requests and keeps the last reply.
#[derive(Clone)]
pub(super) struct Recorder {
    outward: Outward,
    reply: Arc<Mutex<Option<Result<Reply, LoginError>>>>,
}

impl Recorder {
    /// A recorder that has no reply yet.
    pub(super) fn new(outward: &Outward) -> Self {
        Self { outward: outward.clone(), reply: Arc::default() }
    }

    /// The last reply.
    pub(super) fn take(&self) -> Option<Result<Reply, LoginError>> {
        self.reply.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The error in the last reply of `issuer`'s endpoint; `None` if there is no reply, or no error
    /// in it.
    pub(super) fn refusal(&self, issuer: &str, endpoint: &str) -> Option<LoginError> {
        let reply = match self.take()? {
            Ok(reply) => reply,
            Err(error) => return Some(error),
        };
        match Answer::read(endpoint, &reply) {
            Ok(_) => None,
            Err(LoginError::OAuth { code, words }) => Some(LoginError::ExchangeRefused {
                issuer: issuer.to_owned(),
                status: reply.status,
                code,
                description: words,
            }),
            Err(error) => Some(error),
        }
    }
}

impl OAuthHttpClient for Recorder {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(async move {
            let address = request.request.uri().to_string();
            let sent = self.outward.send_as(request.request).await;
            let mut response = http::Response::new(Vec::new());
            let kept = match sent {
                Ok(reply) => {
                    *response.status_mut() = reply.status;
                    response.headers_mut().clone_from(&reply.headers);
                    response.body_mut().clone_from(&reply.body);
                    Ok(reply)
                }
                Err(fault) => {
                    *response.status_mut() = http::StatusCode::BAD_GATEWAY;
                    Err(unanswered(&address, fault))
                }
            };
            *self.reply.lock().unwrap_or_else(PoisonError::into_inner) = Some(kept);
            Ok(response)
        })
    }
}
