//! Which records are shown and exported.

use std::time::Duration;

use auth_core::{
    NumericDate,
    audit::{Entry, Event, Line, Timestamp},
};
use directory::{AuditSearch, by_user};
use terminal::date::When;

use crate::args::AuditFilter;

/// A filter at a time.
pub(super) struct Filter {
    /// The same as a search: it finds every record that fits, and may find others.
    pub(super) search: AuditSearch,
}

impl Filter {
    pub(super) fn new(filter: AuditFilter, now: NumericDate) -> Self {
        let AuditFilter { user, action, outcome, since, until } = filter;
        let at = |when: When| timestamp(when, now);
        let (since, until) = (since.map(at), until.map(at));
        Self { search: AuditSearch { user, action, event: outcome, since, until } }
    }

    /// Whether the record is one of them.
    pub(super) fn has(&self, line: &Line) -> bool {
        let AuditSearch { user, action, event, since, until } = &self.search;
        since.is_none_or(|since| line.time >= since)
            && until.is_none_or(|until| line.time < until)
            && user.as_deref().is_none_or(|user| is_of(user, &line.entry))
            && action.as_deref().is_none_or(|action| is_action(action, &line.entry))
            && event.is_none_or(|event| Event::of(&line.entry) == Some(event))
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
            change.object.as_deref() == Some(user) || change.by == by_user(user)
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
