//! A request that was let through, and what its answer must still be held to.
//!
//! 1. A session that the answer names is tagged for the caller, and so is every event's id.
//! 2. Lists show what the caller may see, and notifications of changes reach whom they concern
//!    ([`lists`]). What the server says to a notification that names a list is not passed on:
//!    nothing is to be answered (JSON-RPC 2.0 §4.1).
//! 3. A task that the answer says was started is the caller's.
//! 4. An event stream is judged again and again, with the same token and by the same checks as a
//!    new request: it ends within a second after the token expires or is revoked, the user is
//!    disabled, or a role is lost that it needs. Nothing is given out while the last judgement is
//!    older than that.
//! 5. Answers come on the stream of another request if two have the same id: so every answer on a
//!    stream is looked at, whatever its stream was asked for.

use std::{
    error::Error,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{Action, Decision, Denial, Owner, Query, quota::Share};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::Body;
use http_body_util::{BodyExt, Full};
use memchr::memmem;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    Authenticate, AuthenticateError, Guard,
    answer::{
        failure,
        guarded_body::{GuardedBody, Stream},
        lists::{self, Viewer},
        sse::Event,
    },
    authenticate::Credentials,
    observer::{AnswerFailure, Completion, Observed, Outcome, Reported},
    response,
    rules::Ruleset,
};

/// How often the caller of an open stream is judged again. Two of these and some work are within
/// the second that is promised.
const RECHECK: Duration = Duration::from_millis(450);
/// How long that may take: who cannot be judged in time may not go on.
const RECHECK_TIMEOUT: Duration = Duration::from_millis(500);

/// What is known of a request that was let through.
pub(crate) struct Exchange<A> {
    pub(crate) guard: Arc<Guard<A>>,
    /// By which the request was judged.
    pub(crate) rules: Arc<Ruleset>,
    pub(crate) observed: Observed,
    pub(crate) peer: Option<IpAddr>,
    /// What the caller presented; `None` without a token.
    pub(crate) credentials: Option<Box<Credentials>>,
    pub(crate) owner: Owner,
    pub(crate) viewer: Viewer,
    /// What was permitted, and what had to be with it. A stream is held to all of it.
    pub(crate) action: Action,
    pub(crate) also: Vec<Action>,
    /// The method; `None` for a stream, an answer, or the end of a session.
    pub(crate) method: Option<String>,
    /// Whether nothing is to be answered.
    pub(crate) is_notification: bool,
    pub(crate) is_stateless: bool,
    /// The status of the answer, once there is one.
    pub(crate) status: Option<StatusCode>,
    /// The place among the streams, until the answer has ended.
    pub(crate) _place: Option<Share>,
}

impl<A> Exchange<A> {
    /// Reports what was decided, or what happened, about this request.
    pub(crate) fn report(&self, outcome: Outcome<'_>) {
        self.guard.observers.report(Reported {
            observed: &self.observed,
            peer: self.peer,
            principal: self.viewer.principal.as_deref(),
            action: Some(&self.action),
            outcome,
            decided: None,
        });
    }

    /// Whether the answer is looked at for a failure: that of a call that is followed.
    fn is_followed(&self) -> bool {
        self.observed.operation.is_some() && self.method.is_some()
    }

    /// Notes that the answer says that the call failed.
    fn failed(&self, failure: Option<AnswerFailure>) {
        if let (Some(operation), Some(failure)) = (&self.observed.operation, failure) {
            operation.failed(failure);
        }
    }
}

