//! The lock file of an upstream: what was accepted, as JSON.
//!
//! It has each definition with its digest, in the order of their names and each member on a line of
//! its own, so that a version control system shows what a change of it accepts. Nothing in it is
//! secret. It also says whether the policy beside it is still the one that was suggested, which may
//! not have been read by anyone, and how often something was accepted. So the file differs after
//! each acceptance, also of what had been accepted before.

use super::{Definition, DefinitionError, Digest, Json, JsonError, Kind, Pins};
use crate::wire::{self, Object, items, unquote};

/// The version of the format.
const VERSION: &str = "1";
const ABOUT: &str = "What the upstream said about itself when it was accepted. \
    Written by `server upstreams accept`; keep it beside the policy.";

/// What a lock file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lock {
    /// What was accepted.
    pub pins: Pins,
    /// The digest of the policy file as it was suggested, until it is accepted. A file that differs
    /// from it was edited, and counts as accepted.
    pub suggested_policy: Option<Digest>,
    /// How often the operator has accepted what was offered.
    pub acceptances: u64,
}

/// Why a lock file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Not the JSON of a lock file.
    #[error("not the JSON of a lock file")]
    Syntax(#[from] wire::JsonError),
    /// Written by a later version.
    #[error("its version is not {VERSION}: use the program that wrote it")]
    Version,
    /// A member that has no meaning, or one twice.
    #[error("{0:?}: an unknown member, or one that is there twice")]
    Member(String),
    /// A definition that is none.
    #[error("it has {0}")]
    Definition(DefinitionError),
    /// A definition whose digest is that of another one.
    #[error("the {kind} {key:?} and its digest differ", kind = .0.name(), key = .1)]
    Digest(Kind, String),
}

impl Lock {
    /// Reads the text of a lock file.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let mut definitions = Vec::new();
        let object = Object::parse(text)?;
        let (mut version, mut suggested_policy, mut acceptances) = (None, None, 0);
        for (name, value) in object.iter() {
            match name {
                "about" => {}
                "version" => version = Some(value),
                "suggested_policy" => {
                    let digest = unquote(value).and_then(|digest| digest.parse().ok());
                    let digest = digest.ok_or_else(|| LockError::Member(name.to_owned()))?;
                    suggested_policy = Some(digest);
                }
                "acceptances" => {
                    let number = value.parse().map_err(|_| LockError::Member(name.to_owned()));
                    acceptances = number?;
                }
                member => {
                    let Some(kind) = Kind::of_member(member) else {
                        return Err(LockError::Member(name.to_owned()));
                    };
                    for entry in items(value)? {
                        definitions.push(entry_of(kind, entry)?);
                    }
                }
            }
        }
        if version != Some(VERSION) {
            return Err(LockError::Version);
        }
        let pins = Pins::accepting(&definitions);
        // What is left out is a twin, or a name that is there twice.
        let lost = definitions.iter().find(|it| pins.get(it.kind(), it.key()) != Some(it));
        match lost {
            Some(twin) => Err(LockError::Member(twin.key().to_owned())),
            None => Ok(Self { pins, suggested_policy, acceptances }),
        }
    }

    /// The text of the file.
    #[must_use]
    pub fn text(&self) -> String {
        let text = |text: &str| Json::Text(text.to_owned());
        let mut members = vec![
            ("about".to_owned(), text(ABOUT)),
            ("version".to_owned(), Json::Number(VERSION.to_owned())),
        ];
        if let Some(digest) = self.suggested_policy {
            members.push(("suggested_policy".to_owned(), text(&digest.to_string())));
        }
        if self.acceptances > 0 {
            members.push(("acceptances".to_owned(), Json::Number(self.acceptances.to_string())));
        }
        for kind in Kind::ALL {
            let of_kind = self.pins.iter().filter(|it| it.kind() == kind);
            let entries: Vec<_> = of_kind
                .map(|definition| {
                    let digest = ("digest".to_owned(), text(&definition.digest().to_string()));
                    let whole = ("definition".to_owned(), definition.json().clone());
                    Json::Object(vec![digest, whole])
                })
                .collect();
            if !entries.is_empty() {
                members.push((kind.member().to_owned(), Json::Array(entries)));
            }
        }
        Json::Object(members).pretty() + "\n"
    }

    /// Whether the policy with this text was accepted or edited.
    #[must_use]
    pub fn is_accepted(&self, policy: &str) -> bool {
        self.suggested_policy != Some(Digest::of(policy.as_bytes()))
    }
}

