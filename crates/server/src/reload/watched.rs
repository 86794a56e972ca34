//! Files that are read again, checked whole, and put in force or refused.

use std::{num::NonZeroU32, sync::Arc};

use auth_core::Clock;
use settings::Settling;

use super::{
    error::ReloadError,
    health::ReloadHealth,
    records::{ChangeRecords, FILES, OPERATOR},
};

/// Files that belong together, and what depends on them.
pub(crate) trait Source: Send + 'static {
    /// All that is read of them, including why something cannot be read.
    type Content: PartialEq + Send;

    /// What to call them: `policy`.
    fn label(&self) -> String;

    /// Reads them; `afresh`, whatever their dates say.
    fn read(&mut self, afresh: bool) -> Self::Content;

    /// Checks `content` whole, and puts it in force at once. Refused, with what was in force before
    /// still so, if there is an error.
    fn apply(&mut self, content: &Self::Content) -> Result<Applied, ReloadError>;

    /// What the record of a change says of what is in force now: the digest of a policy.
    fn detail(&self) -> Option<String> {
        None
    }
}

/// What became of a version of files that is accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Applied {
    /// It is in force, and differs from the one before.
    Changed,
    /// It is what was in force before.
    Same,
}

/// Something that is read again.
pub(crate) trait Part: Send {
    /// Reads it; what has changed and is settled is put in force or refused.
    fn look(&mut self);
    /// The operator asks for it: it is judged even if it has not changed.
    fn ask(&mut self);
    /// Whether it was judged since the operator asked, and once at least. What is judged again,
    /// because it may be accepted later, was.
    fn is_settled(&self) -> bool;
    /// What `/readyz` says of it.
    fn health(&self) -> ReloadHealth;
    /// Records in `records` what is put in force from now on. Keys, which are also read by
    /// themselves, are not.
    fn record_in(&mut self, _records: &ChangeRecords) {}
}

/// A [`Source`] that is watched.
pub(crate) struct Watched<S: Source> {
    source: S,
    settling: Settling<S::Content>,
    health: ReloadHealth,
    /// The operator asks, and it was not judged since.
    is_asked: bool,
    /// It was judged once at least.
    is_judged: bool,
    /// The last refusal was for what is outside of these files: after so many looks it may have
    /// changed.
    again_after: Option<NonZeroU32>,
    records: ChangeRecords,
    clock: Arc<dyn Clock>,
}

impl<S: Source> Watched<S> {
    /// What is read first is judged, too: it may have changed since the start.
    pub(crate) fn new(source: S, clock: Arc<dyn Clock>) -> Self {
        let health = ReloadHealth::new(&source.label());
        let settling = Settling::new();
        Self {
            source,
            settling,
            health,
            is_asked: false,
            is_judged: false,
            again_after: None,
            records: ChangeRecords::default(),
            clock,
        }
    }
}

impl<S: Source> Part for Watched<S> {
    fn look(&mut self) {
        if let Some(looks) = self.again_after {
            self.again_after = NonZeroU32::new(looks.get() - 1);
            if self.again_after.is_none() {
                self.settling.forget();
            }
        }
        let Some(content) = self.settling.read(self.source.read(self.is_asked)) else { return };
        let label = self.source.label();
        // Before it is judged: what panics was, too.
        let is_asked = std::mem::take(&mut self.is_asked);
        self.is_judged = true;
        self.again_after = None;
        match self.source.apply(content) {
            Ok(applied) => {
                let was_refused = self.health.accepted();
                if applied == Applied::Changed {
                    tracing::info!("Read again, and in force: the {label}");
                    let by = if is_asked { OPERATOR } else { FILES };
                    self.records.reloaded(by, label, self.source.detail());
                } else if was_refused || is_asked {
                    tracing::info!("Read again, and as before: the {label}");
                }
            }
            Err(error) => {
                self.again_after = error.looks_until_again();
                if self.health.refused(&error, self.clock.now()) || is_asked {
                    let error: &(dyn std::error::Error + 'static) = &error;
                    tracing::warn!(
                        error,
                        "Read again, and refused, so that the old one stays in force: the {label}"
                    );
                }
            }
        }
    }

    fn ask(&mut self) {
        self.is_asked = true;
        self.settling.forget();
    }

    fn is_settled(&self) -> bool {
        self.is_judged && !self.is_asked
    }

    fn health(&self) -> ReloadHealth {
        self.health.clone()
    }

    fn record_in(&mut self, records: &ChangeRecords) {
        self.records = records.clone();
    }
}
