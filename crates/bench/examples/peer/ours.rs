//! Our server's app, and the same without its guard.

use std::{
    convert::Infallible,
    fmt::Write,
    future::{Future, ready},
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use auth_core::{Clock, KeySet, SystemClock, TrustedIssuer};
use axum::{
    Router,
    body::Body,
    http::{Request, Response, header},
};
use bartizan::{Caller, Guard, Issuers, Trust};
use bytes::Bytes;
use directory::{AnyDirectory, Directory, Edit, Live, LiveSettings, NewUser, Shared, Stamp};
use http_body_util::{BodyExt, Full};
use server::{
    App, BUILT_IN, Bounds, McpServer, McpService, Provisioning, SessionBounds, Sessions,
    parse_policy,
};
use testkit::{Forge, ISSUER, RESOURCE, TestKey};
use tokio_util::sync::CancellationToken;
use tower::{Service, ServiceExt};

use crate::Shape;

pub(crate) fn issuers(key: &TestKey, shape: &Shape) -> Issuers {
    let keys = || KeySet::from_iter([key.verifying()]);
    let others = (0..shape.issuers).map(|number| {
        let name = format!("https://issuer-{number}.example");
        Trust::from(TrustedIssuer::new(name.parse().unwrap(), keys()))
    });
    let ours = TrustedIssuer::new(ISSUER.parse().unwrap(), keys()).trust_roles(true);
    let all: Vec<_> = others.chain([ours.into()]).collect();
    Issuers::new(RESOURCE.parse().unwrap(), Arc::new(SystemClock), all).unwrap()
}

/// What the program has: the users of a database, in memory.
async fn directory(store: AnyDirectory, shape: &Shape) -> Arc<Live<AnyDirectory>> {
    let others = (0..shape.users).map(|number| format!("user-{number}"));
    let users = others.chain(["user-userson".into()]).map(|subject| {
        Edit::Add(NewUser {
            issuer: ISSUER.parse().unwrap(),
            subject: subject.parse().unwrap(),
            display_name: "User Userson".into(),
            roles: ["admin".parse().unwrap()].into(),
        })
    });
    let stamp = Stamp::new("a benchmark", SystemClock.now());
    let _ = store.apply(users.collect(), &stamp).await.unwrap();
    let settings = LiveSettings {
        max_in_memory: 2_000_000,
        max_age: Duration::from_mins(1),
        clock: Arc::new(SystemClock),
    };
    let live = Live::load(store, settings).await.unwrap();
    let following = live.clone();
    tokio::spawn(async move { following.keep_fresh().await });
    Arc::new(live)
}

fn policy(shape: &Shape) -> auth_core::Policy {
    let (before, after) = BUILT_IN.split_once("[tools]").unwrap();
    let mut text = format!("{before}[tools]");
    let (comment, after) = after.split_once('\n').unwrap();
    text.push_str(comment);
    for number in 0..shape.rules {
        write!(text, "\n\"tool_{number}\" = \"User.Read\"").unwrap();
    }
    parse_policy(&format!("{text}\n{after}")).unwrap()
}

pub(crate) async fn guarded(key: &TestKey, shape: &Shape) -> Router {
    let store = AnyDirectory::open("sqlite::memory:").await.unwrap();
    let mut sessions = None;
    if shape.sessions > 0 {
        let clock = Arc::new(SystemClock);
        let kept = Sessions::open(Shared::new(store.clone()), &[7; 32], clock).await.unwrap();
        let bounds = SessionBounds { each: usize::MAX, total: usize::MAX, ..Default::default() };
        sessions = Some(kept.bounded(bounds));
    }
    let app = App {
        sessions,
        readiness: server::Readiness::default(),
        resource: RESOURCE.parse().unwrap(),
        policy: policy(shape),
        issuers: issuers(key, shape),
        directory: directory(store, shape).await,
        provisioning: Provisioning::new(),
        allowed_origins: Vec::new(),
        // What is measured is what one of them costs: one user opens thousands.
        bounds: Bounds { streams_of_each: usize::MAX, streams: usize::MAX, ..Bounds::default() },
        clock: Arc::new(SystemClock),
    };
    app.router(&CancellationToken::new())
}

/// Our tools do nothing without a permit. So one request goes through a guard at the start, and what it
/// is let in with is lent to all that come after.
pub(crate) async fn unguarded(key: &TestKey, shape: &Shape, by_rmcp_alone: bool) -> Router {
    let caller = permit(key, shape).await;
    let server = McpServer::new(RESOURCE.parse().unwrap(), Arc::new(SystemClock));
    let make = if by_rmcp_alone { McpService::by_rmcp_alone } else { McpService::new };
    let inner = make(server, &CancellationToken::new());
    Router::new().route_service("/mcp", Lend { caller, inner })
}

async fn permit(key: &TestKey, shape: &Shape) -> Caller {
    let guard = Guard::new(RESOURCE.parse().unwrap(), policy(shape), issuers(key, shape));
    let lent = Arc::new(Mutex::new(None::<Caller>));
    let keep = Arc::clone(&lent);
    let lender = tower::service_fn(move |request: Request<Full<Bytes>>| {
        *keep.lock().unwrap() = request.extensions().get::<Caller>().cloned();
        ready(Ok::<_, Infallible>(Response::new(Full::<Bytes>::default())))
    });
    let now = SystemClock.now().as_secs();
    let token = Forge::valid(key).claim("iat", now).claim("nbf", now).claim("exp", now + 60);
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"get_time"}}"#;
    let request = Request::post("/mcp")
        .header(header::HOST, "localhost:8000")
        .header(header::AUTHORIZATION, format!("Bearer {}", token.sign(key)))
        .body(Full::new(Bytes::from(body)))
        .unwrap();
    let _ = guard.protect(lender).oneshot(request).await.unwrap();
    let caller = lent.lock().unwrap().take();
    caller.unwrap()
}

#[derive(Clone)]
struct Lend {
    caller: Caller,
    inner: McpService,
}

impl Service<Request<Body>> for Lend {
    type Response = <McpService as Service<Request<Full<Bytes>>>>::Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let Self { caller, mut inner } = self.clone();
        Box::pin(async move {
            let (mut parts, body) = request.into_parts();
            parts.extensions.insert(caller);
            let body = body.collect().await.unwrap().to_bytes();
            inner.call(Request::from_parts(parts, Full::new(body))).await
        })
    }
}