fn entry_of(kind: Kind, entry: &str) -> Result<Definition, LockError> {
    let entry = Object::parse(entry)?;
    if let Some((name, _)) = entry.iter().find(|(it, _)| !["digest", "definition"].contains(it)) {
        return Err(LockError::Member(name.to_owned()));
    }
    let fault = |error: JsonError| LockError::Definition(DefinitionError::Json(kind, error));
    let json = Json::parse(entry.get("definition").unwrap_or_default()).map_err(fault)?;
    let definition = Definition::of(kind, json).map_err(LockError::Definition)?;
    let digest = entry.text("digest").and_then(|digest| digest.parse().ok());
    if digest == Some(definition.digest()) {
        Ok(definition)
    } else {
        Err(LockError::Digest(kind, definition.key().to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> Lock {
        let read = |kind, text: &str| Definition::read(kind, text).unwrap();
        let pins = Pins::accepting(&[
            read(Kind::Tool, r#"{"name":"b","inputSchema":{"type":"object","maximum":1.50}}"#),
            read(Kind::Tool, r#"{"name":"a","description":"x\ny"}"#),
            read(Kind::Template, r#"{"uriTemplate":"a://{b}","name":"t"}"#),
        ]);
        Lock { pins, suggested_policy: Some(Digest::of(b"policy")), acceptances: 0 }
    }

    #[test]
    fn a_lock_is_read_as_it_is_written() {
        let text = lock().text();
        assert_eq!(Lock::parse(&text).unwrap(), lock());
        assert!(text.contains("\n    {\n      \"digest\": \"sha256-"), "{text}");
        assert!(text.find("\"a\"").unwrap() < text.find("\"b\"").unwrap());
        let again = Lock { acceptances: 3, ..lock() };
        assert_eq!(Lock::parse(&again.text()).unwrap(), again);
        assert!(again.text().contains("\n  \"acceptances\": 3,\n"), "{}", again.text());
        let empty = Lock::default();
        assert_eq!(Lock::parse(&empty.text()).unwrap(), empty);
    }

    #[test]
    fn a_suggested_policy_counts_once_it_was_edited_or_accepted() {
        assert!(!lock().is_accepted("policy"));
        assert!(lock().is_accepted("policy "));
        assert!(Lock { suggested_policy: None, ..lock() }.is_accepted("policy"));
    }

    #[test]
    fn a_lock_that_was_changed_by_hand_is_refused() {
        let text = lock().text();
        let with = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}: {text}");
            Lock::parse(&text.replacen(from, to, 1)).unwrap_err()
        };
        assert!(matches!(with("x\\ny", "x\\nz"), LockError::Digest(Kind::Tool, key) if key == "a"));
        assert!(matches!(with("\"a\"", "\"c\""), LockError::Digest(Kind::Tool, _)));
        assert!(matches!(with("1.50", "1.5"), LockError::Digest(Kind::Tool, _)));
        assert!(matches!(with("\"version\": 1", "\"version\": 2"), LockError::Version));
        assert!(matches!(with("\"version\": 1,", ""), LockError::Version));
        assert!(matches!(with("\"tools\"", "\"tols\""), LockError::Member(_)));
        assert!(matches!(with("\"digest\"", "\"hash\""), LockError::Member(_)));
        let twice = "\"version\": 1, \"version\": 1";
        assert!(matches!(with("\"version\": 1", twice), LockError::Syntax(_)));
        assert!(matches!(
            with("\"suggested_policy\": \"s", "\"suggested_policy\": \"t"),
            LockError::Member(_)
        ));
        assert!(matches!(
            with("\"version\": 1", "\"version\": 1, \"acceptances\": -1"),
            LockError::Member(_)
        ));
        assert!(matches!(Lock::parse("{"), Err(LockError::Syntax(_))));
        // Twins that were put in by hand.
        let a = |name: &str| {
            let text = format!(r#"{{"name":"{name}"}}"#);
            let digest = Definition::read(Kind::Tool, &text).unwrap().digest();
            format!(r#"{{"digest":"{digest}","definition":{text}}}"#)
        };
        let twins = format!(r#"{{"version":1,"tools":[{},{}]}}"#, a("x"), a("X"));
        assert!(matches!(Lock::parse(&twins), Err(LockError::Member(_))));
    }
}
