//! A guard whose requests are followed.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use auth_core::{
    Algorithm, KeySet, Policy, PolicyDocument, TokenVerifier, TrustedIssuer,
    trace_context::TraceContext,
};
use bartizan::{Caller, Guard, TokenAuthenticator};
use bytes::Bytes;
use http::{Request, Response, request};
use http_body_util::{BodyExt as _, Full};
use opentelemetry_proto::tonic::{common::v1::any_value::Value, trace::v1::Span};
use serde_json::json;
use testkit::{Forge, ISSUER, ManualClock, NOW, RESOURCE, TestKey};
use tokio::task::JoinHandle;
use tower::ServiceExt as _;
use traces::{Batching, Collector, Endpoint, Exporter, Sampler, Traces, TracesConfig};

use crate::collector;

/// The token has this text in it, and no span may.
pub(crate) const SECRET: &str = "hush-hush";

pub(crate) struct World {
    pub(crate) guard: Guard<TokenAuthenticator<Arc<ManualClock>>>,
    pub(crate) traces: Traces,
    pub(crate) token: String,
    exporter: Option<Exporter>,
}

/// Batches of any size, at once.
pub(crate) fn batching() -> Batching {
    Batching { delay: Duration::from_millis(10), ..Batching::default() }
}

/// Traces for a collector, of all requests whose callers do not say otherwise.
pub(crate) fn config(collector: &collector::Collector) -> TracesConfig {
    TracesConfig {
        collector: Collector {
            endpoint: Endpoint::of_all(&collector.url()).unwrap(),
            headers: Vec::new(),
            timeout: Duration::from_secs(10),
            authorities: bartizan_authorities(),
        },
        sampler: Sampler::parse("parentbased_always_on", None).unwrap(),
        resource: vec![("service.name".into(), "under-test".into())],
        batching: batching(),
    }
}

fn bartizan_authorities() -> outbound::CertificateAuthorities {
    outbound::CertificateAuthorities::default()
}

fn policy() -> Policy {
    let document: PolicyDocument = serde_json::from_value(json!({
        "tools": { "known": [] },
        "prompts": { "greet": [] },
        "resources": { "notes://one": [], "notes://users/{id}": [] },
        "methods": { "own/method": [] },
    }))
    .unwrap();
    Policy::try_from(document).unwrap()
}

impl World {
    /// A guard, and an exporter that does not run yet.
    pub(crate) fn new(config: TracesConfig) -> Self {
        let key = TestKey::shared(Algorithm::Hs256);
        let keys = KeySet::from_iter([key.verifying()]);
        let verifier = TokenVerifier::new(RESOURCE.parse().unwrap())
            .trust(TrustedIssuer::new(ISSUER.parse().unwrap(), keys));
        let clock = ManualClock::at(NOW);
        let authenticate = TokenAuthenticator::new(verifier, Arc::clone(&clock));
        let (traces, exporter) = Traces::new(config, [7; 16], clock).unwrap();
        let guard = Guard::new(RESOURCE.parse().unwrap(), policy(), [], authenticate);
        let resource = traces.resource(&RESOURCE.parse().unwrap());
        let guard = guard.unwrap().tracer(Arc::new(resource));
        let token = Forge::valid(key).sign(key);
        Self { guard, traces, token, exporter: Some(exporter) }
    }

    /// The same with an exporter that runs.
    pub(crate) fn running(config: TracesConfig) -> Self {
        let mut world = Self::new(config);
        drop(world.start());
        world
    }

    /// Starts the exporter.
    pub(crate) fn start(&mut self) -> JoinHandle<()> {
        tokio::spawn(self.exporter.take().unwrap().run())
    }

    /// A request with the token.
    pub(crate) fn post(&self) -> request::Builder {
        let request = Request::post("/mcp").header("host", "localhost:8000");
        request.header("authorization", format!("Bearer {}", self.token))
    }

    /// Sends a request to a server that answers with `answer`. The status, and what the server knew
    /// of the trace.
    pub(crate) async fn send(
        &self,
        request: request::Builder,
        body: &str,
        answer: &str,
    ) -> (u16, Option<TraceContext>) {
        let answer = answer.to_owned();
        let (seen, known) = tokio::sync::oneshot::channel();
        let seen = Arc::new(std::sync::Mutex::new(Some(seen)));
        let inner = tower::service_fn(move |request: Request<Full<Bytes>>| {
            let caller = request.extensions().get::<Caller>().unwrap();
            let _ = seen.lock().unwrap().take().unwrap().send(caller.trace_context());
            let kind =
                if answer.starts_with("data") { "text/event-stream" } else { "application/json" };
            let response = Response::builder().header("content-type", kind);
            let response = response.body(Full::<Bytes>::from(answer.clone())).unwrap();
            async { Ok::<_, Infallible>(response) }
        });
        let request = request.body(Full::<Bytes>::from(body.to_owned())).unwrap();
        let response = self.guard.protect(inner).oneshot(request).await.unwrap();
        let status = response.status().as_u16();
        response.into_body().collect().await.unwrap();
        (status, known.await.ok().flatten())
    }

    /// Calls a tool.
    pub(crate) async fn call(&self, name: &str) -> u16 {
        self.send(self.post(), &call(name), OK).await.0
    }
}

/// An answer without an error.
pub(crate) const OK: &str = r#"{"jsonrpc":"2.0","id":1,"result":{}}"#;

/// A call of a tool, with arguments that no span may have.
pub(crate) fn call(name: &str) -> String {
    message("tools/call", &json!({ "name": name, "arguments": { "text": SECRET } }))
}

pub(crate) fn message(method: &str, params: &serde_json::Value) -> String {
    json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
}

/// The attributes of a span.
pub(crate) fn attributes(span: &Span) -> BTreeMap<String, String> {
    let pairs = span.attributes.iter().map(|pair| {
        let value = match pair.value.as_ref().unwrap().value.as_ref().unwrap() {
            Value::StringValue(text) => text.clone(),
            Value::IntValue(number) => number.to_string(),
            other => panic!("{other:?}"),
        };
        (pair.key.clone(), value)
    });
    pairs.collect()
}
