//! Our server itself, with its users in memory.

use std::{fmt::Write, sync::Arc, time::Duration};

use auth_core::{Clock, KeySet, ResourceUri, SystemClock, TrustedIssuer};
use axum::Router;
use bartizan::{Issuers, Trust};
use directory::{
    AnyDirectory, CacheSettings, CachedDirectory, Directory, Edit, NewUser, Shared, Stamp,
};
use server::{
    App, BUILT_IN, Backend, Bounds, McpServer, Provisioning, Readiness, Resource, SessionBounds,
    Sessions, parse_policy,
};
use testkit::{ISSUER, RESOURCE, TestKey};
use tokio_util::sync::CancellationToken;

use crate::shape::Shape;

fn issuers(key: &TestKey, shape: &Shape) -> Issuers {
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
async fn directory(store: AnyDirectory, shape: &Shape) -> Arc<CachedDirectory<AnyDirectory>> {
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
    let settings = CacheSettings {
        max_in_memory: 2_000_000,
        max_age: Duration::from_mins(1),
        clock: Arc::new(SystemClock),
    };
    let live = CachedDirectory::load(store, settings).await.unwrap();
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
    parse_policy(&format!("{text}\n{after}"), &McpServer::offers()).unwrap()
}

pub(crate) async fn router(key: &TestKey, shape: &Shape) -> Router {
    let store = AnyDirectory::open("sqlite::memory:").await.unwrap();
    let mut sessions = None;
    if shape.sessions > 0 {
        let clock = Arc::new(SystemClock);
        let kept = Sessions::open(Shared::new(store.clone()), &[7; 32], clock).await.unwrap();
        let bounds = SessionBounds { each: usize::MAX, total: usize::MAX, ..Default::default() };
        sessions = Some(kept.bounded(bounds));
    }
    let uri: ResourceUri = RESOURCE.parse().unwrap();
    let resource = Resource {
        policy: policy(shape),
        issuers: issuers(key, shape),
        backend: Backend::Demo(McpServer::new(uri.clone(), Arc::new(SystemClock))),
        uri,
    };
    let app = App {
        resources: vec![match sessions {
            Some(sessions) => resource.sessions(&sessions),
            None => resource,
        }],
        readiness: Readiness::default(),
        directory: directory(store, shape).await,
        provisioning: Provisioning::new(),
        allowed_origins: Vec::new(),
        // What is measured is what one of them costs: one user opens thousands.
        has_client_certificates: false,
        bounds: Bounds {
            streams_of_each: usize::MAX,
            streams: usize::MAX,
            calls_of_each: usize::MAX,
            // Not the largest number, with which none would be counted.
            calls: usize::MAX / 2,
            ..Bounds::default()
        },
        limits_store: None,
        audit: None,
        traces: None,
        authorization_server: None,
        metrics: None,
        server_command: "server".into(),
        clock: Arc::new(SystemClock),
    };
    app.router(&CancellationToken::new()).unwrap()
}
