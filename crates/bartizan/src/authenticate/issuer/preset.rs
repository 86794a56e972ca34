//! What the tokens of well-known providers look like. `docs/issuers.md` says what must be set
//! there.

use std::{fmt, str::FromStr};

use auth_core::{Issuer, KeySet, TokenTypes, TrustedIssuer};

use super::{AddressError, IssuerClient, Keyring, Location, Trust};

/// The kind of provider that an issuer is: where its tokens carry type, audience, scopes and roles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Preset {
    /// As RFC 9068 has it.
    Rfc9068,
    /// Microsoft Entra ID.
    Entra,
    /// Auth0.
    Auth0,
    /// Keycloak: roles are those of the realm.
    Keycloak,
    /// Okta: roles are groups.
    Okta,
    /// Google's ID tokens of service accounts, which have neither scopes nor roles.
    Google,
    /// Amazon Cognito: the audience is the client, roles are groups.
    Cognito,
    /// authentik: roles are groups.
    Authentik,
}

/// A name that no preset has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("known presets: {}", Preset::ALL.map(Preset::name).join(", "))]
pub struct UnknownPresetError;

impl Preset {
    /// Those that have a name of their own.
    pub const ALL: [Self; 7] = [
        Self::Entra,
        Self::Auth0,
        Self::Keycloak,
        Self::Okta,
        Self::Google,
        Self::Cognito,
        Self::Authentik,
    ];

    /// Its name in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rfc9068 => "rfc9068",
            Self::Entra => "entra",
            Self::Auth0 => "auth0",
            Self::Keycloak => "keycloak",
            Self::Okta => "okta",
            Self::Google => "google",
            Self::Cognito => "cognito",
            Self::Authentik => "authentik",
        }
    }

    /// Which types of tokens it issues.
    #[must_use]
    pub const fn token_types(self) -> TokenTypes {
        match self {
            Self::Rfc9068 => TokenTypes::AccessToken,
            // The header has no `typ`.
            Self::Okta | Self::Cognito => TokenTypes::Any,
            _ => TokenTypes::AccessTokenOrJwt,
        }
    }

    /// The claim that names the audience.
    #[must_use]
    pub const fn audience_claim(self) -> &'static str {
        // There is no `aud` without resource binding.
        if matches!(self, Self::Cognito) { "client_id" } else { "aud" }
    }

    /// The claims that hold scopes; `None` for `scope`, as RFC 9068 has it.
    #[must_use]
    pub const fn scopes_from(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Entra | Self::Okta => Some(&["scp"]),
            Self::Auth0 => Some(&["scope", "permissions"]),
            Self::Google => Some(&[]),
            Self::Rfc9068 | Self::Keycloak | Self::Cognito | Self::Authentik => None,
        }
    }

    /// The claims that hold roles.
    #[must_use]
    pub const fn roles_from(self) -> &'static [&'static str] {
        match self {
            Self::Rfc9068 | Self::Entra => &["roles"],
            // Auth0 has none but those that an Action writes under a name of its own.
            Self::Auth0 | Self::Google => &[],
            Self::Keycloak => &["realm_access.roles"],
            Self::Okta | Self::Authentik => &["groups"],
            Self::Cognito => &["cognito:groups"],
        }
    }

    /// An issuer of this kind with these keys.
    #[must_use]
    pub fn issuer(self, issuer: Issuer, keys: KeySet) -> TrustedIssuer {
        let own = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let trusted = TrustedIssuer::new(issuer, keys)
            .token_types(self.token_types())
            .audience_claim(self.audience_claim())
            .roles_from(own(self.roles_from()));
        match self.scopes_from() {
            Some(names) => trusted.scopes_from(own(names)),
            None => trusted,
        }
    }

    /// An issuer of this kind whose keys are found through its metadata (OpenID Connect Discovery
    /// 1.0, RFC 8414). An error if its name is no address that `client` may ask.
    pub fn discover(self, client: &IssuerClient, issuer: Issuer) -> Result<Trust, AddressError> {
        let keyring = Keyring::new(client, &issuer, Location::Discover)?;
        Ok(Trust::new(self.issuer(issuer, KeySet::default())).keyring(keyring))
    }
}

impl FromStr for Preset {
    type Err = UnknownPresetError;

    fn from_str(name: &str) -> Result<Self, UnknownPresetError> {
        Self::ALL.into_iter().find(|preset| preset.name() == name).ok_or(UnknownPresetError)
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
