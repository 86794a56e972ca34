//! `POST /admin/explain`: why a token may or may not do something, said by the server that decides.
//!
//! 1. It is behind a guard of its own, which is as strict as the one before MCP: Host and Origin,
//!    one token, a body that is JSON-RPC. Its two methods need the scope `Admin.Read`, whatever the
//!    policy says; where the policy does not have that scope, no caller may ask.
//! 2. The token that is asked about is in the body, and nowhere else: neither in a log nor in the
//!    answer.
//! 3. A body has at most 64 KiB. At most 20 questions are answered in a second, and at most 8 at
//!    once; the others are answered with 429. (A question may make the server ask an issuer.)
//! 4. What is explained is what is decided: the same issuers, the same directory, the policy in
//!    force, and the code of the core that the guard runs.
//! 5. Each resource has an endpoint of its own, at `/admin/explain` and its path. The first one is
//!    also at `/admin/explain`.
//! 6. On the admin listener it is `POST /explain`, and `/explain` with the path of the resource:
//!    the body is the params, the answer the result, and no token is needed to ask.
//!
//! | method | params | result |
//! |---|---|---|
//! | `admin/explain` | `token`, and one of `tool`, `resource`, `prompt`, `method` | an [`Explanation`] |
//! | `admin/requirement` | `tool` | `scopes`: what to ask for; or `fault` |

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, PoisonError},
};

use auth_core::{
    AccessToken, Action, Clock, Explanation, NumericDate, Policy, Requirement, ResourceUri, Scope,
    ScopeSet, Trace, VerifyError, malformed_steps,
};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    http::{HeaderValue, Response, StatusCode, header},
    routing::post,
};
use bartizan::{
    AuthenticateError, Caller, EndpointError, Guard, InvalidTokenError, MissingRulesError,
    RulesHandle,
};
use directory::Directory;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use crate::authenticate::DirectoryAuthenticator;

/// The path of the endpoint.
pub(crate) const PATH: &str = "/admin/explain";
/// The path on the admin listener.
pub(crate) const DIRECT_PATH: &str = "/explain";
const EXPLAIN: &str = "admin/explain";
const REQUIREMENT: &str = "admin/requirement";
const SCOPE: &str = "Admin.Read";
const MAX_BODY_BYTES: usize = 64 * 1024;
/// How many bytes of bodies are in memory at once: its own, so that the calls keep theirs.
const MAX_BODY_MEMORY: usize = 4 * 1024 * 1024;
const PER_SECOND: u32 = 20;
const AT_ONCE: usize = 8;

/// What is needed to explain.
struct Explainer<D> {
    authenticator: DirectoryAuthenticator<D>,
    rules: RulesHandle,
    clock: Arc<dyn Clock>,
    /// The second, and how many questions there were in it.
    asked: Mutex<(NumericDate, u32)>,
    at_once: Semaphore,
}

/// The parameters of a question.
const PARAMS: &str = "params: token, and one of tool, resource, prompt, method";

/// The body, which the guard has checked to be one JSON-RPC request.
#[derive(Deserialize)]
struct Question {
    id: Value,
    params: Params,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    token: Option<String>,
    tool: Option<String>,
    resource: Option<String>,
    prompt: Option<String>,
    method: Option<String>,
}

/// The paths of the endpoint for a resource.
pub(crate) fn paths_of(resource: &ResourceUri, is_first: bool) -> BTreeSet<String> {
    let own = format!("{PATH}{}", resource.path());
    is_first.then(|| PATH.to_owned()).into_iter().chain([own]).collect()
}

/// The policy of the endpoint itself: `policy`, with rules for its methods. Where `policy` does not
/// have the scope, no one can hold it.
pub(crate) fn policy_of(policy: &Policy) -> Policy {
    let scope: ScopeSet = SCOPE.parse::<Scope>().into_iter().collect();
    policy.clone().with_method(EXPLAIN, scope.clone()).with_method(REQUIREMENT, scope)
}

/// The guard of the endpoint.
type Asked<D> = Guard<DirectoryAuthenticator<D>>;

