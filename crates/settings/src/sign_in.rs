//! The settings of the authorization server: the section `[issuer]`.
//!
//! The sections `[sign_in.NAME]`, the identity providers with which users sign in, are read
//! elsewhere.

use std::{path::PathBuf, time::Duration};

use auth_core::{Issuer, ResourceUri, RoleName};

use crate::{Environment, Reader, Variable};

/// When the server is its own authorization server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInMode {
    /// If its issuer is on the origin of its resource, and its key is `JWT_SECRET`. A server that
    /// has public keys alone cannot issue tokens, and does not begin to by itself.
    Auto,
    /// It is.
    On,
    /// It is not.
    Off,
}

/// How clients may register themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RegistrationBounds {
    /// How many one address may register in a minute.
    pub per_minute: u32,
    /// How many are kept.
    pub most: u64,
}

/// The settings of the authorization server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignInSettings {
    /// When the server is its own authorization server.
    pub mode: SignInMode,
    /// The folder of the keys that sign.
    pub key_folder: PathBuf,
    /// How long access tokens are valid.
    pub access_lifetime: Duration,
    /// After how long without use a refresh token ends.
    pub refresh_idle: Duration,
    /// Whether users sign in with passwords and one-time codes.
    pub passwords: bool,
    /// The roles whose users need a second factor.
    pub second_factor_roles: Vec<RoleName>,
    /// How clients may register themselves; `None`: they may not.
    pub registration: Option<RegistrationBounds>,
    /// Whether a client may be known by its metadata document.
    pub client_documents: bool,
}

impl SignInSettings {
    /// Reads them. What is wrong is added to `faults`; the result is `None` then.
    #[must_use]
    pub fn resolve(environment: &Environment, faults: &mut Vec<String>) -> Option<Self> {
        let mut reader = Reader::new(environment, faults);
        let mode = reader.word(Variable::SignIn);
        let access = reader.number(Variable::AccessTokenMinutes);
        let idle = reader.number(Variable::RefreshIdleDays);
        let passwords = reader.is_on(Variable::SignInPasswords);
        let roles = roles(&mut reader, Variable::SecondFactorRoles);
        let registration = reader.is_on(Variable::ClientRegistration);
        let per_minute = reader.number(Variable::RegistrationsPerMinute);
        let most = reader.number(Variable::MaxRegisteredClients);
        let documents = reader.is_on(Variable::ClientDocuments);
        Some(Self {
            mode: match mode? {
                "on" => SignInMode::On,
                "off" => SignInMode::Off,
                _ => SignInMode::Auto,
            },
            key_folder: environment.get(Variable::SigningKeys).unwrap_or_default().into(),
            access_lifetime: Duration::from_mins(access?),
            refresh_idle: Duration::from_hours(idle?.saturating_mul(24)),
            passwords: passwords?,
            second_factor_roles: roles?,
            registration: {
                let per_minute = u32::try_from(per_minute?).unwrap_or(u32::MAX);
                let bounds = RegistrationBounds { per_minute, most: most? };
                registration?.then_some(bounds)
            },
            client_documents: documents?,
        })
    }

    /// Whether a server of this issuer and resource is its own authorization server; `has_secret`:
    /// its key is `JWT_SECRET`.
    #[must_use]
    pub fn is_on(&self, issuer: &Issuer, resource: &ResourceUri, has_secret: bool) -> bool {
        match self.mode {
            SignInMode::On => true,
            SignInMode::Off => false,
            SignInMode::Auto => has_secret && is_on_origin_of(issuer, resource),
        }
    }
}

/// Whether `issuer` is a URL in its canonical form, as a resource has to be, on the origin of
/// `resource`.
#[must_use]
pub fn is_on_origin_of(issuer: &Issuer, resource: &ResourceUri) -> bool {
    let issuer = issuer.as_str();
    let issuer = issuer.strip_suffix('/').unwrap_or(issuer).parse::<ResourceUri>();
    issuer.is_ok_and(|issuer| issuer.origin() == resource.origin())
}

