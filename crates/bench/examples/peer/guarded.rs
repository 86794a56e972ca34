//! Our guard before the server of [`demo`](crate::demo).

use std::{path::Path, sync::Arc};

use audit_log::{AuditConfig, AuditLog};
use auth_core::{
    Algorithm, Clock, KeySet, Policy, PolicyDocument, SystemClock, TokenVerifier, TrustedIssuer,
};
use axum::Router;
use bartizan::{Guard, TokenAuthenticator};
use metrics::Metrics;
use serde_json::{Map, Value, json};
use testkit::{ISSUER, RESOURCE, TestKey};

use crate::{demo::Mcp, shape::Shape};

/// What the guard accepts: tokens of as many issuers as are wanted, all with the same key.
pub(crate) fn authenticator(key: &TestKey, shape: &Shape) -> TokenAuthenticator<SystemClock> {
    let names = (0..shape.issuers).map(|number| format!("https://issuer-{number}.example"));
    let verifier = names.chain([ISSUER.to_owned()]).fold(
        TokenVerifier::new(RESOURCE.parse().unwrap()),
        |verifier, name| {
            let keys = KeySet::from_iter([key.verifying()]);
            verifier.trust(TrustedIssuer::new(name.parse().unwrap(), keys))
        },
    );
    TokenAuthenticator::new(verifier, SystemClock)
}

/// A policy with rules for the two tools, and as many more as are wanted.
fn policy(shape: &Shape) -> Policy {
    let more = (0..shape.rules).map(|number| (format!("tool_{number}"), json!("User.Read")));
    let own = [("get_time".to_owned(), json!("Admin.Write")), ("whoami".to_owned(), json!([]))];
    policy_of(more.chain(own))
}

/// A policy of these tools and what each requires.
pub(crate) fn policy_of(tools: impl Iterator<Item = (String, Value)>) -> Policy {
    let document = json!({
        "scopes": { "User.Read": "Read your own data", "Admin.Write": "Change anything" },
        "tools": tools.collect::<Map<_, _>>(),
    });
    let document: PolicyDocument = serde_json::from_value(document).unwrap();
    Policy::try_from(document).unwrap()
}

pub(crate) fn guard(key: &TestKey, shape: &Shape) -> Guard<TokenAuthenticator<SystemClock>> {
    let authenticator = authenticator(key, shape);
    Guard::new(RESOURCE.parse().unwrap(), policy(shape), [], authenticator).unwrap()
}

pub(crate) fn router(key: &TestKey, shape: &Shape) -> Router {
    Router::new().route_service("/mcp", guard(key, shape).protect(Mcp::guarded()))
}

/// The same with metrics, as the program has them.
pub(crate) fn measured(key: &TestKey, shape: &Shape) -> Router {
    Router::new().route_service("/mcp", counted(key, shape).protect(Mcp::guarded()))
}

/// The same with metrics, and with the audit log in a file in `folder`.
pub(crate) fn audited(key: &TestKey, shape: &Shape, folder: &Path) -> Router {
    let config = AuditConfig {
        file: folder.join("audit.jsonl"),
        key: TestKey::generate(Algorithm::Es256).signing(),
        node: "peer".into(),
        max_bytes: 64 * 1024 * 1024,
        max_full_files: None,
        checkpoint_records: 1000,
        is_copied: false,
    };
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let log = AuditLog::open(&config, None, &clock).unwrap();
    let guard = counted(key, shape).recorder(Arc::new(log));
    Router::new().route_service("/mcp", guard.protect(Mcp::guarded()))
}

fn counted(key: &TestKey, shape: &Shape) -> Guard<TokenAuthenticator<SystemClock>> {
    let guard = guard(key, shape);
    let counted = Metrics::new("1", 0.0).resource(&RESOURCE.parse().unwrap());
    counted.name_tools(&guard.rules().current().policy);
    guard.observer(counted)
}
