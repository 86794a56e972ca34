//! What a sign-in provider is configured with.
//!
//! 1. A name is used once.
//! 2. An OpenID provider is named by its issuer: `https`, or `http` to a loopback host, without a
//!    query.
//! 3. Parameters of the operator cannot replace those of the protocol.
//! 4. What can only refuse every user is an error at the start, not at the first sign-in.

use std::{collections::BTreeSet, fmt};

use auth_core::{
    ClientId, Issuer, RoleName,
    openid::{AdmissionRules, ProviderName, RESERVED_PARAMETERS, RoleMapping},
};
use outbound::{Address, AddressError};
use secrecy::SecretString;

use super::ProviderPreset;

/// Another identity provider with which users sign in.
#[derive(Clone)]
pub struct SignInProvider {
    /// What it is called in paths, in the names of its users and in the log.
    pub name: ProviderName,
    /// What people call it: the text of its button.
    pub label: String,
    /// Which defaults it has.
    pub preset: ProviderPreset,
    /// What it speaks, and where it is.
    pub kind: ProviderKind,
    /// What this server is called there.
    pub client_id: ClientId,
    /// The secret of this server there; `None` for a public client.
    pub client_secret: Option<SecretString>,
    /// How the secret is sent.
    pub client_authentication: ClientAuthentication,
    /// The scopes that are requested. For OpenID Connect `openid` is one of them.
    pub scopes: Vec<String>,
    /// The claim that names the user: `sub`, unless the provider has a better one. Its values must
    /// be assigned by the provider, and never to another user.
    pub subject_claim: String,
    /// Who may sign in.
    pub rules: AdmissionRules,
    /// Which roles users get for their groups or roles there. Such a role is the provider's: it is
    /// given and taken at each sign-in.
    pub roles: RoleMapping,
    /// What becomes of a user who is not in the directory.
    pub unknown_users: UnknownUsers,
    /// `prompt` of the request, such as `select_account`.
    pub prompt: Option<String>,
    /// More parameters of the request, such as `domain_hint`.
    pub parameters: Vec<(String, String)>,
}

/// What a provider speaks, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderKind {
    /// OpenID Connect.
    OpenId {
        /// Its `iss`, byte for byte. Its endpoints are found by discovery.
        issuer: Issuer,
    },
    /// GitHub, or GitHub Enterprise Server.
    GitHub {
        /// Where users sign in: `https://github.com`.
        site: Address,
        /// The REST API: `https://api.github.com`, or `https://HOST/api/v3`.
        api: Address,
    },
}

/// How the client secret is sent to the token endpoint (RFC 6749 §2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuthentication {
    /// By HTTP Basic, unless the provider's metadata does not list that.
    #[default]
    Automatic,
    /// By HTTP Basic.
    Basic,
    /// In the body. GitHub takes it in no other way.
    Post,
}

/// What becomes of a user of a provider who is not in the directory.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum UnknownUsers {
    /// The user is refused until an operator adds it.
    #[default]
    Refuse,
    /// The user is added at its first sign-in, with these roles and those of the mapping.
    Provision {
        /// The roles.
        roles: BTreeSet<RoleName>,
    },
}

/// Why a provider cannot be used as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderConfigError {
    /// No issuer, where the preset has none.
    #[error("the issuer is missing: {0}")]
    IssuerMissing(&'static str),
    /// An issuer where there can be none.
    #[error("the preset {0} has an issuer of its own, and no other")]
    IssuerFixed(ProviderPreset),
    /// Rule 2.
    #[error("the issuer is not an address that can be used")]
    Issuer(#[source] AddressError),
    /// An issuer of Entra that is many tenants'.
    #[error(
        "the issuer names many tenants: write https://login.microsoftonline.com/TENANT-ID/v2.0, \
         one provider for each tenant"
    )]
    ManyTenants,
    /// Rule 1.
    #[error("two providers have the name {0}")]
    NameTwice(ProviderName),
    /// An empty text on the button.
    #[error("the label is empty")]
    Label,
    /// `openid` is not among the scopes.
    #[error("the scopes must have openid")]
    OpenIdScope,
    /// Something that is no scope.
    #[error("{0:?} is not a scope (RFC 6749 section 3.3)")]
    Scope(String),
    /// Rule 3.
    #[error("the parameter {0:?} is set by the sign-in itself")]
    Parameter(String),
    /// Rule 4: Entra does not verify addresses.
    #[error(
        "the preset entra has no verified email addresses, so allowed domains would refuse every \
         user: its issuer names the tenant already; require a claim such as groups instead"
    )]
    DomainsWithoutVerification,
    /// Rule 4: a mapping without a claim to read.
    #[error("roles are mapped, and no claim is named that has the groups or roles")]
    RolesFrom,
    /// Rule 4: a required claim without a value.
    #[error("the required claim {0:?} has no value that would do")]
    RequiredClaim(String),
    /// A GitHub app without a secret.
    #[error("the client secret is missing, without which GitHub exchanges no code")]
    SecretMissing,
}

