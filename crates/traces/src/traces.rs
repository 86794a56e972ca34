//! The tracer of the guards of one server.

use std::{
    fmt,
    sync::{Arc, atomic::Ordering},
};

use auth_core::{Clock, JobHealth, ResourceUri};
use bartizan::{Operation, Received, Tracer};
use outbound::OutboundError;
use tokio::sync::mpsc;

use crate::{
    Counts, Exporter, TracesConfig, ids::Ids, operation::Recording, queue::Queue, shared::Shared,
};

/// The spans of one server, on their way to an [`Exporter`]. Its clones are one.
#[derive(Clone)]
pub struct Traces(Arc<Queue>);

/// Follows the requests to one protected resource.
#[derive(Debug, Clone)]
pub struct ResourceTraces {
    traces: Traces,
    resource: Arc<str>,
}

impl Traces {
    /// A tracer, and what sends its spans. `key` is random: ids are made with it.
    ///
    /// # Errors
    ///
    /// [`OutboundError`] if no HTTP client can be made.
    pub fn new(
        config: TracesConfig,
        key: [u8; 16],
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Exporter), OutboundError> {
        let (sender, receiver) = mpsc::channel(config.batching.queue.max(1));
        let shared = Arc::new(Shared::new());
        let (sampler, batch) = (config.sampler, config.batching.batch);
        let exporter = Exporter::new(config, receiver, Arc::clone(&shared), Arc::clone(&clock))?;
        let ids = Ids::new(key);
        let queue = Queue { ids, sampler, clock, spans: sender, batch, shared };
        Ok((Self(Arc::new(queue)), exporter))
    }

    /// Follows the requests to `resource`.
    #[must_use]
    pub fn resource(&self, resource: &ResourceUri) -> ResourceTraces {
        ResourceTraces { traces: self.clone(), resource: resource.as_str().into() }
    }

    /// What became of the spans.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let counters = &self.0.shared.counters;
        let (waiting, limit) = self.0.waiting();
        Counts {
            exported: counters.exported.load(Ordering::Relaxed),
            dropped: counters.dropped.load(Ordering::Relaxed),
            failed: counters.failed.load(Ordering::Relaxed),
            waiting,
            limit,
        }
    }

    /// Whether spans can be sent.
    #[must_use]
    pub fn health(&self) -> JobHealth {
        self.0.shared.health.clone()
    }

    /// Lets the exporter send what waits, and end. Spans that come later are dropped.
    pub fn close(&self) {
        self.0.shared.closing.notify_one();
    }
}

impl Tracer for ResourceTraces {
    fn begin(&self, received: Received<'_>) -> Arc<dyn Operation> {
        let (traces, resource) = (Arc::clone(&self.traces.0), Arc::clone(&self.resource));
        Arc::new(Recording::new(traces, resource, received))
    }
}

impl fmt::Debug for Traces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Traces").field(&self.counts()).finish()
    }
}
