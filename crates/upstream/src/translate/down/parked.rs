//! What waits for its client's answers, and what calls may receive besides their own events: as
//! far as the state of a connection needs to know.

use std::any::Any;

use auth_core::Owner;

use crate::{
    asks::whose::Calls,
    translate::{capabilities::ClientCan, level::Level},
};

/// What waits: opaque, because only a translation can go on with it.
#[derive(Debug)]
pub struct Parked(pub(super) Box<dyn Any + Send>);

/// What a call that is in flight at the server may receive besides its own events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wants {
    pub(super) owner: Owner,
    pub(super) level: Option<Level>,
    pub(super) can: ClientCan,
}

/// The calls of one connection that may receive what names no call.
pub(super) type Receivers = Calls<Wants>;
