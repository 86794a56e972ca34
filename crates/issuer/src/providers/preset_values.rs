//! What well-known providers need. `docs/sign-in-providers.md` says what must be set there.

use auth_core::{
    ClientId, Issuer,
    openid::{AdmissionRules, ProviderName, RoleMapping},
};

use super::{
    ClientAuthentication, ProviderConfigError, ProviderKind, ProviderPreset, SignInProvider,
    UnknownUsers,
};

impl ProviderPreset {
    /// What people call it.
    const fn label(self) -> Option<&'static str> {
        match self {
            Self::OpenId => None,
            Self::Google => Some("Google"),
            Self::Entra => Some("Microsoft"),
            Self::Okta => Some("Okta"),
            Self::Cognito => Some("Amazon Cognito"),
            Self::GitHub => Some("GitHub"),
            Self::Keycloak => Some("Keycloak"),
            Self::Auth0 => Some("Auth0"),
        }
    }

    /// What its issuer looks like; `None` if there is one for all.
    const fn issuer_form(self) -> Option<&'static str> {
        match self {
            Self::OpenId => Some("https://login.example"),
            Self::Entra => Some("https://login.microsoftonline.com/TENANT-ID/v2.0"),
            Self::Okta => Some("https://ORG.okta.com"),
            Self::Cognito => Some("https://cognito-idp.REGION.amazonaws.com/POOL-ID"),
            Self::Keycloak => Some("https://HOST/realms/REALM"),
            Self::Auth0 => Some("https://TENANT.eu.auth0.com/, with the slash"),
            Self::Google | Self::GitHub => None,
        }
    }

    /// Where groups or roles are.
    const fn roles_from(self) -> &'static [&'static str] {
        match self {
            Self::OpenId | Self::Okta => &["groups"],
            Self::Entra => &["roles"],
            Self::Cognito => &["cognito:groups"],
            Self::GitHub => &["teams"],
            Self::Keycloak => &["realm_access.roles"],
            // Google has none. At Auth0 an Action writes them under a name of its own.
            Self::Google | Self::Auth0 => &[],
        }
    }

    /// A provider of this kind that refuses unknown users. `issuer` is needed unless there is one
    /// for all users of the preset; for GitHub it is the address of an Enterprise Server.
    pub fn provider(
        self,
        name: ProviderName,
        issuer: Option<Issuer>,
        client_id: ClientId,
    ) -> Result<SignInProvider, ProviderConfigError> {
        let kind = self.kind(issuer)?;
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let scopes = match kind {
            ProviderKind::OpenId { .. } => owned(&["openid", "profile", "email"]),
            // What the rules need is added when the request is made.
            ProviderKind::GitHub { .. } => Vec::new(),
        };
        // People with several accounts choose one.
        let prompt = matches!(self, Self::Google | Self::Entra).then(|| "select_account".into());
        Ok(SignInProvider {
            label: self.label().map_or_else(|| name.to_string(), str::to_owned),
            name,
            preset: self,
            kind,
            client_id,
            client_secret: None,
            client_authentication: match self {
                // Its applications take the secret in the body alone, unless that was changed.
                Self::Auth0 => ClientAuthentication::Post,
                _ => ClientAuthentication::Automatic,
            },
            scopes,
            // Entra's `sub` is another one for each application; `oid` is what its portal shows.
            subject_claim: if self == Self::Entra { "oid" } else { "sub" }.into(),
            rules: AdmissionRules {
                domain_claim: (self == Self::Google).then(|| "hd".into()),
                ..AdmissionRules::default()
            },
            roles: RoleMapping { from: owned(self.roles_from()), ..RoleMapping::default() },
            unknown_users: UnknownUsers::Refuse,
            prompt,
            parameters: Vec::new(),
        })
    }

    fn kind(self, issuer: Option<Issuer>) -> Result<ProviderKind, ProviderConfigError> {
        let address = |text: &str| text.parse().map_err(ProviderConfigError::Issuer);
        match (self, issuer) {
            (Self::GitHub, None) => Ok(ProviderKind::GitHub {
                site: address("https://github.com")?,
                api: address("https://api.github.com")?,
            }),
            (Self::GitHub, Some(site)) => {
                let site = site.as_str().trim_end_matches('/');
                let api = address(&format!("{site}/api/v3"))?;
                Ok(ProviderKind::GitHub { site: address(site)?, api })
            }
            (Self::Google, None) => match "https://accounts.google.com".parse() {
                Ok(issuer) => Ok(ProviderKind::OpenId { issuer }),
                Err(_) => Err(ProviderConfigError::IssuerFixed(self)),
            },
            (Self::Google, Some(_)) => Err(ProviderConfigError::IssuerFixed(self)),
            (_, Some(issuer)) => Ok(ProviderKind::OpenId { issuer }),
            (_, None) => {
                let form = self.issuer_form().unwrap_or_default();
                Err(ProviderConfigError::IssuerMissing(form))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::UnknownProviderPresetError;

    fn made(
        preset: ProviderPreset,
        issuer: Option<&str>,
    ) -> Result<SignInProvider, ProviderConfigError> {
        let issuer = issuer.map(|text| text.parse().unwrap());
        preset.provider("p".parse().unwrap(), issuer, "me".parse().unwrap())
    }

    #[test]
    fn each_preset_needs_an_issuer_or_has_one() {
        for preset in ProviderPreset::ALL {
            assert_eq!(preset.name().parse(), Ok(preset));
            match preset.issuer_form() {
                None => assert!(made(preset, None).is_ok(), "{preset}"),
                Some(form) => {
                    let missing = made(preset, None).unwrap_err();
                    assert_eq!(missing, ProviderConfigError::IssuerMissing(form));
                    assert!(made(preset, Some("https://idp.example/a")).is_ok(), "{preset}");
                }
            }
        }
        let google = made(ProviderPreset::Google, Some("https://evil.example")).unwrap_err();
        assert_eq!(google, ProviderConfigError::IssuerFixed(ProviderPreset::Google));
        assert_eq!("x".parse::<ProviderPreset>(), Err(UnknownProviderPresetError));
    }

    #[test]
    fn presets_differ_in_what_providers_differ_in() {
        let entra = made(ProviderPreset::Entra, Some("https://login.microsoftonline.com/t/v2.0"));
        let entra = entra.unwrap();
        assert_eq!((entra.subject_claim.as_str(), entra.roles.from), ("oid", vec!["roles".into()]));
        let google = made(ProviderPreset::Google, None).unwrap();
        assert_eq!(google.rules.domain_claim.as_deref(), Some("hd"));
        let own = made(ProviderPreset::GitHub, Some("https://git.example/")).unwrap();
        let expected = ProviderKind::GitHub {
            site: "https://git.example".parse().unwrap(),
            api: "https://git.example/api/v3".parse().unwrap(),
        };
        assert_eq!(own.kind, expected);
    }
}
