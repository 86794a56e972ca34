//! What can be changed, by whom and when, and what a change met.

use std::fmt;

use auth_core::{Issuer, Leeway, NumericDate, RoleName, Subject, TokenId, display};
use serde::{Deserialize, Serialize};

use crate::{NewUser, User, UserStatus};

/// The longest name of an actor in bytes.
const MAX_WHO_BYTES: usize = 255;

/// A user's full name: who vouches for it, and what it is called there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName {
    /// Who vouches for it: `iss`.
    pub issuer: Issuer,
    /// What the issuer calls it: `sub`.
    pub subject: Subject,
}

/// One change of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// Adds an active user. Where there is one by these names, nothing is changed and the answer is
    /// [`DirectoryError::Exists`](crate::DirectoryError::Exists). Tokens that a removed user of
    /// these names had stay revoked.
    Add(NewUser),
    /// Adds a user unchanged, or makes the one that is there like it.
    Import {
        /// The user as it shall be. Its `valid_from` never takes one back that is later.
        user: User,
        /// Whether one that is there and differs is changed; otherwise it is
        /// [`DirectoryError::Exists`](crate::DirectoryError::Exists).
        overwrite: bool,
    },
    /// Lets a user act, or keeps it from acting. Its roles stay.
    SetStatus(UserName, UserStatus),
    /// Removes a user and its roles.
    Remove(UserName),
    /// Gives a user a role, permanently or until (and without) a date. Whether the policy knows the
    /// role is not asked here.
    Grant(UserName, RoleName, Option<NumericDate>),
    /// Takes a role from a user.
    RevokeRole(UserName, RoleName),
    /// Revokes all tokens of a user that were issued up to the change, also by a clock that is
    /// ahead by the leeway of its issuer: those whose `iat` is before
    /// [`valid_from_after`](crate::valid_from_after).
    RevokeTokens(UserName, Leeway),
    /// Revokes one token.
    RevokeToken(RevokedToken),
}

/// One revoked token.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokedToken {
    /// Who issued it.
    pub issuer: Issuer,
    /// Its `jti`.
    pub token_id: TokenId,
    /// When it would have ended anyway, and need not be remembered any longer. `None`: not known,
    /// so it is remembered permanently.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<NumericDate>,
}

/// Who changes something, and when: for the record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stamp {
    who: String,
    at: NumericDate,
}

/// What a change met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum EditOutcome {
    /// It was made.
    Changed,
    /// Nothing was to be done.
    Unchanged,
    /// There is no such user, and nothing was done.
    NoSuchUser,
}

/// A change that was made, as the record has it. As JSON: these members, without those that are
/// `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeRecord {
    /// When, in seconds since 1970.
    pub at: NumericDate,
    /// By whom.
    pub who: String,
    /// What was done: a word of [`Edit`]'s.
    pub what: String,
    /// Of whose user or token.
    pub issuer: String,
    /// To which user.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// To which token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_id: Option<String>,
    /// The role, the roles, the date.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

impl UserName {
    /// The name that `issuer` gives.
    #[must_use]
    pub fn new(issuer: &Issuer, subject: &Subject) -> Self {
        Self { issuer: issuer.clone(), subject: subject.clone() }
    }
}

impl Edit {
    /// The word for it in the record.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Add(_) => "add",
            Self::Import { .. } => "import",
            Self::SetStatus(_, UserStatus::Active) => "enable",
            Self::SetStatus(_, UserStatus::Disabled) => "disable",
            Self::Remove(_) => "remove",
            Self::Grant(..) => "grant",
            Self::RevokeRole(..) => "revoke-role",
            Self::RevokeTokens(..) => "revoke-tokens",
            Self::RevokeToken(_) => "revoke-token",
        }
    }

    /// The user whom it is about; `None` if it is about a token.
    #[must_use]
    pub fn user(&self) -> Option<UserName> {
        self.subject().map(|subject| UserName::new(self.issuer(), subject))
    }

    /// Whose user or token it is about.
    pub(crate) const fn issuer(&self) -> &Issuer {
        match self {
            Self::Add(user) => &user.issuer,
            Self::Import { user, .. } => &user.issuer,
            Self::RevokeToken(token) => &token.issuer,
            Self::SetStatus(name, _)
            | Self::Remove(name)
            | Self::Grant(name, ..)
            | Self::RevokeRole(name, _)
            | Self::RevokeTokens(name, _) => &name.issuer,
        }
    }

    /// Which user it is about.
    pub(crate) const fn subject(&self) -> Option<&Subject> {
        match self {
            Self::Add(user) => Some(&user.subject),
            Self::Import { user, .. } => Some(&user.subject),
            Self::RevokeToken(_) => None,
            Self::SetStatus(name, _)
            | Self::Remove(name)
            | Self::Grant(name, ..)
            | Self::RevokeRole(name, _)
            | Self::RevokeTokens(name, _) => Some(&name.subject),
        }
    }

    /// What else the record says.
    pub(crate) fn detail(&self) -> Option<String> {
        match self {
            Self::Add(user) => Some(list(&user.roles)),
            Self::Import { user, .. } => Some(format!("{} {}", user.status, list(user.roles()))),
            Self::Grant(_, role, None) | Self::RevokeRole(_, role) => Some(role.to_string()),
            Self::Grant(_, role, Some(until)) => Some(format!("{role} until {}", until.as_secs())),
            _ => None,
        }
    }
}

fn list<'a>(roles: impl IntoIterator<Item = &'a RoleName>) -> String {
    roles.into_iter().map(RoleName::as_str).collect::<Vec<_>>().join(",")
}

impl Stamp {
    /// `who` does something at `at`. A name is kept as it can be shown on one line
    /// ([`display::escape`]); what is beyond 255 bytes is cut off.
    #[must_use]
    pub fn new(who: impl fmt::Display, at: NumericDate) -> Self {
        let mut who = display::escape(&who.to_string()).into_owned();
        who.truncate(who.floor_char_boundary(MAX_WHO_BYTES));
        if who.is_empty() {
            who.push('?');
        }
        Self { who, at }
    }

    /// Who.
    #[must_use]
    pub fn who(&self) -> &str {
        &self.who
    }

    /// When.
    #[must_use]
    pub const fn at(&self) -> NumericDate {
        self.at
    }
}

impl EditOutcome {
    /// [`Changed`](Self::Changed) or [`Unchanged`](Self::Unchanged).
    pub(crate) const fn changed_if(changed: bool) -> Self {
        if changed { Self::Changed } else { Self::Unchanged }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_fits_in_a_line() {
        let at = NumericDate::from_secs(1).unwrap();
        assert_eq!(Stamp::new("a\n\u{202e}b", at).who(), "a\\n\\u{202e}b");
        assert_eq!(Stamp::new("", at).who(), "?");
        assert_eq!(Stamp::new("é".repeat(200), at).who(), "é".repeat(127));
    }
}
