//! Which rows a search is for, as SQL with bound parameters.
//!
//! 1. Every record that fits is found. A column has the beginning of a text alone, so a search for
//!    a long text also finds others with this beginning: who searches compares the lines.
//! 2. Rows are found by their columns. Whether these say what the line says is asked of each row
//!    that is found ([`AuditRow::is_of_its_line`](super::AuditRow::is_of_its_line)); a row that is
//!    hidden by a changed column is found by who reads all rows.

use auth_core::audit::{Event, Timestamp};
use sqlx::{Postgres, QueryBuilder};

use super::row::column;

const SELECT: &str = "SELECT sequence, node, \
     round(extract(epoch FROM recorded_at) * 1000)::bigint AS millis, kind, outcome, issuer, \
     subject, client, action, target, resource, hash, line FROM audit_records WHERE log = ";

/// In an action with more spaces the end of the method is not looked for: all records are found.
const MAX_SPACES: usize = 32;

/// A search for records that fit everything that is given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditSearch {
    /// Of this user (`sub`), as the caller, as who made a change, or as what was changed.
    pub user: Option<String>,
    /// Of this method, target, or both with a space between; or of this command.
    pub action: Option<String>,
    /// About this.
    pub event: Option<Event>,
    /// From then on.
    pub since: Option<Timestamp>,
    /// Before then.
    pub until: Option<Timestamp>,
}

/// Who made a change, in its record, if it was this user.
#[must_use]
pub fn by_user(user: &str) -> String {
    format!("user {user}")
}

/// A place among rows, the newest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Before {
    /// The time of the row, in milliseconds.
    pub millis: i64,
    /// Its number.
    pub sequence: i64,
}

/// The first rows of `log` whose numbers are greater than `after`.
pub(super) fn by_number(
    log: &str,
    search: &AuditSearch,
    after: i64,
    limit: i64,
) -> QueryBuilder<Postgres> {
    let mut query = matching(log, search);
    query.push(" AND sequence > ").push_bind(after);
    query.push(" ORDER BY sequence LIMIT ").push_bind(limit);
    query
}

/// The newest rows of `log`, those of a time by number, that are older than `before`.
pub(super) fn newest(
    log: &str,
    search: &AuditSearch,
    before: Option<Before>,
    limit: i64,
) -> QueryBuilder<Postgres> {
    let mut query = matching(log, search);
    if let Some(Before { millis, sequence }) = before {
        query.push(" AND (recorded_at, sequence) < (");
        time(&mut query, millis).push(", ").push_bind(sequence).push(")");
    }
    query.push(" ORDER BY recorded_at DESC, sequence DESC LIMIT ").push_bind(limit);
    query
}

fn matching(log: &str, search: &AuditSearch) -> QueryBuilder<Postgres> {
    let AuditSearch { user, action, event, since, until } = search;
    let mut query = QueryBuilder::new(SELECT);
    query.push_bind(log.to_owned());
    for (at, than) in [(since, ">="), (until, "<")] {
        if let Some(at) = at {
            query.push(" AND recorded_at ").push(than).push(" ");
            time(&mut query, i64::try_from(at.as_millis()).unwrap_or(i64::MAX));
        }
    }
    if let Some(event) = event {
        query.push(" AND kind = ").push_bind(event.kind());
        if let Event::Decision(outcome) = event {
            query.push(" AND outcome = ").push_bind(outcome.name());
        }
    }
    if let Some(user) = user {
        query.push(" AND (kind = 'decision' AND subject = ").push_bind(column(user));
        query.push(" OR kind = 'change' AND (target = ").push_bind(column(user));
        query.push(" OR subject = ").push_bind(column(&by_user(user))).push("))");
    }
    if let Some(action) = action.as_deref().filter(|text| text.matches(' ').count() <= MAX_SPACES) {
        query.push(" AND (action = ").push_bind(column(action));
        query.push(" OR kind = 'decision' AND (target = ").push_bind(column(action));
        for (method, target) in both(action) {
            query.push(" OR action = ").push_bind(method);
            query.push(" AND target = ").push_bind(target);
        }
        query.push("))");
    }
    query
}

/// The same expression as where a row is added, so that a time is equal to itself.
fn time(query: &mut QueryBuilder<Postgres>, millis: i64) -> &mut QueryBuilder<Postgres> {
    query.push("to_timestamp(").push_bind(millis).push("::bigint / 1000.0)")
}

/// Each method and target that are `action` with a space between.
fn both(action: &str) -> impl Iterator<Item = (String, String)> {
    action.match_indices(' ').map(|(at, _)| {
        let (method, rest) = action.split_at(at);
        (column(method), column(rest.get(1..).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_may_be_a_method_and_a_target_wherever_it_has_a_space() {
        let pairs = |action| both(action).collect::<Vec<_>>();
        assert_eq!(pairs("tools/call"), []);
        let pair = |method: &str, target: &str| (method.to_owned(), target.to_owned());
        assert_eq!(pairs("tools/call a b"), [pair("tools/call", "a b"), pair("tools/call a", "b")]);
        assert_eq!(pairs("a  b"), [pair("a", " b"), pair("a ", "b")]);
    }

    #[test]
    fn what_is_searched_for_is_no_part_of_the_statement() {
        let hostile = "'; DROP TABLE audit_records; --";
        let search = AuditSearch {
            user: Some(hostile.into()),
            action: Some(hostile.into()),
            event: Some(Event::Decision(auth_core::audit::Outcome::Denied)),
            since: Some(Timestamp::since_epoch(std::time::Duration::from_secs(7))),
            until: Some(Timestamp::since_epoch(std::time::Duration::from_secs(8))),
        };
        let before = Some(Before { millis: 1, sequence: 2 });
        for query in [by_number(hostile, &search, 7, 8), newest(hostile, &search, before, 8)] {
            let text = query.into_string();
            assert!(!text.contains("DROP") && !text.contains("7000"), "{text}");
        }
    }
}
