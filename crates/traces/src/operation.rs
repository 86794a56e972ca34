//! One request, until its span is in the queue.
//!
//! Its place in the trace is decided when its message was read, as that may name its parent; or
//! when it is asked for. Of a request that is not recorded nothing else is kept.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use auth_core::{Action, Policy, trace_context::TraceContext};
use bartizan::{AnswerFailure, AuditEvent, MessageFacts, Operation, Outcome, Received, RequestId};
use http::{Method, StatusCode, Version};
use metrics::Decision;
use tokio::time::Instant;

use crate::{
    queue::{Identity, Queue},
    span::{Failure, Span, Target},
};

/// What a method is called that neither MCP nor the policy names.
const OTHER: &str = "_OTHER";

/// A request that is followed.
pub(crate) struct Recording {
    traces: Arc<Queue>,
    request_id: RequestId,
    resource: Arc<str>,
    /// `None` for one that is not of HTTP's: the caller's text.
    http_method: Option<&'static str>,
    http_version: Version,
    /// Since 1970-01-01T00:00:00Z, and by the clock that is never set.
    started: (Duration, Instant),
    state: Mutex<State>,
}

struct State {
    /// What the headers name.
    of_headers: Option<TraceContext>,
    identity: Option<Identity>,
    facts: Facts,
    is_ended: bool,
}

/// What was learned of a request that is recorded.
#[derive(Default)]
struct Facts {
    /// The method as the caller wrote it, and as it is named.
    method: Option<(String, Cow<'static, str>)>,
    target: Option<Target>,
    message_id: Option<String>,
    revision: Option<String>,
    decision: Option<Decision>,
    failure: Option<Failure>,
}

impl Recording {
    pub(crate) fn new(traces: Arc<Queue>, resource: Arc<str>, received: Received<'_>) -> Self {
        let started = (traces.clock.since_epoch(), Instant::now());
        let state = State {
            of_headers: received.context,
            identity: None,
            facts: Facts::default(),
            is_ended: false,
        };
        Self {
            traces,
            request_id: received.request_id,
            resource,
            http_method: known(received.method),
            http_version: received.version,
            started,
            state: Mutex::new(state),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is known, if that is recorded.
    fn learn(&self, learn: impl FnOnce(&mut Facts)) {
        let mut state = self.state();
        if state.identify(&self.traces, None).own.is_sampled && !state.is_ended {
            learn(&mut state.facts);
        }
    }

    fn finish(&self, status: Option<StatusCode>) {
        let mut state = self.state();
        if std::mem::replace(&mut state.is_ended, true) {
            return;
        }
        let Identity { own, parent, link } = state.identify(&self.traces, None).clone();
        if !own.is_sampled {
            return;
        }
        let Facts { method, target, message_id, revision, decision, failure } =
            std::mem::take(&mut state.facts);
        drop(state);
        let (started, begun) = self.started;
        self.traces.push(Span {
            trace: own.trace,
            id: own.span,
            parent,
            state: own.state,
            link,
            started,
            elapsed: begun.elapsed(),
            request_id: self.request_id,
            resource: Arc::clone(&self.resource),
            http_method: self.http_method,
            http_version: self.http_version,
            status,
            method: method.map(|(_, name)| name),
            target,
            message_id,
            revision,
            decision,
            failure: failure.or_else(|| Failure::of(status)),
        });
    }
}

/// A method by its name, if it is of RFC 9110 §9 or RFC 5789: there are few of these. What else a
/// caller sends may be long, and another each time.
fn known(method: &Method) -> Option<&'static str> {
    const KNOWN: [&str; 9] =
        ["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];
    KNOWN.into_iter().find(|known| *known == method.as_str())
}

impl State {
    /// The place in the trace: decided now, if it was not yet. `of_message` is what the message
    /// names as its parent.
    fn identify(&mut self, traces: &Queue, of_message: Option<TraceContext>) -> &Identity {
        let of_headers = &mut self.of_headers;
        self.identity.get_or_insert_with(|| {
            let of_headers = of_headers.take();
            match of_message {
                Some(parent) => {
                    let link = of_headers
                        .filter(|other| (other.trace, other.span) != (parent.trace, parent.span));
                    traces.identify(Some(parent), link)
                }
                None => traces.identify(of_headers, None),
            }
        })
    }
}

impl Facts {
    /// Names what `policy` names of the action.
    fn name(&mut self, action: &Action, policy: &Policy) {
        if let Some((text, name)) = &mut self.method
            && *name == OTHER
            && policy.names(&Action::Method(text.clone()))
        {
            *name = Cow::Owned(text.clone());
        }
        if policy.names(action) {
            self.target = match action {
                Action::CallTool(name) => Some(Target::Tool(name.clone())),
                Action::GetPrompt(name) => Some(Target::Prompt(name.clone())),
                Action::ReadResource(uri) => Some(Target::Resource(uri.clone())),
                Action::Method(_) => None,
            };
        }
    }

    fn fail(&mut self, failure: Failure) {
        self.failure = Some(self.failure.map_or(failure, |before| before.min(failure)));
    }
}

impl Operation for Recording {
    fn message(&self, facts: MessageFacts<'_>) {
        let mut state = self.state();
        let MessageFacts { method, id, revision, context, .. } = facts;
        if !state.identify(&self.traces, context).own.is_sampled {
            return;
        }
        state.facts.method =
            method.map(|text| (text.to_owned(), Cow::Borrowed(metrics::method_name(text))));
        state.facts.message_id = id;
        state.facts.revision = revision.map(str::to_owned);
    }

    fn observe(&self, event: &AuditEvent<'_>) {
        let failure = match event.outcome {
            Outcome::Panicked => Some(Failure::Panic),
            Outcome::StreamEnded(_) => Some(Failure::StreamEnded),
            Outcome::UnreadableList(_) => Some(Failure::UnreadableList),
            _ => None,
        };
        let decision = Decision::of(event);
        if failure.is_none() && decision.is_none() {
            return;
        }
        self.learn(|facts| {
            facts.decision = decision.or(facts.decision);
            if let Some(failure) = failure {
                facts.fail(failure);
            }
            if let (Some(action), Some(policy)) = (event.action, event.policy) {
                facts.name(action, policy);
            }
        });
    }

    fn failed(&self, failure: AnswerFailure) {
        self.learn(|facts| {
            facts.fail(match failure {
                AnswerFailure::Code(code) => Failure::Code(code),
                AnswerFailure::Tool => Failure::Tool,
            });
        });
    }

    fn end(&self, status: Option<StatusCode>) {
        self.finish(status);
    }

    fn context(&self) -> TraceContext {
        self.state().identify(&self.traces, None).own.clone()
    }
}

/// The caller has gone before there was an answer.
impl Drop for Recording {
    fn drop(&mut self) {
        self.finish(None);
    }
}
