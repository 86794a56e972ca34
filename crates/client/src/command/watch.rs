//! The wait for an answer: what is shown meanwhile, and what ends it early.
//!
//! 1. Ctrl-C ends it at once. The request is dropped, of which rmcp notifies the server.
//! 2. The timeout ends it. The time in which a person is asked does not count.
//! 3. Progress is shown, questions are asked, and without a terminal a question is a failure.
//! 4. A server with more requests of its own than [`PendingRequests`] allows ends it.

use std::{io, pin::Pin};

use rmcp::{
    ServiceError,
    model::{ElicitResult, ServerNotification},
};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{listen, offered};
use crate::{
    connect::Session,
    console::Console,
    elicit::{self, Question, ServerText},
    failure::{Context, Failure},
    handler::{CAPACITY, Event},
    interrupt::interrupted,
    progress::Progress,
    request::{Answer, Capability, Listening},
    transport::PendingRequests,
};

/// The wait for an answer.
pub(super) struct Watch<'a> {
    context: &'a Context,
    console: &'a Console,
    progress: &'a mut dyn Progress,
    deadline: Instant,
    events: Option<mpsc::Receiver<Event>>,
    pending: PendingRequests,
    interrupted: Pin<Box<dyn Future<Output = ()>>>,
}

impl<'a> Watch<'a> {
    /// A wait that begins now.
    pub(super) fn new(
        context: &'a Context,
        console: &'a Console,
        progress: &'a mut dyn Progress,
    ) -> Self {
        let deadline = Instant::now() + context.timeout;
        let interrupted = Box::pin(interrupted());
        let pending = PendingRequests::default();
        Self { context, console, progress, deadline, events: None, pending, interrupted }
    }

    /// From now on also follows the events of a session.
    pub(super) fn follow(&mut self, session: &Session, events: mpsc::Receiver<Event>) {
        self.pending = session.handler().pending().clone();
        self.events = Some(events);
    }

    /// Shows the log messages that came last: rmcp hands on each in a task of its own, and an
    /// answer may be faster.
    pub(super) fn drain(&mut self) {
        let Some(events) = &mut self.events else {
            return;
        };
        for _ in 0..CAPACITY {
            match events.try_recv() {
                Ok(Event::Notified(notification)) => self.progress.log(&notification),
                Ok(Event::Warned(text)) => self.progress.warning(&text),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    }

    /// Removes what was shown for the time of the wait.
    pub(super) fn clear(&mut self) {
        self.progress.clear();
    }

    /// Waits for an answer.
    pub(super) async fn until<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::pin!(work);
        loop {
            let event = tokio::select! {
                biased;
                () = &mut self.interrupted => return Err(Failure::cancelled()),
                // Before the events: a server that sends without end gains no time by it.
                () = sleep_until(self.deadline) => return Err(Failure::timeout(self.context)),
                () = self.pending.exceeded() => return Err(Failure::asks_too_much(self.context)),
                event = next(&mut self.events) => event,
                result = &mut work => return result,
            };
            match event {
                Event::Notified(notification) => match &*notification {
                    ServerNotification::ProgressNotification(progress) => {
                        self.progress.progress(&progress.params);
                    }
                    other => self.progress.log(other),
                },
                Event::Warned(text) => self.progress.warning(&text),
                Event::Asked { question, answer } => {
                    self.ask(Question::new(*question), answer).await?;
                }
                Event::TaskStatus(status) => self.progress.task_status(&status),
            }
        }
    }

    /// Prints messages as they come.
    pub(super) async fn listen(
        &mut self,
        session: &Session,
        listening: &Listening,
    ) -> Result<Answer, Failure> {
        let context = self.context;
        let failed = |error: ServiceError| Failure::from_service(&error, context);
        let lacks =
            |error: ServiceError| offered::failure(&error, session, Capability::Changes, context);
        if listening.resources.is_empty() && !offered::is_offered(session, Capability::Changes) {
            return Err(Failure::lacks(context, Capability::Changes.name()));
        }
        let begun = async { listen::begin(session.service(), listening).await.map_err(lacks) };
        let mut source = self.until(begun).await?;
        let mut left = listening.count;
        while left != Some(0) {
            let received = tokio::select! {
                biased;
                () = &mut self.interrupted => return Err(Failure::cancelled()),
                () = self.pending.exceeded() => return Err(Failure::asks_too_much(context)),
                event = next(&mut self.events) => match event {
                    Event::Notified(notification) => Some(*notification),
                    // There is no call, and so no task.
                    Event::TaskStatus(_) | Event::Warned(_) => continue,
                    Event::Asked { question, answer } => {
                        self.ask(Question::new(*question), answer).await?;
                        continue;
                    }
                },
                received = source.next() => received.map_err(failed)?,
            };
            let Some(notification) = received else {
                return Err(Failure::stream_ended(context));
            };
            self.progress.notification(&notification).map_err(|_| Failure::output())?;
            left = left.map(|left| left - 1);
        }
        Ok(Answer::Printed)
    }

    /// Asks the person. The deadline moves by the time that this takes.
    async fn ask(
        &mut self,
        question: Question,
        answer: oneshot::Sender<ElicitResult>,
    ) -> Result<(), Failure> {
        self.progress.clear();
        let Some(keyboard) = self.console.keyboard.clone() else {
            return Err(Failure::no_terminal(question.message()));
        };
        let begun = Instant::now();
        let server_text = ServerText::of(self.console, self.progress.sanitizer());
        // A thread of its own: there is no other way to wait for a line and for Ctrl-C.
        let asked =
            tokio::task::spawn_blocking(move || elicit::ask(&question, &*keyboard, &server_text));
        let given = tokio::select! {
            biased;
            () = &mut self.interrupted => return Err(Failure::cancelled()),
            given = asked => given,
        };
        let given = given.map_err(io::Error::other).flatten();
        let given = given.map_err(|_| Failure::output())?;
        // The call may have ended meanwhile.
        let _ = answer.send(given);
        self.deadline += begun.elapsed();
        Ok(())
    }
}

/// The next event; never, where there is none to come.
async fn next(events: &mut Option<mpsc::Receiver<Event>>) -> Event {
    if let Some(received) = events {
        if let Some(event) = received.recv().await {
            return event;
        }
        *events = None;
    }
    std::future::pending().await
}