impl<A: Authenticate> Exchange<A> {
    /// The answer as the caller may have it.
    pub(crate) async fn answer<R>(mut self, mut response: Response<R>) -> Response<GuardedBody<R>>
    where
        R: Body<Data = Bytes>,
        R::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        self.status = Some(response.status());
        self.guard.owned_ids.tag_session(response.headers_mut(), &self.owner);
        if is(response.headers(), "text/event-stream") {
            return response.map(|body| GuardedBody::stream(body, self.into_stream()));
        }
        let is_json = is(response.headers(), "application/json");
        let is_list = self.method.as_deref().is_some_and(lists::is_list);
        if is_list && (is_json || response.status().is_success()) {
            if self.is_notification {
                return without_body(response);
            }
            return self.list(response).await;
        }
        let is_tool = matches!(self.action, Action::CallTool(_));
        if is_json && (is_tool || self.is_followed()) {
            let learn = move |bytes: &[u8]| {
                if self.is_followed() {
                    self.failed(failure::of_bytes(bytes));
                }
                if is_tool
                    && mentions_task(bytes)
                    && let Ok(answer) = serde_json::from_slice(bytes)
                {
                    self.guard.tasks.learn(&answer, &self.owner, &self.action);
                }
            };
            return response.map(|body| GuardedBody::watched(body, Box::new(learn)));
        }
        response.map(GuardedBody::inner)
    }

    /// A list, without what the caller may not see.
    async fn list<R>(mut self, response: Response<R>) -> Response<GuardedBody<R>>
    where
        R: Body<Data = Bytes>,
        R::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let (mut parts, body) = response.into_parts();
        let whole = body.collect().await.map_err(Into::into);
        let message = whole.and_then(|whole| {
            serde_json::from_slice::<Value>(&whole.to_bytes())
                .map_err(Into::<Box<dyn Error + Send + Sync>>::into)
        });
        let message = message.and_then(|message| {
            if message.is_object() { Ok(message) } else { Err("not one JSON-RPC message".into()) }
        });
        let mut message = match message {
            Ok(message) => message,
            Err(fault) => {
                self.report(Outcome::UnreadableList(fault.as_ref()));
                let response = response::bad_gateway();
                self.status = Some(response.status());
                return response.map(GuardedBody::generated);
            }
        };
        self.failed(failure::of_value(&message));
        lists::filter(&mut message, &self.viewer, self.is_stateless);
        parts.headers.remove(header::CONTENT_LENGTH);
        Response::from_parts(parts, GuardedBody::generated(message.to_string().into()))
    }

    fn into_stream(self) -> Stream {
        let viewer =
            Arc::new(Mutex::new(LastCheck { viewer: self.viewer.clone(), at: Instant::now() }));
        let exchange = Arc::new(self);
        let filter = {
            let (exchange, viewer) = (Arc::clone(&exchange), Arc::clone(&viewer));
            move |event: Bytes| {
                let viewer = last(&viewer).viewer.clone();
                exchange.event(event, &viewer)
            }
        };
        let is_stale = {
            let viewer = Arc::clone(&viewer);
            move || last(&viewer).at.elapsed() > RECHECK + RECHECK_TIMEOUT
        };
        let watch = async move { exchange.watch(&viewer).await };
        Stream::new(Box::new(filter), Box::new(is_stale), Some(Box::pin(watch)))
    }

    /// One event as the caller may have it.
    fn event(&self, bytes: Bytes, viewer: &Viewer) -> Option<Bytes> {
        let event = Event::parse(&bytes)?;
        let mut data = event.data().filter(|data| !data.is_empty());
        if let Some(text) = &data {
            // What is no message cannot be judged.
            let mut message: Value = serde_json::from_str(text).ok()?;
            if !message.is_object()
                || !lists::may_be_told(&message, viewer)
                || !self.is_own_task(&message)
            {
                return None;
            }
            if self.is_followed() {
                self.failed(failure::of_value(&message));
            }
            if let Some(tool) = self.held().find(|action| matches!(action, Action::CallTool(_))) {
                self.guard.tasks.learn(&message, &self.owner, tool);
            }
            let is_list = lists::filter(&mut message, viewer, self.is_stateless);
            data = is_list.then(|| message.to_string());
        }
        let id = event.id().filter(|id| !id.is_empty());
        if id.is_none() && data.is_none() {
            return Some(bytes);
        }
        let tagged = match id {
            Some(id) => {
                let held: Vec<_> = self.held().cloned().collect();
                self.guard.owned_ids.tag_event(id, &held, &self.owner)
            }
            None => None,
        };
        Some(event.with(tagged.as_deref(), data.as_deref()))
    }

    /// What the stream is held to, but for the permission to have streams at all.
    fn held(&self) -> impl Iterator<Item = &Action> {
        let asked = self.method.is_some().then_some(&self.action);
        asked.into_iter().chain(&self.also)
    }

    /// Whether a notification of a task's state, if it is one, is about a task of this caller.
    fn is_own_task(&self, message: &Value) -> bool {
        let method = message.get("method").and_then(Value::as_str);
        if !method.is_some_and(|method| method.starts_with("notifications/tasks")) {
            return true;
        }
        let id = message.pointer("/params/taskId").and_then(Value::as_str);
        id.is_some_and(|id| self.guard.tasks.origin(id, &self.owner).is_some())
    }

    /// Returns when the caller may no longer have the stream; until then keeps in `judged` who is
    /// looking.
    async fn watch(&self, judged: &Mutex<LastCheck>) {
        loop {
            tokio::time::sleep(RECHECK).await;
            let before = last(judged).viewer.clone();
            match self.recheck(before).await {
                Ok(viewer) => *last(judged) = LastCheck { viewer, at: Instant::now() },
                Err(reason) => return self.report(Outcome::StreamEnded(&reason)),
            }
        }
    }

    /// Judges the caller of an open stream again, by the rules in force. `before` is the last
    /// judgement.
    async fn recheck(&self, before: Viewer) -> Result<Viewer, StreamEndError> {
        let principal = match &self.credentials {
            Some(credentials) => {
                let judging = self.guard.authenticate.authenticate(credentials.present(true));
                let principal = tokio::time::timeout(RECHECK_TIMEOUT, judging).await;
                Some(Arc::new(principal.map_err(|_| StreamEndError::Timeout)??))
            }
            // Without a token nothing can be revoked, but the rules can change.
            None => None,
        };
        if principal.as_ref().is_some_and(|principal| principal.owner() != self.owner) {
            return Err(StreamEndError::OtherOwner);
        }
        let rules = self.guard.rules.load();
        if rules.is_retired {
            return Err(StreamEndError::Retired);
        }
        let policy = self.guard.policy_for(&rules, principal.as_deref());
        let is_same = Arc::ptr_eq(&before.policy, &policy) && before.principal == principal;
        if !is_same {
            let query = Query {
                principal: principal.as_ref(),
                action: &self.action,
                also: &self.also,
                arguments: None,
            };
            if let Decision::Deny(denial) = policy.decide(&query) {
                return Err(StreamEndError::Denied(denial));
            }
        }
        Ok(Viewer { principal, policy })
    }
}

