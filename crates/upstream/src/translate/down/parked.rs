//! A call that waits for its client's answers.

use auth_core::Owner;

use super::open_ask::OpenAsk;
use crate::{
    asks::{
        rounds::Rounds,
        turn::Turn,
        whose::{Calls, Place},
    },
    translate::{capabilities::ClientCan, driven::Behind, level::Level},
    wire::Message,
};

/// What waits: opaque, because only a translation can go on with it.
#[derive(Debug)]
pub struct Parked(pub(super) Waits);

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

/// What a call that is in flight at the server may receive besides its own events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wants {
    pub(super) owner: Owner,
    pub(super) level: Option<Level>,
    pub(super) can: ClientCan,
}

/// A call in flight at the server.
#[derive(Debug)]
pub(super) struct Active {
    pub(super) behind: Behind,
    /// The request as the server got it.
    pub(super) request: Message,
    pub(super) place: Option<Place<Wants>>,
    pub(super) rounds: Rounds,
    #[expect(dead_code, reason = "held until the call ends")]
    pub(super) turn: Option<Turn>,
    /// Whether it became or may become a task.
    pub(super) is_task: bool,
}

/// The calls of one connection that may receive what names no call.
pub(super) type Receivers = Calls<Wants>;
