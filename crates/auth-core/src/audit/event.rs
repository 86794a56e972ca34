//! What a record is about, in one word.

use super::{Entry, Outcome};

/// What a record is about: a decision with its outcome, or something else that happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A decision about a request, or what happened to it afterwards.
    Decision(Outcome),
    /// An administrative change.
    Changed,
    /// A process opened the log.
    Started,
    /// Requests without records of their own.
    Skipped,
    /// Old files were removed.
    Removed,
}

impl Event {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        let others = [Self::Changed, Self::Started, Self::Skipped, Self::Removed];
        Outcome::ALL.into_iter().map(Self::Decision).chain(others)
    }

    /// What the entry is about; `None` for what only the log itself needs, and for what a later
    /// version records.
    #[must_use]
    pub fn of(entry: &Entry) -> Option<Self> {
        match entry {
            Entry::Decision(decision) => Some(Self::Decision(decision.outcome)),
            Entry::Change(_) => Some(Self::Changed),
            Entry::Start { .. } => Some(Self::Started),
            Entry::Skipped { .. } => Some(Self::Skipped),
            Entry::Removed { .. } => Some(Self::Removed),
            Entry::Checkpoint { .. } | Entry::Unknown => None,
        }
    }

    /// Its word, as people see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decision(outcome) => outcome.name(),
            Self::Changed => "changed",
            Self::Started => "started",
            Self::Skipped => "skipped",
            Self::Removed => "removed",
        }
    }

    /// The kind of its record ([`Entry::kind`]).
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Decision(_) => "decision",
            Self::Changed => "change",
            Self::Started => "start",
            Self::Skipped => "skipped",
            Self::Removed => "removed",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Change;

    #[test]
    fn an_event_has_the_kind_of_its_entry_and_a_word_of_its_own() {
        let change = Change {
            by: "a".into(),
            command: "users add".into(),
            object: None,
            issuer: None,
            detail: None,
        };
        for entry in [
            Entry::Change(Box::new(change)),
            Entry::Start { version: "1".into(), removed_bytes: 0 },
            Entry::Skipped { count: 1 },
            Entry::Removed { through: 1 },
        ] {
            assert_eq!(Event::of(&entry).map(Event::kind), Some(entry.kind()));
        }
        assert_eq!(Event::of(&Entry::Checkpoint { jws: String::new() }), None);
        let mut names: Vec<_> = Event::all().map(Event::name).collect();
        assert_eq!(names.len(), 10);
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), 10);
    }
}
