//! A call that is in flight at the server, or waits for its client's answers.

use std::sync::Arc;

use super::{
    open_ask::OpenAsk,
    parked::{Parked, Wants},
    shared::Shared,
};
use crate::{
    asks::{rounds::Rounds, turn::Turn, whose::Place},
    translate::driven::Behind,
    wire::Message,
};

/// What a [`Parked`] has in it.
#[derive(Debug)]
pub(super) enum Waits {
    /// A call in flight, whose server has asked.
    Call(Box<ParkedCall>),
    /// A call that the server has refused until URLs are visited (-32042).
    Urls(Rounds),
}

#[derive(Debug)]
pub(super) struct ParkedCall {
    pub(super) active: Active,
    pub(super) asked: Vec<Asked>,
}

/// A question that a client was given.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) key: String,
    /// As an element of `inputRequests`.
    pub(super) request: String,
    pub(super) open: OpenAsk,
}

/// A call in flight at the server.
#[derive(Debug)]
pub(super) struct Active {
    /// The connection that it is on. Its client may come back over another one.
    pub(super) home: Arc<Shared>,
    pub(super) behind: Behind,
    /// The request as the server got it.
    pub(super) request: Message,
    pub(super) place: Option<Place<Wants>>,
    pub(super) rounds: Rounds,
    #[expect(dead_code, reason = "held until the call ends")]
    pub(super) turn: Option<Turn>,
    /// Whether it may become a task.
    pub(super) is_task: bool,
}

impl Waits {
    pub(super) fn park(self) -> Parked {
        Parked(Box::new(self))
    }

    /// What was parked. There is nothing else in a [`Parked`].
    pub(super) fn from(parked: Parked) -> Option<Self> {
        parked.0.downcast().ok().map(|waits| *waits)
    }
}
