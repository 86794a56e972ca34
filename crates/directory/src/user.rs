//! A user, and what makes one.

use std::{collections::BTreeSet, fmt, str::FromStr};

use auth_core::{Issuer, NumericDate, RoleName, Subject};
use serde::Serialize;

use crate::DirectoryError;

/// The longest display name in bytes.
const MAX_DISPLAY_NAME_BYTES: usize = 255;

/// A user as the directory holds it. As JSON: `issuer`, `subject`, `display_name`, `status`, `roles`
/// (in order), `created_at` and, if its tokens were ever revoked, `valid_from` (seconds since 1970).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct User {
    pub(crate) issuer: Issuer,
    pub(crate) subject: Subject,
    pub(crate) display_name: String,
    pub(crate) status: UserStatus,
    pub(crate) roles: BTreeSet<RoleName>,
    pub(crate) created_at: NumericDate,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) valid_from: Option<NumericDate>,
}

/// A user to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// Who vouches for it.
    pub issuer: Issuer,
    /// What the issuer calls it.
    pub subject: Subject,
    /// What people call it: at most 255 bytes without control characters; may be empty.
    pub display_name: String,
    /// Its roles from the start.
    pub roles: BTreeSet<RoleName>,
}

/// Whether a user may act at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum UserStatus {
    /// It may, within its roles.
    Active,
    /// It may not, whatever its roles.
    Disabled,
}

/// A text that is no [`UserStatus`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a status is `active` or `disabled`")]
pub struct UnknownStatus;

impl User {
    /// Who vouches for it.
    #[must_use]
    pub const fn issuer(&self) -> &Issuer {
        &self.issuer
    }

    /// What the issuer calls it.
    #[must_use]
    pub const fn subject(&self) -> &Subject {
        &self.subject
    }

    /// What people call it; may be empty.
    #[must_use]
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// Whether it may act at all.
    #[must_use]
    pub const fn status(&self) -> UserStatus {
        self.status
    }

    /// Whether its status is [`UserStatus::Active`].
    #[must_use]
    pub const fn is_active(&self) -> bool {
        matches!(self.status, UserStatus::Active)
    }

    /// Its roles. A disabled user keeps them: ask for the [`status`](Self::status) first.
    #[must_use]
    pub const fn roles(&self) -> &BTreeSet<RoleName> {
        &self.roles
    }

    /// Whether a token that was issued at this time is void, because all tokens from before a later one
    /// were revoked. One that does not say when it was issued is void with them.
    #[must_use]
    pub fn has_revoked(&self, issued_at: Option<NumericDate>) -> bool {
        self.valid_from.is_some_and(|valid_from| issued_at.is_none_or(|at| at < valid_from))
    }

    /// The second before which its tokens are void; `None` if they were never revoked.
    #[must_use]
    pub const fn valid_from(&self) -> Option<NumericDate> {
        self.valid_from
    }

    /// When it was added.
    #[must_use]
    pub const fn created_at(&self) -> NumericDate {
        self.created_at
    }
}

impl NewUser {
    /// The user this becomes at `now`, if its display name can be shown in one line.
    pub(crate) fn into_user(self, now: NumericDate) -> Result<User, DirectoryError> {
        if self.display_name.len() > MAX_DISPLAY_NAME_BYTES
            || self.display_name.chars().any(char::is_control)
        {
            return Err(DirectoryError::DisplayName);
        }
        Ok(User {
            issuer: self.issuer,
            subject: self.subject,
            display_name: self.display_name,
            status: UserStatus::Active,
            roles: self.roles,
            created_at: now,
            valid_from: None,
        })
    }
}

impl UserStatus {
    /// `active` or `disabled`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Disabled => "disabled",
        }
    }
}

impl fmt::Display for UserStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for UserStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        match text {
            "active" => Ok(Self::Active),
            "disabled" => Ok(Self::Disabled),
            _ => Err(UnknownStatus),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_its_word() {
        for status in [UserStatus::Active, UserStatus::Disabled] {
            assert_eq!(status.to_string().parse(), Ok(status));
            assert_eq!(serde_json::to_string(&status).unwrap(), format!("\"{status}\""));
        }
        assert_eq!("Active".parse::<UserStatus>(), Err(UnknownStatus));
        assert_eq!("".parse::<UserStatus>(), Err(UnknownStatus));
    }

    #[test]
    fn a_user_is_a_json_object() {
        let new = NewUser {
            issuer: "https://issuer.example".parse().unwrap(),
            subject: "alice".parse().unwrap(),
            display_name: "Alice".into(),
            roles: ["user", "admin"].map(|role| role.parse().unwrap()).into(),
        };
        let user = new.into_user(NumericDate::from_secs(1_800_000_000).unwrap()).unwrap();
        assert_eq!(
            serde_json::to_string(&user).unwrap(),
            r#"{"issuer":"https://issuer.example","subject":"alice","display_name":"Alice","status":"active","roles":["admin","user"],"created_at":1800000000}"#
        );
    }
}
