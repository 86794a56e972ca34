//! The grants of the token endpoint (RFC 7591 §2, `grant_types`).

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// A grant that the token endpoint knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GrantType {
    /// RFC 6749 §4.1.
    AuthorizationCode,
    /// RFC 6749 §6.
    RefreshToken,
    /// RFC 6749 §4.4.
    ClientCredentials,
    /// RFC 8628 §3.4.
    DeviceCode,
    /// An assertion of another issuer: an ID-JAG or a workload's JWT (RFC 7523 §2.1).
    JwtBearer,
}

/// A grant that is not supported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the grant type is not supported")]
pub struct UnknownGrantTypeError;

impl GrantType {
    /// Every grant.
    pub const ALL: [Self; 5] = [
        Self::AuthorizationCode,
        Self::RefreshToken,
        Self::ClientCredentials,
        Self::DeviceCode,
        Self::JwtBearer,
    ];

    /// The value of `grant_type`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AuthorizationCode => "authorization_code",
            Self::RefreshToken => "refresh_token",
            Self::ClientCredentials => "client_credentials",
            Self::DeviceCode => "urn:ietf:params:oauth:grant-type:device_code",
            Self::JwtBearer => "urn:ietf:params:oauth:grant-type:jwt-bearer",
        }
    }

    /// Whether only a client with a credential may use it, because nothing else proves who asks
    /// (RFC 6749 §4.4).
    #[must_use]
    pub const fn needs_credential(self) -> bool {
        matches!(self, Self::ClientCredentials)
    }
}

impl FromStr for GrantType {
    type Err = UnknownGrantTypeError;

    fn from_str(text: &str) -> Result<Self, UnknownGrantTypeError> {
        Self::ALL.into_iter().find(|grant| grant.as_str() == text).ok_or(UnknownGrantTypeError)
    }
}

impl fmt::Display for GrantType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for GrantType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_read_back_and_nothing_else_does() {
        for grant in GrantType::ALL {
            assert_eq!(grant.to_string().parse(), Ok(grant));
        }
        for other in ["", "password", "implicit", "urn:ietf:params:oauth:grant-type:token-exchange"]
        {
            assert_eq!(other.parse::<GrantType>(), Err(UnknownGrantTypeError), "{other}");
        }
    }
}
