//! What a record says.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::Digest;

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// A process opened the log.
    Start {
        /// The version of the program.
        version: String,
        /// How many bytes of a record that was not complete were removed from the end of the file:
        /// a process or a machine had stopped while it was written.
        #[serde(default, skip_serializing_if = "is_zero")]
        removed_bytes: u64,
    },
    /// One decision about a request, or what happened to it afterwards.
    Decision(Box<Decision>),
    /// One administrative change.
    Change(Box<Change>),
    /// Requests that were refused and have no records of their own: more of them in a second than
    /// are recorded.
    Skipped {
        /// How many.
        count: u64,
    },
    /// Old files were removed, as the configuration has it.
    Removed {
        /// The number of the last record that is gone.
        through: u64,
    },
    /// A signature over all records before.
    Checkpoint {
        /// The compact JWS.
        jws: String,
    },
    /// What a later version records, and this one does not know.
    #[serde(other)]
    Unknown,
}

/// One decision about a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What was decided.
    pub outcome: Outcome,
    /// Why, or what went wrong; never part of a token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who is calling; `None` without a token that is valid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who: Option<Who>,
    /// What they asked for.
    pub what: What,
    /// The digest of the policy file by which it was decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Digest>,
    /// The id of the request, as in the log and in `X-Request-Id`.
    pub request: String,
    /// The id of its trace, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace: Option<String>,
    /// Where the connection comes from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// `iss`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `client_id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client: Option<String>,
    /// `act`: who acts for the subject, the last to act first (RFC 8693 §4.1).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actors: Vec<String>,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct What {
    /// The protected resource, by its URI.
    pub resource: String,
    /// The method: `tools/call`. `None` if the request was refused before it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The tool, the resource or the prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The digest of the arguments: of the bytes of `params.arguments` as the client sent them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<Digest>,
    /// The arguments that the policy names, as the client sent them: one that it sent twice is here
    /// twice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Argument>,
}

/// An argument whose value is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Argument {
    /// Its name.
    pub name: String,
    /// Its value as JSON text; `None` if it is longer than what is recorded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<String>,
}

/// What was decided, or what happened afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The policy permits it.
    Permitted,
    /// The policy denies it.
    Denied,
    /// The token or its user was not accepted.
    Unauthenticated,
    /// The request was refused before the policy was asked.
    Refused,
    /// An open stream was ended, because its caller may no longer have it.
    Ended,
    /// The server behind failed after the action was permitted.
    Failed,
}

/// One administrative change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Who made it: an account and a machine.
    pub by: String,
    /// What was done: `users disable`.
    pub command: String,
    /// To what: a subject, a client, a grant, the id of a token, or files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The issuer of the user whom it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// How: a role, the name of a client.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl Entry {
    /// The word for its kind in a record.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Start { .. } => "start",
            Self::Decision(_) => "decision",
            Self::Change(_) => "change",
            Self::Skipped { .. } => "skipped",
            Self::Removed { .. } => "removed",
            Self::Checkpoint { .. } => "checkpoint",
            Self::Unknown => "unknown",
        }
    }
}

impl Outcome {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Permitted,
        Self::Denied,
        Self::Unauthenticated,
        Self::Refused,
        Self::Ended,
        Self::Failed,
    ];

    /// As it is written in a record.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Permitted => "permitted",
            Self::Denied => "denied",
            Self::Unauthenticated => "unauthenticated",
            Self::Refused => "refused",
            Self::Ended => "ended",
            Self::Failed => "failed",
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_written_by_its_name() {
        for outcome in Outcome::ALL {
            let name = serde_json::to_value(outcome).unwrap();
            assert_eq!(name, outcome.name());
        }
    }

    #[test]
    fn what_a_later_version_records_is_read_over() {
        let later = r#"{"kind":"future","with":[1]}"#;
        assert_eq!(serde_json::from_str::<Entry>(later).unwrap(), Entry::Unknown);
        let before = r#"{"kind":"change","by":"a@b","command":"users add","object":"carol"}"#;
        let Entry::Change(change) = serde_json::from_str(before).unwrap() else { panic!() };
        assert_eq!((change.object.as_deref(), change.issuer), (Some("carol"), None));
        let start = r#"{"kind":"start","version":"9","more":1}"#;
        let known = Entry::Start { version: "9".into(), removed_bytes: 0 };
        assert_eq!(serde_json::from_str::<Entry>(start).unwrap(), known);
    }
}
