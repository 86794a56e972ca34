//! One record as a row: the line as it is, and what one searches for.

use auth_core::audit::{Entry, Event, Line};
use sqlx::{FromRow, Row, postgres::PgRow};

/// How much of a text is in a column, in bytes: an index takes no long ones, and a caller chooses
/// some of them.
const MAX_COLUMN_BYTES: usize = 256;

/// A row of the table: everything but the name of its log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// The number of the record.
    pub sequence: i64,
    /// The node that wrote it.
    pub node: String,
    /// When, in milliseconds since 1970-01-01T00:00:00Z.
    pub millis: i64,
    /// What kind of record it is: `decision`.
    pub kind: String,
    /// What was decided, or `changed`.
    pub outcome: Option<String>,
    /// `iss` of the caller.
    pub issuer: Option<String>,
    /// `sub` of the caller, or who made the change.
    pub subject: Option<String>,
    /// `client_id` of the caller.
    pub client: Option<String>,
    /// The method, or the command.
    pub action: Option<String>,
    /// The tool, resource or prompt; or what was changed.
    pub target: Option<String>,
    /// The URI of the protected resource.
    pub resource: Option<String>,
    /// The hash of the record.
    pub hash: String,
    /// The record as it is in the file, without its line break.
    pub line: String,
}

impl AuditRow {
    /// The row of `record`, which was read from `line`.
    #[must_use]
    pub fn of(record: &Line, line: &str) -> Self {
        let none = Self {
            sequence: i64::try_from(record.sequence).unwrap_or(i64::MAX),
            node: column(&record.node),
            millis: i64::try_from(record.time.as_millis()).unwrap_or(i64::MAX),
            kind: record.entry.kind().to_owned(),
            outcome: None,
            issuer: None,
            subject: None,
            client: None,
            action: None,
            target: None,
            resource: None,
            hash: record.hash.to_string(),
            line: line.to_owned(),
        };
        let some = |text: &String| Some(column(text));
        match &record.entry {
            Entry::Decision(decision) => Self {
                outcome: Some(decision.outcome.name().to_owned()),
                issuer: decision.who.as_ref().map(|who| column(&who.issuer)),
                subject: decision.who.as_ref().map(|who| column(&who.subject)),
                client: decision.who.as_ref().and_then(|who| who.client.as_ref()).and_then(some),
                action: decision.what.method.as_ref().and_then(some),
                target: decision.what.target.as_ref().and_then(some),
                resource: some(&decision.what.resource),
                ..none
            },
            Entry::Change(change) => Self {
                outcome: Some(Event::Changed.name().to_owned()),
                subject: some(&change.by),
                action: some(&change.command),
                target: change.object.as_ref().and_then(some),
                ..none
            },
            _ => none,
        }
    }

    /// Whether the other columns say what the line says. Of a line that is no record that question
    /// is not asked: its fault is another one.
    #[must_use]
    pub fn is_of_its_line(&self) -> bool {
        let Ok(record) = Line::parse(self.line.as_bytes()) else { return true };
        let wanted = Self::of(&record, &self.line);
        if record.entry == Entry::Unknown {
            // A later version fills its columns.
            let key = |row: &Self| (row.sequence, row.node.clone(), row.millis, row.hash.clone());
            return key(self) == key(&wanted);
        }
        *self == wanted
    }
}

impl FromRow<'_, PgRow> for AuditRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        Ok(Self {
            sequence: row.try_get("sequence")?,
            node: row.try_get("node")?,
            millis: row.try_get("millis")?,
            kind: row.try_get("kind")?,
            outcome: row.try_get("outcome")?,
            issuer: row.try_get("issuer")?,
            subject: row.try_get("subject")?,
            client: row.try_get("client")?,
            action: row.try_get("action")?,
            target: row.try_get("target")?,
            resource: row.try_get("resource")?,
            hash: row.try_get("hash")?,
            line: row.try_get("line")?,
        })
    }
}

/// The beginning of a text, without what PostgreSQL does not store (U+0000).
pub(super) fn column(text: &str) -> String {
    let end = (0..=MAX_COLUMN_BYTES.min(text.len())).rev().find(|at| text.is_char_boundary(*at));
    text.get(..end.unwrap_or_default()).unwrap_or_default().replace('\0', "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use auth_core::audit::{Chain, Change, Head, Timestamp};

    use super::*;

    #[test]
    fn a_column_has_the_beginning_of_a_text_and_nothing_that_cannot_be_stored() {
        assert_eq!(column("a\0b"), "a\u{fffd}b");
        assert_eq!(column(&"é".repeat(200)), "é".repeat(128));
        assert_eq!(column(&format!("a{}", "é".repeat(200))).len(), 255);
    }

    #[test]
    fn a_change_is_found_by_who_made_it_and_by_what_was_changed() {
        let change = Change {
            by: "root@a".into(),
            command: "users disable".into(),
            object: Some("carol".into()),
            issuer: None,
            detail: None,
        };
        let time = Timestamp::since_epoch(std::time::Duration::from_millis(1_800_000_000_123));
        let text = Chain::after(Head::EMPTY, "a").append(time, &Entry::Change(Box::new(change)));
        let row = AuditRow::of(&Line::parse(text.as_bytes()).unwrap(), &text);
        assert_eq!((row.sequence, row.millis, row.kind.as_str()), (1, 1_800_000_000_123, "change"));
        assert_eq!(row.subject.as_deref(), Some("root@a"));
        assert_eq!(row.action.as_deref(), Some("users disable"));
        assert_eq!(row.target.as_deref(), Some("carol"));
        assert_eq!(row.line, text);
        assert!(row.is_of_its_line());
        let others = [
            AuditRow { subject: Some("other@a".into()), ..row.clone() },
            AuditRow { sequence: 2, ..row.clone() },
            AuditRow { millis: row.millis + 1, ..row.clone() },
            AuditRow { outcome: None, ..row.clone() },
        ];
        assert!(others.iter().all(|other| !other.is_of_its_line()));
    }
}