/// Adds the routes at `paths` to `router`, for a resource whose guard has `rules`; `bound` sets the
/// bounds that its calls have too.
pub(crate) fn mount<D: Directory>(
    router: Router,
    paths: &BTreeSet<String>,
    resource: &ResourceUri,
    rules: RulesHandle,
    authenticator: &DirectoryAuthenticator<D>,
    clock: &Arc<dyn Clock>,
    bound: impl FnOnce(Asked<D>) -> Asked<D>,
) -> Result<Mounted, MissingRulesError> {
    let own = policy_of(&rules.current().policy);
    let guard = Guard::new(resource.clone(), own, [], authenticator.clone())?
        .max_body_bytes(MAX_BODY_BYTES)
        .body_memory(MAX_BODY_MEMORY);
    let guard = bound(guard);
    let explainer = Arc::new(Explainer {
        authenticator: authenticator.clone(),
        rules,
        clock: Arc::clone(clock),
        asked: Mutex::new((NumericDate::EPOCH, 0)),
        at_once: Semaphore::new(AT_ONCE),
    });
    let route =
        |inner: Router<Arc<Explainer<D>>>, path: &String| inner.route(path, post(answer::<D>));
    let inner = paths.iter().fold(Router::new(), route).with_state(Arc::clone(&explainer));
    let own_rules = guard.rules();
    let service = guard.protect(inner);
    let router =
        paths.iter().fold(router, |router, path| router.route_service(path, service.clone()));
    let direct = |router: Router<Arc<Explainer<D>>>, path: &String| {
        let path = path.strip_prefix(PATH).unwrap_or_default();
        router.route(&format!("{DIRECT_PATH}{path}"), post(answer_directly::<D>))
    };
    let direct = paths.iter().fold(Router::new(), direct).with_state(explainer);
    let direct = direct.layer(DefaultBodyLimit::max(MAX_BODY_BYTES));
    Ok(Mounted { router, rules: own_rules, direct })
}

/// An endpoint for questions about a resource.
pub(crate) struct Mounted {
    /// The routes that there were, with its own.
    pub(crate) router: Router,
    /// The rules of its own guard: they are those of [`policy_of`].
    pub(crate) rules: RulesHandle,
    /// Its routes on the admin listener.
    pub(crate) direct: Router,
}

/// Answers an operator, who needs no token to ask.
async fn answer_directly<D: Directory>(
    State(explainer): State<Arc<Explainer<D>>>,
    body: Bytes,
) -> Response<Body> {
    let Ok(_turn) = explainer.at_once.try_acquire() else { return refuse(TOO_OFTEN) };
    if !explainer.may_be_asked() {
        return refuse(TOO_OFTEN);
    }
    let params = serde_json::from_slice::<Params>(&body).ok();
    let asked = params
        .and_then(|mut params| Some((params.action()?, params.token.take().map(Zeroizing::new)?)));
    match asked {
        Some((action, token)) => respond(&json!(explainer.explain(&token, &action).await)),
        None => refuse((StatusCode::BAD_REQUEST, PARAMS)),
    }
}

const TOO_OFTEN: (StatusCode, &str) =
    (StatusCode::TOO_MANY_REQUESTS, "too many questions: try again in a second");

fn refuse((status, text): (StatusCode, &str)) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{text}\n")));
    *response.status_mut() = status;
    response
}

