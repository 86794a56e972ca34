//! The names of well-known providers.

use std::{fmt, str::FromStr};

/// The kind of provider: its issuer, scopes, and where its claims are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProviderPreset {
    /// Any provider of OpenID Connect.
    OpenId,
    /// Google, for private accounts and for organizations.
    Google,
    /// Microsoft Entra ID, one tenant.
    Entra,
    /// Okta.
    Okta,
    /// Amazon Cognito, one user pool.
    Cognito,
    /// GitHub, or GitHub Enterprise Server.
    GitHub,
    /// Keycloak, one realm.
    Keycloak,
    /// Auth0.
    Auth0,
}

/// A name that no preset has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("known presets: {}", ProviderPreset::ALL.map(ProviderPreset::name).join(", "))]
pub struct UnknownProviderPresetError;

impl ProviderPreset {
    /// Every preset.
    pub const ALL: [Self; 8] = [
        Self::OpenId,
        Self::Google,
        Self::Entra,
        Self::Okta,
        Self::Cognito,
        Self::GitHub,
        Self::Keycloak,
        Self::Auth0,
    ];

    /// Its name in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Google => "google",
            Self::Entra => "entra",
            Self::Okta => "okta",
            Self::Cognito => "cognito",
            Self::GitHub => "github",
            Self::Keycloak => "keycloak",
            Self::Auth0 => "auth0",
        }
    }
}

impl FromStr for ProviderPreset {
    type Err = UnknownProviderPresetError;

    fn from_str(name: &str) -> Result<Self, UnknownProviderPresetError> {
        Self::ALL.into_iter().find(|preset| preset.name() == name).ok_or(UnknownProviderPresetError)
    }
}

impl fmt::Display for ProviderPreset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
