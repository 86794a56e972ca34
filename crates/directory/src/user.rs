//! A user, and what makes one.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    fmt,
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use auth_core::{Issuer, NumericDate, RoleName, Subject};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::DirectoryError;

/// The longest display name in bytes.
const MAX_DISPLAY_NAME_BYTES: usize = 255;

/// How exact "last seen" is, in seconds: a user who calls all the time is written down once a
/// minute.
const SEEN_EVERY: i64 = 60;

/// A user as the directory holds it. As JSON: `issuer`, `subject`, `display_name`, `status`,
/// `roles` (in order), `role_expiry` (an object of those that end), `created_at`, and, if there is
/// one, `valid_from` and `last_seen_at`; dates in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct User {
    pub(crate) issuer: Issuer,
    pub(crate) subject: Subject,
    #[serde(deserialize_with = "display_name")]
    pub(crate) display_name: Arc<str>,
    pub(crate) status: UserStatus,
    pub(crate) roles: Arc<BTreeSet<RoleName>>,
    /// When roles end; those that do not are absent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) role_expiry: BTreeMap<RoleName, NumericDate>,
    pub(crate) created_at: NumericDate,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) valid_from: Option<NumericDate>,
    #[serde(default, skip_serializing_if = "LastSeen::is_never")]
    pub(crate) last_seen_at: LastSeen,
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
pub struct UnknownStatusError;

/// When a user last called. It can be set on a user that others hold, which is why it is no plain
/// date.
#[derive(Default)]
pub(crate) struct LastSeen(AtomicI64);

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
    pub const fn display_name(&self) -> &Arc<str> {
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

    /// All its roles, also those that have ended. A disabled user keeps them: ask for the
    /// [`status`](Self::status) first.
    #[must_use]
    pub fn roles(&self) -> &BTreeSet<RoleName> {
        &self.roles
    }

    /// The roles that it has at `now`.
    #[must_use]
    pub fn roles_at(&self, now: NumericDate) -> Arc<BTreeSet<RoleName>> {
        if self.role_expiry.is_empty() {
            return Arc::clone(&self.roles);
        }
        let goes_on = |role: &&RoleName| self.role_expiry.get(*role).is_none_or(|end| now < *end);
        Arc::new(self.roles.iter().filter(goes_on).cloned().collect())
    }

    /// When a role of its ends; `None` if it does not, or if there is none of this name.
    #[must_use]
    pub fn role_expiry(&self, role: &RoleName) -> Option<NumericDate> {
        self.role_expiry.get(role).copied()
    }

    /// Whether a token that was issued at this time is revoked, because all tokens from before a
    /// later one were. A token without `iat` is revoked with them.
    #[must_use]
    pub fn has_revoked(&self, issued_at: Option<NumericDate>) -> bool {
        self.valid_from.is_some_and(|valid_from| issued_at.is_none_or(|at| at < valid_from))
    }

    /// The second before which its tokens are revoked; `None` if they were never revoked.
    #[must_use]
    pub const fn valid_from(&self) -> Option<NumericDate> {
        self.valid_from
    }

    /// When it was added.
    #[must_use]
    pub const fn created_at(&self) -> NumericDate {
        self.created_at
    }

    /// When it last called, to the minute or so; `None` if it never did.
    #[must_use]
    pub fn last_seen_at(&self) -> Option<NumericDate> {
        self.last_seen_at.date()
    }

    /// Records that it called at `now`; `true` if that is worth writing.
    pub(crate) fn touch(&self, now: NumericDate) -> bool {
        let seen = self.last_seen_at.0.load(Ordering::Relaxed);
        now.as_secs() - seen >= SEEN_EVERY
            && self
                .last_seen_at
                .0
                .compare_exchange(seen, now.as_secs(), Ordering::Relaxed, Ordering::Relaxed)
                .is_ok()
    }

    /// Revokes its tokens that were issued before `date`; whether that is later than before.
    pub(crate) fn revoke_before(&mut self, date: Option<NumericDate>) -> bool {
        let later = self.valid_from < date;
        if later {
            self.valid_from = date;
        }
        later
    }

    /// An end of a role that it does not have means nothing.
    pub(crate) fn forget_expiry_of_others(&mut self) {
        self.role_expiry.retain(|role, _| self.roles.contains(role));
    }

    /// Whether this is `other`, but for when they were seen and from when on their tokens count.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let plain = |user: &Self| Self {
            last_seen_at: LastSeen::default(),
            valid_from: None,
            ..user.clone()
        };
        plain(self) == plain(other)
    }
}

