//! Which records are shown and exported.

use std::time::Duration;

use auth_core::{
    NumericDate,
    audit::{Entry, Line, Outcome, Timestamp},
};
use terminal::date::When;

use crate::args::AuditFilter;

/// A filter at a time.
pub(super) struct Filter {
    user: Option<String>,
    action: Option<String>,
    outcome: Option<Outcome>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
}

impl Filter {
    pub(super) fn new(filter: AuditFilter, now: NumericDate) -> Self {
        let AuditFilter { user, action, outcome, since, until } = filter;
        let at = |when: When| timestamp(when, now);
        Self { user, action, outcome, since: since.map(at), until: until.map(at) }
    }

    /// Whether the record is one of them.
    pub(super) fn has(&self, line: &Line) -> bool {
        self.since.is_none_or(|since| line.time >= since)
            && self.until.is_none_or(|until| line.time < until)
            && self.user.as_deref().is_none_or(|user| is_of(user, &line.entry))
            && self.action.as_deref().is_none_or(|action| is_action(action, &line.entry))
            && self.outcome.is_none_or(|outcome| is_outcome(outcome, &line.entry))
    }
}

/// The time that is meant: so long ago, or a date.
fn timestamp(when: When, now: NumericDate) -> Timestamp {
    let secs = match when {
        When::In(ago) => u64::try_from(now.as_secs()).unwrap_or(0).saturating_sub(ago.as_secs()),
        When::At(date) => u64::try_from(date.as_secs()).unwrap_or(0),
    };
    Timestamp::since_epoch(Duration::from_secs(secs))
}

fn is_of(user: &str, entry: &Entry) -> bool {
    match entry {
        Entry::Decision(decision) => decision.who.as_ref().is_some_and(|who| who.subject == user),
        Entry::Change(change) => {
            change.object.as_deref() == Some(user)
                || change.by.strip_prefix("user ").is_some_and(|by| by == user)
        }
        _ => false,
    }
}

fn is_action(action: &str, entry: &Entry) -> bool {
    match entry {
        Entry::Decision(decision) => {
            let (method, target) =
                (decision.what.method.as_deref(), decision.what.target.as_deref());
            let both = method.zip(target).map(|(method, target)| format!("{method} {target}"));
            method == Some(action) || target == Some(action) || both.as_deref() == Some(action)
        }
        Entry::Change(change) => change.command == action,
        _ => false,
    }
}

fn is_outcome(outcome: Outcome, entry: &Entry) -> bool {
    matches!(entry, Entry::Decision(decision) if decision.outcome == outcome)
}
