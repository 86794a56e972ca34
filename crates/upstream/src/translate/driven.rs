//! A call whose events come from a future.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    task::{Context, Poll},
};

use crate::{
    port::{Call, Event, next_event},
    wire::Message,
};

type Work = Pin<Box<dyn Future<Output = Message> + Send>>;

/// A call that a future answers. Dropping it drops the future.
pub(crate) struct Driven {
    work: Option<Work>,
    /// The answer, while an event before it has not been read.
    answer: Option<Message>,
    outlet: Outlet,
}

/// Through which the future gives events, and learns why its call was cancelled.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outlet {
    event: Arc<Mutex<Option<Event>>>,
    reason: Arc<OnceLock<String>>,
}

/// A call to the server behind. Dropped before its answer it is cancelled, with the reason of the
/// call in front.
pub(crate) struct Behind {
    call: Box<dyn Call>,
    reason: Arc<OnceLock<String>>,
}

impl Driven {
    /// A call that `work` answers.
    pub(crate) fn start<F>(work: impl FnOnce(Outlet) -> F) -> Box<dyn Call>
    where
        F: Future<Output = Message> + Send + 'static,
    {
        let outlet = Outlet::default();
        let work: Work = Box::pin(work(outlet.clone()));
        Box::new(Self { work: Some(work), answer: None, outlet })
    }

    /// A call that has its answer already.
    pub(crate) fn answered(answer: Message) -> Box<dyn Call> {
        Box::new(Self { work: None, answer: Some(answer), outlet: Outlet::default() })
    }
}

impl Call for Driven {
    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Option<Event>> {
        if let Some(event) = self.outlet.event().take() {
            return Poll::Ready(Some(event));
        }
        if let Some(work) = &mut self.work
            && let Poll::Ready(answer) = work.as_mut().poll(context)
        {
            self.work = None;
            self.answer = Some(answer);
        }
        if let Some(event) = self.outlet.event().take() {
            return Poll::Ready(Some(event));
        }
        if let Some(answer) = self.answer.take() {
            return Poll::Ready(Some(Event::Answer(answer)));
        }
        if self.work.is_some() { Poll::Pending } else { Poll::Ready(None) }
    }

    fn cancel(&mut self, reason: Option<&str>) {
        if let Some(reason) = reason {
            let _ = self.outlet.reason.set(reason.to_owned());
        }
        self.work = None;
        self.answer = None;
        self.outlet.event().take();
    }
}

impl Outlet {
    /// Gives an event, and waits until the one before it was read. It is read by the task that
    /// drives the future, which needs no waking.
    pub(crate) async fn send(&self, event: Event) {
        let mut event = Some(event);
        poll_fn(|_| {
            let mut place = self.event();
            if place.is_some() {
                return Poll::Pending;
            }
            *place = event.take();
            Poll::Ready(())
        })
        .await;
    }

    fn event(&self) -> MutexGuard<'_, Option<Event>> {
        self.event.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Behind {
    /// A call for the one in front that has this outlet.
    pub(crate) fn new(call: Box<dyn Call>, outlet: &Outlet) -> Self {
        Self { call, reason: Arc::clone(&outlet.reason) }
    }

    /// The call goes on for another one in front.
    pub(crate) fn move_to(&mut self, outlet: &Outlet) {
        self.reason = Arc::clone(&outlet.reason);
    }

    /// Its next event; `None` after the answer.
    pub(crate) async fn next(&mut self) -> Option<Event> {
        next_event(&mut *self.call).await
    }
}

impl Drop for Behind {
    fn drop(&mut self) {
        self.call.cancel(self.reason.get().map(String::as_str));
    }
}

impl std::fmt::Debug for Behind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Behind(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note(method: &str) -> Event {
        Event::Notification(Message::notification(method, None).unwrap())
    }

    fn answer() -> Message {
        Message::success("1", "{}").unwrap()
    }

    async fn methods(mut call: Box<dyn Call>) -> Vec<String> {
        let mut methods = Vec::new();
        while let Some(event) = next_event(&mut *call).await {
            methods.push(match event {
                Event::Notification(note) => note.method().to_owned(),
                Event::Ask(_) => "ask".to_owned(),
                Event::Answer(_) => "answer".to_owned(),
            });
        }
        methods
    }

    #[tokio::test]
    async fn events_come_in_order_and_the_answer_last() {
        let call = Driven::start(|outlet| async move {
            outlet.send(note("a")).await;
            outlet.send(note("b")).await;
            tokio::task::yield_now().await;
            outlet.send(note("c")).await;
            answer()
        });
        assert_eq!(methods(call).await, ["a", "b", "c", "answer"]);
        assert_eq!(methods(Driven::answered(answer())).await, ["answer"]);
    }

    struct Watched(Arc<Mutex<Vec<Option<String>>>>);

    impl Call for Watched {
        fn poll_event(&mut self, _: &mut Context<'_>) -> Poll<Option<Event>> {
            Poll::Pending
        }

        fn cancel(&mut self, reason: Option<&str>) {
            self.0.lock().unwrap().push(reason.map(str::to_owned));
        }
    }

    #[tokio::test]
    async fn cancelling_it_cancels_what_is_behind_with_its_reason() {
        for reason in [Some("why"), None] {
            let seen = Arc::<Mutex<Vec<_>>>::default();
            let behind = Box::new(Watched(Arc::clone(&seen)));
            let mut call = Driven::start(|outlet| async move {
                let mut behind = Behind::new(behind, &outlet);
                behind.next().await;
                answer()
            });
            let mut context = Context::from_waker(std::task::Waker::noop());
            assert!(call.poll_event(&mut context).is_pending());
            call.cancel(reason);
            assert_eq!(*seen.lock().unwrap(), [reason.map(str::to_owned)]);
            assert!(next_event(&mut *call).await.is_none());
        }
    }
}
