//! The events of one call that its caller has not read yet.

use std::{
    collections::VecDeque,
    sync::{Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use crate::port::{Ask, Event};

/// What an event costs besides its text, in bytes.
const OVERHEAD: usize = 256;
/// The most events that are queued, however short they are.
const MAX_EVENTS: usize = 8192;

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
    /// Adds an event, unless more than `max_bytes` or [`MAX_EVENTS`] would be queued. Each event
    /// counts with its text and [`OVERHEAD`]. One event always fits.
    pub(super) fn push(&self, event: Event, max_bytes: usize) -> Result<(), Full> {
        let queue = self.queue();
        let bytes = queue.bytes.saturating_add(cost(&event));
        let is_full = bytes > max_bytes || queue.events.len() >= MAX_EVENTS;
        if is_full && !queue.events.is_empty() {
            return Err(Full);
        }
        add(queue, event);
        Ok(())
    }

    /// Adds the answer, whatever is queued.
    pub(super) fn finish(&self, answer: Event) {
        // One message more than the bound, and the last.
        add(self.queue(), answer);
    }

    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Event> {
        let mut queue = self.queue();
        if let Some(event) = queue.events.pop_front() {
            queue.bytes = queue.bytes.saturating_sub(cost(&event));
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

fn add(mut queue: MutexGuard<'_, Queue>, event: Event) {
    queue.bytes = queue.bytes.saturating_add(cost(&event));
    queue.events.push_back(event);
    let reader = queue.reader.take();
    drop(queue);
    if let Some(reader) = reader {
        reader.wake();
    }
}

/// What an event counts for, in bytes.
fn cost(event: &Event) -> usize {
    let text = match event {
        Event::Notification(message) | Event::Answer(message) => message.bytes().len(),
        Event::Ask(Ask { request, .. }) => request.bytes().len(),
    };
    text.saturating_add(OVERHEAD)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Message;

    #[test]
    fn the_queue_is_bounded_and_the_answer_always_fits() {
        let event = || Event::Notification(Message::notification("m", None).unwrap());
        let (mailbox, length) = (Mailbox::default(), cost(&event()));
        assert!(length > OVERHEAD);
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

    #[test]
    fn the_number_of_events_is_bounded() {
        let event = || Event::Notification(Message::notification("m", None).unwrap());
        let mailbox = Mailbox::default();
        for _ in 0..MAX_EVENTS {
            assert_eq!(mailbox.push(event(), usize::MAX), Ok(()));
        }
        assert_eq!(mailbox.push(event(), usize::MAX), Err(Full));
        mailbox.finish(event());
        assert_eq!(mailbox.queue().events.len(), MAX_EVENTS + 1);
    }
}
