//! What a call says first, if it says something soon.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    task::Poll,
    time::Duration,
};

use tokio::sync::oneshot;

use crate::port::{Call, Event};

/// By which the caller's `notifications/cancelled` reaches its call: with the reason, if there is
/// one.
pub(super) type Cancelled = oneshot::Receiver<Option<String>>;

/// What happened first.
pub(super) enum First {
    Event(Event),
    /// Nothing for a while.
    Late,
    Cancelled(Option<String>),
    /// The call ended without an answer, which does not happen.
    Ended,
}

/// Waits for the first of these. Without `cancelled` it cannot be cancelled.
pub(super) async fn first(
    call: &mut dyn Call,
    mut cancelled: Option<&mut Cancelled>,
    after: Option<Duration>,
) -> First {
    // The timer costs nothing where the event is there already.
    let mut sleep = None;
    poll_fn(|context| {
        if let Poll::Ready(event) = call.poll_event(context) {
            return Poll::Ready(event.map_or(First::Ended, First::Event));
        }
        if let Some(cancelled) = &mut cancelled
            && let Poll::Ready(reason) = Pin::new(&mut **cancelled).poll(context)
        {
            return Poll::Ready(First::Cancelled(reason.unwrap_or_default()));
        }
        let Some(after) = after else { return Poll::Pending };
        let sleep = sleep.get_or_insert_with(|| Box::pin(tokio::time::sleep(after)));
        sleep.as_mut().poll(context).map(|()| First::Late)
    })
    .await
}
