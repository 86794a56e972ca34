//! The wait for an answer: what else happens meanwhile, and the ways in which it ends early.
//!
//! 1. Ctrl-C ends it at once. What was asked is dropped, of which rmcp tells the server.
//! 2. The time that the configuration gives ends it, but for the time in which a person is asked.
//! 3. Progress is shown, questions are asked, and without a terminal a question is a failure.
//! 4. A server with more requests of its own than [`PendingRequests`] allows ends it.

use std::{future::Future, io, pin::Pin};

use rmcp::model::{ElicitResult, ServerNotification};
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};

use super::{
    Answer,
    listen::{self, Listening},
};
use crate::{
    config::Config,
    connect::Session,
    console::Console,
    elicit::{self, Question, ServerText},
    failure::Failure,
    handler::Event,
    output::Printer,
    transport::PendingRequests,
};

/// Somebody who waits.
pub(super) struct Watch<'w, 'p> {
    config: &'w Config,
    console: &'w Console,
    printer: &'w mut Printer<'p>,
    deadline: Instant,
    events: Option<mpsc::Receiver<Event>>,
    pending: PendingRequests,
    interrupted: Pin<Box<dyn Future<Output = ()>>>,
}

impl<'w, 'p> Watch<'w, 'p> {
    /// From now on.
    pub(super) fn new(
        config: &'w Config,
        console: &'w Console,
        printer: &'w mut Printer<'p>,
    ) -> Self {
        let deadline = Instant::now() + config.timeout;
        let interrupted = Box::pin(interrupted());
        let pending = PendingRequests::default();
        Self { config, console, printer, deadline, events: None, pending, interrupted }
    }

    /// Also listens to a session.
    pub(super) fn hear(&mut self, session: &Session, events: mpsc::Receiver<Event>) {
        self.pending = session.handler().pending().clone();
        self.events = Some(events);
    }

    /// Clears what was shown for the time of the wait.
    pub(super) fn quiet(&mut self) {
        self.printer.clear_progress();
    }

    /// Waits for an answer.
    pub(super) async fn hold<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::pin!(work);
        loop {
            let event = tokio::select! {
                biased;
                () = &mut self.interrupted => return Err(Failure::cancelled()),
                // Before the events: a server that never stops talking gains no time by it.
                () = sleep_until(self.deadline) => return Err(Failure::timeout(self.config)),
                () = self.pending.exceeded() => return Err(Failure::asks_too_much(self.config)),
                event = next(&mut self.events) => event,
                result = &mut work => return result,
            };
            match event {
                Event::Told(told) => {
                    if let ServerNotification::ProgressNotification(progress) = &*told {
                        self.printer.progress(&progress.params);
                    }
                }
                Event::Asked { question, answer } => {
                    self.ask(Question::new(*question), answer).await?;
                }
                Event::Status(words) => self.printer.status(&words),
            }
        }
    }

    /// Prints messages as they come.
    pub(super) async fn listen(
        &mut self,
        session: &Session,
        listening: &Listening,
    ) -> Result<Answer, Failure> {
        let config = self.config;
        let begun = async {
            let begun = listen::begin(session.service(), listening).await;
            begun.map_err(|error| Failure::from_service(&error, config))
        };
        let mut source = self.hold(begun).await?;
        let mut left = listening.count;
        while left != Some(0) {
            let told = tokio::select! {
                biased;
                () = &mut self.interrupted => return Err(Failure::cancelled()),
                () = self.pending.exceeded() => return Err(Failure::asks_too_much(config)),
                event = next(&mut self.events) => match event {
                    Event::Told(told) => Some(*told),
                    // There is no call, and so no task.
                    Event::Status(_) => continue,
                    Event::Asked { question, answer } => {
                        self.ask(Question::new(*question), answer).await?;
                        continue;
                    }
                },
                told = source.next() => told.map_err(|error| Failure::from_service(&error, config))?,
            };
            let Some(told) = told else {
                return Err(Failure::stopped_telling(config));
            };
            self.printer.told(&told)?;
            left = left.map(|left| left - 1);
        }
        Ok(Answer::Printed)
    }

    /// Asks the person, for whom the clock stands still.
    async fn ask(
        &mut self,
        question: Question,
        answer: oneshot::Sender<ElicitResult>,
    ) -> Result<(), Failure> {
        self.printer.clear_progress();
        let Some(keyboard) = self.console.keyboard.clone() else {
            return Err(Failure::no_terminal(question.message()));
        };
        let begun = Instant::now();
        let server_text = ServerText::of(self.console, self.printer.screen().to_owned());
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
        // Whoever asked may be gone.
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

/// Ends with the first Ctrl-C; never, where there is no such thing.
async fn interrupted() {
    let pressed: io::Result<()> = tokio::signal::ctrl_c().await;
    if pressed.is_err() {
        std::future::pending::<()>().await;
    }
}
