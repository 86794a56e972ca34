//! What a server says of itself when a connection begins.

use crate::wire::{MessageError, Object, unquote};

/// A generation of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Era {
    /// `initialize` and sessions: 2024-11-05 to 2025-11-25.
    Old,
    /// Without either: from 2026-07-28 on.
    New,
}

/// The revision with which the new generation begins. Revisions are dates, and compare as texts.
pub(crate) const FIRST_NEW: &str = "2026-07-28";
/// The last revision of the old generation.
pub(crate) const LAST_OLD: &str = "2025-11-25";

/// The revisions of the old generation.
const OLD: [&str; 4] = ["2024-11-05", "2025-03-26", "2025-06-18", LAST_OLD];

/// Whether this is a revision of the old generation.
pub(crate) fn is_known_old(revision: &str) -> bool {
    OLD.contains(&revision)
}

impl Era {
    /// The generation of a revision.
    #[must_use]
    pub fn of(revision: &str) -> Self {
        if revision < FIRST_NEW { Self::Old } else { Self::New }
    }
}

/// The result of `initialize` or `server/discover`, as the server wrote it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    era: Era,
    result: Box<str>,
}

impl Hello {
    pub(crate) fn new(era: Era, result: &str) -> Self {
        Self { era, result: result.into() }
    }

    /// The generation that the connection has.
    #[must_use]
    pub const fn era(&self) -> Era {
        self.era
    }

    /// The result as JSON: an object.
    #[must_use]
    pub const fn result(&self) -> &str {
        &self.result
    }

    /// The revisions that the server names: the one that was agreed upon (old), or all that it
    /// supports (new).
    #[must_use]
    pub fn revisions(&self) -> Vec<String> {
        let Ok(result) = Object::parse(&self.result) else { return Vec::new() };
        let text = |json: &str| unquote(json).map(std::borrow::Cow::into_owned);
        match self.era {
            Era::Old => result.get("protocolVersion").and_then(text).into_iter().collect(),
            Era::New => {
                let supported = result.items("supportedVersions").unwrap_or_default();
                supported.into_iter().filter_map(text).collect()
            }
        }
    }
}

/// Who we are, in `clientInfo`.
pub(crate) const CLIENT_INFO: &str =
    concat!("{\"name\":\"bartizan\",\"version\":\"", env!("CARGO_PKG_VERSION"), "\"}");

/// `params` with the `_meta` that requests have from 2026-07-28 on.
pub(crate) fn with_meta(params: &str) -> Result<String, MessageError> {
    let mut params = Object::parse(params).map_err(MessageError::Json)?;
    let mut meta = params.object("_meta").unwrap_or_default().to_string();
    let mut with = Object::parse(&meta).map_err(MessageError::Json)?;
    for (name, json) in [
        ("io.modelcontextprotocol/protocolVersion", "\"2026-07-28\""),
        ("io.modelcontextprotocol/clientInfo", CLIENT_INFO),
        ("io.modelcontextprotocol/clientCapabilities", "{}"),
    ] {
        with.set(name, json);
    }
    meta = with.to_string();
    params.set("_meta", meta);
    Ok(params.to_string())
}
