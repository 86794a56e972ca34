//! Each request that a guard decides on, as a span of OpenTelemetry, sent by OTLP over HTTP
//! (OTLP 1.x, `http/protobuf`).
//!
//! 1. A span is of the kind `SERVER`, and named as the semantic conventions of OpenTelemetry for
//!    MCP say. What is ours begins with `bartizan.`.
//! 2. No span has a token, a user, an address, a session, an argument or a result. The name of a
//!    tool, a prompt, a resource or a method is in it only if the policy has a rule of that name; a
//!    method also if MCP defines it. The caller chooses the id of its request, and the trace.
//! 3. The parent is what `params._meta.traceparent` names (SEP-414), else what the header
//!    `traceparent` names. Where both name a span, the other is linked.
//! 4. A request never waits for a span. Spans wait in a bounded queue; beyond it they are dropped
//!    and counted. One request to the collector is under way at a time, and bounded in time.
//! 5. The collector is asked by the rules of [`outbound`]: `https`, or a loopback host; no
//!    redirect; bounded answers. Its headers are secret.
//!
//! [`ResourceTraces`] is the [`Tracer`](bartizan::Tracer) of a guard, and [`Exporter`] what sends.

mod config;
mod counts;
mod encode;
mod exporter;
mod ids;
mod operation;
mod proto;
mod queue;
mod sampler;
mod shared;
mod span;
mod text;
mod traces;

pub use self::{
    config::{Batching, Collector, Endpoint, EndpointError, TracesConfig},
    counts::Counts,
    exporter::{CLOSE_TIMEOUT, Exporter},
    sampler::{Sampler, SamplerError},
    text::{PairsError, attributes, headers},
    traces::{ResourceTraces, Traces},
};
