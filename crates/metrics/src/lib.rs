//! What guards decide and how a server is, counted, and written as OpenMetrics text (OpenMetrics
//! 1.0, which Prometheus reads).
//!
//! 1. What happens at a request is counted by an observer of its guard ([`ResourceMetrics`]). All
//!    else is read when it is asked for ([`Readings`]).
//! 2. Names and units of operations are those of the semantic conventions of OpenTelemetry for MCP,
//!    in Prometheus form: `mcp.server.operation.duration` is
//!    `mcp_server_operation_duration_seconds`. Our own begin with `bartizan_`.
//! 3. No caller can make a series. Outcomes, reasons, methods and errors are enums. A tool is named
//!    only if the policy has a rule for it. Resources, issuers and upstreams are those of the
//!    configuration.
//! 4. No label has a user, a client, a token, an address, or an argument.
//!
//! **Invariant:** this crate alone names `prometheus-client`.
//!
//! ```
//! use metrics::Metrics;
//! let metrics = Metrics::new("1.0.0", 1_800_000_000.0);
//! let text = metrics.encode(|readings| readings.readiness(true, 0, 1))?;
//! assert!(text.contains("bartizan_ready 1.0\n") && text.ends_with("# EOF\n"));
//! # Ok::<(), std::fmt::Error>(())
//! ```

mod closed;
mod decision;
mod families;
mod operation;
mod readings;
mod registry;
mod resource;
mod tools;

pub use self::{
    decision::Decision,
    operation::method_name,
    readings::{Listener, Readings},
    registry::{CONTENT_TYPE, Metrics, Source},
    resource::ResourceMetrics,
};