/// However the request ends.
impl<A> Drop for Exchange<A> {
    fn drop(&mut self) {
        let (method, status) = (self.method.as_deref(), self.status);
        if let Some(started) = self.observed.started {
            let elapsed = started.elapsed();
            self.report(Outcome::Completed(Completion { method, status, elapsed }));
        }
        if let Some(operation) = &self.observed.operation {
            operation.end(status);
        }
    }
}

/// Why an open stream is ended.
#[derive(Debug, thiserror::Error)]
enum StreamEndError {
    #[error(transparent)]
    Authenticate(#[from] AuthenticateError),
    #[error("not judged in time")]
    Timeout,
    #[error("the settings of the server were replaced")]
    Retired,
    #[error("the token is another principal's")]
    OtherOwner,
    #[error("{0}")]
    Denied(Denial),
}

/// The answer's status, and nothing of its body.
fn without_body<R>(response: Response<R>) -> Response<GuardedBody<R>> {
    let (mut parts, _) = response.into_parts();
    for header in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::TRANSFER_ENCODING] {
        parts.headers.remove(header);
    }
    Response::from_parts(parts, GuardedBody::generated(Full::default()))
}

/// Who is looking at a stream, and when that was last found out.
struct LastCheck {
    viewer: Viewer,
    at: Instant,
}

fn last(judged: &Mutex<LastCheck>) -> MutexGuard<'_, LastCheck> {
    judged.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether the answer's type is `essence`.
fn is(headers: &HeaderMap<HeaderValue>, essence: &str) -> bool {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.is_some_and(|value| {
        value.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(essence)
    })
}

/// Whether it is worth reading the answer for a task.
fn mentions_task(bytes: &[u8]) -> bool {
    memmem::find(bytes, b"\"taskId\"").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_is_seen_wherever_its_name_stands() {
        for text in ["\"taskId\"", "{\"I\":1,\"taskId\":2}", "II\"taskId\"", "\"taskId\"I"] {
            assert!(mentions_task(text.as_bytes()), "{text}");
        }
        for text in ["", "I", "\"taskId", "taskId\"", "\"task\"I\"d\"", "\"taskid\"", "\"taskI\""] {
            assert!(!mentions_task(text.as_bytes()), "{text}");
        }
    }
}