async fn answer<D: Directory>(
    State(explainer): State<Arc<Explainer<D>>>,
    caller: axum::Extension<Caller>,
    body: Bytes,
) -> Response<Body> {
    // What the guard decided on decides here too; any other method of MCP has no business here.
    let method = caller.permit().action().method().to_owned();
    if ![EXPLAIN, REQUIREMENT].contains(&method.as_str()) {
        return fault(&EndpointError::UnknownMethod, &Value::Null);
    }
    let Ok(_turn) = explainer.at_once.try_acquire() else { return too_often() };
    if !explainer.may_be_asked() {
        return too_often();
    }
    let Ok(Question { id, mut params }) = serde_json::from_slice::<Question>(&body) else {
        return fault(&EndpointError::InvalidParams(PARAMS.into()), &Value::Null);
    };
    let result = if method == REQUIREMENT {
        params.tool.as_deref().map(|tool| explainer.requirement(tool))
    } else {
        match (params.action(), params.token.take().map(Zeroizing::new)) {
            (Some(action), Some(token)) => {
                serde_json::to_value(explainer.explain(&token, &action).await).ok()
            }
            _ => None,
        }
    };
    match result {
        Some(result) => respond(&json!({ "jsonrpc": "2.0", "id": id, "result": result })),
        None => fault(&EndpointError::InvalidParams(PARAMS.into()), &id),
    }
}

impl Params {
    fn action(&self) -> Option<Action> {
        let actions = [
            self.tool.clone().map(Action::CallTool),
            self.resource.clone().map(Action::ReadResource),
            self.prompt.clone().map(Action::GetPrompt),
            self.method.clone().map(Action::Method),
        ];
        let mut actions = actions.into_iter().flatten();
        match (actions.next(), actions.next()) {
            (Some(action), None) => Some(action),
            _ => None,
        }
    }
}

impl<D: Directory> Explainer<D> {
    /// Whether this second has room for one more question.
    fn may_be_asked(&self) -> bool {
        let now = self.clock.now();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.0 != now {
            *asked = (now, 0);
        }
        asked.1 += 1;
        asked.1 <= PER_SECOND
    }

    async fn explain(&self, text: &str, action: &Action) -> Explanation {
        let invalid = |steps, reason| Explanation::invalid_token(steps, reason, action);
        let token: AccessToken = match text.parse() {
            Ok(token) => token,
            Err(fault) => {
                let fault: auth_core::AccessTokenError = fault;
                return invalid(malformed_steps(&fault), fault.to_string());
            }
        };
        let mut trace = Trace::default();
        let verdict = self.authenticator.tokens().verify_traced(&token, &mut trace).await;
        let claims = match verdict {
            Ok(claims) => claims,
            Err(AuthenticateError::InvalidToken(InvalidTokenError {
                fault: fault @ VerifyError::Form(_),
                ..
            })) => {
                let reason = fault.to_string();
                return invalid(malformed_steps(&fault), reason);
            }
            Err(AuthenticateError::InvalidToken(InvalidTokenError { fault, .. })) => {
                let reason = fault.to_string();
                return invalid(trace.steps(&Err::<(), _>(fault)), reason);
            }
            Err(other) => {
                let reason = other.to_string();
                let steps = trace.steps(&Err::<(), _>(other));
                return Explanation::unavailable(steps, reason, action);
            }
        };
        let steps = trace.steps(&Ok::<(), VerifyError>(()));
        let policy = self.rules.current().policy;
        match self.authenticator.look_up(&claims).await {
            Ok(found) => Explanation::decided(steps, &claims, found.standing(), &policy, action),
            Err(_) => Explanation::unavailable(
                steps,
                "the directory of users could not be asked".into(),
                action,
            ),
        }
    }

    /// What to ask for to call `tool`: of the ways that are enough the one with the fewest scopes.
    fn requirement(&self, tool: &str) -> Value {
        let action = Action::CallTool(tool.into());
        let policy = self.rules.current().policy;
        let Some(requirements) = policy.requirements(&action) else {
            return json!({ "fault": "no rule" });
        };
        let mut scopes = ScopeSet::empty();
        for requirement in requirements.into_iter().map(Requirement::alternatives) {
            if let Some(fewest) = requirement.into_iter().min_by_key(ScopeSet::len) {
                scopes = scopes.union(&fewest);
            }
        }
        json!({ "scopes": scopes })
    }
}

fn too_often() -> Response<Body> {
    fault(&EndpointError::RateLimited, &Value::Null)
}

fn fault(error: &EndpointError, id: &Value) -> Response<Body> {
    error.response(id).map(Body::new)
}

fn respond(body: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(body.to_string()));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
