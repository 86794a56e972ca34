//! What sends spans: one request at a time, within bounds.
//!
//! 1. A batch is sent once it is full, or when its first span has waited for [`Batching::delay`].
//! 2. What may succeed later (no connection, no answer in time, 429, 502, 503, 504) is tried again,
//!    after a time that doubles, or that the collector says (`Retry-After`, but not less than
//!    [`FIRST_PAUSE`]), until [`Batching::timeout`] is over. Then the batch is given up, and
//!    counted. So is one that the collector refuses, or answers with a redirect (OTLP 1.x,
//!    OTLP/HTTP response).
//! 3. The first failure is logged, and the end of the failure. No header is.
//! 4. At the end what waits is sent, each batch once, within [`CLOSE_TIMEOUT`].

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use auth_core::{Clock, FailureChange, display::excerpt};
use http::StatusCode;
use outbound::{AddressPolicy, Limits, OutboundClient, OutboundError, Request};
use prost::Message;
use tokio::{
    sync::mpsc,
    time::{Instant, sleep, timeout, timeout_at},
};

use crate::{
    Batching, Collector, TracesConfig, encode,
    proto::{PartialSuccess, Response},
    shared::Shared,
    span::Span,
};

/// How long it is tried at the end to send what waits.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait before the second try, and at least before each other.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// Sends the spans of a [`Traces`](crate::Traces). [`Self::run`] has to run for that.
#[derive(Debug)]
pub struct Exporter {
    client: OutboundClient,
    collector: Collector,
    resource: Vec<(String, String)>,
    batching: Batching,
    spans: mpsc::Receiver<Span>,
    shared: Arc<Shared>,
    clock: Arc<dyn Clock>,
}

/// Why a batch was not taken.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Outbound(#[from] OutboundError),
    #[error("the collector answers {0}")]
    Status(StatusCode, Option<Duration>),
    #[error("the collector answers {0}, a redirect, which is not followed: name the place itself")]
    Redirect(StatusCode),
    #[error("the collector's answer is not one of OTLP: is it the port for HTTP?")]
    Unreadable,
    #[error("not sent within {} s", .0.as_secs())]
    Timeout(Duration),
}

impl Exporter {
    pub(crate) fn new(
        config: TracesConfig,
        spans: mpsc::Receiver<Span>,
        shared: Arc<Shared>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OutboundError> {
        let TracesConfig { collector, sampler: _, resource, batching } = config;
        let limits = Limits::default().time(collector.timeout).body(MAX_ANSWER);
        let client = OutboundClient::builder(AddressPolicy::named_by_operator())
            .limits(limits)
            .authorities(collector.authorities.clone())
            .build()?;
        Ok(Self { client, collector, resource, batching, spans, shared, clock })
    }

    /// Sends spans until [`Traces::close`](crate::Traces::close), and then what waits.
    pub async fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let closing = shared.closing.notified();
        tokio::pin!(closing);
        loop {
            let waited = async {
                tokio::select! {
                    () = sleep(self.batching.delay) => {}
                    () = shared.is_ready.notified() => {}
                }
            };
            tokio::select! {
                () = &mut closing => break,
                () = waited => {}
            }
            let mut batch = self.next();
            while !batch.is_empty() {
                let sent = self.send(&batch, true);
                tokio::select! {
                    sent = sent => self.note(batch.len(), &sent),
                    // It is sent once more below.
                    () = &mut closing => return self.close(batch).await,
                }
                // Fewer than a batch wait for their time.
                batch =
                    if self.spans.len() < self.batching.batch { Vec::new() } else { self.next() };
            }
            shared.counters.has_room();
        }
        self.close(Vec::new()).await;
    }

    /// Sends `batch`, which may have been sent already, and what waits.
    async fn close(mut self, mut batch: Vec<Span>) {
        self.spans.close();
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        if batch.is_empty() {
            batch = self.next();
        }
        while !batch.is_empty() {
            let sent = timeout_at(deadline, self.send(&batch, false)).await;
            let sent = sent.unwrap_or(Err(ExportError::Timeout(CLOSE_TIMEOUT)));
            self.note(batch.len(), &sent);
            let is_over = sent.is_err();
            batch = self.next();
            if is_over {
                // The others would not be taken either.
                let left = batch.len() + self.spans.len();
                if left > 0 {
                    self.shared.counters.failed.fetch_add(number(left), Ordering::Relaxed);
                    tracing::warn!(spans = left, "Traces: spans are lost as the server stops");
                }
                return;
            }
        }
    }