impl SignInProvider {
    /// Every fault of this configuration.
    #[must_use]
    pub fn faults(&self) -> Vec<ProviderConfigError> {
        let mut faults = Vec::new();
        match &self.kind {
            ProviderKind::OpenId { issuer } => {
                faults.extend(check_issuer(issuer).err());
                if !self.scopes.iter().any(|scope| scope == "openid") {
                    faults.push(ProviderConfigError::OpenIdScope);
                }
            }
            ProviderKind::GitHub { .. } if self.client_secret.is_none() => {
                faults.push(ProviderConfigError::SecretMissing);
            }
            ProviderKind::GitHub { .. } => {}
        }
        if self.label.trim().is_empty() {
            faults.push(ProviderConfigError::Label);
        }
        let is_scope = |scope: &str| scope.parse::<auth_core::Scope>().is_ok();
        let scopes = self.scopes.iter().filter(|scope| !is_scope(scope));
        faults.extend(scopes.map(|scope| ProviderConfigError::Scope(scope.clone())));
        let names = self.parameters.iter().map(|(name, _)| name);
        let reserved = names.filter(|name| RESERVED_PARAMETERS.contains(&name.as_str()));
        faults.extend(reserved.map(|name| ProviderConfigError::Parameter(name.clone())));
        if self.preset == ProviderPreset::Entra && !self.rules.domains.is_empty() {
            faults.push(ProviderConfigError::DomainsWithoutVerification);
        }
        if !self.roles.map.is_empty() && self.roles.from.is_empty() {
            faults.push(ProviderConfigError::RolesFrom);
        }
        let required = self.rules.required.iter().filter(|claim| claim.values.is_empty());
        faults.extend(required.map(|it| ProviderConfigError::RequiredClaim(it.path.clone())));
        faults
    }

    /// Whether one of the claims is needed for a decision.
    pub(super) fn needs(&self, claim: &str) -> bool {
        self.decisive_claims().any(|decisive| decisive == claim)
    }

    /// The claims that decide something.
    pub(super) fn decisive_claims(&self) -> impl Iterator<Item = &str> {
        let roles = self.roles.from.iter().filter(|_| !self.roles.map.is_empty());
        let subject = Some(self.subject_claim.as_str());
        self.rules.claims().chain(roles.map(String::as_str)).chain(subject)
    }
}

/// Rule 2.
fn check_issuer(issuer: &Issuer) -> Result<(), ProviderConfigError> {
    let address: Address = issuer.as_str().parse().map_err(ProviderConfigError::Issuer)?;
    if address.url().query().is_some() {
        return Err(ProviderConfigError::Issuer(AddressError::ExtraParts));
    }
    let mut segments = address.url().path_segments().into_iter().flatten();
    let many = ["common", "organizations", "consumers"];
    if address.host() == "login.microsoftonline.com"
        && segments.next().is_some_and(|tenant| many.contains(&tenant))
    {
        return Err(ProviderConfigError::ManyTenants);
    }
    Ok(())
}

impl fmt::Debug for SignInProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SignInProvider({}, {:?}, as {}, ..)", self.name, self.kind, self.client_id)
    }
}

#[cfg(test)]
mod tests {
    use auth_core::openid::RequiredClaim;

    use super::*;

    fn provider() -> SignInProvider {
        let issuer = Some("https://idp.example".parse().unwrap());
        let (name, client_id) = ("idp".parse().unwrap(), "me".parse().unwrap());
        ProviderPreset::OpenId.provider(name, issuer, client_id).unwrap()
    }

    /// The faults after a change.
    fn faults(change: impl FnOnce(&mut SignInProvider)) -> Vec<ProviderConfigError> {
        let mut provider = provider();
        change(&mut provider);
        provider.faults()
    }

    #[test]
    fn a_provider_that_could_never_work_is_refused() {
        use ProviderConfigError as Fault;
        assert_eq!(provider().faults(), []);
        let github = ProviderKind::GitHub {
            site: "https://github.com".parse().unwrap(),
            api: "https://api.github.com".parse().unwrap(),
        };
        assert_eq!(faults(|it| it.kind = github), [Fault::SecretMissing]);
        assert_eq!(faults(|it| it.label = " ".into()), [Fault::Label]);
        assert_eq!(faults(|it| it.scopes = vec!["email".into()]), [Fault::OpenIdScope]);
        assert_eq!(faults(|it| it.scopes.push("a b".into())), [Fault::Scope("a b".into())]);
        for name in RESERVED_PARAMETERS {
            let found = faults(|it| it.parameters.push((name.into(), "x".into())));
            assert_eq!(found, [Fault::Parameter(name.into())]);
        }
        let found = faults(|it| {
            it.preset = ProviderPreset::Entra;
            it.rules.domains.insert("example.com".into());
        });
        assert_eq!(found, [Fault::DomainsWithoutVerification]);
        let role: RoleName = "user".parse().unwrap();
        let found = faults(|it| {
            it.roles.from.clear();
            it.roles.map.insert("dev".into(), [role].into());
        });
        assert_eq!(found, [Fault::RolesFrom]);
        let required = RequiredClaim { path: "hd".into(), values: BTreeSet::new() };
        let found = faults(|it| it.rules.required.push(required));
        assert_eq!(found, [Fault::RequiredClaim("hd".into())]);
    }

    #[test]
    fn an_issuer_is_one_address() {
        let found = |issuer: &str| {
            let issuer = issuer.parse().unwrap();
            faults(|it| it.kind = ProviderKind::OpenId { issuer })
        };
        assert_eq!(found("http://127.0.0.1:9/realms/a"), []);
        for bad in ["http://idp.example", "idp.example", "https://idp.example/?a=b"] {
            assert!(matches!(found(bad)[..], [ProviderConfigError::Issuer(_)]), "{bad}");
        }
        for many in ["common", "organizations", "consumers"] {
            let issuer = format!("https://login.microsoftonline.com/{many}/v2.0");
            assert_eq!(found(&issuer), [ProviderConfigError::ManyTenants]);
        }
        assert_eq!(found("https://login.microsoftonline.com/5f0c/v2.0"), []);
    }

    #[test]
    fn no_secret_is_shown() {
        let provider = SignInProvider { client_secret: Some("hush".into()), ..provider() };
        assert!(!format!("{provider:?}").contains("hush"));
    }
}
