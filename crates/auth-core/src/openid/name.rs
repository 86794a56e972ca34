//! What a provider is called here, and what its users are called.
//!
//! ```text
//! provider = 1*32( %x61-7A / DIGIT / "-" )      ; begins and ends with a letter or a digit
//! user     = provider "|" subject               ; where that has at most 255 bytes
//!          / provider "#" BASE64URL( SHA256( subject ) )
//! ```
//!
//! 1. Two providers may give the same subject to two people: the name of the provider is part of
//!    the user's.
//! 2. No two subjects of a provider have the same name here: the signs between the parts cannot be
//!    in the name of a provider, and the hash has a sign of its own.

use std::{fmt, str::FromStr, sync::Arc};

use aws_lc_rs::digest;

use crate::{InvalidNameError, Subject, base64url};

/// The longest name of a provider, in bytes.
const MAX_BYTES: usize = 32;

/// The name of a provider in this installation, such as `google`: a part of paths and of its users'
/// names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderName(Arc<str>);

/// A text that is no name of a provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a provider's name has 1 to {MAX_BYTES} characters of a-z, 0-9 and -, and neither begins nor \
     ends with -"
)]
pub struct InvalidProviderNameError;

impl ProviderName {
    /// The name's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the user whom this provider calls `subject` is called here.
    pub fn local_subject(&self, subject: &Subject) -> Result<Subject, InvalidNameError> {
        match format!("{}|{subject}", self.0).parse() {
            Err(InvalidNameError::TooLong) => {
                let digest = digest::digest(&digest::SHA256, subject.as_str().as_bytes());
                format!("{}#{}", self.0, base64url::encode(digest)).parse()
            }
            parsed => parsed,
        }
    }
}

impl FromStr for ProviderName {
    type Err = InvalidProviderNameError;

    fn from_str(text: &str) -> Result<Self, InvalidProviderNameError> {
        let is_inner = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-');
        let is_good = (1..=MAX_BYTES).contains(&text.len())
            && text.bytes().all(is_inner)
            && !text.starts_with('-')
            && !text.ends_with('-');
        if is_good { Ok(Self(text.into())) } else { Err(InvalidProviderNameError) }
    }
}

impl fmt::Display for ProviderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn local(provider: &str, subject: &str) -> String {
        let provider: ProviderName = provider.parse().unwrap();
        provider.local_subject(&subject.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn names_fit_into_paths_and_before_a_sign() {
        for good in ["a", "google", "my-idp-2", &"a".repeat(32)] {
            assert_eq!(good.parse::<ProviderName>().unwrap().as_str(), good);
        }
        for bad in ["", "Google", "a|b", "a#b", "a/b", "..", "-a", "a-", "é", &"a".repeat(33)] {
            assert_eq!(bad.parse::<ProviderName>(), Err(InvalidProviderNameError), "{bad}");
        }
    }

    #[test]
    fn the_same_subject_of_two_providers_is_two_users() {
        assert_eq!(local("google", "108"), "google|108");
        assert_eq!(local("github", "108"), "github|108");
        assert_ne!(local("a", "b|c"), local("a", "b#c"));
    }

    #[test]
    fn a_long_subject_is_hashed_and_meets_no_other() {
        let longest = "s".repeat(255 - "google|".len());
        assert_eq!(local("google", &longest), format!("google|{longest}"));
        let hashed = local("google", &format!("{longest}s"));
        assert_eq!(hashed.len(), "google#".len() + 43);
        assert_ne!(hashed, local("google", &format!("{longest}t")));
        // A subject that looks like the hash of another is another user.
        let (_, hash) = hashed.split_once('#').unwrap();
        assert_ne!(local("google", hash), hashed);
    }
}
