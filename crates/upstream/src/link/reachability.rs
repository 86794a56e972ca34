//! Whether a server that is reached anew for each message can be reached.
//!
//! A link to such a server outlives its outages: only messages show them.

use std::{
    error::Error,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use crate::availability::Availability;

/// Whether one server can be reached, as the last message showed. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Reachability(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    availability: OnceLock<Availability>,
    /// Whether the last message could not be delivered.
    is_lost: AtomicBool,
    /// How often a message could not be delivered, or had no end to its answer.
    losses: AtomicU64,
}

impl Reachability {
    /// Says to `availability` from now on when the server is lost, and when it is found again. Only
    /// the first call counts.
    pub(crate) fn report_to(&self, availability: Availability) {
        let _ = self.0.availability.set(availability);
    }

    /// How often the server was lost. After each time it may be another version of itself.
    pub(crate) fn losses(&self) -> u64 {
        self.0.losses.load(Ordering::Acquire)
    }

    /// The server was there, and ended an answer before its end.
    pub(crate) fn interrupted(&self) {
        self.0.losses.fetch_add(1, Ordering::AcqRel);
    }

    /// A message was answered.
    pub(crate) fn found(&self) {
        // What the server answers to a start that fails is no reason to call it available.
        if self.0.is_lost.load(Ordering::Acquire)
            && self.0.is_lost.swap(false, Ordering::AcqRel)
            && let Some(availability) = self.0.availability.get()
        {
            availability.succeeded();
        }
    }

    /// A message could not be delivered.
    pub(crate) fn lost(&self, error: &(dyn Error + 'static)) {
        self.0.is_lost.store(true, Ordering::Release);
        self.interrupted();
        if let Some(availability) = self.0.availability.get() {
            availability.failed(error);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_unavailable_from_a_message_that_is_not_delivered_to_one_that_is_answered() {
        let (reachability, availability) = (Reachability::default(), Availability::new("notes"));
        reachability.report_to(availability.clone());
        reachability.found();
        assert_eq!(availability.failing_since(), None);
        reachability.lost(&std::io::Error::other("refused"));
        assert!(availability.failing_since().is_some());
        reachability.clone().found();
        assert_eq!((availability.failing_since(), reachability.losses()), (None, 1));
        reachability.interrupted();
        assert_eq!((availability.failing_since(), reachability.losses()), (None, 2));
        // A start that failed although the server answers is over with the next start.
        availability.failed(&std::io::Error::other("no MCP server"));
        reachability.found();
        assert!(availability.failing_since().is_some());
    }
}
