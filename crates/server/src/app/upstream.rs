//! An MCP server behind the gateway, as the service behind a guard.

use std::{convert::Infallible, fmt, future::Future, pin::Pin, sync::Arc};

use auth_core::{Action, Policy, Principal, Requirement, Scope, ScopeSet};
use bartizan::Caller;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{Full, combinators::BoxBody};
use upstream::CallContext;

/// What answers requests that the guard has let through.
type Answering = Pin<Box<dyn Future<Output = Response<BoxBody<Bytes, Infallible>>> + Send>>;
/// The service of an upstream, whatever it is.
type Answer = dyn Fn(Request<Full<Bytes>>) -> Answering + Send + Sync;

/// The service of an upstream, and what it offers.
#[derive(Clone)]
pub struct Upstream {
    name: Arc<str>,
    offers: Vec<Action>,
    answer: Arc<Answer>,
}

impl Upstream {
    /// The upstream `name`, which offers `offers`, with what `answer` answers.
    pub(crate) fn new(
        name: &str,
        offers: Vec<Action>,
        answer: impl Fn(Request<Full<Bytes>>) -> Answering + Send + Sync + 'static,
    ) -> Self {
        Self { name: name.into(), offers, answer: Arc::new(answer) }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn offers(&self) -> Vec<Action> {
        self.offers.clone()
    }

    /// Answers a request. What the guard knows of its caller is put into the form that the gateway
    /// knows, which has no place for a token. A request that no guard has let through has no
    /// caller, not even an anonymous one: the gateway refuses it.
    pub(crate) fn answer(&self, mut request: Request<Full<Bytes>>) -> Answering {
        request.extensions_mut().remove::<CallContext>();
        if let Some(context) = request.extensions().get::<Caller>().map(context_of) {
            request.extensions_mut().insert(context);
        }
        (self.answer)(request)
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("name", &self.name).finish_non_exhaustive()
    }
}

fn context_of(caller: &Caller) -> CallContext {
    let policy = caller.policy();
    let requirements = policy.requirements(caller.permit().action()).unwrap_or_default();
    let scopes = needed(&requirements, caller.principal().map(AsRef::as_ref), policy);
    CallContext::new(caller.principal().cloned(), scopes).traced(caller.trace_context())
}

/// The scopes by which an action was permitted: all that it needs, and of alternatives one that the
/// caller holds.
fn needed(
    requirements: &[&Requirement],
    principal: Option<&Principal>,
    policy: &Policy,
) -> ScopeSet {
    let mut scopes = ScopeSet::empty();
    for requirement in requirements {
        scopes.extend(requirement.all().iter().cloned());
        if let (false, Some(principal)) = (requirement.any().is_empty(), principal) {
            let (granted, ceiling) = (policy.granted_to(principal), policy.ceiling_of(principal));
            let is_held = |scope: &&Scope| granted.contains(scope) && ceiling.contains(scope);
            scopes.extend(requirement.any().iter().find(is_held).cloned());
        }
    }
    scopes
}

#[cfg(test)]
mod tests {
    use http_body_util::{BodyExt, Empty};

    use super::*;

    #[tokio::test]
    async fn a_request_without_a_caller_is_not_one_of_an_anonymous_caller() {
        let upstream = Upstream::new("one", Vec::new(), |request| {
            let has_context = request.extensions().get::<CallContext>().is_some();
            Box::pin(async move {
                let answer = Response::builder().status(if has_context { 200 } else { 500 });
                answer.body(Empty::new().boxed()).unwrap()
            })
        });
        let request = || Request::new(Full::default());
        assert_eq!(upstream.answer(request()).await.status(), 500);
        let mut forged = request();
        forged.extensions_mut().insert(CallContext::new(None, ScopeSet::empty()));
        assert_eq!(upstream.answer(forged).await.status(), 500);
    }
}
