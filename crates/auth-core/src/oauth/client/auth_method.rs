//! How a client authenticates at the token endpoint (RFC 7591 §2, `token_endpoint_auth_method`).

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// The methods that exist for us. Each is no weaker than the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AuthMethod {
    /// A public client: it has no credential (RFC 7591 §2).
    None,
    /// A secret in the `Authorization` header (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// A secret in the body (RFC 6749 §2.3.1).
    ClientSecretPost,
    /// A signed assertion (RFC 7523 §2.2, OpenID Connect Core §9).
    PrivateKeyJwt,
}

/// A method that is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of none, client_secret_basic, client_secret_post, private_key_jwt")]
pub struct UnknownAuthMethodError;

impl AuthMethod {
    /// Every method.
    pub const ALL: [Self; 4] =
        [Self::None, Self::ClientSecretBasic, Self::ClientSecretPost, Self::PrivateKeyJwt];

    /// The method as metadata writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::PrivateKeyJwt => "private_key_jwt",
        }
    }

    /// Whether a client with this method has a secret.
    #[must_use]
    pub const fn has_secret(self) -> bool {
        matches!(self, Self::ClientSecretBasic | Self::ClientSecretPost)
    }
}

impl FromStr for AuthMethod {
    type Err = UnknownAuthMethodError;

    fn from_str(text: &str) -> Result<Self, UnknownAuthMethodError> {
        Self::ALL.into_iter().find(|method| method.as_str() == text).ok_or(UnknownAuthMethodError)
    }
}

impl fmt::Display for AuthMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for AuthMethod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_read_back_and_nothing_else_does() {
        for method in AuthMethod::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
        }
        for other in ["", "None", "client_secret_jwt", "tls_client_auth", "none "] {
            assert_eq!(other.parse::<AuthMethod>(), Err(UnknownAuthMethodError), "{other}");
        }
    }
}
