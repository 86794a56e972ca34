//! What sends the traces, from the start to the stop.

use std::sync::Arc;

use auth_core::Clock;
use tokio::task::JoinHandle;
use traces::{Exporter, Traces, TracesConfig};

use crate::{config::settings::ConfigError, failure::Failure, random::random};

/// Traces, and what sends them.
#[derive(Debug)]
pub(crate) struct Tracing {
    traces: Traces,
    exporter: Exporter,
}

/// The same while it runs.
#[derive(Debug)]
pub(crate) struct RunningTracing {
    traces: Traces,
    exporter: JoinHandle<()>,
}

impl Tracing {
    /// What `config` says. Nothing is sent before the start.
    pub(crate) fn new(config: &TracesConfig, clock: &Arc<dyn Clock>) -> Result<Self, Failure> {
        let made = Traces::new(config.clone(), random()?, Arc::clone(clock));
        let (traces, exporter) =
            made.map_err(|error| ConfigError(vec![format!("the collector of traces: {error}")]))?;
        Ok(Self { traces, exporter })
    }

    /// Where the guards put their spans.
    pub(crate) const fn traces(&self) -> &Traces {
        &self.traces
    }

    /// Begins to send.
    pub(crate) fn start(self) -> RunningTracing {
        let Self { traces, exporter } = self;
        RunningTracing { traces, exporter: tokio::spawn(exporter.run()) }
    }
}

impl RunningTracing {
    /// Sends what waits, within [`traces::CLOSE_TIMEOUT`].
    pub(crate) async fn stop(self) {
        self.traces.close();
        let _ = self.exporter.await;
    }
}
