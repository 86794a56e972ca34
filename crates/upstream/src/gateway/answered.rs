//! A call that is answered without the server.

use std::task::{Context, Poll};

use crate::{
    port::{Call, Event},
    wire::Message,
};

/// A call that has its answer, until it is cancelled.
pub(super) struct Answered(Option<Message>);

impl Answered {
    pub(super) const fn new(answer: Message) -> Self {
        Self(Some(answer))
    }
}

impl Call for Answered {
    fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<Option<Event>> {
        Poll::Ready(self.0.take().map(Event::Answer))
    }

    fn cancel(&mut self, _: Option<&str>) {
        self.0 = None;
    }
}