    /// Up to a batch of what waits.
    fn next(&mut self) -> Vec<Span> {
        let mut batch = Vec::new();
        while batch.len() < self.batching.batch.max(1)
            && let Ok(span) = self.spans.try_recv()
        {
            batch.push(span);
        }
        batch
    }

    /// Sends a batch: again and again, if `is_patient`. How many spans the collector did not take.
    async fn send(&self, batch: &[Span], is_patient: bool) -> Result<u64, ExportError> {
        let body = encode::request(&self.resource, batch);
        if !is_patient {
            return self.send_once(body).await;
        }
        let most = self.batching.timeout;
        let mut last = None;
        let sending = async {
            let mut pause = FIRST_PAUSE;
            loop {
                match self.send_once(body.clone()).await {
                    Err(error) if error.may_pass() => {
                        let asked = error.pause();
                        last = Some(error);
                        sleep(asked.unwrap_or(pause).max(FIRST_PAUSE)).await;
                        pause *= 2;
                    }
                    sent => return sent,
                }
            }
        };
        match timeout(most, sending).await {
            Ok(sent) => sent,
            Err(_) => Err(last.unwrap_or(ExportError::Timeout(most))),
        }
    }

    async fn send_once(&self, body: Vec<u8>) -> Result<u64, ExportError> {
        let request = Request::post(self.collector.endpoint.0.clone());
        let mut request = request.body("application/x-protobuf", body);
        for (name, value) in &self.collector.headers {
            request = request.header(name.clone(), value.clone());
        }
        let answer = self.client.send(request).await?;
        let status = answer.status;
        if status.is_redirection() {
            return Err(ExportError::Redirect(status));
        }
        if !status.is_success() {
            let pause = answer.retry_after().map(Duration::from_secs);
            return Err(ExportError::Status(status, pause));
        }
        let is_protobuf = answer.media_type().is_none_or(|it| it == "application/x-protobuf");
        let read = Response::decode(answer.body.as_slice()).ok().filter(|_| is_protobuf);
        Ok(self.rejected(read.ok_or(ExportError::Unreadable)?))
    }

    /// How many spans the collector did not take, which it says why. Logs the first of a row.
    fn rejected(&self, answer: Response) -> u64 {
        let PartialSuccess { rejected_spans, error_message } =
            answer.partial_success.unwrap_or_default();
        let rejected = u64::try_from(rejected_spans).unwrap_or_default();
        let complains = rejected > 0 || !error_message.is_empty();
        if !self.shared.counters.complains(complains) && complains {
            let reason = excerpt(&error_message);
            tracing::warn!(rejected, %reason, "Traces: the collector does not take some spans");
        }
        rejected
    }

    /// Counts what became of `spans` spans, and logs what changed.
    fn note(&self, spans: usize, sent: &Result<u64, ExportError>) {
        let (spans, counters) = (number(spans), &self.shared.counters);
        match sent {
            Ok(rejected) => {
                let rejected = (*rejected).min(spans);
                counters.exported.fetch_add(spans - rejected, Ordering::Relaxed);
                counters.failed.fetch_add(rejected, Ordering::Relaxed);
                if self.shared.health.succeeded() {
                    tracing::info!("Traces: the collector takes spans again");
                }
            }
            Err(error) => {
                counters.failed.fetch_add(spans, Ordering::Relaxed);
                let endpoint = &self.collector.endpoint;
                if self.shared.health.failed(error, self.clock.now()) != FailureChange::Same {
                    tracing::warn!(%endpoint, spans, reason = %error, "Traces: spans are lost");
                }
            }
        }
    }
}

impl ExportError {
    /// Whether the same may succeed later.
    const fn may_pass(&self) -> bool {
        match self {
            Self::Outbound(error) => error.is_unreachable(),
            Self::Status(status, _) => matches!(status.as_u16(), 429 | 502..=504),
            Self::Redirect(_) | Self::Unreadable | Self::Timeout(_) => false,
        }
    }

    /// How long the collector asks to wait.
    const fn pause(&self) -> Option<Duration> {
        match self {
            Self::Status(_, pause) => *pause,
            _ => None,
        }
    }
}

fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
