//! How a user has signed in.
//!
//! ```text
//! method = first [ "+" second ]
//! first  = "password" / "code" / "link" / provider      ; its name, as auth-core reads it
//! second = "totp" / "recovery"
//! ```

use std::{fmt, str::FromStr};

use auth_core::openid::ProviderName;

/// How a user has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInMethod {
    /// By which first step.
    pub first: FirstProof,
    /// By which second step, if there was one.
    pub second: Option<SecondProof>,
}

/// What a user has shown as the first step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FirstProof {
    /// A password.
    Password,
    /// A one-time code.
    Code,
    /// A link.
    Link,
    /// This provider said who it is.
    Provider(ProviderName),
}

/// What a user has shown as the second step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondProof {
    /// A time-based code (RFC 6238).
    Totp,
    /// A recovery code.
    Recovery,
}

/// A text that is no [`SignInMethod`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a way to sign in")]
pub struct SignInMethodError;

impl fmt::Display for FirstProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password => "password",
            Self::Code => "code",
            Self::Link => "link",
            Self::Provider(name) => name.as_str(),
        })
    }
}

impl FromStr for FirstProof {
    type Err = SignInMethodError;

    fn from_str(text: &str) -> Result<Self, SignInMethodError> {
        Ok(match text {
            "password" => Self::Password,
            "code" => Self::Code,
            "link" => Self::Link,
            name => Self::Provider(name.parse().map_err(|_| SignInMethodError)?),
        })
    }
}

impl fmt::Display for SignInMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.first.fmt(f)?;
        f.write_str(match self.second {
            None => "",
            Some(SecondProof::Totp) => "+totp",
            Some(SecondProof::Recovery) => "+recovery",
        })
    }
}

impl FromStr for SignInMethod {
    type Err = SignInMethodError;

    fn from_str(text: &str) -> Result<Self, SignInMethodError> {
        let (first, second) = match text.split_once('+') {
            None => (text, None),
            Some((first, "totp")) => (first, Some(SecondProof::Totp)),
            Some((first, "recovery")) => (first, Some(SecondProof::Recovery)),
            Some(_) => return Err(SignInMethodError),
        };
        Ok(Self { first: first.parse()?, second })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_read_as_it_is_written() {
        for text in ["password", "code+totp", "link+recovery", "work-idp", "work-idp+totp"] {
            assert_eq!(text.parse::<SignInMethod>().unwrap().to_string(), text);
        }
        for text in ["", "+totp", "password+", "password+sms", "password+totp+totp", "Work idp"] {
            assert_eq!(text.parse::<SignInMethod>(), Err(SignInMethodError), "{text}");
        }
    }
}
