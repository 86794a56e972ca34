//! Where spans wait for the exporter: bounded, and without waiting for room.

use std::sync::Arc;

use auth_core::{
    Clock,
    trace_context::{SpanId, TraceContext},
};
use tokio::sync::mpsc::{self, error::TrySendError};

use crate::{Sampler, ids::Ids, shared::Shared, span::Span};

/// The queue, and what a span needs to come into it.
pub(crate) struct Queue {
    pub(crate) ids: Ids,
    pub(crate) sampler: Sampler,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) spans: mpsc::Sender<Span>,
    /// How many are enough to be sent.
    pub(crate) batch: usize,
    pub(crate) shared: Arc<Shared>,
}

/// The place of a request in a trace.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) own: TraceContext,
    pub(crate) parent: Option<SpanId>,
    /// The span of the transport, where the message names another parent.
    pub(crate) link: Option<TraceContext>,
}

impl Queue {
    /// Puts a span into the queue, if there is room.
    pub(crate) fn push(&self, span: Span) {
        match self.spans.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                return self.shared.counters.drop_one(self.spans.max_capacity());
            }
            // The server stops: that is no fault of the collector.
            Err(TrySendError::Closed(_)) => return self.shared.counters.drop_unsent(),
        }
        if self.waiting().0 >= self.batch {
            self.shared.is_ready.notify_one();
        }
    }

    /// The place in a trace of a request with this parent.
    pub(crate) fn identify(
        &self,
        parent: Option<TraceContext>,
        link: Option<TraceContext>,
    ) -> Identity {
        let trace = parent.as_ref().map_or_else(|| self.ids.trace(), |parent| parent.trace);
        let is_sampled = self.sampler.samples(parent.as_ref(), trace);
        let (parent, state) = parent.map(|parent| (parent.span, parent.state)).unzip();
        let own = TraceContext { trace, span: self.ids.span(), is_sampled, state: state.flatten() };
        Identity { own, parent, link }
    }

    /// How many spans wait, and how many may.
    pub(crate) fn waiting(&self) -> (usize, usize) {
        let limit = self.spans.max_capacity();
        (limit - self.spans.capacity(), limit)
    }
}
