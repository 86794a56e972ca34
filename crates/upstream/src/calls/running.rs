//! One call, as its caller has it.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use tokio::sync::mpsc::error::TrySendError;

use super::{
    mailbox::Mailbox,
    roots,
    table::{Shared, Table},
};
use crate::{
    CallContext,
    link::{CallId, Outgoing},
    port::{Call, Event},
    wire::{Message, quote},
};

type Sending = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A call over a connection.
pub(super) struct Running {
    shared: Arc<Shared>,
    id: CallId,
    mailbox: Arc<Mailbox>,
    /// The request, while the link has no room for it.
    sending: Option<Sending>,
    has_ended: bool,
    /// Whether it is `initialize`, which must not be cancelled (MCP 2025-11-25, cancellation).
    is_initialize: bool,
}

impl Running {
    /// Sends a request, on behalf of `caller` where the server is to see that. `is_ours`: it is the
    /// gateway's own.
    pub(super) fn start(
        shared: Arc<Shared>,
        request: &Message,
        is_ours: bool,
        caller: Option<Arc<CallContext>>,
    ) -> Self {
        let is_initialize = request.method() == "initialize";
        let mailbox = Arc::<Mailbox>::default();
        let id = Table::next_id();
        let mut call = Self { mailbox, id, sending: None, has_ended: false, is_initialize, shared };
        let entered = call.shared.table.enter(id, request, is_ours, &call.mailbox, caller.as_ref());
        let Some(sender) = entered else { return call };
        let passes_roots = call.shared.table.passes_roots();
        let reduced = if passes_roots { None } else { roots::without_capability(request) };
        let message = super::table::forwarded(id, reduced.as_ref().unwrap_or(request));
        let outgoing = Outgoing { message, call: Some(id), caller };
        match sender.try_send(outgoing) {
            // A link that has ended says so to all its calls.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(outgoing)) => {
                call.sending = Some(Box::pin(async move {
                    let _ = sender.send(outgoing).await;
                }));
            }
        }
        call
    }
}

impl Call for Running {
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        if let Some(sending) = &mut self.sending
            && sending.as_mut().poll(context).is_ready()
        {
            self.sending = None;
        }
        let event = std::task::ready!(self.mailbox.poll(context));
        self.has_ended = matches!(event, Event::Answer(_));
        Poll::Ready(Some(event))
    }

    fn cancel(&mut self, reason: Option<&str>) {
        if std::mem::replace(&mut self.has_ended, true) {
            return;
        }
        let was_sent = self.sending.take().is_none();
        let was_pending = self.shared.table.leave(self.id);
        if was_sent && was_pending && !self.is_initialize {
            let reason = reason.map(|text| format!(",\"reason\":{}", quote(text)));
            let reason = reason.unwrap_or_default();
            let params = format!("{{\"requestId\":{}{reason}}}", self.id.0);
            if let Ok(note) = Message::notification("notifications/cancelled", Some(&params)) {
                self.shared.table.send_soon(note.into_bytes(), Some(self.id));
            }
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.cancel(None);
    }
}
