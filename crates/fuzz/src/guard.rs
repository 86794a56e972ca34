//! A whole request, at the door of a service that writes down what reaches it.

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::{Arc, Mutex, OnceLock},
};

use auth_core::Action;
use bartizan::{Caller, Guard, GuardLayer, TokenAuthenticator, action_of};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header,
    request::Parts, response,
};
use http_body_util::{BodyExt, Full};
use serde_json::Value;
use testkit::{ManualClock, NOW, RESOURCE};
use tokio::runtime::{Builder, Runtime};
use tower::{Layer, ServiceExt};

use super::{
    action::assert_says,
    world::{small_policy, token, verifier, with_token},
};

/// The protocol's methods that any valid token may use under the small policy.
const FREE_METHODS: [&str; 18] = [
    "initialize",
    "server/discover",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "skills/list",
    "subscriptions/listen",
    "tasks/get",
    "tasks/update",
    "tasks/cancel",
    "notifications/initialized",
    "notifications/cancelled",
    "notifications/progress",
    "notifications/roots/list_changed",
    "response",
    "session/stream",
    "session/end",
];

type Authenticator = TokenAuthenticator<Arc<ManualClock>>;

/// What reached the service behind the guard.
pub(crate) struct Passed {
    head: Parts,
    body: Bytes,
}

/// The guard's answer to `request`, and what it let through.
pub(crate) fn send(request: Request<Full<Bytes>>) -> (response::Parts, Option<Passed>) {
    static LAYER: OnceLock<GuardLayer<Authenticator>> = OnceLock::new();
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    let layer = LAYER.get_or_init(|| {
        let authenticator = TokenAuthenticator::new(verifier().clone(), ManualClock::at(NOW));
        Guard::new(RESOURCE.parse().unwrap(), small_policy(), [], authenticator).unwrap().layer()
    });
    let runtime =
        RUNTIME.get_or_init(|| Builder::new_current_thread().enable_time().build().unwrap());

    let passed = Arc::new(Mutex::new(None));
    let inbox = Arc::clone(&passed);
    let behind = tower::service_fn(move |request: Request<Full<Bytes>>| {
        let inbox = Arc::clone(&inbox);
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            *inbox.lock().unwrap() = Some(Passed { head, body });
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        }
    });
    let answer = runtime.block_on(layer.layer(behind).oneshot(request)).unwrap();
    let passed = passed.lock().unwrap().take();
    (answer.into_parts().0, passed)
}

/// The bytes as a request: a line with method and target, headers, an empty line, a body. `$TOKEN`
/// is replaced by a good token. Whatever gets through was allowed to by every rule, and is what was
/// sent, without the token; whatever does not is answered with one of the statuses there are for
/// it.
pub fn guard(data: &[u8]) -> bool {
    let Some((sent, sent_body)) = request(data) else { return false };
    let body = Full::from(sent_body.clone());
    let (answer, passed) = send(Request::from_parts(sent.clone(), body));
    assert!(answer.headers.contains_key("x-request-id"));
    let Some(passed) = passed else {
        // Of a task that is not there it is said as servers say it.
        let is_task =
            action_of(&sent_body).is_ok_and(|action| action.method().starts_with("tasks/"));
        let refused = [400, 401, 403, 404, 405].contains(&answer.status.as_u16());
        // A browser asks before it sends, without a token: an origin that is accepted gets a yes.
        if answer.status == StatusCode::NO_CONTENT {
            assert_eq!(sent.method, Method::OPTIONS);
            assert!(sent.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD));
            assert_is_local(&sent);
            return false;
        }
        assert!(refused || (is_task && answer.status == StatusCode::OK), "{}", answer.status);
        let challenged = answer.headers.contains_key(header::WWW_AUTHENTICATE);
        assert!(challenged || answer.status != StatusCode::UNAUTHORIZED);
        return false;
    };
    assert_eq!(answer.status, StatusCode::OK);

    // It was let in …
    let caller = passed.head.extensions.get::<Caller>().expect("a caller");
    let action = caller.permit().action();
    assert!(is_allowed(action), "{action}");
    assert_eq!(authorizations(&sent.headers), [format!("bearer {}", token())]);
    let query = sent.uri.query().unwrap_or_default();
    assert!(query.split('&').all(|pair| pair.split('=').next() != Some("access_token")));
    assert_is_local(&sent);

    // … for what it says, and nothing else …
    match sent.method {
        Method::POST => {
            assert_says(&sent_body, action);
            assert!(!action.method().starts_with("tasks/"), "no task was started");
            assert!(
                action.method() != "subscriptions/listen" || is_told_what_is_allowed(&sent_body)
            );
            assert_eq!(passed.body, sent_body);
        }
        Method::GET => assert_eq!(action.method(), "session/stream"),
        _ => assert_eq!((&sent.method, action.method()), (&Method::DELETE, "session/end")),
    }
    assert!(sent.method == Method::POST || passed.body.is_empty());

    // … and nothing was changed but that the token is gone.
    let mut headers = sent.headers;
    headers.remove(header::AUTHORIZATION);
    // No session or event exists: no name of one goes through.
    headers.remove("mcp-session-id");
    headers.remove("last-event-id");
    // A range of types is passed on as the names in it.
    let mut passed_headers = passed.head.headers;
    if passed_headers.get(header::ACCEPT) != headers.get(header::ACCEPT) {
        let names = ["application/json, text/event-stream", "text/event-stream"];
        let passed_on = passed_headers.get(header::ACCEPT).expect("names");
        assert!(names.iter().any(|names| passed_on == names));
        let sent = headers.get_all(header::ACCEPT).iter().map(|value| value.to_str());
        let sent: Vec<_> = sent.collect();
        assert!(sent.is_empty() || sent.iter().flatten().any(|text| text.contains('*')));
    }
    passed_headers.remove(header::ACCEPT);
    headers.remove(header::ACCEPT);
    assert_eq!(passed_headers, headers);
    assert_eq!((passed.head.method, passed.head.uri), (sent.method, sent.uri));
    true
}

