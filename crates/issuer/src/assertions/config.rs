//! What a provider of assertions is configured with.

use auth_core::{
    Issuer,
    openid::{AdmissionRules, ProviderName, RoleMapping},
};

use crate::providers::UnknownUsers;

/// An issuer whose assertions are exchanged for access tokens.
#[derive(Debug, Clone)]
pub struct AssertionProvider {
    /// What it is called here: a part of its users' names. Where users sign in through the same
    /// identity provider, give it the same name here, and they are the same users.
    pub name: ProviderName,
    /// Its `iss`, byte for byte.
    pub issuer: Issuer,
    /// Where its keys are.
    pub keys: AssertionKeys,
    /// What its assertions say.
    pub kind: AssertionKind,
    /// Whether an assertion may be exchanged more than once until it expires: for workloads whose
    /// platform renews their JWT at its own pace. An ID-JAG never may.
    pub is_reusable: bool,
    /// Who is admitted.
    pub rules: AdmissionRules,
    /// Which roles its subjects get for their groups or roles there. Such a role is the provider's:
    /// it is given and taken with each assertion.
    pub roles: RoleMapping,
    /// What becomes of a subject who is not in the directory.
    pub unknown_users: UnknownUsers,
}

/// Where the keys of an [`AssertionProvider`] are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AssertionKeys {
    /// At the `jwks_uri` of its metadata (RFC 8414, OpenID Connect Discovery).
    Discover,
    /// At this address: `https`, or `http` to a loopback host.
    Url(String),
}

/// What an assertion says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionKind {
    /// Which user the client that sends it may act for: an ID-JAG of an identity provider.
    IdJag,
    /// Which workload sends it: a JWT of a platform, such as a service account's.
    Workload,
}

/// Why a provider of assertions cannot be used as it is configured.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AssertionProviderError {
    /// Two providers with one `iss`: an assertion names its provider by that alone.
    #[error("two providers of assertions have the issuer {0}")]
    IssuerTwice(Issuer),
    /// Two providers with one name: their users would be the same.
    #[error("two providers of assertions have the name {0}")]
    NameTwice(ProviderName),
    /// The address of the keys, or the issuer whose metadata names it.
    #[error("{0} is not an address that can be used")]
    Address(String, #[source] outbound::AddressError),
    /// An ID-JAG is used once.
    #[error("an ID-JAG is used once: reusable assertions are for workloads")]
    Reusable,
    /// Anyone who has an account at the platform would be a user here.
    #[error("every subject would become a user here: require a claim, or add the users yourself")]
    AdmitsEveryWorkload,
}

impl AssertionProvider {
    /// The provider `issuer`, called `name` here: its keys are discovered, each assertion counts
    /// once, and its subjects must be users here.
    #[must_use]
    pub fn new(name: ProviderName, issuer: Issuer, kind: AssertionKind) -> Self {
        Self {
            name,
            issuer,
            keys: AssertionKeys::Discover,
            kind,
            is_reusable: false,
            rules: AdmissionRules::default(),
            roles: RoleMapping::default(),
            unknown_users: UnknownUsers::Refuse,
        }
    }

    /// Every fault of these providers.
    #[must_use]
    pub fn faults(providers: &[Self]) -> Vec<AssertionProviderError> {
        let mut faults = Vec::new();
        for (place, provider) in providers.iter().enumerate() {
            let mut earlier = providers.iter().take(place);
            if earlier.clone().any(|other| other.issuer == provider.issuer) {
                faults.push(AssertionProviderError::IssuerTwice(provider.issuer.clone()));
            }
            if earlier.any(|other| other.name == provider.name) {
                faults.push(AssertionProviderError::NameTwice(provider.name.clone()));
            }
            faults.extend(provider.own_faults());
        }
        faults
    }

    fn own_faults(&self) -> Vec<AssertionProviderError> {
        let mut faults = Vec::new();
        let address = match &self.keys {
            AssertionKeys::Discover => self.issuer.as_str(),
            AssertionKeys::Url(url) => url,
        };
        if let Err(fault) = address.parse::<outbound::Address>() {
            faults.push(AssertionProviderError::Address(address.to_owned(), fault));
        }
        if self.is_reusable && self.kind == AssertionKind::IdJag {
            faults.push(AssertionProviderError::Reusable);
        }
        let admits_all = self.rules.required.is_empty() && self.rules.domains.is_empty();
        let adds_all = matches!(self.unknown_users, UnknownUsers::Provision { .. });
        if self.kind == AssertionKind::Workload && adds_all && admits_all {
            faults.push(AssertionProviderError::AdmitsEveryWorkload);
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use auth_core::openid::RequiredClaim;

    use super::*;

    fn provider(name: &str, issuer: &str, kind: AssertionKind) -> AssertionProvider {
        AssertionProvider::new(name.parse().unwrap(), issuer.parse().unwrap(), kind)
    }

    #[test]
    fn each_provider_has_a_name_and_an_issuer_of_its_own() {
        let one = provider("a", "https://a.example", AssertionKind::IdJag);
        let other = provider("b", "https://b.example", AssertionKind::Workload);
        assert_eq!(AssertionProvider::faults(&[one.clone(), other.clone()]), []);
        let same_name = AssertionProvider { name: one.name.clone(), ..other.clone() };
        let found = AssertionProvider::faults(&[one.clone(), same_name]);
        assert_eq!(found, [AssertionProviderError::NameTwice(one.name.clone())]);
        let same_issuer = AssertionProvider { issuer: one.issuer.clone(), ..other };
        let faults = AssertionProvider::faults(&[one.clone(), same_issuer]);
        assert_eq!(faults, [AssertionProviderError::IssuerTwice(one.issuer)]);
    }

    #[test]
    fn what_would_be_unsafe_is_a_fault() {
        let id_jag = provider("a", "https://a.example", AssertionKind::IdJag);
        let reusable = AssertionProvider { is_reusable: true, ..id_jag };
        assert_eq!(AssertionProvider::faults(&[reusable]), [AssertionProviderError::Reusable]);
        for (issuer, keys) in [
            ("http://a.example", AssertionKeys::Discover),
            ("accounts.example", AssertionKeys::Discover),
            ("https://a.example", AssertionKeys::Url("http://a.example/keys".into())),
        ] {
            let plain = provider("a", issuer, AssertionKind::Workload);
            let faults = AssertionProvider::faults(&[AssertionProvider { keys, ..plain }]);
            assert!(matches!(faults[..], [AssertionProviderError::Address(..)]), "{issuer}");
        }
        let elsewhere = AssertionKeys::Url("https://a.example/keys".into());
        let named = provider("a", "accounts.example", AssertionKind::Workload);
        let named = AssertionProvider { keys: elsewhere, ..named };
        assert_eq!(AssertionProvider::faults(&[named]), []);
    }

    #[test]
    fn a_platform_that_anyone_can_use_does_not_add_users() {
        let platform = provider("a", "https://a.example", AssertionKind::Workload);
        let roles = BTreeSet::from(["user".parse().unwrap()]);
        let open =
            AssertionProvider { unknown_users: UnknownUsers::Provision { roles }, ..platform };
        let found = AssertionProvider::faults(std::slice::from_ref(&open));
        assert_eq!(found, [AssertionProviderError::AdmitsEveryWorkload]);
        let values = BTreeSet::from(["our-organization".to_owned()]);
        let required = vec![RequiredClaim { path: "repository_owner".into(), values }];
        let limited = AdmissionRules { required, ..AdmissionRules::default() };
        let closed = AssertionProvider { rules: limited, ..open };
        assert_eq!(AssertionProvider::faults(&[closed]), []);
    }
}