/// Names of roles, with commas between.
fn roles(reader: &mut Reader<'_>, variable: Variable) -> Option<Vec<RoleName>> {
    let names = reader.text(variable).split(',').map(str::trim).filter(|name| !name.is_empty());
    let roles = names.map(str::parse).collect::<Result<_, _>>().ok();
    if roles.is_none() {
        reader.wrong(variable, "write names of roles, with commas between");
    }
    roles
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(pairs: &[(&str, &str)]) -> Result<SignInSettings, Vec<String>> {
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let mut faults = Vec::new();
        let found = SignInSettings::resolve(&Environment::from_pairs(pairs), &mut faults);
        found.ok_or(faults)
    }

    #[test]
    fn the_defaults_are_a_server_for_every_client() {
        let settings = resolved(&[]).unwrap();
        assert_eq!(settings.mode, SignInMode::Auto);
        assert_eq!(settings.key_folder, PathBuf::from("data/keys"));
        assert_eq!(settings.access_lifetime, Duration::from_mins(15));
        assert_eq!(settings.refresh_idle, Duration::from_hours(30 * 24));
        assert_eq!(
            settings.registration,
            Some(RegistrationBounds { per_minute: 20, most: 10_000 })
        );
        assert!(settings.client_documents && settings.passwords);
        assert!(settings.second_factor_roles.is_empty());
    }

    #[test]
    fn each_setting_counts() {
        let settings = resolved(&[
            ("SIGN_IN", "off"),
            ("ACCESS_TOKEN_MINUTES", "60"),
            ("REFRESH_IDLE_DAYS", "1"),
            ("SIGN_IN_PASSWORDS", "off"),
            ("SECOND_FACTOR_ROLES", "admin, user"),
            ("CLIENT_REGISTRATION", "off"),
            ("CLIENT_DOCUMENTS", "off"),
            ("SIGNING_KEYS", "/k"),
        ]);
        let settings = settings.unwrap();
        assert_eq!(settings.mode, SignInMode::Off);
        assert_eq!(settings.access_lifetime, Duration::from_hours(1));
        assert_eq!(settings.refresh_idle, Duration::from_hours(24));
        assert_eq!((settings.registration, settings.client_documents), (None, false));
        assert!(!settings.passwords);
        assert_eq!(settings.second_factor_roles.len(), 2);
        assert_eq!(settings.key_folder, PathBuf::from("/k"));
    }

    #[test]
    fn all_that_is_wrong_is_reported_together() {
        let faults = resolved(&[
            ("SIGN_IN", "yes"),
            ("ACCESS_TOKEN_MINUTES", "5"),
            ("REFRESH_IDLE_DAYS", "366"),
            ("SIGN_IN_PASSWORDS", "sms"),
            ("SECOND_FACTOR_ROLES", "\u{1}"),
            ("CLIENT_REGISTRATION", "x"),
            ("REGISTRATIONS_PER_MINUTE", "0"),
            ("MAX_REGISTERED_CLIENTS", "-1"),
            ("CLIENT_DOCUMENTS", "x"),
        ]);
        let faults = faults.unwrap_err();
        assert_eq!(faults.len(), 9, "{faults:#?}");
        assert_eq!(faults[0], "SIGN_IN \"yes\": write auto or on or off");
        assert_eq!(faults[1], "ACCESS_TOKEN_MINUTES \"5\": write a whole number from 6 to 60");
    }

    #[test]
    fn a_server_issues_by_itself_only_where_it_has_the_secret_and_the_origin() {
        let resource: ResourceUri = "https://mcp.example/mcp".parse().unwrap();
        let settings = |mode| resolved(&[("SIGN_IN", mode)]).unwrap();
        let is_on = |mode, issuer: &str, has_secret| {
            settings(mode).is_on(&issuer.parse().unwrap(), &resource, has_secret)
        };
        assert!(is_on("auto", "https://mcp.example", true));
        assert!(is_on("auto", "https://mcp.example/", true));
        assert!(is_on("auto", "https://mcp.example/issuer", true));
        for (issuer, has_secret) in [
            ("https://mcp.example", false),
            ("https://mcp.example:8443", true),
            ("http://mcp.example", true),
            ("https://MCP.example", true),
            ("https://login.example", true),
            ("https://mcp.example.evil.example", true),
        ] {
            assert!(!is_on("auto", issuer, has_secret), "{issuer}");
            assert!(is_on("on", issuer, has_secret), "{issuer}");
        }
        assert!(!is_on("off", "https://mcp.example", true));
    }
}