fn request(data: &[u8]) -> Option<(Parts, Bytes)> {
    let text = with_token(data);
    let mut rest = &text[..];
    let mut line = || {
        let end = rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after.get(1..).unwrap_or_default();
        line
    };
    let first = std::str::from_utf8(line()).ok()?;
    let (method, target) = first.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    loop {
        let line = line();
        if line.is_empty() {
            break;
        }
        let colon = line.iter().position(|&b| b == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?;
        request = request.header(name, value);
    }
    let (head, ()) = request.body(()).ok()?.into_parts();
    Some((head, Bytes::copy_from_slice(rest)))
}

/// What scope `A` opens under the small policy.
fn is_allowed(action: &Action) -> bool {
    match action {
        Action::CallTool(name) => ["a", "free"].contains(&name.as_str()),
        Action::ReadResource(uri) => uri == "a://a" || is_open_page(uri),
        Action::GetPrompt(name) => name == "a",
        Action::Method(name) => name == "x/a" || FREE_METHODS.contains(&name.as_str()),
    }
}

/// Whether `uri` is one of the template's and, however often it is decoded, never `t://secret` or
/// a path that leaves it.
fn is_open_page(uri: &str) -> bool {
    let mut form = uri.to_owned();
    loop {
        let Some(id) = form.strip_prefix("t://") else { return false };
        let out = id.chars().any(|c| "/?#\\".contains(c) || c.is_control());
        if out || ["", ".", "..", "secret"].contains(&id) {
            return false;
        }
        let Some((before, after)) = form.split_once('%') else { return true };
        // One at a time: what comes out in the end is the same as decoding all at once, again and
        // again.
        let Some(byte) = after.get(..2).and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
            return false;
        };
        if !byte.is_ascii() {
            // What a character of several bytes is does not matter here.
            form = format!("{before}x{}", &after[2..]);
            continue;
        }
        form = format!("{before}{}{}", char::from(byte), &after[2..]);
    }
}

/// Whether all that a subscription asks for is open to scope `A`.
fn is_told_what_is_allowed(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).expect("JSON");
    let Some(asked) = body["params"]["notifications"].as_object() else { return true };
    asked.iter().all(|(kind, value)| match kind.as_str() {
        "toolsListChanged" | "promptsListChanged" | "resourcesListChanged" => true,
        "resourceSubscriptions" => value.as_array().is_none_or(|uris| {
            uris.iter().all(|uri| is_allowed(&Action::ReadResource(uri.as_str().unwrap().into())))
        }),
        _ => matches!(value, Value::Null | Value::Bool(false)),
    })
}

/// The `Authorization` headers, with the scheme in lower case and one space behind it.
fn authorizations(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::AUTHORIZATION).iter();
    values
        .map(|value| {
            let (scheme, token) = value.to_str().unwrap().split_once(' ').unwrap();
            format!("{} {}", scheme.to_ascii_lowercase(), token.trim_start_matches(' '))
        })
        .collect()
}

/// Asserts that every host and origin that the request names is a loopback one.
fn assert_is_local(head: &Parts) {
    let is_local = |authority: &str| {
        let port = authority.rsplit_once(':').map(|(_, port)| port);
        let port = port.filter(|port| port.bytes().all(|b| b.is_ascii_digit()));
        let host = match port {
            Some(port) => &authority[..authority.len() - port.len() - 1],
            None => authority,
        };
        let ip = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host.eq_ignore_ascii_case("localhost") || ip.is_ok_and(|ip| ip.is_loopback())
    };
    let hosts: Vec<_> = head.headers.get_all(header::HOST).iter().collect();
    assert!(hosts.len() == 1 || (hosts.is_empty() && head.uri.host().is_some()));
    assert!(hosts.iter().all(|host| is_local(host.to_str().unwrap())), "{hosts:?}");
    assert!(head.uri.host().is_none_or(is_local), "{}", head.uri);
    for origin in head.headers.get_all(header::ORIGIN) {
        let origin = origin.to_str().unwrap();
        let (_, host) = origin.split_once("://").unwrap();
        assert!(is_local(host), "{origin}");
    }
}
