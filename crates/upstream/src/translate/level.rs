//! Levels of log messages (RFC 5424 §6.2.1, as MCP names them), lowest first.
//!
//! An old client sets the level of its session (`logging/setLevel`). A new one says with each
//! request which level it wants, and gets no log message without that.

use crate::wire::Object;

/// A level, ordered by severity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Level {
    Debug,
    Info,
    Notice,
    Warning,
    Error,
    Critical,
    Alert,
    Emergency,
}

const NAMES: [(&str, Level); 8] = [
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("notice", Level::Notice),
    ("warning", Level::Warning),
    ("error", Level::Error),
    ("critical", Level::Critical),
    ("alert", Level::Alert),
    ("emergency", Level::Emergency),
];

impl Level {
    pub(crate) fn parse(name: &str) -> Option<Self> {
        NAMES.iter().find(|(known, _)| *known == name).map(|&(_, level)| level)
    }

    pub(crate) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, level)| *level == self).map_or("emergency", |(name, _)| name)
    }

    /// The member `level` of `params`: of `logging/setLevel` and of `notifications/message`.
    pub(crate) fn of(params: Option<&str>) -> Option<Self> {
        Self::parse(&Object::parse(params?).ok()?.text("level")?)
    }
}

/// Whether a caller that asked for `wanted` gets the log message with these `params`. One whose
/// level is not known is left out.
pub(crate) fn is_wanted(params: Option<&str>, wanted: Option<Level>) -> bool {
    wanted.zip(Level::of(params)).is_some_and(|(wanted, said)| said >= wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_order() {
        for (name, level) in NAMES {
            assert_eq!(Level::parse(name), Some(level));
            assert_eq!(level.name(), name);
        }
        assert!(NAMES.is_sorted_by(|(_, one), (_, other)| one < other));
        assert_eq!(Level::parse("trace"), None);
    }

    #[test]
    fn a_message_reaches_whom_asked_for_its_level() {
        let warning = Some(r#"{"level":"warning","data":1}"#);
        assert!(is_wanted(warning, Some(Level::Debug)));
        assert!(is_wanted(warning, Some(Level::Warning)));
        assert!(!is_wanted(warning, Some(Level::Error)));
        assert!(!is_wanted(warning, None));
        for unknown in [None, Some("{}"), Some(r#"{"level":"loud"}"#), Some(r#"{"level":1}"#)] {
            assert!(!is_wanted(unknown, Some(Level::Debug)), "{unknown:?}");
        }
    }
}
