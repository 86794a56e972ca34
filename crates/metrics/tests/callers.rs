//! A guard whose decisions are counted: what its callers send becomes no label.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

use std::convert::Infallible;

use auth_core::{Algorithm, KeySet, Policy, PolicyDocument, TokenVerifier, TrustedIssuer};
use bartizan::{Guard, TokenAuthenticator};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use metrics::Metrics;
use serde_json::json;
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tower::ServiceExt;

/// A policy with rules for these tools.
fn policy(tools: &[&str]) -> Policy {
    let tools: serde_json::Map<_, _> =
        tools.iter().map(|tool| ((*tool).to_owned(), json!([]))).collect();
    let document: PolicyDocument = serde_json::from_value(json!({ "tools": tools })).unwrap();
    Policy::try_from(document).unwrap()
}

struct World {
    metrics: Metrics,
    counted: metrics::ResourceMetrics,
    guard: Guard<TokenAuthenticator<std::sync::Arc<ManualClock>>>,
    token: String,
}

impl World {
    fn new() -> Self {
        let key = TestKey::shared(Algorithm::Hs256);
        let keys = KeySet::from_iter([key.verifying()]);
        let verifier = TokenVerifier::new(RESOURCE.parse().unwrap())
            .trust(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
        let authenticate = TokenAuthenticator::new(verifier, ManualClock::at(NOW));
        let metrics = Metrics::new("1", 0.0);
        let counted = metrics.resource(&RESOURCE.parse().unwrap());
        let guard = Guard::new(RESOURCE.parse().unwrap(), policy(&["known"]), [], authenticate);
        let guard = guard.unwrap().observer(counted.clone());
        counted.name_tools(&policy(&["known"]));
        Self { metrics, counted, guard, token: Forge::valid(key).sign(key) }
    }

    async fn call(&self, method: &str, name: &str) -> u16 {
        let inner = tower::service_fn(|_: Request<Full<Bytes>>| async {
            Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
        });
        let body =
            json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": { "name": name } });
        let request = Request::post("/mcp").header("host", "localhost:8000");
        let request = request.header("authorization", format!("Bearer {}", self.token));
        let request = request.body(Full::<Bytes>::from(body.to_string())).unwrap();
        self.guard.protect(inner).oneshot(request).await.unwrap().status().as_u16()
    }

    fn text(&self) -> String {
        self.metrics.encode(|_| {}).unwrap()
    }
}

#[tokio::test]
async fn no_text_of_a_caller_becomes_a_label() {
    let world = World::new();
    assert_eq!(world.call("tools/call", "known").await, 200);
    world.call("tools/call", "strange").await;
    world.call("tools/call", "a\"} 1\nb{c=\"d").await;
    let once = world.text().lines().count();
    for number in 0..1000 {
        world.call("tools/call", &format!("strange{number}")).await;
        world.call(&format!("strange/method{number}"), "known").await;
    }
    let text = world.text();
    assert!(!text.contains("strange") && !text.contains("user-userson"), "{text}");
    // All other methods are one series: its buckets, its sum and its count.
    assert_eq!(text.lines().count(), once + 17, "{text}");
    let tools = text.lines().filter(|line| line.contains("gen_ai_tool_name=\"known\""));
    assert_eq!(tools.count(), 17);
}

#[tokio::test]
async fn a_tool_is_named_from_when_the_policy_has_a_rule_for_it_and_what_was_counted_stays() {
    let world = World::new();
    world.call("tools/call", "known").await;
    world.counted.name_tools(&policy(&["new"]));
    world.call("tools/call", "known").await;
    world.call("tools/call", "new").await;
    let text = world.text();
    let count = |tool: &str| {
        let has = |line: &&str| line.contains("_count{") && line.contains(tool);
        text.lines().find(has).unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!(count("gen_ai_tool_name=\"known\""), "1");
    // The guard still has the old policy, so the new one is denied, by its name.
    assert_eq!(count("gen_ai_tool_name=\"new\",error_type=\"403\""), "1");
}