impl NewUser {
    /// The user this becomes at `now`, if its display name can be shown in one line.
    pub(crate) fn into_user(self, now: NumericDate) -> Result<User, DirectoryError> {
        if !fits(&self.display_name) {
            return Err(DirectoryError::DisplayName);
        }
        Ok(User {
            issuer: self.issuer,
            subject: self.subject,
            display_name: self.display_name.into(),
            status: UserStatus::Active,
            roles: Arc::new(self.roles),
            role_expiry: BTreeMap::new(),
            created_at: now,
            valid_from: None,
            last_seen_at: LastSeen::default(),
        })
    }
}

fn fits(display_name: &str) -> bool {
    display_name.len() <= MAX_DISPLAY_NAME_BYTES && !display_name.chars().any(char::is_control)
}

fn display_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<str>, D::Error> {
    let name = Cow::<str>::deserialize(deserializer)?;
    if fits(&name) { Ok(name.into()) } else { Err(de::Error::custom(DirectoryError::DisplayName)) }
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
    type Err = UnknownStatusError;

    fn from_str(text: &str) -> Result<Self, UnknownStatusError> {
        match text {
            "active" => Ok(Self::Active),
            "disabled" => Ok(Self::Disabled),
            _ => Err(UnknownStatusError),
        }
    }
}

impl LastSeen {
    /// 0 means never: no user called in 1970.
    pub(crate) fn date(&self) -> Option<NumericDate> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            secs => NumericDate::from_secs(secs).ok(),
        }
    }

    fn is_never(&self) -> bool {
        self.date().is_none()
    }
}

impl From<Option<NumericDate>> for LastSeen {
    fn from(date: Option<NumericDate>) -> Self {
        Self(AtomicI64::new(date.map_or(0, NumericDate::as_secs)))
    }
}

impl Clone for LastSeen {
    fn clone(&self) -> Self {
        self.date().into()
    }
}

impl PartialEq for LastSeen {
    fn eq(&self, other: &Self) -> bool {
        self.date() == other.date()
    }
}

impl Eq for LastSeen {}

impl fmt::Debug for LastSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.date().fmt(f)
    }
}

impl Serialize for LastSeen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.date().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LastSeen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<NumericDate>::deserialize(deserializer).map(Into::into)
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
        assert_eq!("Active".parse::<UserStatus>(), Err(UnknownStatusError));
        assert_eq!("".parse::<UserStatus>(), Err(UnknownStatusError));
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

    #[test]
    fn a_user_is_read_as_it_is_written_and_not_otherwise() {
        let text = r#"{"issuer":"i","subject":"s","display_name":"A","status":"disabled","roles":["admin","user"],"role_expiry":{"admin":20},"created_at":1,"valid_from":2,"last_seen_at":3}"#;
        let user: User = serde_json::from_str(text).unwrap();
        assert_eq!(serde_json::to_string(&user).unwrap(), text);
        let at = |secs| user.roles_at(NumericDate::from_secs(secs).unwrap()).len();
        assert_eq!((at(19), at(20), user.roles().len()), (2, 1, 2));
        for (from, to) in [
            ("\"A\"", "\"A\\n\""),
            ("disabled", "Disabled"),
            ("created_at", "made_at"),
            ("\"issuer\":\"i\",", ""),
            ("\"issuer\":\"i\"", "\"issuer\":\"\""),
            ("\"valid_from\":2", "\"valid_from\":-2"),
        ] {
            let bad = text.replace(from, to);
            assert_ne!(bad, text);
            assert!(serde_json::from_str::<User>(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_user_is_seen_once_a_minute() {
        let text = r#"{"issuer":"i","subject":"s","display_name":"","status":"active","roles":[],"created_at":1}"#;
        let user: User = serde_json::from_str(text).unwrap();
        assert_eq!(user.last_seen_at(), None);
        let see = |secs: i64| user.touch(NumericDate::from_secs(1_800_000_000 + secs).unwrap());
        assert!(see(0) && !see(1) && !see(59) && see(60) && !see(61));
        assert_eq!(user.last_seen_at().unwrap().as_secs(), 1_800_000_060);
    }
}
