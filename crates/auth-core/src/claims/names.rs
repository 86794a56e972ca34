//! The names that tokens carry: one type each, so that none can be taken for another.
//!
//! All are compared byte for byte (RFC 7519 §2 `StringOrURI`, §4.1.1): no case folding, no URL
//! normalisation, no trimming.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::base64url;

/// The longest name in bytes.
const MAX_NAME_BYTES: usize = 255;

/// Why a text is no name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNameError {
    /// Nothing there.
    #[error("the value is empty")]
    Empty,
    /// A control character (a line break in a log, say).
    #[error("the value has a control character")]
    Control,
    /// Over 255 bytes.
    #[error("the value is longer than {MAX_NAME_BYTES} bytes")]
    TooLong,
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        ///
        /// 1 to 255 bytes without control characters; compared byte for byte.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The name's text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = InvalidNameError;

            fn from_str(text: &str) -> Result<Self, InvalidNameError> {
                check(text).map(|()| Self(Arc::from(text)))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), &self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// Who issued a token: `iss` (RFC 7519 §4.1.1).
    Issuer
}
name! {
    /// For whom a token is meant: `aud` (RFC 7519 §4.1.3), the resource of RFC 8707.
    Audience
}
name! {
    /// About whom a token speaks: `sub` (RFC 7519 §4.1.2), unique within its issuer.
    Subject
}
name! {
    /// Through which client: `client_id` (RFC 9068 §2.2).
    ClientId
}
name! {
    /// Which token: `jti` (RFC 7519 §4.1.7).
    TokenId
}
name! {
    /// A role, in a token's `roles` (RFC 9068 §2.2.3.1), in the policy and in the directory.
    RoleName
}

impl TokenId {
    /// A token id of 128 random bits, as 22 characters ([`base64url::encode_id`]).
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(base64url::encode_id(random).into())
    }
}

impl ClientId {
    /// A client id of 128 random bits, as 22 characters ([`base64url::encode_id`]).
    #[must_use]
    pub fn from_random(random: [u8; 16]) -> Self {
        Self(base64url::encode_id(random).into())
    }
}

fn check(text: &str) -> Result<(), InvalidNameError> {
    if text.is_empty() {
        Err(InvalidNameError::Empty)
    } else if has_control(text) {
        Err(InvalidNameError::Control)
    } else if text.len() > MAX_NAME_BYTES {
        Err(InvalidNameError::TooLong)
    } else {
        Ok(())
    }
}

/// Whether a text can name a person to another one: it fits in one line.
pub(crate) fn is_display_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && !has_control(text)
}

/// Most names are ASCII, of which many bytes are looked at at once.
pub(crate) fn has_control(text: &str) -> bool {
    if text.is_ascii() {
        text.bytes().fold(false, |found, byte| found | byte.is_ascii_control())
    } else {
        text.chars().any(char::is_control)
    }
}

impl Issuer {
    pub(crate) fn supposed() -> Self {
        Self(Arc::from("supposed"))
    }
}

impl Subject {
    pub(crate) fn supposed() -> Self {
        Self(Arc::from("supposed"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_and_kept_as_they_are() {
        let issuer: Issuer = "https://Issuer.example/".parse().unwrap();
        assert_eq!(issuer.as_str(), "https://Issuer.example/");
        assert_ne!(issuer, "https://issuer.example/".parse().unwrap());
        assert_ne!(issuer, "https://Issuer.example".parse().unwrap());
        assert_eq!(
            format!("{issuer:?} {issuer}"),
            r#"Issuer("https://Issuer.example/") https://Issuer.example/"#
        );
        assert_eq!("".parse::<Subject>(), Err(InvalidNameError::Empty));
        for control in ["a\nb", "\0", "a\u{7f}", "é\n", "é\u{7f}", "\u{80}", "a\u{9f}"] {
            assert_eq!(control.parse::<Subject>(), Err(InvalidNameError::Control), "{control:?}");
        }
        assert!("\u{a0}é ~".parse::<Subject>().is_ok());
        assert!("s".repeat(255).parse::<Subject>().is_ok());
        assert_eq!("s".repeat(256).parse::<Subject>(), Err(InvalidNameError::TooLong));
    }

    #[test]
    fn names_are_json_strings() {
        let role: RoleName = serde_json::from_str(r#""admin""#).unwrap();
        assert_eq!(serde_json::to_string(&role).unwrap(), r#""admin""#);
        assert!(serde_json::from_str::<RoleName>(r#""""#).is_err());
    }

    #[test]
    fn random_ids_begin_with_a_letter_or_a_digit() {
        assert_eq!(TokenId::from_random([0xFF; 16]).as_str(), "f____________________w");
        assert_eq!(ClientId::from_random([0xFF; 16]).as_str(), "f____________________w");
    }
}
