//! The events of one call that its caller has not read yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::port::{Ask, Event};

/// A queue with one reader. It costs one allocation, where a channel reserves a block.
#[derive(Debug, Default)]
pub(super) struct Mailbox(Mutex<Queue>);

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<Event>,
    bytes: usize,
    reader: Option<Waker>,
}

/// The reader does not keep up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full;

impl Mailbox {
    /// Adds an event, unless more than `max_bytes` would be queued. One event always fits.
    pub(super) fn push(&self, event: Event, max_bytes: usize) -> Result<(), Full> {
        let mut queue = self.queue();
        let bytes = queue.bytes.saturating_add(length(&event));
        if bytes > max_bytes && !queue.events.is_empty() {
            return Err(Full);
        }
        queue.bytes = bytes;
        queue.events.push_back(event);
        let reader = queue.reader.take();
        drop(queue);
        if let Some(reader) = reader {
            reader.wake();
        }
        Ok(())
    }

    /// Adds the answer, whatever is queued.
    pub(super) fn finish(&self, answer: Event) {
        // One message more than the bound, and the last.
        let _ = self.push(answer, usize::MAX);
    }

    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Event> {
        let mut queue = self.queue();
        if let Some(event) = queue.events.pop_front() {
            queue.bytes = queue.bytes.saturating_sub(length(&event));
            return Poll::Ready(event);
        }
        if !queue.reader.as_ref().is_some_and(|reader| reader.will_wake(context.waker())) {
            queue.reader = Some(context.waker().clone());
        }
        Poll::Pending
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn length(event: &Event) -> usize {
    match event {
        Event::Notification(message) | Event::Answer(message) => message.bytes().len(),
        Event::Ask(Ask { request, .. }) => request.bytes().len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    #[test]
    fn the_queue_is_bounded_and_the_answer_always_fits() {
        let event = || Event::Notification(Message::notification("m", None).unwrap());
        let (mailbox, length) = (Mailbox::default(), length(&event()));
        assert_eq!(mailbox.push(event(), 0), Ok(()), "one event always fits");
        assert_eq!(mailbox.push(event(), length), Err(Full));
        assert_eq!(mailbox.push(event(), 2 * length), Ok(()));
        mailbox.finish(event());
        let mut context = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            assert!(mailbox.poll(&mut context).is_ready());
        }
        assert!(mailbox.poll(&mut context).is_pending());
        assert_eq!(mailbox.queue().bytes, 0);
    }
}
